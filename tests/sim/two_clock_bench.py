"""What `test_cocotb_clock.py` runs in a simulator: a bench on a card of two clocks."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from ringbed.sim.testbed.cocotb_bench import Bench
from tests.sim.cocotb.test_clock import TIMER, two_clock_toy


@cocotb.test()
async def the_clocks_agree(dut: Any) -> None:
    """Edges of the other clock by cocotb, main clocks by ringbed, and through a skip."""
    bench = await Bench.start(dut, two_clock_toy())

    async def edges(count: int) -> tuple[int, int]:
        for _ in range(count):
            await RisingEdge(dut.fast)
        return bench.now, int(dut.beats.value)

    begin, before = await edges(1)
    assert await edges(500) == (begin + 400, before + 500)

    def sleep() -> int:
        bench.engine.write(TIMER, bench.now + 1000)
        bench.engine.run(bench.now + 2000)
        return bench.engine.stats().skipped

    assert await bench.call(sleep) > 1900
    now, counted = await edges(1)
    assert abs(4 * (counted - before) - 5 * (now - begin)) <= 5
    assert await edges(500) == (now + 400, counted + 500)
