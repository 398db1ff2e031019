"""The threads that share the hosts of a window: all are run, at once, and what they raise comes out."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from ringbed.sim.testbed.crew import Crew
from ringbed.sim.testbed.host import Host


class Runner:
    """As much of a host as a crew sees. `meet`, when given, holds it until all the others are running too."""

    def __init__(self, name: str, meet: threading.Barrier | None = None, error: Exception | None = None) -> None:
        self.name, self.meet, self.error = name, meet, error
        self.ran: list[tuple[int, str]] = []

    def advance(self, until: int) -> None:
        self.ran.append((until, threading.current_thread().name))
        if self.meet is not None:
            self.meet.wait(timeout=20)
        if self.error is not None:
            raise self.error


def hosts(*runners: Runner) -> list[Host[Any]]:
    return cast(list[Host[Any]], list(runners))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_host_is_run_once_a_window(threads: int) -> None:
    crew = Crew(threads)
    runners = [Runner(str(number)) for number in range(5)]
    for until in range(20):
        crew.advance(hosts(*runners), until)
    crew.close()
    assert [[until for until, _ in runner.ran] for runner in runners] == [list(range(20))] * 5
    names = {name for runner in runners for _, name in runner.ran}
    assert threading.current_thread().name in names
    assert len(names) <= min(threads, 5)


def test_hosts_of_a_window_run_at_once() -> None:
    """Each waits for the others: one after the other they would never be done."""
    meet = threading.Barrier(3)
    runners = [Runner(str(number), meet) for number in range(3)]
    crew = Crew(3)
    crew.advance(hosts(*runners), 1000)
    crew.close()
    assert len({runner.ran[0][1] for runner in runners}) == 3


@pytest.mark.parametrize("threads", [2, 4])
def test_of_several_that_raise_the_first_is_told_and_the_others_are_run(threads: int) -> None:
    crew = Crew(threads)
    runners = [Runner("a"), Runner("b", error=ValueError("b")), Runner("c", error=KeyError("c")), Runner("d")]
    with pytest.raises(ValueError, match="b"):
        crew.advance(hosts(*runners), 7)
    crew.close()
    assert all(runner.ran for runner in runners)


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="0 threads run nothing"):
        Crew(0)
