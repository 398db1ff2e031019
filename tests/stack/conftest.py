"""What tests of the stack share that run threads.

A file with `pytestmark = pytest.mark.usefixtures("both_schedulers")` has each of its tests run twice: by one worker,
and by four threads that take turns as often as they can.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from ringbed.stack.kern.threaded import Threaded


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=["one worker", "four threads"])
def both_schedulers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What every host of the test has, unless it is given one."""
    if request.param == "one worker":
        yield
        return
    request.getfixturevalue("impatient")
    made: list[Threaded] = []

    def make() -> Threaded:
        made.append(Threaded(4))
        return made[-1]

    monkeypatch.setattr("ringbed.stack.stack.Scheduler", make)
    yield
    for scheduler in made:
        scheduler.close()
