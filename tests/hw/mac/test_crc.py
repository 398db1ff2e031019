"""Crc32 against zlib: every length, short last beats, frames one after another."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from ringbed.hw.mac.crc import GOOD_REMAINDER, Crc32
from ringbed.hw.stream.beat import lanes_of
from tests.hw.stream_bench import beats, frames_of, simulate


def rtl_remainders(frames: list[bytes], width: int) -> list[int]:
    dut, found = Crc32(width), []

    async def bench(ctx: Any) -> None:
        for fields in beats(frames, lanes_of(width)):
            ctx.set(dut.data, fields["data"])
            ctx.set(dut.count, fields["count"])
            ctx.set(dut.first, fields["first"])
            ctx.set(dut.enable, 1)
            await ctx.tick()
            ctx.set(dut.enable, 0)
            ctx.set(dut.data, ~fields["data"])
            await ctx.tick()  # a clock without enable changes nothing
            if fields["last"]:
                found.append(ctx.get(dut.remainder))

    simulate(dut, bench)
    return found


@pytest.mark.parametrize(("width", "longest"), [(64, 80), (128, 40), (256, 70), (512, 70)])
def test_every_length(width: int, longest: int) -> None:
    frames = frames_of(range(1, longest), seed=width)
    assert rtl_remainders(frames, width) == [zlib.crc32(frame) ^ 0xFFFFFFFF for frame in frames]


def test_remainder_of_frame_with_fcs() -> None:
    frames = [frame + zlib.crc32(frame).to_bytes(4, "little") for frame in frames_of(range(1, 30), seed=3)]
    assert set(rtl_remainders(frames, 64)) == {GOOD_REMAINDER}


@pytest.mark.parametrize("width", [0, 8, 72, 1024])
def test_width_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"a data path is 64, 128, 256 or 512 bits wide, not {width}"):
        lanes_of(width)
