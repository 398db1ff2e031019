"""Registers and delays over an engine."""

from __future__ import annotations

import pytest

from ringbed.hw.formats import em
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.device import DeviceOverEngine
from ringbed.sim.testbed.assembly import EM_PCI
from tests.sim.fake_engine import FakeEngine


def device(hz: int = 125_000_000) -> tuple[DeviceOverEngine, FakeEngine]:
    engine = FakeEngine(HostMemory())
    return DeviceOverEngine(engine, EM_PCI, Frequency(hz)), engine  # type: ignore[arg-type]


def test_reads_cost_time_writes_and_peeks_do_not() -> None:
    card, engine = device()
    rctl = em.REGISTERS["RCTL"].offset
    card.write(0, rctl, 2)
    assert card.peek(0, rctl) == 2
    assert engine.now == 0
    assert card.read(0, rctl) == 2
    assert engine.now > 0


def test_delay_is_at_least_so_long_at_any_clock() -> None:
    for hz, clocks in ((125_000_000, 125), (322_265_625, 323), (1, 1)):
        card, engine = device(hz)
        card.delay(1000)
        assert engine.now == clocks


def test_delay_does_not_end_at_an_interrupt() -> None:
    card, engine = device()
    engine.card["IMS"] = engine.card["ICR"] = 1
    card.delay(1000)
    assert engine.now == 125


@pytest.mark.parametrize(("bar", "offset", "size"), [(1, 0, 4), (0, 2, 4), (0, 0, 2), (0, 1 << 17, 4), (0, -4, 4)])
def test_other_accesses_are_refused(bar: int, offset: int, size: int) -> None:
    card, _ = device()
    with pytest.raises(ValueError, match=f"not {size} bytes at {offset:#x} of BAR {bar}"):
        card.read(bar, offset, size)
    with pytest.raises(ValueError, match="32-bit registers"):
        card.write(bar, offset, 0, size)


def test_a_lag_passes_behind_the_next_read_and_once() -> None:
    """A driver that is itself interrupted between the cause it read and what it does about it."""
    card, engine = device()
    card.lag = 1000
    card.write(0, em.REGISTERS["RCTL"].offset, 0)
    assert engine.now == 0
    card.read(0, em.REGISTERS["ICR"].offset)
    assert engine.now == 135
    card.read(0, em.REGISTERS["ICR"].offset)
    assert engine.now == 145
