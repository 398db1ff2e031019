"""TxRead against slices of a host's memory: what is asked for, what becomes of it, and what it says meanwhile."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from ringbed.hw.bus.burst import Chunk
from ringbed.hw.bus.dma import ReadBeat
from ringbed.hw.tx.read import BURSTS, TxRead
from tests.hw.stream_bench import pack, pauses, simulate, source
from tests.hw.tx.test_pack import BURST, Frame, Out, ended, pieces_of, reference


class Host:
    """Answers bursts in order, `late` clocks after they were asked for; of each frame's bytes it knows the address."""

    def __init__(self, frames: Sequence[Frame], lanes: int, late: int) -> None:
        self.lanes, self.late, self.waits = lanes, late, deque[tuple[int, int, bool, bool]]()
        self.bytes = dict[int, int]()
        self.bad = set[int]()
        for frame in frames:
            for address, piece in frame.fragments:
                self.bytes |= dict(enumerate(piece, address))
            if frame.error is not None:
                self.bad.add(frame.fragments[0][0] // lanes * lanes)

    def ask(self, request: Any, clock: int) -> None:
        assert request.address % self.lanes == 0
        assert request.address // BURST == (request.address + (request.len + 1) * self.lanes - 1) // BURST
        for beat in range(request.len + 1):
            at = request.address + beat * self.lanes
            value = sum(self.bytes.get(at + lane, 0xEE) << 8 * lane for lane in range(self.lanes))
            self.waits.append((clock + self.late, value, beat == request.len, at in self.bad))


def some_frames(seed: int, count: int, error: int | None = None) -> list[Frame]:
    """Each in memory of its own; frame `error` meets a bus error with its first beat."""
    rng, made = random.Random(seed), []
    for number in range(count):
        fragments, at = [], (number + 1) << 20
        for _ in range(rng.choice((1, 1, 2, 3))):
            at += rng.randrange(1, 600)
            fragments.append((at, rng.randbytes(rng.choice((1, 7, 8, 60, 64, 65, 513, rng.randint(1, 700))))))
            at += 1024
        made.append(Frame(fragments, number, 0 if number == error else None))
    return made


def rtl(frames: Sequence[Frame], width: int, share: float, late: int) -> list[Out]:
    dut, lanes, out = TxRead(width), width // 8, list[Out]()
    host, wanted = Host(frames, lanes, late), len(reference(frames))
    chunks = [pack(Chunk(), {"address": a, "length": len(p)}) for frame in frames for a, p in frame.fragments]
    pieces = [packed for frame in frames for packed in pieces_of(frame)]
    bursts = answers = failures = 0

    async def run(ctx: Any) -> None:
        nonlocal bursts, answers, failures
        holds, takes, clock, said, frame = pauses(3, share), pauses(4, share), 0, 0, b""
        assert not ctx.get(dut.busy)
        while len(out) < wanted:
            there = bool(host.waits) and host.waits[0][0] <= clock
            if there:
                _, value, last, bad = host.waits[0]
                ctx.set(dut.beat.payload, ReadBeat(width).const({"data": value, "last": last, "error": bad}))
            ctx.set(dut.beat.valid, there)
            ctx.set(dut.request.ready, not next(holds))
            ctx.set(dut.o.ready, not next(takes))
            sampled = await ctx.tick().sample(
                dut.request.valid, dut.request.ready, dut.request.payload, dut.beat.ready, dut.o.valid, dut.o.ready,
                dut.o.payload, dut.begin, dut.finish, dut.answered, dut.failed, dut.busy, dut.moves,
            )  # fmt: skip
            asks, granted, request, ready, valid, taken, beat, begin, finish, answered, failed, busy, moves = sampled[
                2:
            ]
            clock += 1
            assert ready, "what was asked for has room"
            assert busy or not asks
            assert moves or not asks
            assert answered == (there and host.waits[0][2])
            assert failed == (there and host.waits[0][3])
            answers, failures = answers + answered, failures + failed
            if there:
                host.waits.popleft()
            if asks and granted:
                host.ask(request, clock)
                bursts += 1
            if valid and taken:
                assert beat.first == (frame == b"")
                said = begin.as_bits() if beat.first else said
                frame += beat.data.to_bytes(lanes, "little")[: beat.count]
                if beat.last:
                    out.append((frame, said, ended(finish.as_bits()), bool(finish.abort), bool(beat.error)))
                    frame = b""
        await ctx.tick()
        assert not ctx.get(dut.busy)
        assert not ctx.get(dut.moves)

    simulate(dut, source(dut.chunk, chunks), source(dut.piece, pieces, pauses(5, share)), run, clocks=60_000)
    assert answers == bursts
    assert failures == len(host.bad)
    return out


@pytest.mark.parametrize("width", [64, 128, 256, 512])
@pytest.mark.parametrize(("share", "late"), [(0.0, 3), (0.4, 60)])
def test_frames_of_any_pieces(width: int, share: float, late: int) -> None:
    frames = some_frames(width, 25)
    assert rtl(frames, width, share, late) == reference(frames)


@pytest.mark.parametrize("width", [64, 512])
def test_pieces_that_come_before_their_data_wait(width: int) -> None:
    """More of them than there is room for: the memory is slow, and nobody asks for it in the order of pieces."""
    frames = [Frame([((number + 1) << 20, bytes([number]))], number, None) for number in range(2 * BURSTS)]
    assert rtl(frames, width, 0.0, 500) == reference(frames)


def test_after_a_bus_error_nothing_is_to_be_sent() -> None:
    frames = some_frames(5, 12, error=6)
    found = rtl(frames, 64, 0.2, 10)
    assert [each[:3] for each in found] == [each[:3] for each in reference(frames)]
    assert [abort for *_, abort, _ in found] == [number >= 6 for number in range(12)]
    assert [error for *_, error in found] == [number >= 6 for number in range(12)]


def test_no_more_is_asked_for_than_there_is_room() -> None:
    """With nobody to take the beats, requests end; none that was asked for has to wait."""
    frames = [Frame([(0x10000, bytes(8000))], 0), Frame([(0x20000, bytes(8000))], 1)]
    dut, asked = TxRead(64), list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.request.ready, 1)
        for _ in range(200):
            _, _, asks, request = await ctx.tick().sample(dut.request.valid, dut.request.payload)
            if asks:
                asked.append(request.len + 1)

    chunks = [pack(Chunk(), {"address": a, "length": len(p)}) for frame in frames for a, p in frame.fragments]
    simulate(dut, source(dut.chunk, chunks[:1]), run, clocks=400)
    assert 512 - 64 < sum(asked) <= 512
