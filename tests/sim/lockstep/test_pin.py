"""The line in band, over a line that stands for a card's."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.sim.lockstep.pin import Pin
from ringbed.sim.serve.line import Line


class Engine:
    """Of an engine what a line asks: from when on it may stop for the interrupt."""

    def __init__(self) -> None:
        self.held: list[int] = []

    def hold_irq(self, until: int) -> None:
        self.held.append(until)


@pytest.fixture
def line() -> Line:
    engine: Any = Engine()
    return Line(engine)


def test_it_is_told_once_until_it_was_handled(line: Line) -> None:
    pin = Pin(line)
    assert pin.armed
    assert pin.rose()
    assert not pin.armed
    assert not pin.rose()
    pin.handled()
    assert pin.armed
    assert pin.rose()
    assert line.signals == 2
    pin.close()


def test_a_line_that_configuration_space_has_disabled_is_not_told(line: Line) -> None:
    pin = Pin(line)
    line.disable(True)
    assert not pin.armed
    assert not pin.rose()
    line.disable(False)
    assert pin.rose()
    pin.close()
