"""Bugs switched on over the configuration bus: pins and clocks in order, on every engine the same."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.hw.errata.asked import UnknownErratum, errata_writes
from ringbed.sim.cards import em, em_lab
from ringbed.sim.errata import PINS, pin_steps, switch_errata
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.pysim.engine import PysimEngine
from ringbed.sim.seam.engine import Event

STALL = {"tx-stall-32-bytes": {"length": 40}}


class Pins:
    """An engine that has nothing but pins and a clock."""

    def __init__(self) -> None:
        self.now, self.values, self.clocks = 7, dict.fromkeys(PINS, 0), list[tuple[int, ...]]()

    def set_pin(self, name: str, value: int) -> None:
        self.values[name] = value

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        assert stop is Event.NONE  # an interrupt must not cut a write short
        while self.now < until:
            self.clocks.append(tuple(self.values[name] for name in PINS))
            self.now += 1
        return Event.NONE


def test_a_clock_for_each_write_and_nothing_is_written_afterwards() -> None:
    engine = Pins()
    switch_errata(engine, STALL)
    assert engine.clocks == [(index, value, 1) for index, value in errata_writes(STALL)]
    assert engine.values == dict.fromkeys(PINS, 0)
    before = list(engine.clocks)
    switch_errata(engine, {})
    with pytest.raises(UnknownErratum):
        switch_errata(engine, {**STALL, "none": {}})
    assert engine.clocks == before


def test_the_same_as_steps() -> None:
    steps = pin_steps(STALL)
    assert [tuple(step[name] for name in PINS) for step in steps[:-1]] == [(*pair, 1) for pair in errata_writes(STALL)]
    assert steps[-1] == dict.fromkeys(PINS, 0)


def test_the_registers_of_a_card_in_pysim() -> None:
    """Those of the card's own list, as its component has them, and no others."""
    from ringbed.hw.errata.asked import erratum_of

    mine = erratum_of("rx-udp4-zero-flagged-bad"), erratum_of("tx-stall-32-bytes")
    engine = PysimEngine(em_lab(mine), HostMemory())
    switch_errata(engine, {"tx-stall-32-bytes": {"length": 40, "every": 3}}, mine)
    assert [engine.get_pin(name) for name in PINS] == [0, 0, 0]
    assert engine.now == 3
    engine.close()


def test_a_card_without_the_bus() -> None:
    engine: Any = PysimEngine(em(), HostMemory())
    with pytest.raises(KeyError, match="errata_index"):
        switch_errata(engine, STALL)
    engine.close()


def test_a_lab_of_ones_own_has_its_own_model() -> None:
    """By what is known of its errata and by the files they are written in; the whole lab is another."""
    from dataclasses import replace

    from ringbed.hw.errata.asked import erratum_of

    one = erratum_of("tx-stall-32-bytes")
    other = replace(one, own=())
    specs = [em_lab([one]), em_lab([other]), em_lab(), em_lab([])]
    assert len({spec.source_hash() for spec in specs}) == 4
    assert em_lab([one]).source_hash() == specs[0].source_hash()
    assert any(path.name == "transmit.py" for path in specs[0].sources)
