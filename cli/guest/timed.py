"""An engine that knows how much of its thread's processor time its calls have taken, for `ringbed bench guest`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.engine import Event

__all__ = ["TimedEngine"]


class TimedEngine(NativeEngine):
    """`model_cpu_ns` is the model's part, by the engine's own samples of clocks.

    Those are shares of a clock, so a machine that is busy with something else makes neither them nor the whole larger.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._spent = 0
        super().__init__(*arguments, **options)

    @property
    def model_cpu_ns(self) -> int:
        stats = self.stats()
        whole = stats.model_ns + stats.harness_ns
        return round(self._spent * stats.model_ns / whole) if whole else 0

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        with self._timed():
            return super().run(until, stop)

    def read(self, offset: int) -> int:
        with self._timed():
            return super().read(offset)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begin = time.thread_time_ns()
        try:
            yield
        finally:
            self._spent += time.thread_time_ns() - begin
