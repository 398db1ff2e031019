"""The driver `Em` with one thing of it replaced by what a driver may not do, for as long as somebody has it so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ringbed.benchmarks.planted.traffic import TCP, traffic, udp
from ringbed.drivers.em.driver import Em
from ringbed.drivers.em.life import EmLife
from ringbed.drivers.em.ring import rx, tx
from ringbed.drivers.em.ring.descriptors import TxDescriptors
from ringbed.drivers.em.ring.memory import RingMemory
from ringbed.drivers.em.ring.offload import Context, build_segmentation
from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import Segmentation, TxFrame, Verdict
from ringbed.sim.testbed.host import Collector, Host

__all__ = ["FAULTS_OF_EM", "FEATURES", "message", "planted_over_em", "work"]

HEADERS, MSS = 14 + 20 + 20, 500
PAYLEN, HDRLEN = 1, 1 << 40  # of a context's second word
FEATURES = Features(rx_checksum=True, tx_checksum=True, tso=True, vlan_strip=True, vlan_insert=True)


class Patch:
    """Attributes of others, replaced."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def setattr(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def undo(self) -> None:
        while self._before:
            setattr(*self._before.pop())


Planting = Callable[[Patch], None]


@contextmanager
def planted_over_em(name: str) -> Iterator[str]:
    """`Em` has the fault of this name meanwhile; gives the rule that it breaks."""
    rule, plant = FAULTS_OF_EM[name]
    patch = Patch()
    plant(patch)
    try:
        yield rule
    finally:
        patch.undo()


# ---- what it is asked ----


def message(number: int, tag: int | None = None) -> TxFrame:
    """To be cut in four."""
    data = udp(4 * MSS - number, number, received=False, protocol=TCP)
    return TxFrame([data], vlan=tag, segmentation=Segmentation(MSS, HEADERS))


def work(host: Host[Collector]) -> None:
    traffic(host, 12)
    for number in range(4):
        host.driver.transmit(0, [message(number), TxFrame([bytes(range(60))])])
        host.advance(host.now + 100_000)


# ---- the faults ----


def _segmentation(change: int) -> Planting:
    def wrong(*args: Any) -> Context | None:
        context = build_segmentation(*args)
        return None if context is None else replace(context, high=context.high + change)

    return lambda patch: patch.setattr(tx, "build_segmentation", wrong)


def _first_context(patch: Patch) -> None:
    right = tx.TxRing._context

    def first(self: Any, frame: TxFrame) -> Context | None:
        self._contexts = self._contexts or {None: right(self, frame)}
        kept: Context | None = next(iter(self._contexts.values()))
        return kept

    patch.setattr(tx.TxRing, "_context", first)


def _back_at_once(patch: Patch) -> None:
    """Buffers are given back behind the doorbell."""
    right = tx.TxRing.send

    def send(self: Any, frames: Any) -> int:
        taken = right(self, frames)
        for group in self._groups:
            while group.buffers:
                self._dma.unmap(group.buffers.pop())
        return taken

    patch.setattr(tx.TxRing, "send", send)


def _whole_ring(patch: Patch) -> None:
    right = RingMemory.program
    patch.setattr(RingMemory, "program", lambda self, hardware, tail: right(self, hardware, tail and tail + 1))


FAULTS_OF_EM: dict[str, tuple[str, Planting]] = {
    "PAYLEN with the header": ("tx.payload", _segmentation(PAYLEN * HEADERS)),
    "PAYLEN one short": ("tx.payload", _segmentation(-PAYLEN)),
    "HDRLEN of a header with options": ("tx.header", _segmentation(HDRLEN * 4)),
    "a context kept": ("tx.stale_context", _first_context),
    "no context for messages": ("tx.no_context", lambda patch: patch.setattr(tx.TxRing, "_empty", _no_message_context)),
    "buffers back behind the bell": ("dma.early_unmap", _back_at_once),
    "tail one too far": ("ring.tail_outside", _whole_ring),
    "no reset at down": ("dma.early_unmap", lambda patch: patch.setattr(EmLife, "_reset", lambda self: None)),
    "receive on at down": ("down.on", lambda patch: patch.setattr(EmLife, "_set_link", _left_on)),
    "every sum good": ("rx.verdict", lambda patch: patch.setattr(rx, "_verdict", lambda word: Verdict.L4_GOOD)),
    "status kept": ("ring.done_set", lambda patch: patch.setattr(rx.RxRing, "take", _keeps_status)),
    "ICR is not read": ("irq.unacknowledged", lambda patch: patch.setattr(Em, "interrupt", lambda self, _: None)),
}  # fmt: skip


class Same:
    """Whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def _no_message_context(self: Any) -> None:
    TxDescriptors._empty(self)
    self._loaded = [None, Same()]


def _left_on(self: Any, up: bool) -> None:
    self.link = up
    if not self.running:
        self.hardware.write("RCTL", 2)


def _keeps_status(self: Any) -> list[Any]:
    """Gives every done descriptor back as it is."""
    while self._words[2 * self._next + 1] & rx.DONE and self._next < 5:
        self._words[2 * self._next] ^= 1 << 4
        self._next += 1
    return []
