"""Every place where one thread may come between another's steps, and copies of the queue in which one order is swapped.

Not by luck: each look at a fact and each change of one, and each step at the messages, is a place where a second thread
does the whole of its own part. All places are tried, one after the other. The queue must lose no message and stand in
the scheduler once; each copy with an order swapped must be found out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import FIRST, Message
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Context, Scheduler
from ringbed.stack.kern.service import ServiceQueue
from tests.stack.kern.swapped import SWAPPED, swapped


class Places:
    """Counts the places that are passed; at the one of number `at` the other thread's part is done."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0
        self.mutex: Any = None
        self.other: Callable[[], None] = lambda: None
        self.waits: Callable[[], int] = lambda: 0
        self.errors: list[BaseException] = []
        self._thread: threading.Thread | None = None
        self._main = threading.get_ident()

    def step(self) -> None:
        if self.mutex is None or threading.get_ident() != self._main or self.mutex.locked():
            return  # who comes while the mutex is held waits, and comes right after
        self.passed += 1
        if self.passed == self.at:
            self._thread = threading.Thread(target=self._do)
            self._thread.start()
            while self._thread.is_alive() and not self.waits():  # for this thread to end what it is at
                self._thread.join(0.001)

    def end(self) -> None:
        self.mutex = None
        if self._thread is not None:
            self._thread.join(60)
            assert not self._thread.is_alive()

    def _do(self) -> None:
        try:
            self.other()
        except BaseException as error:
            self.errors.append(error)


class Messages(deque[Message]):
    places: Places

    def __len__(self) -> int:
        self.places.step()
        found = super().__len__()
        self.places.step()
        return found

    def __bool__(self) -> bool:
        return len(self) > 0

    def append(self, message: Message) -> None:
        super().append(message)
        self.places.step()

    def popleft(self) -> Message:
        self.places.step()
        return super().popleft()


def fact(name: str) -> Any:
    def get(queue: Any) -> bool:
        queue.places.step()
        found: bool = queue.__dict__[name]
        queue.places.step()
        return found

    def put(queue: Any, value: bool) -> None:
        queue.places.step()
        queue.__dict__[name] = value
        queue.places.step()

    return property(get, put)


class Try:
    """One queue, one place. `parts` are what the two threads do; what follows is the scheduler's turn."""

    def __init__(self, base: type[ServiceQueue], at: int) -> None:
        self.places = Places(at)
        body = {"active": fact("active"), "scheduled": fact("scheduled"), "places": self.places}
        kind: type[ServiceQueue] = type("Interrupted", (base,), body)
        self.scheduler = Scheduler()
        self.seen: list[int] = []
        self.queue = kind("q", self.take, self.scheduler, Counter("full"))
        self.queue._messages = Messages()
        self.queue._messages.places = self.places
        self.posted: list[int] = []
        self.first = 0

    def take(self, message: Message) -> None:
        assert isinstance(message, Packet)
        self.seen.append(message.tick)

    def post(self, number: int) -> None:
        self.posted.append(number)
        self.first += self.queue.post(Packet([b""], tick=number)) is FIRST

    def become(self) -> None:
        with self.queue:
            pass

    def waiting(self) -> int:
        return self.queue.waiting

    def work(self) -> None:
        """A worker's turn, if the queue stands in the scheduler."""
        ready = self.scheduler._ready[Context.WORKER]
        if ready:
            ready.popleft().run()


PARTS: dict[str, tuple[list[Callable[[Try], None]], Callable[[Try], None]]] = {
    "a worker, and a producer": ([lambda t: t.post(1), Try.work], lambda t: t.post(2)),
    "a producer, and a worker": ([lambda t: t.post(1), lambda t: t.post(2)], Try.work),
    "two producers": ([lambda t: t.post(1)], lambda t: t.post(2)),
    "a process, and a producer": ([lambda t: t.post(1), Try.become], lambda t: t.post(2)),
    "a process at an idle queue, and a producer": ([Try.become], lambda t: t.post(2)),
    "a producer, and a process": ([lambda t: t.post(1), lambda t: t.post(2)], Try.become),
    "a worker, and a process": ([lambda t: t.post(1), lambda t: t.post(2), Try.work], Try.become),
}


def faults(base: type[ServiceQueue]) -> Iterator[str]:
    """What is wrong, at whatever place."""
    for name, (main, other) in PARTS.items():
        at, passed = 0, 1
        while at < passed:
            at += 1
            t = Try(base, at)
            t.places.mutex, t.places.other, t.places.waits = t.queue._mutex, partial(other, t), t.waiting
            for part in main:
                part(t)
            t.places.end()
            passed = t.places.passed
            in_scheduler = len(t.scheduler._ready[Context.WORKER])
            t.scheduler.run()
            if sorted(t.seen) != sorted(t.posted) or len(t.queue._messages):
                yield f"{name}, place {at}: {t.posted} posted, {t.seen} taken"
            if in_scheduler > 1 or t.queue.active or t.queue.scheduled or t.queue.waiting or t.places.errors:
                yield f"{name}, place {at}: {in_scheduler} times in the scheduler, errors {t.places.errors}"


def test_nothing_is_lost_whatever_comes_between() -> None:
    assert list(faults(ServiceQueue)) == []


@pytest.mark.parametrize("swap", SWAPPED)
def test_a_copy_with_one_order_swapped_is_found_out(swap: str) -> None:
    assert next(faults(swapped(swap)), None) is not None
