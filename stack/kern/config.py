"""The one way configuration changes: under a lock that is held around the whole of every change (seed 004; A13).

What packets meet is published piece by piece, each by one assignment, so forwarding never waits for this lock, and no
reader needs it. What it keeps apart is writers: two processes that add addresses, one that binds a socket, an address
that was found to be free.

    with config.change():
        ...

A change may make others within: whoever has the lock has it. Its holder may become the consumer of a service queue,
never the other way round: a consumer that finds out that configuration must change has that done in process context
(`later`). Every table that workers change too has a lock of its own, for as long as one publication takes.

In debug mode (owned.py) state of configuration knows this as its queue, and refuses to be changed by anybody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import wraps
from threading import RLock, get_ident
from types import TracebackType
from typing import Concatenate, ParamSpec, Protocol, Self, TypeVar

from ringbed.stack.kern.scheduler import Context, Scheduler


class Config:
    """`changes` counts those that were begun from outside of one, `contended` those among them that had to wait."""

    name = "of the configuration"

    def __init__(self, scheduler: Scheduler) -> None:
        self.changes = 0
        self.contended = 0
        self._lock = RLock()
        self._holder = 0  # the thread that has it
        self._depth = 0
        self._scheduler = scheduler
        self._later: deque[Callable[[], None]] = deque()

    @property
    def held(self) -> bool:
        """Whether the caller is within a change."""
        return self._holder == get_ident()

    def change(self) -> Self:
        """For `with`."""
        return self

    def __enter__(self) -> None:
        waited = not self._lock.acquire(blocking=False)
        if waited:
            self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self._holder = get_ident()
            self.changes += 1
            self.contended += waited

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = 0
        self._lock.release()

    # -- what a worker found out ------------------------------------------------------------------------------

    def later(self, change: Callable[[], None]) -> None:
        """By anybody: `change` will be called within a change of its own, in process context, in this order."""
        self._later.append(change)
        self._scheduler.schedule(Context.PROCESS, self)

    def run(self) -> None:
        """The process's turn: the oldest that waits."""
        with self.change():
            self._later.popleft()()


class Configured(Protocol):
    """An object of whose host this is the configuration."""

    @property
    def config(self) -> Config: ...


S = TypeVar("S", bound=Configured)
P = ParamSpec("P")
R = TypeVar("R")


def changing(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A method that is one change, from begin to end."""

    @wraps(method)
    def within(self: S, /, *arguments: P.args, **named: P.kwargs) -> R:
        with self.config.change():
            return method(self, *arguments, **named)

    return within
