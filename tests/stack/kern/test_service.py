from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import FIRST, FULL, QUEUED, Message, Posted
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue

Facts = tuple[bool, bool, int]
IDLE: Facts = (False, False, 0)
SCHEDULED: Facts = (False, True, 0)
ACTIVE: Facts = (True, False, 0)
BOTH: Facts = (True, True, 0)


class Sink:
    def __init__(self, limit: int = 1024) -> None:
        self.scheduler = Scheduler()
        self.full = Counter("full", is_drop=True)
        self.seen: list[int] = []
        self.facts_then: list[Facts] = []
        self.queue = ServiceQueue("q", self.take, self.scheduler, self.full, limit)

    def take(self, message: Message) -> None:
        assert isinstance(message, Packet)
        self.seen.append(message.tick)
        self.facts_then.append(self.facts)
        assert self.queue.held

    def put(self, number: int) -> Posted:
        return self.queue.post(Packet([b""], tick=number))

    @property
    def facts(self) -> Facts:
        return self.queue.active, self.queue.scheduled, self.queue.waiting

    @property
    def in_scheduler(self) -> int:
        return sum(map(len, self.scheduler._ready))


def test_the_facts_of_a_queue_that_a_worker_serves() -> None:
    s = Sink()
    assert (s.facts, s.queue.held) == (IDLE, False)
    assert s.put(1) is FIRST
    assert s.facts == SCHEDULED
    assert s.put(2) is QUEUED, "only one producer has to schedule it"
    s.scheduler.run()
    assert (s.seen, s.facts_then, s.facts, s.queue.held) == ([1, 2], [ACTIVE] * 2, IDLE, False)


def test_a_process_that_becomes_the_consumer_finds_all_done_that_was_queued() -> None:
    s = Sink()
    s.put(1)
    with s.queue:
        assert (s.seen, s.facts) == ([1], BOTH), "active and scheduled: two facts, not one state"
        assert s.put(2) is QUEUED
        assert s.seen == [1]
    assert s.facts == SCHEDULED
    s.scheduler.run()
    assert (s.seen, s.facts) == ([1, 2], IDLE)


def test_what_a_process_leaves_is_scheduled() -> None:
    s = Sink()
    with s.queue:
        s.put(1)
        assert s.facts == ACTIVE
    assert (s.facts, s.in_scheduler) == (SCHEDULED, 1)
    s.scheduler.run()
    assert s.seen == [1]


def test_a_queue_stands_in_the_scheduler_once_however_often_it_is_drained() -> None:
    """O2: ten thousand sends to oneself, each received by a system call, left ten thousand entries."""
    s = Sink()
    for number in range(1000):
        s.put(number)
        s.queue.drain()
        assert s.in_scheduler == 1
    s.scheduler.run()
    assert (s.seen, s.in_scheduler, s.facts) == (list(range(1000)), 0, IDLE)


def test_what_comes_while_it_is_active_is_the_same_consumers() -> None:
    s = Sink()
    answers: list[Posted] = []

    def take(message: Message) -> None:
        s.take(message)
        if s.seen[-1] < 3:
            answers.append(s.put(s.seen[-1] + 1))
            s.queue.run()  # a worker that comes by goes on to other work
            assert s.seen[-1] < 3

    s.queue._handler = take
    s.put(1)
    s.scheduler.run()
    assert (s.seen, answers, s.in_scheduler) == ([1, 2, 3], [QUEUED, QUEUED], 0)


def test_its_own_consumer_would_wait_for_itself() -> None:
    s = Sink()
    with s.queue, pytest.raises(RuntimeError, match="service queue q: its consumer would wait for itself"), s.queue:
        pass
    assert s.facts == IDLE


def test_a_handler_that_fails_leaves_the_queue_usable() -> None:
    s = Sink()
    s.queue._handler = lambda message: 1 / 0  # type: ignore[assignment]
    for become in (s.scheduler.run, s.queue.drain):
        s.put(1)
        with pytest.raises(ZeroDivisionError):
            become()
        assert not s.queue.active
    s.scheduler.run()
    s.queue._handler = s.take
    assert s.put(2) is FIRST
    s.scheduler.run()
    assert s.seen == [2]


def test_packets_behind_one_that_raised_are_not_forgotten() -> None:
    s = Sink()

    def fragile(message: Message) -> None:
        assert isinstance(message, Packet)
        s.seen.append(1 // message.tick)

    s.queue._handler = fragile
    for tick in (0, 1):
        s.put(tick)
    with pytest.raises(ZeroDivisionError):
        s.scheduler.run()
    assert s.facts == SCHEDULED
    s.scheduler.run()
    assert (s.seen, s.facts) == ([1], IDLE)


class Unbounded(Message):
    bounded = False


def test_what_has_one_of_each_always_finds_room() -> None:
    s = Sink(limit=1)
    ended: list[Message] = []
    s.queue._handler = ended.append
    assert [s.put(1), s.put(2), s.queue.post(Unbounded()), s.put(3)] == [FIRST, FULL, QUEUED, FULL]
    s.scheduler.run()
    assert [type(message) for message in ended] == [Packet, Unbounded]
    assert s.full.value == 2


@given(st.integers(1, 5), st.lists(st.sampled_from(["put", "put", "run", "drain"]), max_size=40))
def test_never_full_while_it_has_room_and_nothing_is_lost_uncounted(limit: int, actions: list[str]) -> None:
    """Against a list: what waits, what is done, what is lost, and whether a worker is still to come."""
    s = Sink(limit)
    waiting: list[int] = []
    done: list[int] = []
    lost, scheduled = 0, False
    for number, action in enumerate(actions):
        if action == "put":
            room = len(waiting) < limit
            assert s.put(number) is (FULL if not room else QUEUED if scheduled else FIRST)
            if room:
                waiting.append(number)
            scheduled, lost = True, lost + (not room)
        else:
            (s.scheduler.run if action == "run" else s.queue.drain)()
            done, waiting, scheduled = done + waiting, [], scheduled and action == "drain"
        assert (len(s.queue), s.seen, s.full.value) == (len(waiting), done, lost)
        assert (s.facts, s.in_scheduler) == (SCHEDULED, 1) if scheduled else (IDLE, 0)


def test_a_queue_that_could_hold_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a service queue of 0 packets"):
        Sink(0)


# -- several threads ------------------------------------------------------------------------------------------


def threads(*work: Callable[[], None]) -> None:
    started = [threading.Thread(target=each) for each in work]
    for each in started:
        each.start()
    for each in started:
        each.join(60)
        assert not each.is_alive()


def test_a_process_waits_until_another_is_done_and_the_fact_says_so() -> None:
    s = Sink()
    order: list[str] = []
    inside, wants = threading.Event(), threading.Event()

    def first() -> None:
        with s.queue:
            inside.set()
            assert wants.wait(60)
            while not s.queue.waiting:
                pass
            assert s.facts == (True, False, 1)
            order.append("first")

    def second() -> None:
        assert inside.wait(60)
        assert not s.queue.held, "somebody else's"
        wants.set()
        with s.queue:
            order.append("second")

    threads(first, second)
    assert (order, s.facts) == (["first", "second"], IDLE)


def test_of_many_that_change_the_state_each_finds_it_as_the_last_one_left_it() -> None:
    s = Sink()
    state = [0]

    def change() -> None:
        for _ in range(300):
            with s.queue:
                found = state[0]
                s.put(0)
                state[0] = found + 1

    threads(*[change] * 4)
    s.queue.drain()
    assert (state, len(s.seen), s.facts[0]) == ([1200], 1200, False)
