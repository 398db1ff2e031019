"""Deadline: due after so many clocks of the timebase, whether they pass one by one or all at once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.interrupt.deadline import NEVER, Deadline
from tests.hw.stream_bench import simulate


@pytest.mark.parametrize("begin", [0, 0xFFFF_FFF0, 0x7FFF_FFFB])
def test_against_a_number(begin: int) -> None:
    """The timebase wraps; it never passes the moment that `wait` names, as the harness promises."""
    dut, rng = Deadline(), random.Random(begin)

    async def run(ctx: Any) -> None:
        now, end = begin, None
        ctx.set(dut.timebase, now)
        for _ in range(400):
            start, stop, clocks = rng.random() < 0.1, rng.random() < 0.05, rng.choice((1, 2, 5, 1000, 2**31 - 1))
            ctx.set(dut.start, start)
            ctx.set(dut.stop, stop)
            ctx.set(dut.clocks, clocks)
            left = None if end is None else max(end - now, 0)
            assert ctx.get(dut.wait) == (NEVER if left is None else left)
            assert ctx.get(dut.due) == (left == 0)
            assert ctx.get(dut.running) == (end is not None)
            if start:
                end = now + clocks
            elif stop:
                end = None
            await ctx.tick()
            most = 1 if end is None or end <= now else end - now
            now += rng.choice((1, 1, 1, rng.randint(1, most)))
            ctx.set(dut.timebase, now & 0xFFFF_FFFF)

    simulate(dut, run)
