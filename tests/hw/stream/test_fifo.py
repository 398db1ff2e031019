"""Fifo against a deque: order, level and latency of the short kind and the long."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from ringbed.hw.stream.fifo import Fifo
from tests.hw.stream_bench import refused, simulate


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
