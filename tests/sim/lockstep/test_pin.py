"""The line in band, over a line that stands for a card's."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.sim.cards import EM_PCI
from ringbed.sim.lockstep.pin import Pin
from ringbed.sim.serve.irq.interrupts import Interrupts


class Engine:
    """Of an engine what its interrupts ask: a line that is up, and from when on it may stop for it."""

    lines = 1

    def __init__(self) -> None:
        self.held: list[int] = []

    def risen(self) -> int:
        return 0

    def hold_irq(self, until: int) -> None:
        self.held.append(until)


@pytest.fixture
def interrupts() -> Interrupts:
    engine: Any = Engine()
    return Interrupts(engine, EM_PCI)


def test_it_is_told_once_until_it_was_handled(interrupts: Interrupts) -> None:
    pin = Pin(interrupts)
    assert pin.armed
    assert pin.rose()
    assert not pin.armed
    assert not pin.rose()
    pin.handled()
    assert pin.armed
    assert pin.rose()
    assert interrupts.signals == 2
    pin.close()


def test_a_line_that_configuration_space_has_disabled_is_not_told(interrupts: Interrupts) -> None:
    pin = Pin(interrupts)
    interrupts.line.disable(True)
    assert not pin.armed
    assert not pin.rose()
    interrupts.line.disable(False)
    assert pin.rose()
    pin.close()
