"""RxHead against slices of the frame's bytes, at every width."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import pytest

from ringbed.hw.mac.rx_head import RxHead
from ringbed.hw.stream.beat import Beat
from tests.hw.stream_bench import beats, pack, pauses, put, simulate

VET = 0x88A8


def reference(frame: bytes, vme: bool) -> dict[str, int]:
    kind, whole = int.from_bytes(frame[12:14], "big"), len(frame) >= 16
    return {
        "destination": int.from_bytes(frame[:6], "little"), "source": int.from_bytes(frame[6:12], "little"),
        "kind": kind, "tci": int.from_bytes(frame[14:16], "big"), "time": int.from_bytes(frame[16:18], "big"),
        "tagged": int(kind == VET and whole), "strip": int(kind == VET and whole and vme),
    }  # fmt: skip


def rtl(frames: list[bytes], width: int, vmes: list[bool], pause: Iterable[bool] = repeat(False)) -> list[Any]:
    """What the head says in the clock after each frame's last beat came in."""
    dut, seen = RxHead(width), list[Any]()
    dut_beats = [pack(Beat(width), fields) for fields in beats(frames, width // 8)]
    state = iter(vmes)

    async def look(ctx: Any) -> None:
        """CTRL.VME is right in the first beat's clock, and wrong in all others."""
        ended, told, vme, times = False, 0, False, list[int]()
        while len(seen) < len(frames):
            _, _, valid, beat, head, now, timed = await ctx.tick().sample(
                dut.i.valid, dut.i.payload, dut.o, dut.told, dut.timed
            )
            told += now
            if timed:
                times.append(head.time)
            if ended:
                seen.append({name: head[name] for name, _ in head.shape()})
            ended = bool(valid and beat.last)
            if valid and beat.first:
                ctx.set(dut.vme, not vme)
            if valid and beat.last:
                vme = next(state, False)
                ctx.set(dut.vme, vme)
        assert told == sum(len(frame) >= (9 if width == 64 else 1) for frame in frames)
        reach = [frame for frame in frames if len(frame) >= (17 if width <= 128 else 1)]  # byte 16 is in a beat of it
        assert len(times) == len(reach)
        for frame, time in zip(reach, times, strict=True):
            assert len(frame) < 18 or time == int.from_bytes(frame[16:18], "big")

    async def run(ctx: Any) -> None:
        ctx.set(dut.vet, VET)
        ctx.set(dut.vme, next(state))
        await put(ctx, dut.i, dut_beats, pause)
        await ctx.tick().repeat(3)

    simulate(dut, run, look)
    return seen


def some(rng: random.Random) -> bytes:
    """At least 16 bytes; half of them tagged."""
    data = rng.randbytes(rng.choice((rng.randint(16, 70), rng.randint(18, 40), 64)))
    return data[:12] + (VET.to_bytes(2, "big") if rng.random() < 0.5 else data[12:14]) + data[14:]


@pytest.mark.parametrize("width", [64, 128, 256, 512])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_fields(width: int, share: float) -> None:
    rng = random.Random(width)
    frames = [some(rng) for _ in range(60)]
    vmes = [True] * 60
    found = rtl(frames, width, vmes, pauses(1, share))
    for frame, got, vme in zip(frames, found, vmes, strict=True):
        wanted = reference(frame, vme)
        if len(frame) < 18:
            wanted["time"] = got["time"]
        assert got == wanted, frame.hex()


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_a_frame_without_all_of_the_tag_has_none(width: int) -> None:
    frames = [bytes(12) + VET.to_bytes(2, "big") + bytes(50), *(bytes([7]) * size for size in range(1, 17))]
    frames += [(bytes(12) + VET.to_bytes(2, "big") + bytes(2))[:size] for size in (13, 14, 15, 16)]
    found = rtl(frames, width, [True] * len(frames))
    assert [got["strip"] for got in found] == [1] + [0] * 19 + [1]
