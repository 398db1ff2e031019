"""Tests of the toy as a block has them, for `test_runner.py` alone to run; one of them is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hw.stream_bench import simulate
from tests.sim.mutate.toy import Toy


def test_it_is_made() -> None:
    async def bench(ctx: Any) -> None:
        await ctx.tick()

    simulate(Toy(), bench)


def test_of_another() -> None:
    async def bench(ctx: Any) -> None:
        await ctx.tick()
        assert ctx.get(dut.count) == 0

    dut = Toy(added=3)
    simulate(dut, bench)


@pytest.mark.parametrize("rounds", [40])
def test_all_of_it(rounds: int) -> None:
    async def bench(ctx: Any) -> None:
        count = total = 0
        for at in range(rounds):
            go, clear, value = at % 7 != 3, at % 11 == 5, at % 3 != 1
            for port, bit in ((dut.go, go), (dut.clear, clear), (dut.value, value)):
                ctx.set(port, bit)
            assert ctx.get(dut.both) == (go and clear)
            await ctx.tick()
            count = (count + go) % 5
            total = 0 if clear else (total + (go and value)) % 4
            assert (ctx.get(dut.count), ctx.get(dut.sum)) == (count, total)

    dut = Toy()
    simulate(dut, bench)


def test_that_is_wrong() -> None:
    async def bench(ctx: Any) -> None:
        await ctx.tick()
        assert ctx.get(dut.count) == 7

    dut = Toy()
    simulate(dut, bench)
