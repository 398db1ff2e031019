"""Experiments on an `em` card by registers and rings alone, each a small question with a small answer.

They are asked of our RTL and of QEMU's e1000 (`test_em_against_qemu.py`), so an experiment uses nothing private to
either: no RB_ register, no finding, no clock. A function's name is the question's id, its only argument the card. The
questions are in `em_ask_*.py`; here is what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import CAUSE, Card, fcs, on_wire

__all__ = ["EXPERIMENTS", "Experiment", "causes", "context", "experiment", "received", "sent", "status"]


@dataclass(frozen=True)
class Experiment:
    """`options` are the card's (`em_bench.Card`)."""

    ask: Callable[[Card], Any]
    options: dict[str, Any]


EXPERIMENTS: dict[str, Experiment] = {}


def experiment(**options: Any) -> Callable[[Callable[[Card], Any]], Callable[[Card], Any]]:
    def register(ask: Callable[[Card], Any]) -> Callable[[Card], Any]:
        EXPERIMENTS[ask.__name__] = Experiment(ask, options)
        return ask

    return register


# ---- helpers ----


def sent(card: Card, *descriptors: Sequence[bytes]) -> list[bytes]:
    """What leaves for these descriptors, as bare frames; '' instead when the FCS is not theirs."""
    card.push([each for group in descriptors for each in group])
    card.settle()
    frames = [wire[:-4] if fcs(wire[:-4]) == wire else b"bad fcs" for wire in card.sent()]
    card.reclaim()
    return frames


def received(card: Card, *frames: bytes, post: int | None = None) -> list[bytes]:
    """What is stored of these wire frames."""
    card.post(post)
    card.get("STATUS")  # writes are posted: the frames meet a card that knows of them
    card.arrive(*frames)
    card.settle()
    return [each.data for each in card.harvest()]


def status(card: Card, packet: bytes) -> str:
    """The names set in the status and error bytes of the packet's descriptor."""
    card.post()
    card.get("STATUS")
    card.arrive(on_wire(packet))
    card.settle()
    [found] = card.harvest()
    bits = ("IXSM", "VP", "TCPCS", "IPCS", "PIF", "CE", "TCPE", "IPE", "RXE")
    return " ".join(name for name in bits if found.last[name])


def causes(card: Card) -> str:
    """Causes latched, by name; reading clears them."""
    value = card.get("ICR")
    return " ".join(name for name, mask in CAUSE.items() if value & mask)


def context(l4: int, at: int, tcp: bool, ipv4: bool = True, **fields: int) -> bytes:
    values = {"IPCSS": 14, "IPCSO": 24, "IPCSE": l4 - 1, "TUCSS": l4, "TUCSO": at, "TCP": int(tcp), "IP": int(ipv4)}
    return em.TX_CONTEXT.encode(**(values | {"DEXT": 1} | fields))
