"""ReadBuffer: never more asked for than there is room, everything in order, and an error that stays."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.bus.read_buffer import ReadBuffer
from tests.hw.stream_bench import simulate


@pytest.mark.parametrize("seed", range(4))
def test_room_is_kept_for_what_was_asked(seed: int) -> None:
    """Bursts of any size, answered late, taken with pauses: what was asked for and not taken never passes the depth."""
    dut, rng, depth = ReadBuffer(64, 100), random.Random(seed), 100
    sent, took, coming = (list[tuple[int, bool]]() for _ in range(3))

    async def run(ctx: Any) -> None:
        full = 0
        for _ in range(3000):
            size = rng.randint(1, 64)
            ask, give, want = rng.random() < 0.3, bool(coming) and rng.random() < 0.7, rng.random() < 0.5
            ctx.set(dut.beats, size)
            room = ctx.get(dut.go)
            assert room == (len(coming) + len(sent) - len(took) + size <= depth)
            full += not room
            ctx.set(dut.asked, ask and room)
            ctx.set(dut.i.valid, give)
            if give:
                value, last = coming.pop(0)
                ctx.set(dut.i.payload, {"data": value, "last": last, "error": 0})
                sent.append((value, last))
                assert ctx.get(dut.answered) == last
            ctx.set(dut.o.ready, want)
            _, _, valid, ready, beat = await ctx.tick().sample(dut.o.valid, dut.i.ready, dut.o.payload)
            assert ready
            if want and valid:
                took.append((beat.data, bool(beat.last)))
            if ask and room:
                coming.extend((rng.getrandbits(64), number == size - 1) for number in range(size))
        assert full > 100

    simulate(dut, run)
    assert took == sent[: len(took)]
    assert len(took) > 500


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_an_error_spoils_what_comes_behind_it(width: int) -> None:
    """And the data are the bus's to its highest bit."""
    dut, got, top = ReadBuffer(width, 80), list[tuple[int, int]](), 1 << width - 1

    async def run(ctx: Any) -> None:
        ctx.set(dut.beats, 6)
        ctx.set(dut.asked, 1)
        await ctx.tick()
        ctx.set(dut.asked, 0)
        for number in range(6):
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, {"data": top | number, "last": 0, "error": number == 2})
            assert ctx.get(dut.failed) == (number == 2)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        while len(got) < 6:
            _, _, valid, beat = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                got.append((beat.data - top, beat.error))

    simulate(dut, run, clocks=100)
    assert got == list(enumerate([0, 0, 1, 1, 1, 1]))
