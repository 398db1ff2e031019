"""Contexts and their order: interrupt > input > worker > process (seed 004, 'Packet Processing').

Four FIFOs of queues that have work, one for each context. `run` always takes the first queue of the highest context
that has any, lets it run to empty, and looks again from the top, until nothing is left. `Scheduler` has one worker, who
is the caller of `run`, so the same input gives the same order of everything. `Threaded` (threaded.py) has several, each
a thread; whoever uses one of the two cannot tell which.

* interrupt: an `ifq` hands frames to its driver.
* input: an `ifiq` is run to empty; stateless: it changes the packet and counters, nothing else.
* worker: a service queue, the one writer of the state behind it.
* process: an application's upcall.

Work may make more work, but not without end: within one `run`, which is one moment of simulated time, it is counted, a
packet of a service queue and a turn of any queue as one, and at `RUN_LIMIT` there is an error instead of a clock that
stands.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Protocol


class Context(IntEnum):
    INTERRUPT = 0
    INPUT = 1
    WORKER = 2
    PROCESS = 3


RUN_LIMIT = 1 << 17  # a host whose queues are all full has a fiftieth of this


class NeverEmpty(RuntimeError):
    """One `run` did not come to an end: something answers its own answers. What it had not done yet still waits."""


class Runnable(Protocol):
    """Something with work. It is scheduled at most once at a time, which is its own care."""

    def run(self) -> None: ...


class Scheduler:
    """Also the host's clock: `now` is simulated time in ns, set from outside; `context` is what runs at the moment."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self.context = Context.PROCESS
        self._ready: tuple[deque[Runnable], ...] = tuple(deque() for _ in Context)
        self._running = False
        self._left = RUN_LIMIT

    @property
    def context_name(self) -> str:
        return self.context.name.lower()

    @property
    def waiting(self) -> bool:
        """Is there work that `run` would do?"""
        return any(self._ready)

    def schedule(self, context: Context, runnable: Runnable) -> None:
        self._ready[context].append(runnable)

    def run(self) -> None:
        """Run everything to empty. Called from within (an upcall, say) it does nothing: the outer one goes on.

        Raises NeverEmpty, and what a piece of work raises; what had not been done yet still waits.
        """
        if self._running:
            return
        self._running = True
        self._left = RUN_LIMIT
        try:
            while self._run_one():
                pass
        finally:
            self._running = False
            self.context = Context.PROCESS

    def preempt(self) -> None:
        """What waits in interrupt context runs now, before the caller goes on, as an interrupt does."""
        ready = self._ready[Context.INTERRUPT]
        if self.context is Context.INTERRUPT:
            return
        before, self.context = self.context, Context.INTERRUPT
        try:
            while ready:
                self.spend()
                ready.popleft().run()
        finally:
            self.context = before

    def spend(self, queue: str = "") -> None:
        """One piece of work is about to be done, of `queue`. Raises NeverEmpty when `run` has done too many."""
        if not self._running:
            return  # a system call becomes the consumer: the program's own loop
        self._left -= 1
        if self._left < 0:
            raise NeverEmpty(
                f"still not empty after {RUN_LIMIT} pieces of work at {self.now} ns, the next one in "
                f"{self.context_name} context{queue and f', queue {queue}'}: does an upcall answer its own answers?"
            )

    def _run_one(self) -> bool:
        for context in Context:
            if ready := self._ready[context]:
                self.context = context
                self.spend()
                ready.popleft().run()
                return True
        return False
