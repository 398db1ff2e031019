"""ChecksumTx against a naive sum: every start, end and place of small frames, the zero rule, long frames."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pytest

from ringbed.hw.tx.checksum import ChecksumTx
from tests.hw.frame_reference import Recipe, ones_sum, patched
from tests.hw.stream_bench import beats, pack, pauses, simulate, watch


@dataclass(frozen=True)
class Unit:
    """One sum of a frame: bytes `start` to `end`, `udp`'s zero rule, and its place."""

    start: int = 0
    end: int = 0
    udp: bool = False
    enable: bool = True
    offset: int = 0


Job = tuple[bytes, Unit, Unit]
Slot = tuple[int, int] | None  # offset, value


def reference(job: Job) -> list[Slot]:
    frame, *units = job
    slots: list[Slot] = []
    for unit in units:
        value = 0xFFFF - ones_sum(frame[unit.start : unit.end + 1 if unit.end else None])
        if unit.udp and value == 0:
            value = 0xFFFF
        there = unit.enable and unit.start < len(frame) and unit.offset + 1 < len(frame)
        slots.append((unit.offset, value) if there else None)
    return slots


def rtl(jobs: list[Job], width: int = 64, pause: Iterable[bool] = repeat(False)) -> tuple[list[list[Slot]], set[int]]:
    """The slots of each frame, and the latencies seen from last beat to result."""
    dut, found, lasts = ChecksumTx(width), [], []

    async def source(ctx: Any) -> None:
        holds, rng, clock = iter(pause), random.Random(3), 0
        for frame, *units in jobs:
            ranges = [{"start": unit.start, "end": unit.end, "udp": unit.udp} for unit in units]
            places = [{"enable": unit.enable, "offset": unit.offset} for unit in units]
            for fields in beats([frame], width // 8, seed=rng.getrandbits(32)):
                while next(holds):
                    ctx.set(dut.i.valid, 0)
                    await ctx.tick()
                    clock += 1
                ctx.set(dut.i.valid, 1)
                ctx.set(dut.i.payload, fields)
                # noise where the block must not look
                ctx.set(
                    dut.ranges.as_value(), pack(dut.ranges.shape(), ranges) if fields["first"] else rng.getrandbits(66)
                )
                ctx.set(
                    dut.places.as_value(), pack(dut.places.shape(), places) if fields["last"] else rng.getrandbits(34)
                )
                if fields["last"]:
                    lasts.append(clock)
                await ctx.tick()
                clock += 1
        ctx.set(dut.i.valid, 0)

    async def sink(ctx: Any) -> None:
        found.extend(await watch(ctx, dut.o.valid, dut.o.payload, len(jobs)))

    simulate(dut, source, sink)
    slots = [[(slot.offset, slot.value) if slot.enable else None for slot in pair] for _, pair in found]
    return slots, {clock - last for last, (clock, _) in zip(lasts, found, strict=True)}


def random_jobs(seed: int, count: int, longest: int) -> list[Job]:
    rng = random.Random(seed)

    def unit(size: int) -> Unit:
        return Unit(
            rng.randrange(size + 3), rng.choice((0, rng.randrange(size + 3))), rng.random() < 0.5,
            rng.random() < 0.8, rng.randrange(size + 3),
        )  # fmt: skip

    sizes = [rng.randrange(1, longest) for _ in range(count)]
    return [(rng.randbytes(size), unit(size), unit(size)) for size in sizes]


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 15, 16, 17, 23])
def test_every_start_and_end(length: int) -> None:
    rng = random.Random(length)
    jobs = [
        (rng.randbytes(length), Unit(start, end), Unit((start + 5) % (length + 2), end, True))
        for start in range(length + 2)
        for end in range(length + 2)
    ]
    slots, latencies = rtl(jobs)
    assert slots == [reference(job) for job in jobs]
    assert latencies == {3}


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_random_ranges(width: int) -> None:
    jobs = random_jobs(width, 150, 200)
    assert rtl(jobs, width)[0] == [reference(job) for job in jobs]


def test_gaps() -> None:
    jobs = random_jobs(5, 100, 120)
    slots, latencies = rtl(jobs, pause=pauses(6, 0.4))
    assert slots == [reference(job) for job in jobs]
    assert latencies == {3}


def test_places() -> None:
    jobs = [(bytes(range(length)), Unit(offset=at), Unit(offset=at + 3)) for length in range(1, 20) for at in range(22)]
    assert rtl(jobs)[0] == [reference(job) for job in jobs]


def test_places_at_the_end_of_the_longest_frame() -> None:
    """The last two bytes of 16288, and one of them with one behind; ranges that begin at the last byte, and behind."""
    data = random.Random(2).randbytes(16288)
    jobs = [(data, Unit(start, offset=16286), Unit(14, offset=16287)) for start in (16287, 16288)]
    slots, _ = rtl(jobs)
    assert slots == [reference(job) for job in jobs]
    assert [[slot is not None for slot in pair] for pair in slots] == [[True, False], [False, False]]


def test_long_frames_of_ones() -> None:
    jobs = [(b"\xff" * size, Unit(14, 0), Unit(33, size - 2)) for size in (16288, 16287, 9000)]
    assert rtl(jobs)[0] == [reference(job) for job in jobs]


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_first_folds_that_need_18_bits(width: int) -> None:
    """Ones, then as many as they carried: both halves of the total are all ones, and its carries are 2 and more."""
    jobs = []
    for words in (1, 2, 3, 100, 3000):
        for word in (words - 1, words, words + 1):
            frame = b"\xff" * 4 * (words + 1) + word.to_bytes(4, "little")
            jobs.append((frame, Unit(), Unit(0, len(frame) - 1, True)))
    assert rtl(jobs, width)[0] == [reference(job) for job in jobs]


def test_zero_is_ffff_for_udp_alone() -> None:
    """A range whose sum is 0xFFFF: UDP sends FFFF; TCP, IP and legacy send 0. Nothing but zeros gives FFFF for all."""
    frame = bytes(3) + random.Random(1).randbytes(41)
    frame = patched(frame, 20, 0)
    frame = patched(frame, 20, 0xFFFF - ones_sum(frame[:]))
    udp, tcp = Unit(0, 0, True, offset=6), Unit(0, 0, False, offset=16)
    zeros = bytes(44)
    assert rtl([(frame, udp, tcp), (frame, tcp, udp), (zeros, udp, tcp)])[0] == [
        [(6, 0xFFFF), (16, 0)],
        [(16, 0), (6, 0xFFFF)],
        [(6, 0xFFFF), (16, 0xFFFF)],
    ]


def test_offloaded_packets_come_out_as_software_made_them() -> None:
    """IPv4 UDP and TCP with the pseudo-header's sum left in the field, as a driver leaves it."""
    rng, jobs, wanted = random.Random(8), [], []
    for size in range(40):
        protocol, at = rng.choice(((17, 6), (6, 16)))
        packet = Recipe(rng, protocol=protocol, size=size).packet()
        place = 14 + 20 + at
        frame = bytes(14) + packet
        pseudo = packet[12:20] + (len(packet) - 20).to_bytes(4, "big") + protocol.to_bytes(4, "big")
        given = patched(patched(frame, 24, 0), place, ones_sum(pseudo))
        jobs.append((given, Unit(14, 33, offset=24), Unit(34, 0, protocol == 17, offset=place)))
        wanted.append(
            [(24, int.from_bytes(frame[24:26], "big")), (place, int.from_bytes(frame[place : place + 2], "big"))]
        )
    assert rtl(jobs)[0] == wanted
