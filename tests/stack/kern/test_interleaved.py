"""Every place where one thread may come between another's steps, and copies of the queue in which one order is swapped.

Not by luck: each look at a fact and each change of one, and each step at the messages, is a place where a second thread
does the whole of its own part. All places are tried, one after the other. The queue must lose no message and stand in
the scheduler once; each copy with an order swapped must be found out.
"""

from __future__ import annotations

import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from ringbed.stack.kern import service
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import FIRST, Message
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Context, Scheduler
from ringbed.stack.kern.service import ServiceQueue


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


POST = """
        messages.append(message)
        if self.active or self.scheduled:
            return QUEUED
"""
POST_SWAPPED = """
        busy = self.active or self.scheduled
        messages.append(message)
        if busy:
            return QUEUED
"""
END = """
        self.active = False
        if self.waiting:
            self._hand_over()
        elif self._messages:  #"""
END_SWAPPED = """
        left = bool(self._messages)
        self.active = False
        if self.waiting:
            self._hand_over()
        elif left:  #"""
EXIT = """
        self.active = False  # as in `_end`
        if self.waiting or self._messages:
"""
EXIT_SWAPPED = """
        left = self.waiting or bool(self._messages)
        self.active = False
        if left:
"""
SCHEDULE = """
            if self.active or self.scheduled:
                return QUEUED
            self.scheduled = True
"""
SCHEDULE_SWAPPED = """
            self.scheduled = True
"""
RUN = """
            self.scheduled = False
            if self.active:
"""
RUN_SWAPPED = """
            if self.active:
"""
SWAPPED = {
    "a producer looks before it appends": (POST, POST_SWAPPED),
    "a consumer looks before it says that it goes": (END, END_SWAPPED),
    "a process looks before it says that it goes": (EXIT, EXIT_SWAPPED),
    "nobody looks again under the mutex": (SCHEDULE, SCHEDULE_SWAPPED),
    "a worker stays in the scheduler": (RUN, RUN_SWAPPED),
}


@pytest.mark.parametrize("swap", SWAPPED)
def test_a_copy_with_one_order_swapped_is_found_out(swap: str) -> None:
    text, (right, wrong) = inspect.getsource(ServiceQueue), SWAPPED[swap]
    assert text.count(right) == 1
    names: dict[str, Any] = dict(vars(service))
    exec(compile("from __future__ import annotations\n" + text.replace(right, wrong), swap, "exec"), names)
    assert next(faults(names["ServiceQueue"]), None) is not None


class Workers(Scheduler):
    """Ready queues are run by whatever thread asks; of two that ask at once each has its own."""

    def turn(self) -> bool:
        try:
            self._ready[Context.WORKER].popleft().run()
        except IndexError:
            return False
        return True


def test_four_producers_and_four_workers_at_once(impatient: None) -> None:
    """Each producer's messages in its order, none lost, none twice, never two consumers (seed 003's ring, raced)."""
    count, seen, inside, wrong = 1000, list[int](), list[int](), list[str]()
    scheduler = Workers()

    def take(message: Message) -> None:
        assert isinstance(message, Packet)
        inside.append(1)
        if len(inside) != 1:
            wrong.append("two consumers")
        seen.append(message.tick)
        inside.pop()

    queue = ServiceQueue("q", take, scheduler, Counter("full"), limit=1 << 20)
    posting = threading.Barrier(4)
    left = [4]

    def produce(which: int) -> None:
        posting.wait(60)
        for n in range(count):
            queue.post(Packet([b""], tick=which * count + n))
        left.pop()

    def work() -> None:
        while left or scheduler.turn() or queue.active:
            scheduler.turn()

    left[:] = [0, 1, 2, 3]
    threads = [threading.Thread(target=produce, args=(n,)) for n in range(4)]
    threads += [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert [[n for n in seen if n // count == which] for which in range(4)] == [
        list(range(which * count, (which + 1) * count)) for which in range(4)
    ]
    assert (len(queue), queue.active, queue.scheduled) == (0, False, False)
