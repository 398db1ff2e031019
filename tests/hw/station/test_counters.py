"""Counters and Pending against plain sums."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.station.counters import Counters, Pending
from tests.hw.stream_bench import simulate


def test_counters_add_and_wrap() -> None:
    widths = {"one": 1, "some": 8, "many": 32}
    dut, rng, totals = Counters(widths), random.Random(1), dict.fromkeys(widths, 0)

    async def run(ctx: Any) -> None:
        for _ in range(200):
            for name, width in widths.items():
                add = rng.getrandbits(width) if rng.random() < 0.7 else 0
                ctx.set(getattr(dut, name + "_add"), add)
                totals[name] += add
            await ctx.tick()
            assert {name: ctx.get(getattr(dut, name)) for name in widths} == {
                name: total % 2**32 for name, total in totals.items()
            }

    simulate(dut, run)
    assert totals["many"] > 2**32


@pytest.mark.parametrize("add", [1, 2])
def test_counters_at_their_end(add: int) -> None:
    """From one below all ones: just there, and past it to 0, in every width of what is added."""
    names = {"one": 2, "some": 8, "many": 32}
    dut = Counters(names)

    async def run(ctx: Any) -> None:
        for name in names:
            ctx.set(getattr(dut, name), 2**32 - 2)
            ctx.set(getattr(dut, name + "_add"), add)
        for number in (1, 2):
            await ctx.tick()
            assert [ctx.get(getattr(dut, name)) for name in names] == [(2**32 - 2 + number * add) % 2**32] * 3

    simulate(dut, run)


def test_pending_holds_as_many_as_sixteen_bits_say() -> None:
    """0xFFFF frames came and none left: each of them is lost in a flush, and leaves when there is none."""
    for flush in (True, False):
        dut = Pending()

        async def run(ctx: Any, dut: Pending = dut, flush: bool = flush) -> None:
            ctx.set(dut.count, 0xFFFF - 2)
            ctx.set(dut.came, 2)
            await ctx.tick()
            ctx.set(dut.came, 0)
            assert ctx.get(dut.count) == 0xFFFF
            ctx.set(dut.flush, flush)
            ctx.set(dut.left, 0 if flush else 255)
            assert ctx.get(dut.lost) == 0xFFFF * flush
            await ctx.tick()
            assert ctx.get(dut.count) == (0 if flush else 0xFFFF - 255)

        simulate(dut, run)


def test_pending_counts_what_is_inside_and_what_a_flush_loses() -> None:
    dut, rng, inside, flushed = Pending(), random.Random(2), 0, 0

    async def run(ctx: Any) -> None:
        nonlocal inside, flushed
        for _ in range(400):
            came = int(rng.random() < 0.8)
            left, flush = rng.randint(0, min(3, inside + came)), rng.random() < 0.03
            for port, value in ((dut.came, came), (dut.left, left), (dut.flush, flush)):
                ctx.set(port, value)
            _, _, lost, count = await ctx.tick().sample(dut.lost, dut.count)
            assert count == inside
            inside += came - left
            assert lost == (inside if flush else 0)
            flushed += lost
            if flush:
                inside = 0

    simulate(dut, run)
    assert flushed > 0
