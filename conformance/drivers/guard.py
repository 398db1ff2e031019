"""Between a driver and its world, so that a case has an end: what a driver may ask of the world is bounded.

A driver that waits for ever for a bit of its card ends its case, and no more. What is counted are calls and the time
that it asks to wait; a loop that touches nothing of the world is for whoever runs the cases to end, with `Hung`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringbed.sim.memory.mapping import stands_between

__all__ = ["CALLS", "TIME_NS", "Budget", "DeadDevice", "Guarded", "Hung", "late"]

stands_between(__file__)
CALLS = 150_000  # of a case, of device, mapping layer and sink: the longest case of a clean driver needs half
TIME_NS = 4_000_000_000  # that the driver asks to wait, in all
WAITS = ("delay", "interrupted")


class Hung(BaseException):
    """The driver did not come back. No `Exception`: a driver that catches those in its loop would go on."""


def late(seconds: float) -> Callable[[object, object], None]:
    """What a timer calls after so much processor time. It is here, since a file of this place is no driver's."""

    def raises(*_: object) -> None:
        raise Hung(f"it took {seconds:g} s of processor time and was still at it")

    return raises


class Budget:
    """Of one case, over all cards that it opens."""

    def __init__(self, calls: int = CALLS, time_ns: int = TIME_NS) -> None:
        self.calls, self.time_ns = calls, time_ns
        self.spent = False
        self._most = calls, time_ns

    def take(self, waits_ns: int = 0) -> None:
        """One call, which waits so long; raises Hung."""
        self.calls -= 1
        self.time_ns -= waits_ns
        if self.calls < 0 or self.time_ns < 0:
            self.spent = True
            raise Hung(
                f"it made {self._most[0]:,} calls and was still at it" if self.calls < 0
                else f"it had waited for {self._most[1] / 1e9:g} simulated seconds and was still at it"
            )  # fmt: skip


class Guarded:
    """A device, mapping layer or sink with every method counted; attributes are those of what is inside."""

    def __init__(self, inner: Any, budget: Budget) -> None:
        self._inner, self._budget = inner, budget

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value
        counted = self._waiting(value) if name in WAITS else self._counted(value)
        setattr(self, name, counted)  # the next time it is found here
        return counted

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        take = self._budget.take

        def call(*args: Any, **options: Any) -> Any:
            take()
            return method(*args, **options)

        return call

    def _waiting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def wait(nanoseconds: int) -> Any:
            self._budget.take(nanoseconds)
            return method(nanoseconds)

        return wait


class DeadDevice:
    """A card that is not there any more: reads are ones, writes go nowhere. `pci` as the slot's last one."""

    def __init__(self, inner: Any, pci: Any = None) -> None:
        self._inner = inner
        self.pci = inner.pci if pci is None else pci

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self._inner.delay(100)
        return 0xFFFF_FFFF

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._inner.delay(10)

    def peek(self, bar: int, offset: int) -> int:
        return 0xFFFF_FFFF

    def delay(self, nanoseconds: int) -> None:
        self._inner.delay(nanoseconds)

    def interrupted(self, nanoseconds: int) -> bool:
        self._inner.delay(nanoseconds)
        return False
