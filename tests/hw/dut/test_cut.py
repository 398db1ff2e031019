from __future__ import annotations

from typing import Any

import pytest
from amaranth.sim import Simulator

from ringbed.hw.dut.cut import Cut


def risen(at_in: int = 0, at_out: int = 0, late: int = 0, restart_at: int = 60) -> list[int]:
    """The clocks in which `now` is up. A beat goes in in every third clock from 0 on, one out in every fifth."""
    cut, up = Cut(), list[int]()

    async def drive(ctx: Any) -> None:
        for port, value in ((cut.at_in, at_in), (cut.at_out, at_out), (cut.late, late)):
            ctx.set(port, value)
        for clock in range(70):
            ctx.set(cut.taken, clock % 3 == 0)
            ctx.set(cut.given, clock % 5 == 0)
            ctx.set(cut.restart, clock == restart_at)
            if ctx.get(cut.now):
                up.append(clock)
            await ctx.tick()

    simulator = Simulator(cut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return up


@pytest.mark.parametrize("beats", [1, 2, 7])
@pytest.mark.parametrize("late", [0, 1, 2, 9])
def test_it_comes_behind_a_beat_and_stays_until_the_restart(beats: int, late: int) -> None:
    """In the clock behind the beat, when it is not late."""
    assert risen(at_in=beats, late=late) == list(range(3 * (beats - 1) + 1 + late, 61))
    assert risen(at_out=beats, late=late) == list(range(5 * (beats - 1) + 1 + late, 61))


def test_0_is_never() -> None:
    assert risen() == []
