"""Every frame accounted for: what was sent is what was delivered plus counted causes, on each leg of its way.

A leg is a stretch whose two ends count frames independently; what its causes do not explain is `lost`. The card's
causes come from its RB_* window (read without side effect), the driver's from `counters`; the testbed adds the stack's.
Take the account at rest: what is in flight would look lost.

Only `em` has that window. Of any other card the wire is counted, by its engine, and the driver counts; what the card
itself did in between it can tell its driver alone. A frame that neither has a cause for is lost, or the card dropped it
and kept that to itself: the leg says both.

A frame that rides in the card when it is reset is in RB_RXFLUSH or RB_TXFLUSH, which count in whole frames what the
card had begun with and did not finish; one still on the ring, untouched, is in the driver's `tx_reset`. A frame whose
data met a bus error is one of those: the queue stops there, and the reset that starts it again flushes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.hw.formats import em
from ringbed.sim.seam.engine import EngineClosed
from ringbed.sim.testbed.host import Host
from ringbed.sim.wire.link_faults import FaultyEnd

__all__ = ["Leg", "card_count", "driver_legs", "link_legs", "lost"]

UNSEEN = "the card, which cannot be asked"

RX_CAUSES = ("RB_RXOFF", "RB_RXCRC", "RB_RXRUNT", "RB_RXGIANT", "RB_RXFILTER", "RB_RXMISS", "RB_RXFLUSH")
TX_CAUSES = ("RB_TXNULL", "RB_TXLONG", "RB_TXTSE", "RB_TXMIX", "RB_TXFLUSH")


@dataclass(frozen=True, slots=True)
class Leg:
    """`sent` + `doubled` = `delivered` + the sum of `causes` + `lost`.

    `unseen` is who may have dropped what is lost, with nobody to tell of it.
    """

    name: str
    sent: int
    delivered: int
    causes: dict[str, int] = field(default_factory=dict)
    doubled: int = 0
    unseen: str = ""

    @property
    def lost(self) -> int:
        """Frames nobody accounts for; negative when something was counted twice."""
        return self.sent + self.doubled - self.delivered - sum(self.causes.values())

    def __str__(self) -> str:
        counted = "".join(f", {name} {count}" for name, count in self.causes.items() if count)
        doubled = f", doubled {self.doubled}" if self.doubled else ""
        unseen = f" or dropped by {self.unseen}" if self.lost > 0 and self.unseen else ""
        return f"{self.name}: sent {self.sent}{doubled}, delivered {self.delivered}{counted}, lost {self.lost}{unseen}"


def card_count(host: Host[Any], name: str) -> int:
    """One of the card's RB_* counters, by a read without side effect."""
    return host.device.peek(0, em.REGISTERS[name].offset)


def _window(host: Host[Any]) -> bool:
    """Whether the card has the RB_* window: at these offsets a card of somebody's own has what it likes."""
    if not isinstance(host.driver, Em) or host.engine.kind == "qemu":
        return False
    try:
        card_count(host, "RB_RXWIRE")
    except EngineClosed:
        raise
    except ValueError:  # an `em` by a port map that has no peek
        return False
    return True


def driver_legs(host: Host[Any]) -> list[Leg]:
    """Up: from the receive wire to what the driver handed on. Down: from what the driver took to the transmit wire."""
    return _card_legs(host) if _window(host) else _wire_legs(host)


def _card_legs(host: Host[Any]) -> list[Leg]:
    counters = host.driver.counters()
    up = {name: card_count(host, name) for name in RX_CAUSES}
    up |= {name: counters[name] for name in host.driver.RX_DROPS}
    down = {name: counters[name] for name in host.driver.TX_DROPS}
    down |= {name: card_count(host, name) for name in TX_CAUSES}
    return [
        Leg(f"{host.name} wire to driver", card_count(host, "RB_RXWIRE"), counters["rx_frames"], up),
        Leg(f"{host.name} driver to wire", _offered(host, counters), card_count(host, "RB_TXWIRE"), down),
    ]


def _offered(host: Host[Any], counters: dict[str, int]) -> int:
    """Frames that the driver was given and answered for: those it took, and those it refused."""
    return counters["tx_frames"] + sum(counters[name] for name in host.driver.TX_DROPS if name != "tx_reset")


def _wire_legs(host: Host[Any]) -> list[Leg]:
    """The same two of a card without the window. Causes are what was dropped before it as a MAC would
    (`EngineStats.dropped`) and the driver's, in which are those of the card's own that it can be asked for.
    """
    counters, stats = host.driver.counters(), host.engine.stats()
    up = stats.dropped | {name: counters[name] for name in host.driver.RX_DROPS}
    down = {name: counters[name] for name in host.driver.TX_DROPS}
    return [
        Leg(f"{host.name} wire to driver", stats.wire_in, counters["rx_frames"], up, unseen=UNSEEN),
        Leg(f"{host.name} driver to wire", _offered(host, counters), stats.wire_out, down, unseen=UNSEEN),
    ]


def _on_wires(host: Host[Any]) -> tuple[int, int]:
    """Frames on the receive wire, and on the transmit wire."""
    if _window(host):
        return card_count(host, "RB_RXWIRE"), card_count(host, "RB_TXWIRE")
    stats = host.engine.stats()
    return stats.wire_in, stats.wire_out


def link_legs(host: Host[Any], end: FaultyEnd) -> list[Leg]:
    """A link with faults, `end` made before the first frame: to the receive wire, and from the transmit wire on."""
    rx, tx = end.rx, end.tx
    arrived, left = _on_wires(host)
    swallowed = [{"dropped by the link": way.dropped, "held by the link": way.held} for way in (rx, tx)]
    return [
        Leg(f"{end.name} link to wire", rx.offered, arrived, swallowed[0], rx.duplicated),
        Leg(f"{end.name} wire to link", left, tx.passed, swallowed[1], tx.duplicated),
    ]


def lost(legs: Iterable[Leg]) -> int:
    """Frames nobody accounts for, on all legs."""
    return sum(abs(leg.lost) for leg in legs)
