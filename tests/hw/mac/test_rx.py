"""MacRx against what was put on the wire: bytes, lengths, FCS, runts and errors, with gaps and without."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import pytest

from ringbed.hw.mac.rx import MacRx
from tests.hw.stream_bench import frames_of, pauses, simulate, split

Sent = tuple[bytes, bool]  # a frame as on the wire, and whether the wire flags it
Ended = tuple[bytes, int, bool, bool, bool]  # bytes, length, crc_ok, error, runt


def reference(sent: list[Sent]) -> list[Ended]:
    return [
        (
            frame,
            min(len(frame), 32767),
            len(frame) >= 4 and zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:], "little"),
            flagged,
            len(frame) < 64,
        )
        for frame, flagged in sent
    ]


def rtl(sent: list[Sent], width: int = 64, pause: Iterable[bool] = repeat(False)) -> tuple[list[Ended], list[int]]:
    """What came out for each frame, and the clocks from its last beat in to its last beat out."""
    dut, lanes = MacRx(width), width // 8
    done: list[Ended] = []
    ends_in: list[int] = []
    ends_out: list[int] = []

    async def source(ctx: Any) -> None:
        rng, holds, clock = random.Random(5), iter(pause), 0
        for frame, flagged in sent:
            for piece, _, last in split(frame, lanes):
                while next(holds):
                    ctx.set(dut.i.tvalid, 0)
                    ctx.set(dut.i.tdata, rng.getrandbits(width))
                    ctx.set(dut.i.tlast, rng.getrandbits(1))
                    await ctx.tick()
                    clock += 1
                ctx.set(dut.i.tvalid, 1)
                ctx.set(dut.i.tdata, int.from_bytes(piece + rng.randbytes(lanes - len(piece)), "little"))
                ctx.set(dut.i.tkeep, (1 << len(piece)) - 1)
                ctx.set(dut.i.tlast, last)
                ctx.set(dut.i.tuser, flagged if last else rng.getrandbits(1))
                if last:
                    ends_in.append(clock)
                await ctx.tick()
                clock += 1
        ctx.set(dut.i.tvalid, 0)

    async def sink(ctx: Any) -> None:
        frame, clock = b"", 0
        while len(done) < len(sent):
            _, _, valid, beat, end = await ctx.tick().sample(dut.o.valid, dut.o.payload, dut.end)
            if valid:
                assert beat.first == (frame == b"")
                frame += beat.data.to_bytes(lanes, "little")[: beat.count]
                if beat.last:
                    assert beat.error == end.error
                    done.append((frame, end.length, bool(end.crc_ok), bool(end.error), bool(end.runt)))
                    ends_out.append(clock)
                    frame = b""
                else:
                    assert beat.count == lanes
                    assert not beat.error
            clock += 1

    simulate(dut, source, sink)
    return done, [out - came for came, out in zip(ends_in, ends_out, strict=True)]


def mixed(lengths: Iterable[int], seed: int) -> list[Sent]:
    """A third of the frames with a right FCS, a third damaged in one bit, a third random; some flagged."""
    rng = random.Random(seed)
    sent = []
    for frame in frames_of(lengths, seed):
        if rng.random() < 0.67 and len(frame) > 4:
            frame = frame[:-4] + zlib.crc32(frame[:-4]).to_bytes(4, "little")
            if rng.random() < 0.5:
                bit = rng.randrange(8 * len(frame))
                frame = (int.from_bytes(frame, "little") ^ 1 << bit).to_bytes(len(frame), "little")
        sent.append((frame, rng.random() < 0.2))
    return sent


@pytest.mark.parametrize(("width", "longest"), [(64, 200), (128, 100), (256, 70), (512, 140)])
def test_every_length_back_to_back(width: int, longest: int) -> None:
    sent = mixed(range(1, longest + 1), seed=width)
    ended, latencies = rtl(sent, width)
    assert ended == reference(sent)
    assert sum(end[2] for end in ended) > 20
    assert set(latencies) == {2}


def test_gaps_inside_and_between() -> None:
    sent = mixed([random.Random(9).randrange(1, 150) for _ in range(80)], seed=9)
    ended, latencies = rtl(sent, pause=pauses(9, 0.5))
    assert ended == reference(sent)
    assert set(latencies) == {2}


def test_longest_frames_and_beyond() -> None:
    lengths = [16383, 1, 16384, 16385, 64, 17001, 1, 63, 32767, 32768, 40_000, 64]
    sent = mixed(lengths, seed=11)
    ended, _ = rtl(sent)
    assert ended == reference(sent)
    assert [end[1] for end in ended] == [16383, 1, 16384, 16385, 64, 17001, 1, 63, 32767, 32767, 32767, 64]
