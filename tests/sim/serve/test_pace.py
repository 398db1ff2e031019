"""Simulated time beside wall time, over an engine that is nothing but a clock."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER, Event
from ringbed.sim.serve.pace import SLICE, Pace

GHZ = Frequency(Fraction(10**9))  # a clock is a nanosecond


class Clockwork:
    """Busy until `work` clocks are run; then `timer` comes, when it is set."""

    def __init__(self) -> None:
        self.now, self.work, self.timer = 0, 0, NEVER
        self.ran: list[int] = []

    def due(self) -> int:
        return self.now if self.work else self.timer

    def run(self, until: int, stop: Event) -> Event:
        assert stop & Event.IDLE
        clocks = min(until - self.now, self.work) if self.work else until - self.now
        self.now, self.work = self.now + clocks, max(0, self.work - clocks)
        if self.now >= self.timer:
            self.timer = NEVER
        self.ran.append(clocks)
        return Event.IDLE

    def skip(self, until: int) -> None:
        assert until <= self.due()
        self.now = until


class Wall:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


def made() -> tuple[Pace, Clockwork, Wall]:
    engine: Any = Clockwork()
    wall = Wall()
    return Pace(engine, GHZ, wall), engine, wall


def test_at_rest_it_follows_the_wall_without_a_clock_run() -> None:
    pace, engine, wall = made()
    wall.now += 700
    assert pace.step(Event.NONE) is Event.NONE
    assert (engine.now, engine.ran, pace.now) == (700, [], 700)
    assert pace.wait() is None
    assert pace.wait(deadline=1_700) == 1e-6


def test_busy_it_runs_in_slices_and_what_it_lags_is_not_made_up_for() -> None:
    pace, engine, wall = made()
    engine.work = 2 * SLICE + 10
    for _ in range(3):
        assert (pace.busy, pace.wait()) == (True, 0.0)
        wall.now += 1_000_000
        pace.step(Event.IRQ)
    assert (engine.ran, engine.now) == ([SLICE, SLICE, 10], 2 * SLICE + 10)
    pace.step(Event.NONE)
    assert engine.now == 2 * SLICE + 10
    wall.now += 50
    pace.step(Event.NONE)
    assert engine.now == 2 * SLICE + 60


def test_the_cards_own_timers_come_in_time() -> None:
    pace, engine, wall = made()
    engine.timer = 20_000
    assert pace.wait() == 20e-6
    wall.now += 8_000
    pace.follow(Event.NONE)
    assert (engine.now, pace.wait(), engine.ran) == (8_000, 12e-6, [])
    wall.now += 40_000
    pace.follow(Event.NONE)
    assert (engine.timer, engine.now) == (NEVER, 20_000 + SLICE)
    pace.follow(Event.NONE)
    assert engine.now == 48_000


def test_a_read_that_took_time_is_no_debt_of_the_wall() -> None:
    pace, engine, wall = made()
    engine.now = 500  # a register read
    pace.follow(Event.NONE)
    assert engine.now == 500
    wall.now += 600
    pace.follow(Event.NONE)
    assert engine.now == 600


def test_follow_leaves_what_is_busy_alone() -> None:
    pace, engine, wall = made()
    engine.work = 5
    wall.now += 100
    assert pace.follow(Event.NONE) is Event.NONE
    assert (engine.now, engine.work) == (0, 5)
