from __future__ import annotations

import pytest

from ringbed.stack.kern.scheduler import RUN_LIMIT, Context, NeverEmpty, Scheduler


class Work:
    """Says its name when run, and schedules others."""

    def __init__(
        self, log: list[str], name: str, scheduler: Scheduler, then: dict[Context, Work] | None = None
    ) -> None:
        self.log, self.name, self.scheduler, self.then = log, name, scheduler, then or {}

    def run(self) -> None:
        self.log.append(f"{self.scheduler.context_name} {self.name}")
        for context, work in self.then.items():
            self.scheduler.schedule(context, work)
        self.scheduler.run()  # from within: the outer one goes on, after this one
        self.log.append(f"{self.name} ends")


def test_interrupt_before_input_before_worker_before_process() -> None:
    scheduler, log = Scheduler(), list[str]()
    for context in reversed(Context):
        for name in ("a", "b"):
            scheduler.schedule(context, Work(log, name, scheduler))
    scheduler.run()
    assert log == [
        line for c in Context for name in ("a", "b") for line in (f"{c.name.lower()} {name}", f"{name} ends")
    ]
    assert scheduler.context is Context.PROCESS


def test_higher_work_that_comes_up_goes_first() -> None:
    scheduler, log = Scheduler(), list[str]()
    late = Work(log, "late", scheduler)
    first = Work(log, "first", scheduler, {Context.PROCESS: late, Context.INTERRUPT: late})
    scheduler.schedule(Context.WORKER, first)
    scheduler.schedule(Context.WORKER, Work(log, "second", scheduler))
    scheduler.run()
    begun = ["worker first", "interrupt late", "worker second", "process late"]
    assert log == [line for each in begun for line in (each, f"{each.split()[1]} ends")]


def test_an_interrupt_goes_in_front_of_who_asks_and_not_in_front_of_another() -> None:
    scheduler, log = Scheduler(), list[str]()
    first, second = (Work(log, name, scheduler) for name in ("first", "second"))
    worker = Work(log, "worker", scheduler)
    scheduler.schedule(Context.INTERRUPT, first)
    scheduler.schedule(Context.WORKER, worker)
    scheduler.preempt()
    assert log[0] == "interrupt first"
    assert scheduler.context is Context.PROCESS
    scheduler.run()
    scheduler.context = Context.INTERRUPT
    scheduler.schedule(Context.INTERRUPT, second)
    log.clear()
    scheduler.preempt()
    assert log == []


def test_a_run_without_end_ends_in_an_error_and_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbed.stack.kern.scheduler.RUN_LIMIT", 500)
    scheduler, log = Scheduler(), list[str]()
    again = Work(log, "again", scheduler)
    again.then = {Context.PROCESS: again}
    scheduler.schedule(Context.PROCESS, again)
    with pytest.raises(NeverEmpty, match="after 500 pieces of work at 0 ns, the next one in process context"):
        scheduler.run()
    assert len(log) == 2 * 500
    assert scheduler.waiting
    again.then = {}
    scheduler.run()
    assert not scheduler.waiting


def test_work_that_a_system_call_does_is_not_counted() -> None:
    scheduler = Scheduler()
    for _ in range(RUN_LIMIT + 1):
        scheduler.spend("udp socket")
