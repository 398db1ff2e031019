"""Queues between threads: four workers and four producers who take turns as often as they can (seed 003's ring, raced).

The places at which threads may come between are made more: each look at a fact, each change of one and each step at the
messages gives way to other threads, sometimes for long. test_interleaved.py tries all of them one by one; here it is
the threaded scheduler that does the work, and luck that chooses. So a round is short and there are many, and each copy
of a queue with an order swapped must be found out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from select import select
from typing import Any

import pytest

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.ifq import Ifiq, Ifq
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Context
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.threaded import Threaded
from tests.stack.kern.swapped import HALFWAY, OUTPUT, SWAPPED, swapped, swapped_output

PRODUCERS, PROCESSES, EACH = 4, 2, 3
PATIENCE = 60.0  # seconds until a thread that does not come back counts as lost


_draw = Random(14)


def give_way() -> None:
    """Others may run, and now and then they do all they can."""
    select((), (), (), _draw.choice((0, 0, 0, 1e-4)))


class Messages(deque[Message]):
    def __len__(self) -> int:
        found = super().__len__()
        give_way()
        return found

    def __bool__(self) -> bool:
        return len(self) > 0

    def append(self, message: Message) -> None:
        give_way()
        super().append(message)
        give_way()


def fact(name: str) -> Any:
    def get(queue: Any) -> bool:
        found: bool = queue.__dict__[name]
        give_way()
        return found

    def put(queue: Any, value: bool) -> None:
        give_way()
        queue.__dict__[name] = value
        give_way()

    return property(get, put)


class Eager(Threaded):
    """Wakes another worker for every piece of work, so that there is always one more than is needed."""

    def schedule(self, context: Context, runnable: Any) -> None:
        super().schedule(context, runnable)
        with self._mutex:
            self._wake()


class Watched(Threaded):
    """Counts how often the queue stands in the scheduler."""

    entries = 0
    most = 0

    def schedule(self, context: Context, runnable: Any) -> None:
        self.entries += 1
        self.most = max(self.most, self.entries)
        super().schedule(context, runnable)


class Race:
    """One queue, a few messages in each round, from one producer or more, and processes that become the consumer.

    Few, because whoever comes later makes good what was lost before: the last is the one who must not be missed.
    """

    def __init__(self, base: type[ServiceQueue], patience: float) -> None:
        def run(queue: Any) -> None:
            self.scheduler.entries -= 1
            base.run(queue)

        kind = type("GivesWay", (base,), {"active": fact("active"), "scheduled": fact("scheduled"), "run": run})
        self.scheduler = Watched(4)
        self.queue: ServiceQueue = kind("q", self.take, self.scheduler, Counter("full"), 1 << 20)
        self.queue._messages = Messages()
        self.seen: list[int] = []
        self.inside = 0
        self.wrong = ""
        self.ended = False
        self.round = 0
        self.barrier = threading.Barrier(PRODUCERS + PROCESSES + 1, timeout=patience)
        parts = [partial(self.produce, n) for n in range(PRODUCERS)] + [
            partial(self.become, n) for n in range(PROCESSES)
        ]
        self.threads = [threading.Thread(target=self.live, args=(part,), daemon=True) for part in parts]

    def take(self, message: Message) -> None:
        assert isinstance(message, Packet)
        self.inside += 1
        if self.inside != 1 or not self.queue.held:
            self.wrong = "two consumers"
        self.seen.append(message.tick)
        self.inside -= 1

    def live(self, part: Callable[[], None]) -> None:
        try:
            while self.barrier.wait() >= 0 and not self.ended:
                part()
                self.barrier.wait()
        except threading.BrokenBarrierError:
            pass
        except IndexError:  # of two consumers one finds nothing
            self.wrong = "two consumers"
            self.barrier.abort()

    def late(self, which: int) -> None:
        """Never in step."""
        for _ in range(Random(self.round * 8 + which).randrange(14)):
            give_way()

    def ticks(self, which: int) -> list[int]:
        """What a producer posts in this round."""
        first = (self.round * PRODUCERS + which) * EACH
        return [*range(first, first + 1 + self.round // PRODUCERS % EACH)] if which <= self.round % PRODUCERS else []

    def produce(self, which: int) -> None:
        for tick in self.ticks(which):
            self.late(which)
            self.queue.post(Packet([b""], tick=tick))

    def become(self, which: int) -> None:
        if which < self.round // (PRODUCERS * EACH) % (PROCESSES + 1):
            self.late(PRODUCERS + which)
            with self.queue:
                pass

    def fault(self, rounds: int) -> str:
        """What is wrong after so many rounds, or sooner; empty: nothing."""
        for thread in self.threads:
            thread.start()
        try:
            return next((found for n in range(rounds) if (found := self._round(n))), "")
        except threading.BrokenBarrierError:
            return self.wrong or "a thread waits for ever"
        except IndexError:
            return "two consumers"
        finally:
            self._end()

    def _round(self, number: int) -> str:
        self.round = number
        self.seen.clear()
        self.barrier.wait()
        self.barrier.wait()
        self.scheduler.run()
        posted = [self.ticks(which) for which in range(PRODUCERS)]
        if sorted(self.seen) != [tick for ticks in posted for tick in ticks]:
            return "lost or twice"
        if any([tick for tick in self.seen if tick in ticks] != ticks for ticks in posted):
            return "out of order"
        if self.queue.active or self.queue.scheduled or self.queue.waiting or self.scheduler.most > 1:
            return "the facts are not so"
        return self.wrong

    def _end(self) -> None:
        self.ended = True
        if self.barrier.n_waiting == len(self.threads) and not self.barrier.broken:
            self.barrier.wait()
        self.barrier.abort()
        with self.queue._mutex:  # whom the copy forgot
            self.queue.active = False
            if self.queue._released is not None:
                self.queue._released.notify_all()
        for thread in self.threads:
            thread.join(PATIENCE)
        self.scheduler.close()


def test_four_producers_and_four_workers_lose_nothing(impatient: None) -> None:
    assert Race(ServiceQueue, PATIENCE).fault(rounds=400) == ""


@pytest.mark.parametrize("swap", SWAPPED | HALFWAY)
def test_a_copy_with_one_order_swapped_fails(impatient: None, swap: str) -> None:
    """In the first hundred rounds, mostly; in so many of them always."""
    assert Race(swapped(swap), 2.0).fault(rounds=2_000) != ""


def in_threads(*work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def numbered(which: int, count: int) -> list[Packet]:
    return [Packet([which.to_bytes(1, "big")], tick=n) for n in range(count)]


def by_producer(packets: list[Packet]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for packet in packets:
        found.setdefault(packet.segments[0][0], []).append(packet.tick)
    return found


def test_an_output_queue_with_four_senders_keeps_the_order_of_each(impatient: None) -> None:
    """And the driver is run once at a time, though preempted senders and four workers run it."""
    sent, inside, count = list[Packet](), list[int](), 400

    def start(queue: Ifq) -> None:
        inside.append(1)
        batch = queue.begin(7)
        sent.extend(batch)
        give_way()
        assert len(inside) == 1
        queue.commit(len(batch))
        inside.pop()

    with Eager(4) as scheduler:
        queue = Ifq("txq", 0, start, scheduler, maxlen=1 << 20)

        def send(which: int) -> Callable[[], None]:
            def enqueue() -> None:
                for packet in numbered(which, count):
                    queue.enqueue(packet)
                    give_way()

            return enqueue

        in_threads(*map(send, range(4)))
        scheduler.run()
    assert by_producer(sent) == {which: list(range(count)) for which in range(4)}
    assert (queue.packets, queue.bytes, len(queue), queue.qdrops.value) == (4 * count, 4 * count, 0, 0)


class GivenBackLate:
    """The driver's lock: who has it has seen that nothing waits, and others come before it is free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, blocking: bool = True) -> bool:
        return self._lock.acquire(blocking)

    def release(self) -> None:
        give_way()
        give_way()
        self._lock.release()


def stuck(base: type[Ifq], rounds: int) -> bool:
    """Whether packets stay in an output queue though nobody has anything to do, in any of so many rounds."""
    facts = {name: fact(name) for name in ("_scheduled", "_wanted")}
    kind: type[Ifq] = type("GivesWay", (base,), facts)

    def start(queue: Ifq) -> None:
        queue.commit(len(queue.begin(1)))
        give_way()

    with Eager(4) as scheduler:
        queue = kind("txq", 0, start, scheduler)
        vars(queue)["_driver"] = GivenBackLate()
        for _ in range(rounds):
            in_threads(*[lambda: bool(queue.enqueue(Packet([b"x"])))] * 3)
            scheduler.run()
            if len(queue):
                return True
    return False


def test_nobody_is_forgotten_in_an_output_queue(impatient: None) -> None:
    assert not stuck(Ifq, 300)


@pytest.mark.parametrize("swap", OUTPUT)
def test_a_copy_of_the_output_queue_with_one_order_swapped_fails(impatient: None, swap: str) -> None:
    assert stuck(swapped_output(swap), 12_000)


def test_an_output_queue_is_never_full_while_it_has_room(impatient: None) -> None:
    """Seed 003: on a fast machine a ring thought that it was full when it was not. One sender: the limit is exact."""
    limit, refused, sent = 8, list[int](), list[Packet]()

    def start(queue: Ifq) -> None:
        batch = queue.begin(3)
        sent.extend(batch)
        queue.commit(len(batch))

    with Eager(4) as scheduler:
        queue = Ifq("txq", 0, start, scheduler, maxlen=limit)
        accepted = 0
        for packet in numbered(0, 3000):
            before = accepted - len(sent)  # at least as many as wait: `sent` is told before they leave
            room = before + 1 < limit and len(queue) < limit
            if queue.enqueue(packet):
                accepted += 1
            elif room:
                refused.append(packet.tick)
        scheduler.run()
    assert refused == []
    assert accepted + queue.qdrops.value == 3000
    assert len(sent) == accepted


def test_an_input_queue_is_run_once_at_a_time_and_in_order(impatient: None) -> None:
    seen, inside, count = list[Packet](), list[int](), 600

    def handler(batch: list[Packet]) -> None:
        inside.append(1)
        for packet in batch:
            seen.append(packet)
            give_way()
        assert len(inside) == 1
        inside.pop()

    with Eager(4) as scheduler:
        queue = Ifiq("rxq", handler, scheduler, maxlen=1 << 20)
        packets = numbered(0, count)

        def receive() -> None:
            for at in range(0, count, 3):
                queue.input(packets[at : at + 3])
                give_way()

        in_threads(receive)
        scheduler.run()
    assert seen == packets
    assert (queue.packets, queue.enqueues, len(queue), queue.qdrops.value) == (count, count // 3, 0, 0)


def test_what_many_threads_count_at_once_is_the_sum(impatient: None) -> None:
    counter, times = Counter("thing{s}", is_drop=True), 20_000

    def count() -> None:
        for _ in range(times):
            counter.value += 1

    in_threads(*[count] * 4)
    assert counter.value == 4 * times
