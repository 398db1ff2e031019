"""SegmentCut against slices of the message: each segment's payload where its header ends; messages that end early."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pytest
from amaranth import Module, Signal
from amaranth.hdl import Fragment

from ringbed.hw.stream.beat import Beat
from ringbed.hw.tx.segment_cut import SegmentCut
from tests.hw.edges import counters
from tests.hw.stream_bench import beats as beats_of
from tests.hw.stream_bench import pack, pauses, simulate, source

END = (1 << 18) - 1  # beats of a message that are counted


@dataclass(frozen=True)
class Cut:
    """A message's bytes, and how it is cut: `header` bytes, then `mss` at a time up to `total`, all that is said of it.

    `error`: number of the beat that comes with one.
    """

    data: bytes
    header: int
    mss: int
    total: int
    error: int | None = None

    def pieces(self, lanes: int) -> Iterator[tuple[int, int, bool, bool, int, int]]:
        """Each output beat with payload: its first byte, lanes of the header before that, whether it ends the segment,
        and the message; where its bytes end, and its segment's.
        """
        for start in range(self.header, self.total, self.mss):
            end, at, below = min(start + self.mss, self.total), start, self.header % lanes
            while at < end:
                here = min(at + lanes - below, end)
                yield at, below, here == end, end == self.total, here, end
                at, below = here, 0


class Bench:
    """The block as the segmenter holds it: a beat is used if it is there and wanted; `take` stops at the last one."""

    def __init__(self, width: int) -> None:
        self.m = Module()
        self.m.submodules.cut = self.cut = cut = SegmentCut(width)
        self.wanted, self.taking = Signal(), Signal()
        self.m.d.comb += [cut.step.eq(self.wanted & cut.ready & ~cut.short), cut.take.eq(self.taking & ~cut.over)]
        self.lanes, self.taken, self.beats = width // 8, 0, 0

    async def tick(self, ctx: Any) -> Any:
        """A clock, and what was on show in it; `over` is the message's last beat having been taken, and no other."""
        cut = self.cut
        _, _, accepted, over, exact, used, *shown = await ctx.tick().sample(
            cut.i.valid & cut.i.ready, cut.over, cut.exact, cut.step, cut.ready, cut.short, cut.o
        )
        assert over == (self.taken == self.beats)
        self.taken += accepted
        self.exact = exact
        return used, *shown

    async def header(self, ctx: Any, cut: Cut) -> None:
        """Up to the beat with the first byte behind the header, or the message's end."""
        for port, value in ((self.cut.header, cut.header), (self.cut.mss, cut.mss), (self.cut.total, cut.total)):
            ctx.set(port, value)
        ctx.set(self.cut.begin, 1)
        await ctx.tick()
        ctx.set(self.cut.begin, 0)
        self.taken, self.beats = 0, -(-len(cut.data) // self.lanes)
        ctx.set(self.taking, 1)
        while self.taken < min(cut.header // self.lanes + 1, self.beats):
            await self.tick(ctx)
        ctx.set(self.taking, 0)

    async def beat(self, ctx: Any, holds: Iterator[bool]) -> tuple[bool, int]:
        """One output beat: whether it is short, and its data."""
        while True:
            ctx.set(self.wanted, not next(holds))
            used, ready, short, data = await self.tick(ctx)
            if used or (ready and short):
                ctx.set(self.wanted, 0)
                return bool(short), data

    async def rest(self, ctx: Any) -> None:
        ctx.set(self.taking, 1)
        for _ in range(3):  # `over` stays, and what follows is not taken
            while self.taken < self.beats:
                await self.tick(ctx)
            await self.tick(ctx)
        ctx.set(self.taking, 0)


def check(cut: Cut, lanes: int, piece: Any, short: bool, data: int) -> None:
    """The bytes, or that they can not be; with a bus error, a beat before it more or less."""
    at, below, _, _, here, end = piece
    sure = len(cut.data) if cut.error is None else cut.error * lanes
    if short:
        assert end > (sure if cut.error is None else sure - lanes)
    else:
        assert here <= sure
        assert data.to_bytes(lanes, "little")[below : below + here - at] == cut.data[at:here]


def run(cuts: list[Cut], width: int, share: float = 0.0) -> list[bool]:
    """Cuts all the messages, checks each beat; gives whether each message was cut to its end."""
    bench, lanes, whole = Bench(width), width // 8, list[bool]()
    sent = [
        pack(Beat(width), beat | {"error": int(number == cut.error)})
        for cut in cuts for number, beat in enumerate(beats_of([cut.data], lanes))
    ]  # fmt: skip
    holds: Iterable[bool] = pauses(2, share) if share else repeat(False)

    async def drive(ctx: Any) -> None:
        waits = iter(holds)
        for cut in cuts:
            await bench.header(ctx, cut)
            short = len(cut.data) <= cut.header
            for piece in cut.pieces(lanes) if not short else ():
                _, below, ends, final, here, _ = piece
                for port, value in ((bench.cut.count, below + here - piece[0]), (bench.cut.ends, ends),
                                    (bench.cut.final, final)):  # fmt: skip
                    ctx.set(port, value)
                short, data = await bench.beat(ctx, waits)
                check(cut, lanes, piece, short, data)
                if short:
                    break
            await bench.rest(ctx)
            assert bench.exact == (len(cut.data) == cut.total)
            whole.append(not short)

    simulate(bench.m, source(bench.cut.i, sent, pauses(3, share) if share else repeat(False)), drive, clocks=20_000)
    return whole


def some(rng: random.Random, lanes: int) -> Cut:
    """A header that ends at any lane, segments shorter and longer than a beat."""
    header = rng.choice((1, lanes - 1, lanes, lanes + 1, 54, 66, 240))
    mss = rng.choice((1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes, rng.randint(1, 3 * lanes)))
    size = header + mss * rng.randint(1, 5) - rng.choice((0, 0, mss // 2, mss - 1))
    return Cut(rng.randbytes(size), header, mss, size)


@pytest.mark.parametrize("width", [64, 128, 256, 512])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_any_message(width: int, share: float) -> None:
    rng = random.Random(width)
    cuts = [some(rng, width // 8) for _ in range(14)]
    assert run(cuts, width, share) == [True] * len(cuts)


@pytest.mark.parametrize("width", [64, 256])
def test_every_lane_that_a_segment_may_begin_in(width: int) -> None:
    """An MSS of a byte, and of a beat but one, more or less, moves on by every amount; headers end at every lane."""
    lanes, rng = width // 8, random.Random(8)
    sizes = (1, lanes - 1, lanes, lanes + 1)
    cuts = [Cut(rng.randbytes(header + 2 * mss + 1), header, mss, header + 2 * mss + 1)
            for header in range(lanes, 2 * lanes, 1 if lanes == 8 else 5) for mss in sizes]  # fmt: skip
    assert all(run(cuts, width))


@pytest.mark.parametrize("width", [64, 512])
def test_a_message_of_another_length_than_said(width: int) -> None:
    """`short` where bytes are missing; one that is too long is whole; neither is exact, by a byte or by a beat."""
    rng, lanes, header, mss = random.Random(4), width // 8, 54, 50
    said = header + 3 * mss
    sizes = [1, header, header + 1, said - mss, said - lanes, said - 1, said, said + 1, said + lanes, said + 99]
    cuts = [Cut(rng.randbytes(size), header, mss, said) for size in sizes]
    assert run(cuts, width) == [size >= said for size in sizes]
    assert run(cuts, width, 0.3) == [size >= said for size in sizes]


@pytest.mark.parametrize("width", [64, 256])
def test_a_bus_error_is_seen_with_its_beat(width: int) -> None:
    """In a header's beat or behind it: nothing from there on is given out as good, and the next message is whole."""
    rng, lanes = random.Random(5), width // 8
    data = rng.randbytes(54 + 130)
    bad = [Cut(data, 54, 40, len(data), error) for error in range(0, -(-len(data) // lanes), 2)]
    cuts = [cut for each in bad for cut in (each, Cut(data, 54, 40, len(data)))]
    assert run(cuts, width, 0.2) == [False, True] * len(bad)


@pytest.mark.parametrize(("beats", "total", "exact"), [(2, END * 8, True), (2, END * 8 - 1, False), (4, 8, False)])
def test_the_count_of_beats_stays_at_its_end(beats: int, total: int, exact: bool) -> None:
    """So many that it is full, as PAYLEN never asks for, and two more: then it does not begin again."""
    bench, data = Bench(64), bytes(8 * beats)
    top = Fragment.get(bench.m, None)
    taken = counters(next(inner for inner, name, _ in top.subfragments if name == "cut"))["taken"]

    async def drive(ctx: Any) -> None:
        await bench.header(ctx, Cut(data, 1, 1, total))
        assert ctx.get(taken) == 1
        ctx.set(taken, END - 1)
        await bench.rest(ctx)
        assert bench.exact == exact
        await bench.header(ctx, Cut(data, 1, 1, len(data)))
        await bench.rest(ctx)
        assert bench.exact, "the next message is counted from 0"

    sent = [pack(Beat(64), beat) for beat in beats_of([data, data], 8)]
    simulate(top, source(bench.cut.i, sent), drive, clocks=1000)
