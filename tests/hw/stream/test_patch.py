"""Patch against a slice assignment: every offset of small frames, both slots, overlaps, stalls."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import pytest

from ringbed.hw.stream.patch import Patch, PatchBeat
from tests.hw.stream_bench import beats, frames_of, get, pack, pauses, put, simulate

Slot = tuple[int, int] | None  # offset, value
Job = tuple[bytes, Slot, Slot]


def reference(job: Job) -> bytes:
    frame, *slots = job
    out = bytearray(frame)
    for slot in slots:
        if slot is not None:
            offset, value = slot
            for at, byte in ((offset, value >> 8), (offset + 1, value & 0xFF)):
                if at < len(out):
                    out[at] = byte
    return bytes(out)


def marks(number: int) -> dict[str, int]:
    """What is only passed on."""
    return {"fcs": number & 1, "pad": number >> 1 & 1, "pause": number % 3}


def payloads(jobs: list[Job], width: int) -> list[int]:
    """Packed PatchBeats; slots and flags behind the first beat are noise."""
    rng, packed = random.Random(2), []
    layout = PatchBeat(width)
    for number, (frame, *slots) in enumerate(jobs):
        for fields in beats([frame], width // 8, seed=number):
            wanted = [
                {"enable": 0} if slot is None else {"enable": 1, "offset": slot[0], "value": slot[1]} for slot in slots
            ]
            noise = [{"enable": 1, "offset": rng.randrange(40), "value": 0xBAD0} for _ in slots]
            tx = marks(number) | {"beat": fields | {"error": fields["last"] and number % 5 == 0}}
            packed.append(pack(layout, {"tx": tx, "slots": wanted if fields["first"] else noise}))
    return packed


def rtl(
    jobs: list[Job], width: int = 64, stalls: Iterable[bool] = repeat(False), gaps: Iterable[bool] = repeat(False)
) -> list[bytes]:
    dut, frames = Patch(width), [b""]
    taken: list[Any] = []

    async def source(ctx: Any) -> None:
        await put(ctx, dut.i, payloads(jobs, width), gaps)

    async def sink(ctx: Any) -> None:
        taken.extend(await get(ctx, dut.o, len(jobs), stalls, lambda tx: int(tx.beat.last)))

    simulate(dut, source, sink)
    for tx in taken:
        number = len(frames) - 1
        assert {name: tx[name] for name in marks(number)} == marks(number)
        assert tx.beat.error == (tx.beat.last and number % 5 == 0)
        assert tx.beat.first == (frames[-1] == b"")
        frames[-1] += tx.beat.data.to_bytes(width // 8, "little")[: tx.beat.count]
        if tx.beat.last:
            frames.append(b"")
    return frames[:-1]


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 16, 17, 30])
def test_every_offset(length: int) -> None:
    frames = frames_of([length] * (length + 3), seed=length)
    jobs: list[Job] = [(frame, (at, 0xC0DE), None) for at, frame in enumerate(frames)]
    jobs += [(frame, None, (at, 0xFADE)) for at, frame in enumerate(frames)]
    assert rtl(jobs) == [reference(job) for job in jobs]


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_two_slots_and_overlaps(width: int) -> None:
    frame = bytes(range(100, 124))
    jobs: list[Job] = [(frame, (one, 0x1122), (two, 0x3344)) for one in range(4, 24) for two in range(one - 2, one + 3)]
    assert rtl(jobs, width) == [reference(job) for job in jobs]


def test_stalls_and_gaps() -> None:
    rng = random.Random(6)
    jobs: list[Job] = [
        (frame, (rng.randrange(70), rng.getrandbits(16)), (rng.randrange(300), rng.getrandbits(16)))
        for frame in frames_of([rng.randrange(1, 150) for _ in range(60)], seed=6)
    ]
    assert rtl(jobs, stalls=pauses(1), gaps=pauses(2)) == [reference(job) for job in jobs]


def test_offsets_to_the_end_of_the_longest_frame() -> None:
    frame = random.Random(7).randbytes(16288)
    jobs: list[Job] = [(frame, (16286, 0xABCD), (8191, 0x1234)), (frame, (16287, 0xABCD), (255, 0x1234))]
    assert rtl(jobs) == [reference(job) for job in jobs]
