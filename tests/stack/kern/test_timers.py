from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.timers import Timer, Timers


class Owner:
    """The state behind a queue: it hears which of its timers were due, and whether they were still meant."""

    def __init__(self, limit: int = 1024) -> None:
        self.scheduler = Scheduler()
        self.queue = ServiceQueue("owner", self.take, self.scheduler, Counter("full"), limit)
        self.timers = Timers()
        self.heard: list[tuple[str, bool]] = []

    def timer(self, name: str) -> Timer[str]:
        return self.timers.timer(self.queue, name)

    def take(self, message: Message) -> None:
        assert isinstance(message, Timer)
        self.heard.append((message.subject, message.take()))


def test_a_timer_that_is_due_comes_through_the_queue() -> None:
    o = Owner()
    late, early = o.timer("late"), o.timer("early")
    assert o.timers.deadline() is None
    late.set(20)
    early.set(10)
    assert (o.timers.deadline(), early.at, late.at) == (10, 10, 20)
    o.timers.post_due(9)
    assert len(o.queue) == 0
    o.timers.post_due(20)
    assert (o.heard, early.at, o.timers.deadline()) == ([], None, None), "nobody's state is touched from there"
    o.scheduler.run()
    assert o.heard == [("early", True), ("late", True)]


def test_of_two_for_the_same_time_the_first_set_is_first() -> None:
    o = Owner()
    timers = [o.timer(str(n)) for n in range(5)]
    for timer in reversed(timers):
        timer.set(7)
    o.timers.post_due(7)
    o.scheduler.run()
    assert [name for name, _ in o.heard] == ["4", "3", "2", "1", "0"]


def test_what_was_stopped_or_set_again_while_it_waited_in_the_queue_is_not_meant() -> None:
    o = Owner()
    stopped, again = o.timer("stopped"), o.timer("again")
    for timer in (stopped, again):
        timer.set(1)
    o.timers.post_due(1)
    stopped.stop()
    again.set(2)
    o.scheduler.run()
    assert o.heard == [("stopped", False), ("again", False)]
    o.timers.post_due(2)
    o.scheduler.run()
    assert o.heard[2:] == [("again", True)]


def test_a_timer_finds_room_in_a_full_queue() -> None:
    o = Owner(limit=1)
    for name in "ab":
        o.timer(name).set(1)
    o.timers.post_due(1)
    o.scheduler.run()
    assert o.heard == [("a", True), ("b", True)]


def test_one_that_is_put_off_again_and_again_has_one_entry() -> None:
    """A neighbour that answers every second for an hour, say."""
    o = Owner()
    timer = o.timer("t")
    for now in range(3600):
        timer.set(now + 1140)
        o.timers.post_due(now)
        assert len(o.timers._heap) == 1
    o.scheduler.run()
    assert (o.heard, o.timers.deadline()) == ([], 3599 + 1140)


ACTIONS = st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 3))


@given(st.lists(ACTIONS, max_size=40))
def test_as_a_list_of_times_would(actions: list[tuple[int, int | None, int]]) -> None:
    """Set to a time from now, or stopped, then some time passes; against a dict that is looked through."""
    o = Owner()
    timers = [o.timer(str(n)) for n in range(4)]
    times: dict[str, int] = {}
    now, expected = 0, list[tuple[int, str]]()
    for which, after, passes in actions:
        if after is None:
            timers[which].stop()
            times.pop(str(which), None)
        else:
            timers[which].set(now + after)
            times[str(which)] = now + after
        now += passes
        assert o.timers.deadline() == min(times.values(), default=None)
        due = sorted((at, name) for name, at in times.items() if at <= now)
        before = len(o.heard)
        o.timers.post_due(now)
        o.scheduler.run()
        assert sorted(o.heard[before:]) == sorted((name, True) for _, name in due)
        expected += due
        for _, name in due:
            del times[name]
    assert len(o.heard) == len(expected)
