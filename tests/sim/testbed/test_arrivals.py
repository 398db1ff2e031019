"""Frames that never reached a driver: how many, since when, and how many were on their way."""

from __future__ import annotations

from typing import Any

from ringbed.sim.seam.engine import EngineStats
from ringbed.sim.testbed.accounting import driver_legs
from ringbed.sim.testbed.arrivals import KEPT, Arrivals
from ringbed.sim.wire.frame import to_wire
from tests.sim.conftest import OpenMini


class Card:
    """An engine and a driver with nothing but figures."""

    RX_DROPS = ("rx_missed",)

    def __init__(self) -> None:
        self.came, self.waiting, self.dropped, self.got, self.missed = 0, 0, 0, 0, 0
        self.arrivals = Arrivals(self, self)  # type: ignore[arg-type]

    def stats(self) -> EngineStats:
        return EngineStats(dropped={"bad_fcs": self.dropped}, wire_in=self.came, wire_waiting=self.waiting)

    def counters(self) -> dict[str, int]:
        return {"rx_frames": self.got, "rx_missed": self.missed}

    def at(self, ns: int, **figures: int) -> None:
        for name, value in figures.items():
            setattr(self, name, value)
        self.arrivals.look(ns)


def test_nothing_is_said_when_all_have_arrived() -> None:
    card = Card()
    card.at(10, came=9, dropped=2, missed=3, got=4)
    assert card.arrivals.note() == ""


def test_the_last_time_that_all_had_arrived_is_known() -> None:
    card = Card()
    card.at(10, came=5, got=5)
    card.at(20, came=9, got=5)
    card.at(30, got=9)
    card.at(40, came=15, got=11)  # what waits on the wire is on no way yet
    card.at(50, waiting=2, got=12)
    card.at(60, waiting=0, got=13)
    assert card.arrivals.note() == (
        "2 of 15 frames of the wire never reached the driver; the last time that all had, 9 of them, was 30 ns; "
        "at most 4 were on their way"
    )


def test_what_is_kept_has_a_bound() -> None:
    card = Card()
    for number in range(3 * KEPT):
        card.at(number, came=number + 1)
    assert len(card.arrivals._looks) == KEPT
    assert "; never all had; at most 3072 were on their way" in card.arrivals.note()


def test_a_card_that_loses_frames_in_itself_shows(open_mini: OpenMini, monkeypatch: Any) -> None:
    """Its buffer overflows, and neither driver nor card counts: the account says how many, and since when."""
    host, _ = open_mini("native", read_latency=250)
    monkeypatch.setattr(type(host.driver), "RX_DROPS", ("rx_reset",))
    host.engine.wire_in(to_wire(bytes(60)), host.engine.now)
    host.advance(host.now + 1_000_000)
    good = host.now
    for number in range(200):
        host.engine.wire_in(to_wire(bytes([number]) * 1000), host.engine.now)
    host.advance(host.now + 3_000_000)
    up = driver_legs(host)[0]
    assert 0 < up.lost < 200
    assert f": {up.lost} of 201 frames of the wire never reached the driver; the last time that all had, " in str(up)
    since = int(up.note.partition(" was ")[2].partition(" ns")[0])
    assert good - 1_000_000 <= since < host.now - 1_000_000
