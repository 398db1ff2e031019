"""Every frame accounted for: what was sent is what was delivered plus counted causes, on each leg of its way.

A leg is a stretch whose two ends count frames independently; what its causes do not explain is `lost`. The card's
causes come from its own counters, by the table that says where each stands (`hw/formats/window.py`; read without side
effect), the driver's from `counters`; the testbed adds the stack's. Take the account at rest: what is in flight inside
a card would look lost.

Whose driver it is does not matter: the engine says whether the card counts. Of a card that does not, the wire is
counted, by its engine, and the driver counts; what the card itself did in between it can tell its driver alone. A frame
that neither has a cause for is lost, or the card dropped it and kept that to itself: the leg says both, and until when
everything had arrived (`sim/testbed/arrivals.py`).

A frame that rides in the card when it is reset is in RB_RXFLUSH or RB_TXFLUSH, which count in whole frames what the
card had begun with and did not finish; one still on the ring, untouched, is in the driver's `tx_reset`. A frame whose
data met a bus error is one of those: the queue stops there, and the reset that starts it again flushes it. What waits
behind a queue that has stopped is under the stop's own name until then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ringbed.hw.formats.window import Window
from ringbed.sim.serve.queues import Way
from ringbed.sim.testbed.host import Host
from ringbed.sim.wire.link_faults import FaultyEnd

__all__ = ["Leg", "card_count", "driver_legs", "link_legs", "lost"]

UNSEEN = "the card, which cannot be asked"
WAITING = "waiting on the wire"


@dataclass(frozen=True, slots=True)
class Leg:
    """`sent` + the sum of `added` = `delivered` + the sum of `causes` + `lost`.

    `added` are frames made on the way, by cause: doubled by a link, segments of a message. `unseen` is who may have
    dropped what is lost, with nobody to tell of it; `note` is a sentence on what is lost.
    """

    name: str
    sent: int
    delivered: int
    causes: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)
    unseen: str = ""
    note: str = ""

    @property
    def lost(self) -> int:
        """Frames nobody accounts for; negative when something was counted twice."""
        return self.sent + sum(self.added.values()) - self.delivered - sum(self.causes.values())

    def __str__(self) -> str:
        unseen = f" or dropped by {self.unseen}" if self.lost > 0 and self.unseen else ""
        note = f": {self.note}" if self.lost > 0 and self.note else ""
        return (
            f"{self.name}: sent {self.sent}{_counted(self.added)}, delivered {self.delivered}{_counted(self.causes)}, "
            f"lost {self.lost}{unseen}{note}"
        )


def _counted(counts: dict[str, int]) -> str:
    return "".join(f", {name} {count}" for name, count in counts.items() if count)


def card_count(host: Host[Any], name: str) -> int:
    """One of the card's own counters, by a look without side effect; raises KeyError for a card without it."""
    window = host.engine.window
    if window is None:
        raise KeyError(name)
    return host.engine.peek(window.offset(name))


def driver_legs(host: Host[Any]) -> list[Leg]:
    """Up: from the receive wire to what the driver handed on. Down: from what the driver took to the transmit wire."""
    window = host.engine.window
    return _wire_legs(host) if window is None else _card_legs(host, window)


def _card_legs(host: Host[Any], window: Window) -> list[Leg]:
    counters = host.driver.counters()
    rx, tx = (Way(window, way, lambda name: card_count(host, name), host.engine.peek) for way in ("rx", "tx"))
    drops = {name: counters[name] for name in host.driver.RX_DROPS}
    unfetched = rx.done - counters["rx_frames"] - sum(drops.values())
    up = rx.ended | drops | rx.held(0)
    down = {name: counters[name] for name in host.driver.TX_DROPS} | tx.ended
    untaken = counters["tx_frames"] - counters.get("tx_reset", 0) - tx.begun
    left, note = _on_the_ring(unfetched, "driver"), _on_the_ring(untaken, "card")
    return [
        Leg(f"{host.name} wire to driver", rx.begun, counters["rx_frames"], up, rx.made, note=left),
        Leg(
            f"{host.name} driver to wire",
            _offered(host, counters),
            tx.done,
            down | tx.held(untaken),
            tx.made,
            note=note,
        ),
    ]


def _on_the_ring(frames: int, by: str) -> str:
    return f"{frames} the {by} has not taken from the ring" if frames > 0 else ""


def _offered(host: Host[Any], counters: dict[str, int]) -> int:
    """Frames that the driver was given and answered for: those it took, and those it refused."""
    return counters["tx_frames"] + sum(counters[name] for name in host.driver.TX_DROPS if name != "tx_reset")


def _wire_legs(host: Host[Any]) -> list[Leg]:
    """The same two of a card that does not count. Causes are what was dropped before it as a MAC would
    (`EngineStats.dropped`) and the driver's, in which are those of the card's own that it can be asked for.
    """
    counters, stats = host.driver.counters(), host.engine.stats()
    up = stats.dropped | {name: counters[name] for name in host.driver.RX_DROPS} | {WAITING: stats.wire_waiting}
    down = {name: counters[name] for name in host.driver.TX_DROPS}
    note = host.arrivals.note()
    return [
        Leg(f"{host.name} wire to driver", stats.wire_in, counters["rx_frames"], up, unseen=UNSEEN, note=note),
        Leg(f"{host.name} driver to wire", _offered(host, counters), stats.wire_out, down, unseen=UNSEEN),
    ]


def _on_wires(host: Host[Any]) -> tuple[int, int]:
    """Frames on the receive wire, and on the transmit wire."""
    if (window := host.engine.window) is not None:
        return window.on_wire({count.name: card_count(host, count.name) for count in window.counts})
    stats = host.engine.stats()
    return stats.wire_in, stats.wire_out


def link_legs(host: Host[Any], end: FaultyEnd) -> list[Leg]:
    """A link with faults, `end` made before the first frame: to the receive wire, and from the transmit wire on."""
    rx, tx = end.rx, end.tx
    arrived, left = _on_wires(host)
    swallowed = [{"dropped by the link": way.dropped, "held by the link": way.held} for way in (rx, tx)]
    doubled = [{"doubled": way.duplicated} for way in (rx, tx)]
    return [
        Leg(f"{end.name} link to wire", rx.offered, arrived, swallowed[0], doubled[0]),
        Leg(f"{end.name} wire to link", left, tx.passed, swallowed[1], doubled[1]),
    ]


def lost(legs: Iterable[Leg]) -> int:
    """Frames nobody accounts for, on all legs."""
    return sum(abs(leg.lost) for leg in legs)
