"""FrameStore against a deque: what was kept comes out in order, what was forgotten never was, no place is lost."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ringbed.hw.stream.frame_store import FrameStore
from ringbed.hw.stream.packet_buffer import BANK_BYTES, BANKS
from tests.hw.stream_bench import simulate

WIDTHS = (64, 128, 256, 512)


@dataclass
class Trial:
    """A frame to be written: its beats, and how many of them stay."""

    beats: int
    keep: int
    late: bool  # its end comes a clock after its last beat


class Bench:
    """The writer, the reader, and a memory that answers a clock later; all looked at in every clock."""

    def __init__(self, origin: int, size: int, seed: int, write: float, read: float, width: int = 64) -> None:
        self.origin, self.size, self.rng = origin, size, random.Random(seed)
        self.write, self.read, self.width, self.dut = write, read, width, FrameStore(width)
        self.memory: dict[int, int] = {}
        self.expected: deque[int] = deque()
        self.trial: list[int] = []
        self.kept = self.given = self.lost = self.clocks = self.read_out = 0

    async def run(self, ctx: Any, frames: Iterator[Trial]) -> None:
        ctx.set(self.dut.origin, self.origin)
        ctx.set(self.dut.size, self.size)
        for frame in frames:
            await self.frame(ctx, frame)
        while self.expected:
            await self.step(ctx)
        await self.step(ctx)
        assert self.read_out == self.kept, "each beat is read out of the memory once"

    async def frame(self, ctx: Any, frame: Trial) -> None:
        """Beats go in while there is room; a frame that finds none is forgotten, as RxAdmit does it."""
        missed = False
        for number in range(frame.beats):
            while self.rng.random() >= self.write:
                await self.step(ctx)
            missed |= ctx.get(self.dut.free) == 0
            ends = number == frame.beats - 1 and not frame.late
            await self.step(
                ctx, None if missed else self.rng.getrandbits(self.width), ends, 0 if missed else frame.keep
            )
        if frame.late:
            await self.step(ctx, None, True, 0 if missed else frame.keep)
        self.lost += missed

    async def step(self, ctx: Any, beat: int | None = None, end: bool = False, keep: int = 0) -> None:
        dut, memory = self.dut, self.dut.memory
        ctx.set(dut.w_en, beat is not None)
        ctx.set(dut.w_data, beat or 0)
        ctx.set(dut.end, end)
        ctx.set(dut.keep, keep if end else self.rng.getrandbits(8))
        ctx.set(dut.o.ready, self.rng.random() < self.read)
        sampled = await ctx.tick().sample(
            dut.free, dut.o.valid, dut.o.ready, dut.o.payload,
            memory.w_en, memory.w_addr, memory.w_data, memory.r_en, memory.r_addr,
        )  # fmt: skip
        free, valid, ready, payload, w_en, w_addr, w_data, r_en, r_addr = sampled[2:]
        self.clocks += 1
        self.read_out += r_en
        # what was read out of the memory and not yet taken, two beats at most, is free already
        inside = self.kept - self.given
        assert inside - 2 <= self.size - free - len(self.trial) <= inside
        if valid and ready:
            assert payload == self.expected.popleft()
            self.given += 1
        ctx.set(memory.r_data, self.memory.get(r_addr, 0) if r_en else self.rng.getrandbits(self.width))
        if w_en:
            assert self.origin <= w_addr < self.origin + self.size
            self.memory[w_addr] = w_data
        if beat is not None:
            self.trial.append(beat)
        if end:
            self.expected.extend(self.trial[:keep])
            self.kept += len(self.trial[:keep])
            self.trial = []


def trials(seed: int, count: int, longest: int) -> Iterator[Trial]:
    """A third forgotten; of the others some without their last beat, as when it holds nothing but the FCS."""
    rng = random.Random(seed)
    for _ in range(count):
        beats = rng.randint(1, longest)
        yield Trial(beats, rng.choice((0, beats, max(beats - 1, 1))), rng.random() < 0.3)


def run(bench: Bench, frames: Iterator[Trial]) -> None:
    async def main(ctx: Any) -> None:
        await bench.run(ctx, frames)

    simulate(bench.dut, main, clocks=50000)


@pytest.mark.parametrize(("size", "origin"), [(5, 0), (24, 1000), (64, 8192 - 64), (100, 77)])
@pytest.mark.parametrize(("write", "read"), [(0.9, 0.3), (0.3, 0.9), (0.8, 0.7)])
def test_kept_and_forgotten_through_many_wraps(size: int, origin: int, write: float, read: float) -> None:
    bench = Bench(origin, size, size, write, read)
    run(bench, trials(size, 600 // (size // 4 + 2), size // 2 + 1))
    assert bench.kept > 2 * size
    if (write, read) == (0.9, 0.3):
        assert bench.lost > 0  # it has been full


@pytest.mark.parametrize("width", WIDTHS)
def test_the_end_of_the_buffer(width: int) -> None:
    """A region that ends with it: its last place has the highest address there is."""
    size = 9
    bench = Bench(8 * BANKS * BANK_BYTES // width - size, size, width, 0.8, 0.7, width)
    run(bench, trials(width, 60, 5))
    assert bench.kept > 4 * size


@pytest.mark.parametrize("width", WIDTHS)
def test_a_frame_that_fills_the_store_exactly(width: int) -> None:
    """Twice, so that the second begins where the first did; in between there is room for nothing."""
    bench = Bench(3, 24, 1, 1.0, 0.0, width)

    async def main(ctx: Any) -> None:
        bench.read = 1.0
        await bench.run(ctx, iter([Trial(5, 5, False)]))
        for late in (False, True):
            bench.read = 0.0
            await bench.frame(ctx, Trial(24, 24, late))
            await bench.frame(ctx, Trial(1, 1, False))
            bench.read = 1.0
            await bench.run(ctx, iter(()))

    simulate(bench.dut, main, clocks=1000)
    assert (bench.kept, bench.lost) == (5 + 2 * 24, 2)


@pytest.mark.parametrize("width", [512])
def test_a_region_of_the_whole_memory(width: int) -> None:
    """Its places have all numbers there are, and a frame may take all of them, twice and behind the end."""
    size = 8 * BANKS * BANK_BYTES // width
    bench = Bench(0, size, 4, 1.0, 1.0, width)

    async def main(ctx: Any) -> None:
        for beats in (size, size - 1, size):
            bench.read = 1.0
            await bench.run(ctx, iter(()))
            bench.read = 0.0
            await bench.frame(ctx, Trial(beats, beats, True))
            await bench.frame(ctx, Trial(size + 3 - beats, 1, False))
        bench.read = 1.0
        await bench.run(ctx, iter([Trial(5, 5, False)] * 4))

    simulate(bench.dut, main, clocks=8 * size)
    assert (bench.kept, bench.lost) == (3 * size + 19, 3)


@pytest.mark.parametrize("width", WIDTHS)
def test_one_beat_a_clock_in_and_out(width: int) -> None:
    """Written and read without a pause, forgotten frames between the others cost the reader nothing."""
    bench = Bench(8, 40, 2, 1.0, 1.0, width)
    run(bench, iter([Trial(8, 8, False)] * 60))
    assert (bench.kept, bench.lost) == (480, 0)
    assert bench.clocks <= 480 + 8 + 4


@pytest.mark.parametrize("width", WIDTHS)
def test_a_kept_beat_can_be_read_three_clocks_after_the_end(width: int) -> None:
    bench, valid = Bench(0, 16, 3, 1.0, 0.0, width), []

    async def main(ctx: Any) -> None:
        ctx.set(bench.dut.size, 16)
        await bench.step(ctx, 0x1234, True, 1)
        for _ in range(4):
            valid.append(ctx.get(bench.dut.o.valid))
            await bench.step(ctx)

    simulate(bench.dut, main)
    assert valid == [0, 0, 1, 1]
