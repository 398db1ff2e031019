"""The same over `Em`: one thing of it is replaced by what a driver may not do; and what only `Em` does, clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from ringbed.drivers.em.driver import Em
from ringbed.drivers.em.life import EmLife
from ringbed.drivers.em.ring import rx, tx
from ringbed.drivers.em.ring.descriptors import TxDescriptors
from ringbed.drivers.em.ring.memory import RingMemory
from ringbed.drivers.em.ring.offload import Context, build_segmentation
from ringbed.drivers.ethtool import Features, RingSizes
from ringbed.drivers.world import Segmentation, TxFrame, Verdict
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector, Host
from tests.sim.checker.planted import TCP, traffic, udp

pytestmark = pytest.mark.needs("native")

HEADERS, MSS = 14 + 20 + 20, 500
PAYLEN, HDRLEN = 1, 1 << 40  # of a context's second word
Patch = Callable[[pytest.MonkeyPatch], None]
FEATURES = Features(rx_checksum=True, tx_checksum=True, tso=True, vlan_strip=True, vlan_insert=True)


def message(number: int, tag: int | None = None) -> TxFrame:
    """To be cut in four."""
    data = udp(4 * MSS - number, number, received=False, protocol=TCP)
    return TxFrame([data], vlan=tag, segmentation=Segmentation(MSS, HEADERS))


@contextmanager
def up(**options: Any) -> Iterator[Host[Collector]]:
    host = open_host("em0", Collector(), checker=True, engine="native", driver_options=options)
    try:
        host.up()
        host.advance(host.now + 3_000_000)
        yield host
    finally:
        host.engine.close()


def work(host: Host[Collector]) -> None:
    traffic(host, 12)
    for number in range(4):
        host.driver.transmit(0, [message(number), TxFrame([bytes(range(60))])])
        host.advance(host.now + 100_000)


def rules(host: Host[Collector]) -> list[str]:
    return [each.rule for each in host.findings() if isinstance(each, DriverFinding)]


# ---- clean ----


@pytest.mark.parametrize("workarounds", [(), ("descriptor_4k", "tso_tail")])
def test_messages_tags_and_other_settings_are_clean(workarounds: tuple[str, ...]) -> None:
    with up(features=FEATURES, workarounds=workarounds) as host:
        work(host)
        host.driver.transmit(0, [message(1, tag=42), TxFrame([bytes(range(60))], vlan=7)])
        host.driver.ethtool.set_rings(RingSizes(64, 32))
        work(host)
        host.driver.set_promiscuous(True)
        host.driver.ethtool.set_features(Features())
        host.advance(host.now + 1_500_000_000)  # the watchdog
        host.down()
        host.up()
        assert all(check.passed for check in host.driver.ethtool.self_test())
        host.down()
        assert rules(host) == []


def test_a_reset_with_work_in_flight_is_clean() -> None:
    """All that the card has is the driver's again."""
    with up() as host:
        for _ in range(3):
            host.driver.transmit(0, [message(number) for number in range(8)])
            host.down()
            host.up()
            host.advance(host.now + 3_000_000)
        host.down()
        assert rules(host) == []


# ---- with a fault ----


def _segmentation(change: int) -> Patch:
    def wrong(*args: Any) -> Context | None:
        context = build_segmentation(*args)
        return None if context is None else replace(context, high=context.high + change)

    return lambda patch: patch.setattr(tx, "build_segmentation", wrong)


def _first_context(patch: pytest.MonkeyPatch) -> None:
    right = tx.TxRing._context

    def first(self: Any, frame: TxFrame) -> Context | None:
        self._contexts = self._contexts or {None: right(self, frame)}
        kept: Context | None = next(iter(self._contexts.values()))
        return kept

    patch.setattr(tx.TxRing, "_context", first)


def _back_at_once(patch: pytest.MonkeyPatch) -> None:
    """Buffers are given back behind the doorbell."""
    right = tx.TxRing.send

    def send(self: Any, frames: Any) -> int:
        taken = right(self, frames)
        for group in self._groups:
            while group.buffers:
                self._dma.unmap(group.buffers.pop())
        return taken

    patch.setattr(tx.TxRing, "send", send)


def _whole_ring(patch: pytest.MonkeyPatch) -> None:
    right = RingMemory.program
    patch.setattr(RingMemory, "program", lambda self, hardware, tail: right(self, hardware, tail and tail + 1))


FAULTS: dict[str, tuple[str, Patch]] = {
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


def _tags_without_asking(driver: Any) -> None:
    driver.rings.tx.tagging = True


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_em_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, patch = FAULTS[name]
    patch(monkeypatch)
    with up(features=FEATURES) as host:
        with suppress(Exception):  # of a driver that was misled
            work(host)
            host.down()
        assert rules(host)[0] == rule


@pytest.mark.parametrize(
    ("rule", "does"),
    [
        ("register.live", lambda driver: driver.hardware.write("RXDCTL", 1 << 16)),
        ("ring.live", lambda driver: driver.hardware.write("RDLEN", 128)),
        ("register.reserved", lambda driver: driver.hardware.write("TCTL", 1)),
        ("tx.untagged", _tags_without_asking),
    ],
)
def test_a_setting_that_may_not_be(rule: str, does: Callable[[Any], None]) -> None:
    with up() as host:
        does(host.driver)
        if rule == "tx.untagged":
            host.driver.transmit(0, [TxFrame([bytes(range(60))], vlan=7)])
            host.advance(host.now + 50_000)
        assert rules(host) == [rule]
