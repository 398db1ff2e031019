"""VlanStrip behind MacRx and RxHead against slices of bytes, at every width."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from ringbed.hw.mac.rx import MacRx
from ringbed.hw.mac.rx_head import RxHead
from ringbed.hw.rx.vlan_strip import VlanStrip
from tests.hw.stream_bench import pauses, simulate, split

TYPE = bytes.fromhex("8100")
WIDTHS = (64, 128, 256, 512)
# Bytes, stripped, TCI (when tagged), wire length, FCS good, error, runt.
Got = tuple[bytes, bool, int, int, bool, bool, bool]


def reference(frame: bytes, error: bool, vme: bool) -> Got:
    tagged = len(frame) >= 16 and frame[12:14] == TYPE
    strip = tagged and vme
    good = len(frame) >= 4 and zlib.crc32(frame[:-4]).to_bytes(4, "little") == frame[-4:]
    tci = int.from_bytes(frame[14:16], "big") if strip else 0
    return frame[:12] + frame[16:] if strip else frame, strip, tci, len(frame), good, error, len(frame) < 64


def rtl(frames: list[bytes], width: int, vme: bool, pause: Iterable[bool] = repeat(False)) -> list[Got]:
    """Each frame as it comes out; the error flag comes with every third frame."""
    m = Module()
    m.submodules.mac = mac = MacRx(width)
    m.submodules.head = head = RxHead(width)
    m.submodules.strip = dut = VlanStrip(width)
    wiring.connect(m, mac.o, dut.i)
    m.d.comb += [
        head.i.payload.eq(mac.o.payload), head.i.valid.eq(mac.o.valid), dut.end.eq(mac.end),
        dut.strip.eq(head.o.strip), dut.tag.eq(head.o.tci),
    ]  # fmt: skip
    rng, lanes, holds, found = random.Random(1), width // 8, iter(pause), list[Got]()

    async def source(ctx: Any) -> None:
        ctx.set(head.vme, vme)
        for number, frame in enumerate(frames):
            for piece, _, last in split(frame, lanes):
                while next(holds):
                    ctx.set(mac.i.tvalid, 0)
                    await ctx.tick()
                ctx.set(mac.i.tvalid, 1)
                ctx.set(mac.i.tdata, int.from_bytes(piece + rng.randbytes(lanes - len(piece)), "little"))
                ctx.set(mac.i.tkeep, (1 << len(piece)) - 1)
                ctx.set(mac.i.tlast, last)
                ctx.set(mac.i.tuser, last and number % 3 == 0)
                await ctx.tick()
        ctx.set(mac.i.tvalid, 0)

    async def sink(ctx: Any) -> None:
        data = b""
        while len(found) < len(frames):
            _, _, valid, beat, end, stripped, tag = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.o_end, dut.stripped, dut.o_tag
            )
            if valid:
                assert bool(beat.first) == (data == b"")
                assert beat.last or beat.count == lanes
                data += beat.data.to_bytes(lanes, "little")[: beat.count]
                if beat.last:
                    tci = tag if stripped else 0
                    assert end.error == beat.error
                    flags = bool(end.crc_ok), bool(end.error), bool(end.runt)
                    found.append((data, bool(stripped), tci, end.length, *flags))
                    data = b""

    simulate(m, source, sink, clocks=50 * sum(map(len, frames)))
    return found


def fcs(frame: bytes) -> bytes:
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def tagged(size: int, rng: random.Random) -> bytes:
    return fcs(rng.randbytes(12) + TYPE + rng.randbytes(size - 18))


def check(frames: list[bytes], width: int, vme: bool, pause: Iterable[bool] = repeat(False)) -> None:
    wanted = [reference(frame, number % 3 == 0, vme) for number, frame in enumerate(frames)]
    assert rtl(frames, width, vme, pause) == wanted


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_every_length(width: int, share: float) -> None:
    """Tagged and not, back to back and with gaps: where the last beat ends is what matters."""
    rng = random.Random(width)
    frames = [
        make for size in range(18, 18 + 2 * (width // 8) + 10) for make in (tagged(size, rng), rng.randbytes(size))
    ]
    rng.shuffle(frames)
    check(frames, width, True, pauses(width, share))


@pytest.mark.parametrize("width", WIDTHS)
def test_without_vme_nothing_moves(width: int) -> None:
    rng = random.Random(width)
    check([tagged(size, rng) for size in (18, 22, 64, 65, 128, 132, 300)], width, False)


@pytest.mark.parametrize("width", WIDTHS)
def test_frames_too_short_for_a_tag(width: int) -> None:
    """Fewer than 16 bytes, the type's included: they pass as they are."""
    rng = random.Random(width)
    frames = [(rng.randbytes(12) + TYPE + bytes(9))[:size] for size in range(1, 23)]
    check([each for frame in frames for each in (frame, tagged(70, rng))], width, True)


def test_a_frame_of_one_beat_each_clock() -> None:
    """512 bits: tagged frames of 64 bytes back to back, one out for each one in, none later than the others."""
    rng = random.Random(5)
    check([tagged(64, rng) for _ in range(50)] + [tagged(68, rng) for _ in range(50)], 512, True)
