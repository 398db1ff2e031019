"""Pack against bytes joined end to end: fragments of every size at every alignment, empty ones, bus errors."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import pytest
from amaranth.lib import data

from ringbed.hw.bus.burst import Plan
from ringbed.hw.bus.dma import ReadBeat
from ringbed.hw.tx.orders import TxBegin, TxFinish
from ringbed.hw.tx.pack import Pack
from ringbed.hw.tx.ring import Piece
from tests.hw.stream_bench import pack, pauses, simulate, source

LANES, WIDEST, BURST = 8, 64, 512
BEGIN = TxBegin()
FINISH: int = BEGIN["finish"].offset
ABORT: int = 1 << TxFinish["abort"].offset


@dataclass
class Frame:
    """Fragments as (address, bytes); `error`: number of the read beat that comes with a bus error."""

    fragments: list[tuple[int, bytes]]
    number: int  # decides what its pieces say
    error: int | None = None
    refused: bool = False


# Bytes; what was said as it began, bit for bit; what as it ended, but for the abort; the abort; its last beat's error.
Out = tuple[bytes, int, int, bool, bool]


def said(frame: Frame, place: int) -> int:
    """All that a piece of the frame says, the bits of a TxBegin: noise, but for the abort in the last."""
    bits = random.Random(f"{frame.number} {place}").getrandbits(BEGIN.size)
    if place < len(frame.fragments) - 1:
        return bits
    return bits | ABORT << FINISH if frame.refused else bits & ~(ABORT << FINISH)


def ended(finish: int) -> int:
    """A TxFinish, or what lies above it in a TxBegin, without its abort."""
    return finish & ~ABORT


def reference(frames: Iterable[Frame]) -> list[Out]:
    """A frame without any bytes, which only a refused one may be, leaves nothing."""
    out = []
    for frame in frames:
        joined = b"".join(piece for _, piece in frame.fragments)
        if joined:
            begin, end, error = said(frame, 0), said(frame, len(frame.fragments) - 1) >> FINISH, frame.error is not None
            out.append((joined, begin, ended(end), frame.refused or error, error))
    return out


def plans(address: int, length: int, lanes: int = LANES) -> list[tuple[int, int]]:
    """The bursts of a fragment: lane of the first byte, bytes."""
    made = []
    while length:
        here = min(length, BURST - address % BURST)
        made.append((address % lanes, here))
        address, length = address + here, length - here
    return made


def pieces_of(frame: Frame) -> list[int]:
    last = len(frame.fragments) - 1
    return [
        pack(Piece(), {
            "first": place == 0, "last": place == last, "some": bool(piece),
            "begin": BEGIN.from_bits(said(frame, place)),
        })
        for place, (_, piece) in enumerate(frame.fragments)
    ]  # fmt: skip


def plans_of(frame: Frame, lanes: int) -> list[int]:
    packed = []
    for address, piece in frame.fragments:
        bursts = plans(address, len(piece), lanes)
        for place, (lane, length) in enumerate(bursts):
            fields = {"lane": lane, "length": length, "first": place == 0, "last": place == len(bursts) - 1}
            packed.append(pack(Plan(), fields))
    return packed


def beats_of(frame: Frame, rng: random.Random, lanes: int = LANES) -> list[int]:
    """Read data as the bus brings it: bytes of others around the fragment's."""
    packed, layout = list[int](), ReadBeat(8 * lanes)
    for address, piece in frame.fragments:
        at = 0
        for lane, length in plans(address, len(piece), lanes):
            line = rng.randbytes(lane) + piece[at : at + length]
            line += rng.randbytes(-len(line) % lanes)
            for start in range(0, len(line), lanes):
                word = int.from_bytes(line[start : start + lanes], "little")
                last, error = start + lanes == len(line), len(packed) == frame.error
                packed.append(pack(layout, {"data": word, "last": last, "error": error}))
            at += length
    return packed


def rtl(
    frames: Sequence[Frame], gaps: tuple[Iterable[bool], ...] = (repeat(False),) * 4, width: int = 64
) -> tuple[list[Out], int]:
    """What came out, and the clocks from the first read beat taken to the last; the last of `gaps` is the output's."""
    dut, rng, lanes = Pack(width), random.Random(6), width // 8
    plan, beats = [plans_of(frame, lanes) for frame in frames], [beats_of(frame, rng, lanes) for frame in frames]
    out: list[Out] = []
    clocks: list[int] = []
    wanted = len(reference(frames))
    held = iter(gaps[3]) if len(gaps) > 3 else repeat(False)

    async def sink(ctx: Any) -> None:
        frame, order, clock, quiet = b"", 0, 0, 0
        while len(out) < wanted or quiet < 40:
            ready = not next(held)
            ctx.set(dut.o.ready, ready)
            _, _, there, beat, begin, finish, waiting, taken = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.begin, dut.finish, dut.piece.valid, dut.i.valid & dut.i.ready
            )
            clock += 1
            valid = there and ready
            quiet = 0 if valid or waiting else quiet + 1
            if taken:
                clocks.append(clock)
            if valid:
                take(beat, frame)
                if beat.first:
                    order = begin.as_bits()
                frame += beat.data.to_bytes(lanes, "little")[: beat.count]
                if beat.last:
                    out.append((frame, order, ended(finish.as_bits()), bool(finish.abort), bool(beat.error)))
                    frame = b""
        assert not frame

    def take(beat: data.Const[Any], frame: bytes) -> None:
        assert beat.first == (frame == b"")
        assert beat.last or beat.count == lanes
        assert 1 <= beat.count <= lanes

    made = ([pieces_of(f) for f in frames], plan, beats)
    streams = zip((dut.piece, dut.plan, dut.i), made, gaps[:3], strict=True)
    sources = [source(port, [word for part in parts for word in part], gap) for port, parts, gap in streams]
    simulate(dut, *sources, sink, clocks=20000)
    return out, clocks[-1] - clocks[0] + 1 if clocks else 0


def fragments(sizes: Iterable[int], rng: random.Random, lane: int | None = None) -> list[tuple[int, bytes]]:
    """One fragment a size; the first at `lane`, the others anywhere."""
    made = []
    for size in sizes:
        at = rng.randrange(1 << 20) * WIDEST + (rng.randrange(WIDEST) if lane is None else lane)
        made.append((at, rng.randbytes(size)))
        lane = None
    return made


@pytest.mark.parametrize("lane", range(LANES))
def test_two_fragments_of_every_size_at_every_alignment(lane: int) -> None:
    rng = random.Random(lane)
    sizes = [(one, two) for one in range(1, 10) for two in range(1, 10)]
    frames = [Frame(fragments(pair, rng, lane), number % 250) for number, pair in enumerate(sizes)]
    assert rtl(frames)[0] == reference(frames)


@pytest.mark.parametrize("width", [128, 256, 512])
def test_wide_paths(width: int) -> None:
    """Two fragments: the first at every alignment, to the end of a beat, beyond it, and less; some read with errors."""
    rng, lanes, frames = random.Random(width), width // 8, list[Frame]()
    for lane in range(lanes):
        for one in (1, lanes - lane, lanes - lane + 1, 2 * lanes):
            frame = Frame(fragments((one, rng.choice((1, lanes - 1, lanes, lanes + 1))), rng, lane), len(frames) % 250)
            beats = len(beats_of(frame, rng, lanes))
            frames.append(replace(frame, error=rng.randrange(beats) if rng.random() < 0.2 else None))
    assert rtl(frames, (repeat(False), repeat(False), pauses(1, 0.1), pauses(2, 0.2)), width)[0] == reference(frames)


def test_empty_fragments_at_every_place() -> None:
    """A descriptor without bytes may begin a frame, end it, or stand between; more than one too."""
    rng, frames = random.Random(3), list[Frame]()
    for size in (1, 7, 8, 9, 16, 17):
        for before, between, behind in [(a, b, c) for a in range(3) for b in range(2) for c in range(3)]:
            sizes = [0] * before + [size] + [0] * between + [rng.randint(1, 9)] + [0] * behind
            frames.append(Frame(fragments(sizes, rng), len(frames) % 250))
    assert rtl(frames)[0] == reference(frames)


def test_many_fragments_with_gaps_on_every_stream() -> None:
    rng, frames = random.Random(5), []
    for number in range(70):
        sizes = [rng.choice((0, 1, 2, rng.randint(1, 9), rng.randint(1, 9), 70)) for _ in range(rng.randint(1, 9))]
        frames.append(Frame(fragments([*sizes, rng.randint(0, 5) if any(sizes) else 1], rng), number))
    for gaps in [(0.6, 0.1, 0.1, 0.0), (0.1, 0.7, 0.1, 0.1), (0.1, 0.1, 0.6, 0.0), (0.1, 0.1, 0.1, 0.6)]:
        assert rtl(frames, tuple(pauses(seed, share) for seed, share in enumerate(gaps)))[0] == reference(frames)


def test_fragments_of_several_bursts() -> None:
    rng = random.Random(8)
    frames = [
        Frame([(BURST * rng.randrange(99) + at, rng.randbytes(size)), *fragments([rng.randint(0, 5)], rng)], number)
        for number, (at, size) in enumerate(
            [(511, 2), (508, 600), (1, 511), (0, 512), (0, 513), (7, 1100), (505, 1031)]
        )
    ]
    assert rtl(frames)[0] == reference(frames)


def test_bus_error_aborts_its_frame_alone() -> None:
    """Every beat of a frame in turn, its neighbours back to back with it."""
    rng, frames = random.Random(9), list[Frame]()
    for sizes in [(4,), (9,), (8, 8), (3, 0, 17), (1, 1, 0), (24,)]:
        for beat in range(len(beats_of(Frame(fragments(sizes, rng, lane=0), 0), rng))):
            frames.append(Frame(fragments(sizes, rng, lane=0), len(frames), error=beat))
            frames.append(Frame(fragments([rng.randint(1, 20)], rng), len(frames)))
    assert rtl(frames)[0] == reference(frames)
    assert rtl(frames, (pauses(1), pauses(2), pauses(3), pauses(4)))[0] == reference(frames)


@pytest.mark.parametrize("seed", range(8))
def test_bus_error_while_the_frame_before_is_held_up(seed: int) -> None:
    """Neither does that one pay for it, nor does the frame get away with it, whose end may have no bytes."""
    rng, frames = random.Random(seed), list[Frame]()
    for number in range(40):
        sizes = [rng.choice((0, 1, 2, 3, 5, 8, 9, 17)) for _ in range(rng.randint(1, 3))]
        frame = Frame(fragments([*sizes, rng.choice((0, 3)) if any(sizes) else 3], rng), number)
        count = sum(
            -(-(lane + length) // LANES) for each in frame.fragments for lane, length in plans(each[0], len(each[1]))
        )
        frames.append(Frame(frame.fragments, number, error=rng.choice((None, rng.randrange(count)))))
    gaps = tuple(pauses(10 * seed + place, rng.choice((0.0, 0.3, 0.8))) for place in range(4))
    assert rtl(frames, gaps)[0] == reference(frames)


def test_refused_frames_end_with_abort_or_leave_nothing() -> None:
    """What was read before a frame was refused ends with `abort`; refused at once, it has no beat at all."""
    rng, frames = random.Random(10), list[Frame]()
    for size in (0, 0, 1, 8, 13, 16, 0, 24):
        frames.append(Frame(fragments([size, 0, 0], rng), len(frames), refused=True))
        frames.append(Frame(fragments([rng.randint(1, 20)], rng), len(frames)))
    assert rtl(frames)[0] == reference(frames)


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_one_read_beat_a_clock(width: int) -> None:
    rng, lanes = random.Random(11), width // 8
    aligned = [Frame(fragments([8 * lanes], rng, lane=0), number) for number in range(20)]
    assert rtl(aligned, width=width)[1] == 20 * 8
    spilling = [Frame(fragments([lanes + 1, 2, 8 * lanes], rng, lane=0), number) for number in range(20)]
    assert rtl(spilling, width=width)[1] <= sum(len(beats_of(frame, rng, lanes)) + 1 for frame in spilling)
