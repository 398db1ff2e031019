"""The journey of one packet: which stage saw it, in which context, at which queue, when.

Only a packet that carries a `Journey` is recorded; every other pays one test per stage. What is below the stack (the
driver, the card) adds its own stages with `add`, since it has its own times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Where a journey reads context and time: the host's scheduler."""

    @property
    def now(self) -> int: ...

    @property
    def context_name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Step:
    """`time` in nanoseconds of simulated time; `queue` is empty where there is none."""

    stage: str
    context: str
    queue: str
    time: int


class Journey:
    """A list of steps in the order they happened."""

    __slots__ = ("_clock", "steps")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.steps: list[Step] = []

    def step(self, stage: str, queue: str = "") -> None:
        self.steps.append(Step(stage, self._clock.context_name, queue, self._clock.now))

    def add(self, stage: str, context: str, queue: str, time: int) -> None:
        self.steps.append(Step(stage, context, queue, time))

    def text(self) -> str:
        """One line a step: time, context, stage, queue."""
        return "\n".join(f"{s.time:>14} ns  {s.context:<9}  {s.stage:<14} {s.queue}".rstrip() for s in self.steps)
