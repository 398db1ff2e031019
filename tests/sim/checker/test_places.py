"""Where a driver is, and which lines lie between two points of it."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest

from ringbed.sim.checker.places import NOWHERE, Stretch, frames, here, is_drivers, shared

FILE = "/somebody/driver.py"
TEXT = """
class Driver:
    def w(self, value):
        self.meet(value)

    def up(self):
        self.meet(1)
        x = 1
        y = 2
        self.w(2)

    def transmit(self, queue, frames):
        for frame in frames:
            if frame:
                pass
            self.send(frame)
        self.meet("end")

    def send(self, frame):
        before = 1
        self.meet(frame)
        after = 2

    def twice(self):
        self.transmit(0, [1])
        self.transmit(0, [2])
"""


class Meetings:
    """Takes the place of the checker: what it is told at each point."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self._begin, self._frames = NOWHERE, frames()[:0]

    def meet(self, _: object) -> None:
        now = frames()[1:]  # without this function
        chain = here()[1:]
        self.stretches.append(Stretch(self._begin, chain, shared=shared(self._frames, now)))
        self._begin, self._frames = chain, now

    def lines(self) -> list[str]:
        return [str(each).replace(FILE, "") for each in self.stretches]


def driver() -> tuple[Any, Meetings]:
    names: dict[str, Any] = {}
    exec(compile(TEXT, FILE, "exec"), names)
    made, meetings = names["Driver"](), Meetings()
    made.meet = meetings.meet
    return made, meetings


@pytest.mark.parametrize(
    ("does", "lines"),
    [
        (lambda d: d.up(), [":6-7", ":7-10"]),
        (lambda d: d.transmit(0, []), [":12-17"]),
        (lambda d: d.transmit(0, [1]), [":12-16, :19-21", ":21-22, :16-17"]),
        (lambda d: d.transmit(0, [1, 2]), [":12-16, :19-21", ":21-22, :13-16, :19-21", ":21-22, :16-17"]),
    ],
)  # fmt: skip
def test_the_lines_between(does: Callable[[Any], None], lines: list[str]) -> None:
    """A helper of one line is not told; a loop is told whole; from outside on, it is the method that was called."""
    made, meetings = driver()
    does(made)
    assert meetings.lines() == lines


def test_a_second_call_is_not_the_first() -> None:
    made, meetings = driver()
    made.transmit(0, [])
    made.transmit(0, [])
    assert meetings.lines()[1] == ":17, :12-17"


def test_what_a_stretch_holds() -> None:
    made, meetings = driver()
    made.up()
    first, second = meetings.stretches
    assert second.holds(FILE, 8)
    assert not second.holds(FILE, 6)
    assert not second.holds("/other.py", 8)
    assert (first.span, second.span) == (2, 4)
    assert second.meets(Stretch(NOWHERE, second.end, exact=True))
    assert str(Stretch(NOWHERE, NOWHERE)) == "outside the driver"


def _code(file: str) -> CodeType:
    return compile("x", file, "eval")


def test_whose_file_it_is() -> None:
    """By where it lies: tests and examples are a driver's like anybody's."""
    assert is_drivers(_code(FILE))
    assert is_drivers(_code(__file__))
    assert not is_drivers(_code(frames.__code__.co_filename))
    assert not is_drivers(_code(pytest.__file__))
    assert not is_drivers(_code("<string>"))
