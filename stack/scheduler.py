"""Contexts and their order: interrupt > input > worker > process (seed 004, 'Packet Processing').

Four FIFOs of queues that have work, one for each context. `run` always takes the first queue of the highest context
that has any, lets it run to empty, and looks again from the top, until nothing is left. One worker, so the same input
gives the same order of everything.

* interrupt: an `ifq` hands frames to its driver.
* input: an `ifiq` is run to empty; stateless: it changes the packet and counters, nothing else.
* worker: a service queue, the one writer of the state behind it.
* process: an application's upcall.
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
        """Run everything to empty. Called from within (an upcall, say) it does nothing: the outer one goes on."""
        if self._running:
            return
        self._running = True
        try:
            while self._run_one():
                pass
        finally:
            self._running = False
            self.context = Context.PROCESS

    def _run_one(self) -> bool:
        for context in Context:
            if ready := self._ready[context]:
                self.context = context
                ready.popleft().run()
                return True
        return False
