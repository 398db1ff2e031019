"""Simulated time beside wall time: idle it follows, busy it lags, and what it has lagged is not made up for.

The card runs in slices while anything is in flight, so that a client's message waits for a slice at most; at rest time
is skipped, to the card's own timers when there are any.
"""

from __future__ import annotations

from collections.abc import Callable

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER, Engine, Event

__all__ = ["SLICE", "Pace"]

SLICE = 5_000  # clocks between two looks at the socket: some milliseconds of wall time


class Pace:
    """`clock` gives wall time in ns, from any beginning."""

    def __init__(self, engine: Engine, frequency: Frequency, clock: Callable[[], int]) -> None:
        self._engine, self._frequency, self._clock = engine, frequency, clock
        self._origin = clock() - self.now  # wall time less simulated time

    @property
    def now(self) -> int:
        """Simulated time in ns."""
        return self._frequency.ns(self._engine.now)

    def wall(self) -> int:
        """The wall's, in ns."""
        return self._clock()

    @property
    def busy(self) -> bool:
        """Something is in flight: time need not wait for the wall's."""
        return self._engine.due() <= self._engine.now

    def follow(self, stop: Event) -> Event:
        """At rest: come to wall time, or to what the card itself has for a time before it."""
        engine, target = self._engine, self._frequency.clocks(max(0, self._clock() - self._origin))
        if self.busy or target <= engine.now:
            return Event.NONE
        if (due := engine.due()) >= target:
            engine.skip(target)
            return Event.NONE
        return engine.run(min(target, due + SLICE), stop | Event.IDLE)

    def step(self, stop: Event) -> Event:
        """A slice if anything is in flight, else as `follow`."""
        if not self.busy:
            return self.follow(stop)
        event = self._engine.run(self._engine.now + SLICE, stop | Event.IDLE)
        self._origin = max(self._origin, self._clock() - self.now)
        return event

    def wait(self, deadline: int | None = None) -> float | None:
        """Seconds until something is due, here or at `deadline` in ns of simulated time; None: never by itself."""
        if self.busy:
            return 0.0
        due = self._engine.due()
        dues = [] if due == NEVER else [self._frequency.ns(due)]
        dues += [] if deadline is None else [deadline]
        return max(0, min(dues) - (self._clock() - self._origin)) / 1e9 if dues else None
