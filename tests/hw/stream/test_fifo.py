"""Fifo against a deque: order, level and latency of the short kind and the long."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from ringbed.hw.stream.fifo import Fifo
from tests.hw.stream_bench import refused, simulate, wait


def run_fifo(depth: int, clocks: int, write: float, read: float) -> tuple[int, int]:
    """Random pushes and pulls against a deque; the most ever inside, and how many came out."""
    dut, rng, inside = Fifo(37, depth), random.Random(depth), deque[int]()
    most = out = 0

    async def run(ctx: Any) -> None:
        nonlocal most, out
        for _ in range(clocks):
            item, valid, ready = rng.getrandbits(37), rng.random() < write, rng.random() < read
            ctx.set(dut.i.payload, item)
            ctx.set(dut.i.valid, valid)
            ctx.set(dut.o.ready, ready)
            _, _, room, there, shown, level = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, dut.o.payload, dut.level
            )
            assert level == len(inside)
            assert room or len(inside) >= depth
            if there:
                assert shown == inside[0]
                if ready:
                    inside.popleft()
                    out += 1
            if valid and room:
                inside.append(item)
            assert len(inside) <= depth
            most = max(most, len(inside))

    simulate(dut, run)
    return most, out


@pytest.mark.parametrize("depth", [2, 5, 64, 65, 100])
def test_order_and_level(depth: int) -> None:
    most, _ = run_fifo(depth, 6 * depth + 100, write=0.8, read=0.3)
    assert most == depth
    _, out = run_fifo(depth, 300, write=0.3, read=0.8)
    assert out > 50


@pytest.mark.parametrize("depth", [2, 64, 65, 128])
def test_one_item_a_clock(depth: int) -> None:
    assert run_fifo(depth, 300, write=1.0, read=1.0)[1] == 300 - (1 if depth <= 64 else 2)


def test_fewer_than_two_places_are_refused() -> None:
    refused(lambda: Fifo(8, 1), "a FIFO needs at least 2 places, not 1")


@pytest.mark.parametrize("depth", [2, 80])
def test_what_was_promised_not_to_be_full_or_empty_is_asserted(depth: int) -> None:
    """Full and empty themselves are nothing to complain of."""

    def fill(writes: int, reads: int) -> None:
        dut = Fifo(8, depth, has_room="block: it has room (DEPTH)", has_item="block: it has an item")

        async def run(ctx: Any) -> None:
            for port, clocks in ((dut.i.valid, writes), (dut.o.ready, reads)):
                ctx.set(port, 1)
                await wait(ctx, clocks)
                ctx.set(port, 0)
                await wait(ctx, 3)

        simulate(dut, run)

    fill(depth, depth)
    with pytest.raises(AssertionError, match=r"block: it has room \(DEPTH\)"):
        fill(depth + 1, 0)
    with pytest.raises(AssertionError, match="block: it has an item"):
        fill(depth, depth + 1)
