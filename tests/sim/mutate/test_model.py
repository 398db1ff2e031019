"""The compiled model of a block's mutants, against the block on Amaranth's simulator."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Cat
from amaranth.sim import Simulator

from ringbed.sim.mutate.model import build, opened
from ringbed.sim.mutate.netlist import Mutants, mutants_of, ports_of
from tests.sim.mutate.toy import NEVER, Toy

pytestmark = pytest.mark.needs("yosys", "native")
Steps = list[tuple[int, int]]  # inputs before the edge, and behind it


def steps(seed: int, count: int = 60) -> Steps:
    rng = random.Random(seed)
    return [(rng.randrange(8), rng.randrange(8)) for _ in range(count)]


def by_simulator(asked: Steps) -> list[tuple[int, int]]:
    """The outputs with each of the inputs."""
    dut, found = Toy(), list[tuple[int, int]]()
    inputs, outputs = (Cat(*values) for values in ports_of(dut))

    async def run(ctx: Any) -> None:
        for before, now in asked:
            ctx.set(inputs, before)
            was = ctx.get(outputs)
            await ctx.tick()
            ctx.set(inputs, now)
            found.append((was, ctx.get(outputs)))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return found


def by_model(library: Path, mutant: int, asked: Steps) -> list[tuple[int, int]]:
    with opened(library, mutant) as model:
        return [(model.settled(before), model.clocked(before, now, reset=False)) for before, now in asked]


def test_without_a_fault_it_is_the_block(library: Path) -> None:
    assert by_model(library, 0, steps(1)) == by_simulator(steps(1))


def test_mutants_are_others_each_in_its_own_way(mutants: Mutants, library: Path) -> None:
    whole, seen = by_model(library, 0, steps(2)), set[str]()
    for mutant in mutants.mutants:
        found = by_model(library, mutant.number, steps(2))
        seen |= {repr(found)} if found != whole else set()
    assert len(seen) >= 12


def test_two_of_them_at_once_are_apart(library: Path) -> None:
    with opened(library, 0) as one, opened(library, 0) as other:
        for _ in range(3):
            one.clocked(1, 0, reset=False)
        assert (one.settled(0) & 7, other.settled(0) & 7) == (3, 0)


def test_a_reset_begins_again(library: Path) -> None:
    with opened(library, 0) as model:
        assert [model.clocked(0b101, 0, reset=reset) for reset in (False, False, True, False)] == [9, 18, 0, 9]


def test_an_assertion_that_fails_is_told_in_its_words() -> None:
    with opened(build(mutants_of(Toy(careful=1), 4, seed=1)), 0) as model:
        model.clocked(0b01, 0b11, reset=False)  # both, but not at an edge
        with pytest.raises(AssertionError, match=NEVER):
            model.clocked(0b11, 0, reset=False)
