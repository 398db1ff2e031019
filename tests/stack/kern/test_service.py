from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue, State


class Sink:
    def __init__(self, limit: int = 1024) -> None:
        self.scheduler = Scheduler()
        self.full = Counter("full", is_drop=True)
        self.seen: list[int] = []
        self.states: list[State] = []
        self.queue = ServiceQueue("q", self.take, self.scheduler, self.full, limit)

    def take(self, packet: Packet) -> None:
        self.seen.append(packet.tick)
        self.states.append(self.queue.state)

    def put(self, number: int) -> bool:
        return self.queue.enqueue(Packet([b""], tick=number))


def test_the_states() -> None:
    s = Sink()
    assert s.queue.state is State.IDLE
    assert s.put(1)
    assert s.queue.state is State.SCHEDULED
    assert not s.put(2), "only one producer finds it empty"
    s.scheduler.run()
    assert (s.seen, s.states, s.queue.state) == ([1, 2], [State.ACTIVE] * 2, State.IDLE)


def test_a_system_call_may_be_the_consumer_and_the_worker_then_skips() -> None:
    s = Sink()
    s.put(1)
    s.queue.drain()
    assert (s.seen, s.queue.state) == ([1], State.IDLE)
    s.scheduler.run()
    assert s.seen == [1]


def test_what_is_enqueued_while_active_is_taken_by_the_same_consumer() -> None:
    s = Sink()
    nested: list[bool] = []

    def take(packet: Packet) -> None:
        s.take(packet)
        if packet.tick < 3:
            nested.append(s.put(packet.tick + 1))
            s.queue.drain()  # somebody is the consumer already
            s.queue.run()  # and a worker that comes by skips it
            assert s.seen[-1] == packet.tick

    s.queue._handler = take
    s.put(1)
    s.scheduler.run()
    assert (s.seen, nested) == ([1, 2, 3], [True, True])
    assert not s.scheduler._run_one(), "it was not scheduled again"


def test_a_handler_that_fails_leaves_the_queue_usable() -> None:
    s = Sink()
    s.queue._handler = lambda packet: 1 / 0  # type: ignore[assignment]
    s.put(1)
    with pytest.raises(ZeroDivisionError):
        s.scheduler.run()
    s.queue._handler = s.take
    s.put(2)
    s.scheduler.run()
    assert s.seen == [2]


@given(st.integers(1, 5), st.lists(st.sampled_from(["put", "put", "run", "drain"]), max_size=40))
def test_never_full_while_it_has_room_and_nothing_is_lost_uncounted(limit: int, actions: list[str]) -> None:
    s = Sink(limit)
    waiting: list[int] = []
    done: list[int] = []
    lost = 0
    for number, action in enumerate(actions):
        if action == "put":
            assert s.put(number) is (not waiting)
            if len(waiting) < limit:
                waiting.append(number)
            else:
                lost += 1
        else:
            (s.scheduler.run if action == "run" else s.queue.drain)()
            done += waiting
            waiting = []
        assert (len(s.queue), s.seen, s.full.value) == (len(waiting), done, lost)


def test_a_queue_that_could_hold_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a service queue of 0 packets"):
        Sink(0)


def test_packets_behind_one_that_raised_are_not_forgotten() -> None:
    s = Sink()
    fragile = ServiceQueue("f", lambda packet: s.seen.append(1 // packet.tick), s.scheduler, s.full)
    for tick in (0, 1):
        fragile.enqueue(Packet([b""], tick=tick))
    with pytest.raises(ZeroDivisionError):
        s.scheduler.run()
    assert fragile.state is State.SCHEDULED
    s.scheduler.run()
    assert (s.seen, fragile.state) == ([1], State.IDLE)
