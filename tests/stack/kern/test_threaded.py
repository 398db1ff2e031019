from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from ringbed.stack.kern.scheduler import Context, NeverEmpty, Runnable
from ringbed.stack.kern.threaded import Threaded

PATIENCE = 60.0


class Work:
    """Does something, in whatever thread; remembers in which context and thread."""

    def __init__(self, scheduler: Threaded, do: Callable[[], object] = lambda: None) -> None:
        self.scheduler, self.do = scheduler, do
        self.ran: list[tuple[Context, int]] = []

    def run(self) -> None:
        self.ran.append((self.scheduler.context, threading.get_ident()))
        self.do()


class Gate:
    """Work that is at it until it is let go."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def run(self) -> None:
        self.begun.set()
        assert self.open.wait(PATIENCE)


@pytest.fixture
def one() -> Iterator[Threaded]:
    with Threaded(1) as scheduler:
        yield scheduler


def at_it(scheduler: Threaded, context: Context = Context.WORKER) -> Gate:
    """A worker is busy now."""
    gate = Gate()
    scheduler.schedule(context, gate)
    assert gate.begun.wait(PATIENCE)
    return gate


def test_interrupt_before_input_before_worker_and_upcalls_are_the_process_s(one: Threaded) -> None:
    """Who has a thread of his own, and does not wait for the workers."""
    order: list[Context] = []
    gate = at_it(one)
    works = {c: Work(one, partial(order.append, c)) for c in reversed(Context)}
    for context, work in works.items():
        one.schedule(context, work)
    gate.open.set()
    one.run()
    assert [c for c in order if c is not Context.PROCESS] == list(Context)[:3]
    workers = {works[c].ran[0][1] for c in (Context.INTERRUPT, Context.INPUT, Context.WORKER)}
    assert works[Context.PROCESS].ran == [(Context.PROCESS, threading.get_ident())]
    assert len(workers) == 1
    assert threading.get_ident() not in workers
    assert [work.ran[0][0] for work in works.values()] == list(works)
    assert one.context is Context.PROCESS, "each thread has its own"


def test_work_between_two_runs_waits_for_none(one: Threaded) -> None:
    done = threading.Event()
    one.schedule(Context.INPUT, Work(one, done.set))
    assert done.wait(PATIENCE)


def test_what_comes_while_the_last_worker_lies_down_is_done() -> None:
    """It has seen that nothing waits and counts as awake still, so the producer wakes nobody."""
    done = threading.Event()

    class Late(Threaded):
        came = False

        def _take(self) -> Runnable | None:
            taken = super()._take()
            if taken is None and not self.came:
                self.came = True
                self.schedule(Context.INPUT, Work(self, done.set))
            return taken

    with Late(1) as scheduler:
        scheduler.schedule(Context.INPUT, Work(scheduler))
        assert done.wait(PATIENCE)
        assert scheduler.wakes == 2


def test_run_waits_for_workers_and_for_what_they_make(one: Threaded) -> None:
    order: list[str] = []
    last = Work(one, lambda: order.append("upcall of what the upcall made"))
    worker = Work(one, lambda: one.schedule(Context.PROCESS, last))
    upcall = Work(one, lambda: one.schedule(Context.WORKER, worker))
    one.schedule(Context.WORKER, Work(one, lambda: one.schedule(Context.PROCESS, upcall)))
    one.run()
    assert order == ["upcall of what the upcall made"]
    assert not one.waiting


def test_from_within_run_does_nothing(one: Threaded) -> None:
    works = [Work(one, one.run), Work(one, one.run)]
    one.schedule(Context.WORKER, works[0])
    one.schedule(Context.PROCESS, works[1])
    one.run()
    assert [len(work.ran) for work in works] == [1, 1]


def test_a_producer_wakes_the_first_worker_and_a_backlog_the_others() -> None:
    """Seed 004: the enqueuer wakes one if none is awake; who takes a queue wakes another above the factor."""
    with Threaded(4, factor=2) as scheduler:
        gates = [at_it(scheduler)]
        assert (scheduler.awake, scheduler.wakes) == (1, 1)
        more = [Gate() for _ in range(9)]
        for gate in more:
            scheduler.schedule(Context.WORKER, gate)
        assert (scheduler.awake, scheduler.wakes) == (1, 1), "one is awake: the producer has nothing to do"
        gates[0].open.set()  # it takes the next, and 8 are left for one: a second; 7 for two: a third; 6 for three
        for gate in more[:3]:
            assert gate.begun.wait(PATIENCE)
        assert (scheduler.awake, scheduler.wakes) == (3, 3)
        assert not more[3].begun.is_set()
        for gate in more:
            gate.open.set()
        scheduler.run()
        assert (scheduler.awake, scheduler.wakes) == (0, 3)


def test_a_trickle_is_one_worker_s() -> None:
    with Threaded(4) as scheduler:
        for turn in range(20):
            work = Work(scheduler)
            scheduler.schedule(Context.WORKER, work)
            scheduler.run()
            assert scheduler.wakes == turn + 1


def test_an_interrupt_goes_in_front_of_who_asks_and_not_in_front_of_another(one: Threaded) -> None:
    gate = at_it(one)
    first, second = Work(one), Work(one)
    one.schedule(Context.INTERRUPT, first)
    one.preempt()
    assert first.ran == [(Context.INTERRUPT, threading.get_ident())]
    one.context = Context.INTERRUPT
    one.schedule(Context.INTERRUPT, second)
    one.preempt()
    assert second.ran == []
    one.context = Context.PROCESS
    gate.open.set()
    one.run()
    assert len(second.ran) == 1


def test_what_a_worker_raises_is_run_s_and_the_rest_waits_for_the_next(one: Threaded) -> None:
    gate, rest = at_it(one), Work(one)
    one.schedule(Context.WORKER, Work(one, lambda: 1 / 0))
    one.schedule(Context.WORKER, rest)
    gate.open.set()
    with pytest.raises(ZeroDivisionError):
        one.run()
    assert (rest.ran, one.waiting) == ([], True)
    one.run()
    assert (len(rest.ran), one.waiting) == (1, False)


def test_what_an_upcall_raises_is_run_s_as_well(one: Threaded) -> None:
    one.schedule(Context.PROCESS, Work(one, lambda: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        one.run()
    one.run()


@pytest.mark.parametrize("context", [Context.WORKER, Context.PROCESS])
def test_a_run_without_end_ends_in_an_error_and_can_go_on(
    one: Threaded, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbed.stack.kern.scheduler.RUN_LIMIT", 500)
    again = Work(one)
    again.do = lambda: one.schedule(context, again)
    one.schedule(Context.PROCESS, again)
    with pytest.raises(NeverEmpty, match=f"after 500 pieces of work at 0 ns, the next one in {context.name.lower()}"):
        one.run()
    assert one.waiting
    again.do = lambda: None
    one.run()
    assert not one.waiting


def test_numbers_with_which_nobody_would_work_are_refused() -> None:
    for workers, factor in ((0, 2), (4, 0)):
        with pytest.raises(ValueError, match="nobody would work"):
            Threaded(workers, factor)


def test_ended_workers_end_what_they_are_at_and_no_more() -> None:
    """Who waits for them hears of it, and who comes later."""
    scheduler = Threaded(1)
    gate, late, heard = at_it(scheduler), Work(scheduler), list[str]()
    scheduler.schedule(Context.WORKER, late)

    def run() -> None:
        with pytest.raises(RuntimeError, match="the workers of this scheduler have been ended"):
            scheduler.run()
        heard.append("ended")

    threads = [threading.Thread(target=each, daemon=True) for each in (run, scheduler.close)]
    for thread in threads:
        thread.start()
    while not scheduler._closed:
        pass
    gate.open.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    run()
    assert (late.ran, heard) == ([], ["ended", "ended"])
