"""A frame's length and first bytes, beside the frame itself; what was told with its first and last beat."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module

from ringbed.hw.stream.frame_facts import HEAD_BYTES, FrameFacts
from tests.hw.stream_bench import beats, frames_of, simulate

DEPTH = 8


def seen(width: int, frames: list[bytes], forget: set[int], gap: int = 0) -> list[tuple[int, bytes, int, int]]:
    """Length, head, begin and end of each, taken as they come; beats back to back but for `gap` clocks."""
    dut, got, m = FrameFacts(width, DEPTH, 4, 4), list[tuple[int, bytes, int, int]](), Module()
    m.submodules.dut = dut

    async def feed(ctx: Any) -> None:
        number = -1
        for beat in beats(frames, width // 8):
            number += beat["first"]
            ctx.set(dut.i.payload, beat)
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.begin, number % 16 if beat["first"] else 15)
            ctx.set(dut.end, ~number % 16 if beat["last"] else 0)
            ctx.set(dut.forget, beat["last"] and number in forget)
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
            for _ in range(gap):
                await ctx.tick()

    async def take(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        while len(got) < len(frames) - len(forget):
            _, _, valid, facts = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                got.append((facts.length, facts.head.to_bytes(HEAD_BYTES, "little"), facts.begin, facts.end))

    simulate(m, feed, take, clocks=4000)
    return got


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_each_frame_has_its_own(width: int) -> None:
    """Of every length around a beat's and the head's; what a frame does not have is 0, whoever was before it."""
    lengths = [200, 1, 8, 9, 63, 64, 65, 127, 128, 129, 15, 300, 2, 1500, 60]
    frames = frames_of(lengths, 3)
    meant = [
        (len(frame), (frame + bytes(HEAD_BYTES))[:HEAD_BYTES], number % 16, ~number % 16)
        for number, frame in enumerate(frames)
    ]
    for gap in (0, 2):
        assert seen(width, frames, set(), gap) == meant
    forgotten = {1, 7, 14}
    assert seen(width, frames, forgotten) == [each for at, each in enumerate(meant) if at not in forgotten]


def test_the_longest_frame() -> None:
    frames = frames_of([16384, 70], 2)
    assert [each[:2] for each in seen(64, frames, set())] == [
        (16384, frames[0][:HEAD_BYTES]), (70, (frames[1] + bytes(HEAD_BYTES))[:HEAD_BYTES])
    ]  # fmt: skip


def test_they_wait_in_order_and_two_clocks_are_enough() -> None:
    dut, m, got = FrameFacts(64, DEPTH, 1, 1), Module(), list[Any]()
    m.submodules.dut = dut
    frames = frames_of([8] * DEPTH, 1)

    async def bench(ctx: Any) -> None:
        for number, beat in enumerate(beats(frames, 8)):
            ctx.set(dut.i.payload, beat)
            ctx.set(dut.i.valid, 1)
            got.append((number, ctx.get(dut.o.valid)))
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        await ctx.tick()
        ctx.set(dut.o.ready, 1)
        for frame in frames:
            assert ctx.get(dut.o.valid)
            assert ctx.get(dut.o.payload).head == int.from_bytes(frame, "little")
            await ctx.tick()
        assert not ctx.get(dut.o.valid)

    simulate(m, bench, clocks=100)
    assert [valid for _, valid in got] == [0, 0, *[1] * (DEPTH - 2)]


def test_a_random_run_beside_the_naive_reference() -> None:
    rng = random.Random(9)
    frames = frames_of([rng.randint(1, 400) for _ in range(40)], 4)
    forget = {number for number in range(40) if rng.random() < 0.3}
    heads = [each[:2] for each in seen(64, frames, forget)]
    assert heads == [
        (len(frame), (frame + bytes(HEAD_BYTES))[:HEAD_BYTES])
        for number, frame in enumerate(frames)
        if number not in forget
    ]
