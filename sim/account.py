"""Every frame accounted for: what was sent is what was delivered plus counted causes, on each leg of its way.

A leg is a stretch whose two ends count frames independently; what its causes do not explain is `lost`. The card's
causes come from its RB_* window (read without side effect), the driver's from `counters`; the testbed adds the stack's.
Take the account at rest: what is in flight would look lost.

A frame that rides in the card when it is reset is in RB_RXFLUSH or RB_TXFLUSH, which count in whole frames what the
card had begun with and did not finish; one still on the ring, untouched, is in the driver's `tx_reset`. A frame whose
data met a bus error is one of those: the queue stops there, and the reset that starts it again flushes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ringbed.hw.formats import em
from ringbed.sim.host import Host
from ringbed.sim.link_faults import FaultyEnd

__all__ = ["Leg", "card_count", "driver_legs", "link_legs", "lost", "wire_leg"]

RX_CAUSES = ("RB_RXOFF", "RB_RXCRC", "RB_RXRUNT", "RB_RXGIANT", "RB_RXFILTER", "RB_RXMISS", "RB_RXFLUSH")
TX_CAUSES = ("RB_TXNULL", "RB_TXLONG", "RB_TXTSE", "RB_TXMIX", "RB_TXFLUSH")


@dataclass(frozen=True, slots=True)
class Leg:
    """`sent` + `doubled` = `delivered` + the sum of `causes` + `lost`."""

    name: str
    sent: int
    delivered: int
    causes: dict[str, int] = field(default_factory=dict)
    doubled: int = 0

    @property
    def lost(self) -> int:
        """Frames nobody accounts for; negative when something was counted twice."""
        return self.sent + self.doubled - self.delivered - sum(self.causes.values())

    def __str__(self) -> str:
        counted = "".join(f", {name} {count}" for name, count in self.causes.items() if count)
        doubled = f", doubled {self.doubled}" if self.doubled else ""
        return f"{self.name}: sent {self.sent}{doubled}, delivered {self.delivered}{counted}, lost {self.lost}"


def card_count(host: Host[Any], name: str) -> int:
    """One of the card's RB_* counters, by a read without side effect."""
    return host.device.peek(0, em.REGISTERS[name].offset)


def driver_legs(host: Host[Any]) -> list[Leg]:
    """Up: from the receive wire to what the driver handed on. Down: from what the driver took to the transmit wire."""
    counters = host.driver.counters()
    up = {name: card_count(host, name) for name in RX_CAUSES}
    up |= {name: counters[name] for name in host.driver.RX_DROPS}
    down = {name: counters[name] for name in host.driver.TX_DROPS}
    down |= {name: card_count(host, name) for name in TX_CAUSES}
    refused = sum(counters[name] for name in host.driver.TX_DROPS if name != "tx_reset")
    return [
        Leg(f"{host.name} wire to driver", card_count(host, "RB_RXWIRE"), counters["rx_frames"], up),
        Leg(f"{host.name} driver to wire", counters["tx_frames"] + refused, card_count(host, "RB_TXWIRE"), down),
    ]


def wire_leg(host: Host[Any], sent: int, **card: int) -> Leg:
    """Of a card that has no RB_* window: `sent` frames on its receive wire, to what the driver handed on.

    Its causes: what was dropped before it as a MAC would (`EngineStats.dropped`), the card's own, given as `card`, and
    the driver's.
    """
    counters = host.driver.counters()
    drops = {name: counters[name] for name in host.driver.RX_DROPS}
    return Leg(f"{host.name} wire to driver", sent, counters["rx_frames"], host.engine.stats().dropped | card | drops)


def link_legs(host: Host[Any], end: FaultyEnd) -> list[Leg]:
    """A link with faults, `end` made before the first frame: to the receive wire, and from the transmit wire on."""
    rx, tx = end.rx, end.tx
    arrived, left = card_count(host, "RB_RXWIRE"), card_count(host, "RB_TXWIRE")
    swallowed = [{"dropped by the link": way.dropped, "held by the link": way.held} for way in (rx, tx)]
    return [
        Leg(f"{end.name} link to wire", rx.offered, arrived, swallowed[0], rx.duplicated),
        Leg(f"{end.name} wire to link", left, tx.passed, swallowed[1], tx.duplicated),
    ]


def lost(legs: Iterable[Leg]) -> int:
    """Frames nobody accounts for, on all legs."""
    return sum(abs(leg.lost) for leg in legs)
