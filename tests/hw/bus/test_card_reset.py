"""CardReset against its two sentences: nothing begins while it drains, and one clock clears all."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.bus.card_reset import SETTLE, CardReset
from tests.hw.stream_bench import simulate


@pytest.mark.parametrize("holds", [0, 5, SETTLE - 1, SETTLE, SETTLE + 1, 100])
def test_clears_once_after_settling_and_not_before_all_is_quiet(holds: int) -> None:
    dut, seen = CardReset(), list[tuple[int, int]]()

    async def run(ctx: Any) -> None:
        assert (ctx.get(dut.draining), ctx.get(dut.clear)) == (0, 0)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for clock in range(holds + SETTLE + 5):
            ctx.set(dut.hold, clock < holds)
            seen.append((ctx.get(dut.draining), ctx.get(dut.clear)))
            await ctx.tick()

    simulate(dut, run)
    clears = max(SETTLE, holds)
    assert seen == [(1, int(clock == clears)) if clock <= clears else (0, 0) for clock in range(len(seen))]


def test_started_again_it_settles_again() -> None:
    """Whenever the bit is written once more, clear comes SETTLE clocks after the last write at the soonest."""
    dut, rng, since, draining = CardReset(), random.Random(1), 0, False
    clears = 0

    async def run(ctx: Any) -> None:
        nonlocal since, draining, clears
        for _ in range(1500):
            start, hold = rng.random() < 0.03, rng.random() < 0.3
            ctx.set(dut.start, start)
            ctx.set(dut.hold, hold)
            _, _, drains, clear = await ctx.tick().sample(dut.draining, dut.clear)
            assert drains == draining
            assert clear == (draining and since >= SETTLE and not hold)
            clears += clear
            draining = start or (draining and not clear)
            since = 0 if start else since + 1

    simulate(dut, run)
    assert clears > 5
