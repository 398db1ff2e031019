"""Timers: a heap of times, and messages to the queues of those who set them (seed 004: timer events are queued).

A timer belongs to one piece of state and is set and stopped by its writer, the consumer of the queue in front of it.
When its time comes, `post_due` posts the timer itself to that queue; nobody's state is touched from here. Between then
and its turn in the queue the owner may set or stop it again: `take` says whether it is still meant.

Cost is that of a heap, by timers that are set, whatever else there is. To be set later than before costs nothing: the
old entry finds out when it comes up, so one timer has one entry for every time it was set *earlier* than before, not
for every time it was set.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from threading import Lock
from typing import Any, ClassVar, Generic, TypeVar

from ringbed.stack.kern.message import Message
from ringbed.stack.kern.service import ServiceQueue

T = TypeVar("T")


class Timer(Message, Generic[T]):
    """Made by `Timers.timer`. `subject` is for its owner to know it by; `at` is in ns, None while it is not set."""

    __slots__ = ("_due", "_entry", "_timers", "at", "queue", "subject")
    bounded: ClassVar[bool] = False

    def __init__(self, timers: Timers, queue: ServiceQueue, subject: T) -> None:
        self.queue = queue
        self.subject = subject
        self.at: int | None = None
        self._timers = timers
        self._entry: int | None = None  # the entry of the heap that counts
        self._due = False

    def set(self, at: int) -> None:
        """For the time `at`, and for no other."""
        self._timers.set(self, at)

    def stop(self) -> None:
        self._timers.stop(self)

    def take(self) -> bool:
        """By its owner, when it comes out of the queue: is it still meant? Once for each time it was due."""
        due, self._due = self._due, False
        return due


class Timers:
    """All timers of one host."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer[Any]]] = []
        self._order = count()  # of two for the same time the one that was set first is first
        self._mutex = Lock()

    def timer(self, queue: ServiceQueue, subject: T) -> Timer[T]:
        return Timer(self, queue, subject)

    def set(self, timer: Timer[T], at: int) -> None:
        with self._mutex:
            timer.at = at
            timer._due = False
            if timer._entry is None or at < timer._entry:
                self._push(timer, at)

    def stop(self, timer: Timer[T]) -> None:
        with self._mutex:  # or it would become due between the one and the other
            timer.at = None
            timer._due = False

    def _push(self, timer: Timer[T], at: int) -> None:
        timer._entry = at
        heappush(self._heap, (at, next(self._order), timer))

    def deadline(self) -> int | None:
        """When the next timer is due, in ns; None when none is set."""
        with self._mutex:
            return self._first()

    def post_due(self, now: int) -> None:
        """Post every timer whose time is there to its queue, in order of time."""
        while (timer := self._pop_due(now)) is not None:
            timer.queue.post(timer)

    def _pop_due(self, now: int) -> Timer[Any] | None:
        with self._mutex:
            first = self._first()
            if first is None or first > now:
                return None
            timer = heappop(self._heap)[2]
            timer.at = timer._entry = None
            timer._due = True
            return timer

    def _first(self) -> int | None:
        """The time of the first entry, once those are gone that nobody means any more."""
        heap = self._heap
        while heap:
            entry, _, timer = heap[0]
            if entry == timer._entry and timer.at == entry:
                return entry
            heappop(heap)
            if entry == timer._entry:
                timer._entry = None
                if timer.at is not None:  # it was set later since
                    self._push(timer, timer.at)
        return None
