"""RxPlace and RxMove against slices of bytes: where frames go, and what is strobed at every alignment."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pytest

from ringbed.hw.bus.burst import Plan
from ringbed.hw.formats import em
from ringbed.hw.rx.ring import RxFrame, RxMove, RxPlace
from tests.hw.stream_bench import pack, pauses, simulate, sink, source

LANES, BURST = 8, 512


@dataclass
class Kept:
    """A frame in the store, and what its last descriptor is to say."""

    length: int
    checksum: int
    status: int
    errors: int
    special: int


Placed = tuple[list[tuple[int, int]], list[tuple[dict[str, int], bool, int]]]


def plans(address: int, length: int, lanes: int = LANES) -> list[tuple[int, int]]:
    """The bursts of a chunk: lane of the first byte, bytes."""
    made = []
    while length:
        here = min(length, BURST - address % BURST)
        made.append((address % lanes, here))
        address, length = address + here, length - here
    return made


# ---- RxPlace ----


def reference_place(frames: Sequence[Kept], addresses: Iterable[int], buffer: int) -> Placed:
    """Chunks; and entries as written descriptor fields, end of frame, data bursts so far."""
    supply, chunks, entries, asked = iter(addresses), [], [], 0
    for frame in frames:
        left = frame.length
        while left:
            address, amount = next(supply), min(left, buffer)
            amount *= address != 0
            first, left = left == frame.length and address != 0, left - amount
            fields = {"length": amount, "checksum": frame.checksum if first else 0, "DD": 1}
            word = em.RX_LEGACY.pack(**fields) >> 64
            if amount and not left:
                word |= frame.status << 32 | frame.errors << 40 | frame.special << 48
            if amount:
                chunks.append((address, amount))
                asked += len(plans(address, amount))
            entries.append((em.RX_LEGACY.unpack(word << 64), bool(amount and not left), asked))
    return chunks, entries


def rtl_place(frames: Sequence[Kept], addresses: list[int], buffer: int, seed: int, share: float) -> Placed:
    dut, holds = RxPlace(), [pauses(seed + number, share) for number in range(4)]
    expected = reference_place(frames, addresses, buffer)
    chunks: list[Any] = []
    entries: list[Any] = []
    words = [random.Random(seed).getrandbits(64) << 64 | address for address in addresses]
    kept = [pack(RxFrame(), vars(frame)) for frame in frames]

    async def setup(ctx: Any) -> None:
        ctx.set(dut.buffer, buffer)

    simulate(
        dut, setup, source(dut.frame, kept, holds[0]),
        source(dut.descriptor, words[: len(expected[1])], holds[1]),
        sink(dut.chunk, len(expected[0]), chunks, holds[2]), sink(dut.entry, len(expected[1]), entries, holds[3]),
        clocks=20 * len(words) + 200,
    )  # fmt: skip
    told, sequence = [], 0
    for entry in entries:
        assert (entry.write, entry.late) == (1, 0)  # nothing of a receive ring may wait for a timer
        sequence += (entry.sequence - sequence) % 256
        told.append((em.RX_LEGACY.unpack(entry.upper << 64), bool(entry.eop), sequence))
    return [(chunk.address, chunk.length) for chunk in chunks], told


def some_frames(seed: int, lengths: Iterable[int]) -> list[Kept]:
    rng = random.Random(seed)
    return [
        Kept(length, rng.getrandbits(16), rng.getrandbits(8) | 3, rng.getrandbits(8), rng.getrandbits(16))
        for length in lengths
    ]


@pytest.mark.parametrize(("buffer", "share", "nulls"), [(256, 0.0, 0.0), (64, 0.4, 0.3), (16384, 0.3, 0.5)])
def test_frames_over_buffers(buffer: int, share: float, nulls: float) -> None:
    """One buffer or several, ends on a buffer's end too, null descriptors before, between and behind."""
    rng = random.Random(buffer)
    lengths = [buffer, buffer - 1, 1, 2 * min(buffer, 8000), *(rng.randint(1, 300) for _ in range(60)), 16384, 5]
    addresses = [0 if rng.random() < nulls else rng.getrandbits(40) + 1 for _ in range(1400)]
    frames = some_frames(buffer, lengths)
    got = rtl_place(frames, addresses, buffer, seed=buffer, share=share)
    assert got == reference_place(frames, addresses, buffer)


def test_a_null_descriptor_holds_up_nobody() -> None:
    """It takes no chunk, so one may be used up while BurstSplit is busy."""
    dut = RxPlace()

    async def run(ctx: Any) -> None:
        ctx.set(dut.buffer, 256)
        ctx.set(dut.frame.payload.as_value(), pack(RxFrame(), {"length": 60, "status": 3}))
        for port in (dut.frame.valid, dut.descriptor.valid, dut.entry.ready):
            ctx.set(port, 1)
        assert (ctx.get(dut.descriptor.ready), ctx.get(dut.frame.ready), ctx.get(dut.chunk.valid)) == (1, 0, 0)
        ctx.set(dut.descriptor.payload, 0x1000)
        assert (ctx.get(dut.descriptor.ready), ctx.get(dut.chunk.valid), ctx.get(dut.entry.valid)) == (0, 1, 0)
        ctx.set(dut.chunk.ready, 1)
        assert (ctx.get(dut.descriptor.ready), ctx.get(dut.frame.ready), ctx.get(dut.entry.valid)) == (1, 1, 1)

    simulate(dut, run)


# ---- RxMove ----

Stretch = tuple[int, bytes]  # address and bytes of a chunk
Strobed = list[tuple[int, int]]  # of one burst: each beat's strobes and the bytes under them


def reference_move(chunks: Sequence[Stretch], width: int = 64) -> list[Strobed]:
    bursts, lanes_all = [], width // 8
    for address, piece in chunks:
        at = address
        for _, length in plans(address, len(piece), lanes_all):
            beats = []
            for base in range(at - at % lanes_all, at + length, lanes_all):
                lanes = [lane for lane in range(lanes_all) if at <= base + lane < at + length]
                strb = sum(1 << lane for lane in lanes)
                beats.append((strb, sum(piece[base + lane - address] << 8 * lane for lane in lanes)))
            bursts.append(beats)
            at += length
    return bursts


def rtl_move(
    chunks: Sequence[Stretch], shares: tuple[float, float, float] = (0.0, 0.0, 0.0), width: int = 64
) -> tuple[Any, int]:
    """The bursts as reference_move gives them, and the clocks they took."""
    dut, rng, planned, beats = RxMove(width), random.Random(3), list[int](), list[int]()
    lanes = width // 8
    for address, piece in chunks:
        bursts = plans(address, len(piece), lanes)
        for place, (lane, length) in enumerate(bursts):
            fields = {"lane": lane, "length": length, "first": place == 0, "last": place == len(bursts) - 1}
            planned.append(pack(Plan(), fields))
        padded = piece + rng.randbytes(-len(piece) % lanes)
        beats += [int.from_bytes(padded[at : at + lanes], "little") for at in range(0, len(padded), lanes)]
    moved, clocks = list[Strobed]([[]]), 0

    async def take(ctx: Any) -> None:
        nonlocal clocks
        hold = pauses(3, shares[2])
        while len(moved) <= len(planned):
            ctx.set(dut.o.ready, not next(hold))
            _, _, valid, ready, beat = await ctx.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload)
            clocks += 1
            if valid and ready:
                mask = sum(0xFF << 8 * lane for lane in range(lanes) if beat.strb >> lane & 1)
                moved[-1].append((beat.strb, beat.data & mask))
                if beat.last:
                    moved.append([])
        assert not ctx.get(dut.plan.valid)

    simulate(
        dut, source(dut.plan, planned, pauses(1, shares[0])), source(dut.i, beats, pauses(2, shares[1])), take,
        clocks=20 * len(beats) + 200,
    )  # fmt: skip
    return moved[:-1], clocks


def stretches(sizes: Iterable[int], lanes: Iterable[int] = repeat(0), seed: int = 1) -> list[Stretch]:
    rng = random.Random(seed)
    return [(rng.getrandbits(30) * 64 + lane, rng.randbytes(size)) for size, lane in zip(sizes, lanes, strict=False)]


@pytest.mark.parametrize("lane", range(LANES))
def test_sizes_at_every_alignment(lane: int) -> None:
    chunks = stretches([*range(1, 35), *range(34 + lane, 301, 7)], repeat(lane), seed=lane)
    assert rtl_move(chunks)[0] == reference_move(chunks)


@pytest.mark.parametrize("width", [128, 256, 512])
def test_wide_paths(width: int) -> None:
    """Every lane that a chunk can begin in, and sizes about a beat's."""
    lanes = width // 8
    sizes = [size for lane in range(lanes) for size in (1, lanes - lane, lanes - lane + 1, 2 * lanes + lane, 300)]
    chunks = stretches(sizes, (lane for lane in range(lanes) for _ in range(5)), seed=width)
    assert rtl_move(chunks, (0.1, 0.1, 0.2), width)[0] == reference_move(chunks, width)


@pytest.mark.parametrize("shares", [(0.5, 0.1, 0.1), (0.1, 0.5, 0.1), (0.1, 0.1, 0.6)])
def test_gaps_on_every_stream(shares: tuple[float, float, float]) -> None:
    rng = random.Random(7)
    chunks = stretches((rng.randint(1, 90) for _ in range(70)), (rng.randrange(8) for _ in range(70)), seed=7)
    assert rtl_move(chunks, shares)[0] == reference_move(chunks)


def test_a_frame_over_several_buffers_of_any_alignment() -> None:
    """All but the last chunk of a frame are whole buffers, so each begins on a beat of the store."""
    rng, chunks = random.Random(8), list[Stretch]()
    for size in (256, 257, 511, 700, 1024):
        frame = rng.randbytes(size)
        chunks += [(rng.getrandbits(30), frame[at : at + 256]) for at in range(0, size, 256)]
    assert rtl_move(chunks)[0] == reference_move(chunks)


def test_chunks_of_several_bursts() -> None:
    rng = random.Random(9)
    chunks = [(512 * rng.randrange(99) + at, rng.randbytes(size)) for at in (0, 1, 505, 511) for size in (520, 1031)]
    assert rtl_move(chunks)[0] == reference_move(chunks)
    assert rtl_move(chunks, (0.2, 0.3, 0.3))[0] == reference_move(chunks)


def test_one_write_beat_a_clock() -> None:
    for lane in (0, 3):
        chunks = stretches([64] * 30, repeat(lane))
        assert rtl_move(chunks)[1] <= sum(len(burst) for burst in reference_move(chunks)) + 1
