"""Pauses: where noise puts them, and that nothing is lost, taken back or begun too soon."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.dut.block_stream import beat
from ringbed.hw.dut.pauses import Pauses
from ringbed.hw.formats.blocks import LONGEST_PAUSE
from tests.hw.dut.test_block_stream import FRAMES, Piece, joined, send, simulate, take


@pytest.mark.parametrize("on", [False, True])
def test_pauses_take_nothing_back_that_was_offered_and_lose_nothing(on: bool) -> None:
    dut = Pauses(beat(8), 0xACE1)
    got, seen = list[Piece](), list[tuple[bool, bool, int]]()

    async def source(ctx: Any) -> None:
        ctx.set(dut.on, on)
        await send(ctx, dut.i, FRAMES * 4, 8, random.Random(1))
        await ctx.tick().repeat(20)

    async def sink(ctx: Any) -> None:
        await take(ctx, dut.o, got, random.Random(2), dut.i.valid, seen)

    simulate(dut, source, background=[sink])
    assert joined(got) == FRAMES * 4
    held = [before[0] and not before[1] for before in seen]
    assert all(now[0] for was, now in zip(held, seen[1:], strict=False) if was)
    paused = sum(came and not valid for valid, _, came in seen)
    assert paused > 20 if on else paused == 0


def test_pauses_are_short_mostly_and_long_now_and_then() -> None:
    dut, gaps = Pauses(beat(1), 0xACE1), [0]

    async def run(ctx: Any) -> None:
        ctx.set(dut.on, 1)
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        for _ in range(30_000):
            *_, valid = await ctx.tick().sample(dut.o.valid)
            gaps.extend([0]) if valid else gaps.append(gaps.pop() + 1)

    simulate(dut, run)
    long = [gap for gap in gaps if gap >= 64]
    assert 6 < len(long) < 50
    assert max(long) <= LONGEST_PAUSE + 32
    assert max(long) > 1000
    assert all(gap < 20 for gap in gaps if gap not in long)


def test_no_frame_begins_while_it_is_to_wait_and_one_that_has_begun_goes_on() -> None:
    dut, seen = Pauses(beat(1), 0xACE1), list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        for clock in range(12):
            ctx.set(dut.i.payload.last, len(seen) % 4 == 3)  # frames of four beats
            ctx.set(dut.wait, 1 <= clock < 8)
            *_, valid = await ctx.tick().sample(dut.o.valid)
            seen.extend([clock] if valid else [])

    simulate(dut, run)
    assert seen == [0, 1, 2, 3, 8, 9, 10, 11]


def gates(dut: Pauses, noise: int | None, clocks: int = 60) -> list[int]:
    """In which clocks a beat goes through, behind a load of `noise`."""
    seen = list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.on, 1)
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.load, noise is not None)
        ctx.set(dut.noise, noise or 0)
        await ctx.tick()
        ctx.set(dut.load, 0)
        for clock in range(clocks):
            *_, valid = await ctx.tick().sample(dut.o.valid)
            seen.extend([clock] if valid else [])

    simulate(dut, run)
    return seen


def test_a_load_begins_the_noise_anew_whatever_the_seed() -> None:
    first, second, without = (gates(Pauses(beat(1), 0xACE1), noise) for noise in (7, 8, None))
    assert first == gates(Pauses(beat(1), 0xACE1), 7)
    assert len({tuple(each) for each in (first, second, without)}) == 3
    assert gates(Pauses(beat(1), 0xACE1), 0xACE1) != []  # it would be all zeros, of which no noise comes


def test_firsts_keeps_only_first_beats_waiting() -> None:
    dut, gaps = Pauses(beat(1), 0xACE1, firsts=True), {True: 0, False: 0}

    async def run(ctx: Any) -> None:
        ctx.set(dut.on, 1)
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        beats = 0
        for _ in range(400):
            ctx.set(dut.i.payload.last, beats % 4 == 3)
            *_, valid = await ctx.tick().sample(dut.o.valid)
            gaps[beats % 4 == 0] += not valid
            beats += valid

    simulate(dut, run)
    assert gaps[True] > 50
    assert gaps[False] == 0


def through(noise: int, waits: bool) -> int:
    """Beats that go through a shy one in 150 clocks, of a source that waits for ready before it offers, or does not."""
    dut, beats = Pauses(beat(1), 0xACE1, shy=True), 0

    async def run(ctx: Any) -> None:
        nonlocal beats
        ctx.set(dut.on, 1)
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.load, 1)
        ctx.set(dut.noise, noise)
        await ctx.tick()
        ctx.set(dut.load, 0)
        for _ in range(150):
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload.last, beats % 4 == 3)
            if waits and not ctx.get(dut.i.ready):
                ctx.set(dut.i.valid, 0)
            *_, valid = await ctx.tick().sample(dut.i.valid & dut.i.ready)
            beats += valid

    simulate(dut, run)
    return beats


def test_of_some_frames_a_shy_one_takes_no_beat_in_the_clock_in_which_it_is_offered() -> None:
    assert [noise for noise in range(1, 9) if through(noise, waits=False) < 20] == []
    assert len([noise for noise in range(1, 9) if through(noise, waits=True) < 20]) > 4
