"""A model in a component's place: whatever drives the component, and stands around it, sees no difference."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ringbed.sim.mutate.stand_in import BlockSimulator, arguments_of, stand_in
from tests.sim.mutate.toy import ADDED, Toy

pytestmark = pytest.mark.needs("yosys", "native")


class Around(wiring.Component):
    """Two toys, the second behind registers and logic of the first's outputs, with a reset of its own."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        super().__init__({"go": In(1), "clear": In(1), "value": In(1), "again": In(1), "seen": Out(16)})

    def elaborate(self, platform: Any) -> Module:
        m, held = Module(), Signal(3)
        one, two = self.kind(), self.kind(0)
        m.submodules.one, m.submodules.two = one, ResetInserter(self.again)(two)
        m.d.comb += [
            one.go.eq(self.go), one.clear.eq(self.clear), one.value.eq(self.value),
            two.go.eq(held[0]), two.value.eq(one.both ^ held[1]), two.clear.eq(one.count == 4),
            self.seen.eq((two.sum << 10) | (two.count << 6) | (one.sum << 4) | (one.both << 3) | one.count),
        ]  # fmt: skip
        m.d.sync += held.eq(one.count)
        return m


def seen(kind: Any, simulator_of: Any, seed: int) -> list[int]:
    """What comes out in and behind every clock, with what is sampled at its edge."""
    dut, rng, found = Around(kind), random.Random(seed), list[int]()

    async def run(ctx: Any) -> None:
        for _ in range(200):
            for port in (dut.go, dut.clear, dut.value):
                ctx.set(port, rng.random() < 0.6)
            ctx.set(dut.again, rng.random() < 0.1)
            found.append(ctx.get(dut.seen))
            _, _, sampled = await ctx.tick().sample(dut.seen)
            found.extend((sampled, ctx.get(dut.seen)))

    simulator = simulator_of(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_sees_a_difference(seed: int, library: Path) -> None:
    kind = stand_in(Toy, arguments_of(Toy, (), {}), library, 0)
    assert seen(kind, BlockSimulator, seed) == seen(Toy, Simulator, seed)


def test_a_fault_is_seen(library: Path) -> None:
    whole = seen(Toy, Simulator, 1)
    others = [
        seen(stand_in(Toy, {"added": 0, "careful": 0}, library, number), BlockSimulator, 1) for number in (1, 2, 3)
    ]
    assert any(other != whole for other in others)


def test_made_with_other_arguments_it_is_the_block_itself(library: Path, tmp_path: Path) -> None:
    """Its model is not there to be opened."""
    kind = stand_in(Toy, {"added": ADDED, "careful": 0}, tmp_path / "none.so", 1)
    assert seen(kind, BlockSimulator, 1) == seen(Toy, Simulator, 1)
    assert (kind.__name__, issubclass(kind, Toy)) == ("Toy", True)


def test_arguments_are_told_by_name_with_those_left_out() -> None:
    assert arguments_of(Toy, (5,), {}) == arguments_of(Toy, (), {"added": 5}) == {"added": 5, "careful": 0}
