"""MacTx against padding and zlib's FCS: every length, with and without both, full rate, a wire that stalls."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import pytest

from ringbed.hw.mac.tx import MacTx
from ringbed.hw.stream.patch import TxBeat
from tests.hw.stream_bench import beats, frames_of, pack, pauses, put, simulate

Job = tuple[bytes, bool, bool]  # frame, fcs, pad


def reference(job: Job) -> bytes:
    frame, fcs, pad = job
    if pad:
        frame = frame.ljust(60, b"\0")
    return frame + zlib.crc32(frame).to_bytes(4, "little") if fcs else frame


def payloads(jobs: list[Job], width: int) -> list[int]:
    """Packed TxBeats; the flags behind the first beat are noise."""
    rng, packed, layout = random.Random(4), [], TxBeat(width)
    for number, (frame, fcs, pad) in enumerate(jobs):
        for fields in beats([frame], width // 8, seed=number):
            flags = (fcs, pad) if fields["first"] else (rng.random() < 0.5, rng.random() < 0.5)
            pause = number % 3 if fields["first"] else rng.randrange(3)
            packed.append(pack(layout, {"beat": fields, "fcs": flags[0], "pad": flags[1], "pause": pause}))
    return packed


def rtl(
    jobs: list[Job], width: int = 64, stalls: Iterable[bool] = repeat(False), gaps: Iterable[bool] = repeat(False)
) -> tuple[list[bytes], int]:
    """Frames on the wire, and the clocks from the first wire beat to the last, both included."""
    dut, lanes = MacTx(width), width // 8
    frames: list[bytes] = []
    clocks: list[int] = []

    async def source(ctx: Any) -> None:
        await put(ctx, dut.i, payloads(jobs, width), gaps)

    async def sink(ctx: Any) -> None:
        holds, frame, clock, waiting = iter(stalls), b"", 0, None
        while len(frames) < len(jobs):
            ready = not next(holds)
            ctx.set(dut.o.tready, ready)
            sampled = await ctx.tick().sample(dut.o.tvalid, dut.o.tdata, dut.o.tkeep, dut.o.tlast, dut.count, dut.pause)
            _, _, valid, data, keep, last, bytes_here, pause = sampled
            if waiting is not None:  # what is offered stays until it is taken
                assert (valid, data, keep, last) == waiting
            waiting = (valid, data, keep, last) if valid and not ready else None
            if valid and ready:
                clocks.append(clock)
                count = keep.bit_length()
                assert keep == (1 << count) - 1
                assert count == lanes or last
                assert bytes_here == count
                assert pause == len(frames) % 3
                frame += data.to_bytes(lanes, "little")[:count]
                if last:
                    frames.append(frame)
                    frame = b""
            clock += 1

    simulate(dut, source, sink)
    return frames, clocks[-1] - clocks[0] + 1


@pytest.mark.parametrize("fcs", [False, True])
@pytest.mark.parametrize("pad", [False, True])
def test_every_length(fcs: bool, pad: bool) -> None:
    jobs = [(frame, fcs, pad) for frame in frames_of(range(1, 201), seed=1)]
    frames, clocks = rtl(jobs)
    assert frames == [reference(job) for job in jobs]
    assert clocks == sum(-(-len(frame) // 8) for frame in frames)  # no clock without a beat


@pytest.mark.parametrize("width", [128, 256, 512])
def test_wide_paths(width: int) -> None:
    jobs = [(frame, True, True) for frame in frames_of([*range(1, 140, 3), 59, 60, 61, 64, 124], seed=width)]
    frames, clocks = rtl(jobs, width)
    assert frames == [reference(job) for job in jobs]
    assert clocks == sum(-(-8 * len(frame) // width) for frame in frames)


def test_minimum_frames_take_eight_clocks() -> None:
    jobs = [(frame, True, True) for frame in frames_of([60] * 50, seed=2)]
    frames, clocks = rtl(jobs)
    assert frames == [reference(job) for job in jobs]
    assert clocks == 8 * 50


def test_stalls_gaps_and_mixed_flags() -> None:
    rng = random.Random(3)
    lengths = [rng.choice((rng.randrange(1, 20), rng.randrange(50, 70), rng.randrange(1, 300))) for _ in range(120)]
    jobs = [(frame, rng.random() < 0.7, rng.random() < 0.7) for frame in frames_of(lengths, seed=3)]
    for stalls, gaps in (
        (pauses(1, 0.5), pauses(2, 0.5)),
        (pauses(3, 0.5), repeat(False)),
        (repeat(False), pauses(4, 0.6)),
    ):
        assert rtl(jobs, 64, stalls, gaps)[0] == [reference(job) for job in jobs]


def test_longest_frame() -> None:
    jobs = [(frame, True, True) for frame in frames_of([16288, 14, 16285], seed=5)]
    assert rtl(jobs)[0] == [reference(job) for job in jobs]
