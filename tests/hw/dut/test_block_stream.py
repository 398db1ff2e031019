"""Commands off the front, bursts, pauses, results behind: with pauses at every side, against what was put together."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ringbed.hw.dut.block_stream import Burst, CommandPeel, CommandShow, Early, ResultPack, Steady, beat
from ringbed.hw.formats.blocks import MARKS, RESULTS_KEPT, RESULTS_WAITING, CommandTiming, contract, lead

Piece = tuple[bytes, bool]  # bytes of a beat, whether it is the last


def pieces(frame: bytes, lanes: int) -> list[Piece]:
    return [(frame[at : at + lanes], at + lanes >= len(frame)) for at in range(0, len(frame), lanes)]


def joined(got: Sequence[Piece]) -> list[bytes]:
    """Whole frames of the beats."""
    frames, now = [], b""
    for data, last in got:
        now += data
        if last:
            frames.append(now)
            now = b""
    assert now == b""
    return frames


async def send(ctx: Any, end: Any, frames: Sequence[bytes], lanes: int, rng: random.Random) -> None:
    for frame in frames:
        for data, last in pieces(frame, lanes):
            while rng.random() < 0.3:
                await ctx.tick()
            ctx.set(end.payload, {"data": int.from_bytes(data, "little"), "keep": (1 << len(data)) - 1, "last": last})
            ctx.set(end.valid, 1)
            *_, ready = await ctx.tick().sample(end.ready)
            while not ready:
                *_, ready = await ctx.tick().sample(end.ready)
            ctx.set(end.valid, 0)


async def take(ctx: Any, end: Any, got: list[Piece], rng: random.Random, extra: Any = None, seen: Any = None) -> None:
    """Every beat taken; with `extra`, its value in each clock in which a beat is valid is added to `seen`."""
    while True:
        ready = rng.random() < 0.7
        ctx.set(end.ready, ready)
        *_, valid, payload, value = await ctx.tick().sample(
            end.valid, end.payload, end.valid if extra is None else extra
        )
        if seen is not None:
            seen.append((bool(valid), bool(valid and ready), value))
        if valid and ready:
            count = int(payload.keep).bit_count()
            assert int(payload.keep) == (1 << count) - 1
            got.append((int(payload.data).to_bytes(64, "little")[:count], bool(payload.last)))


def simulate(dut: Any, *benches: Any, background: Sequence[Any] = ()) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


LAYOUT = contract("tx-checksum").command
assert LAYOUT is not None
FRAMES = [random.Random(length).randbytes(length) for length in (1, 7, 8, 9, 16, 61, 64)]
COMMANDS = [{"start": 3 * at, "offset": 500 + at, "enable": at % 2, "udp": 1} for at in range(len(FRAMES))]


def asked(lanes: int) -> list[bytes]:
    assert LAYOUT is not None
    return [lead(LAYOUT, lanes, command) + frame for command, frame in zip(COMMANDS, FRAMES, strict=True)]


def words() -> Iterator[int]:
    assert LAYOUT is not None
    for command in COMMANDS:
        yield LAYOUT.pack(**command)


class Commanded(wiring.Component):
    """The way in of a block with commands, as hw/dut/block.py has it, without pauses."""

    def __init__(self, lanes: int, size: int, timing: CommandTiming, frames: bool = True) -> None:
        self.parts = CommandPeel(lanes, size, frames), Burst(beat(lanes, size))
        self.show = CommandShow(lanes, size, timing, frames)
        super().__init__({
            "i": In(stream.Signature(beat(lanes))), "o": Out(stream.Signature(beat(lanes))),
            "command": Out(8 * size), "command_valid": Out(1), "command_ready": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.peel, m.submodules.burst = peel, burst = self.parts
        m.submodules.show = show = self.show
        wiring.connect(m, wiring.flipped(self.i), peel.i)
        wiring.connect(m, peel.o, burst.i)
        wiring.connect(m, burst.o, show.i)
        wiring.connect(m, show.o, wiring.flipped(self.o))
        m.d.comb += [self.command.eq(show.command), self.command_valid.eq(show.command_valid),
                     show.command_ready.eq(self.command_ready)]  # fmt: skip
        return m


@pytest.mark.parametrize("lanes", [1, 4, 8, 64])
def test_a_command_is_there_with_the_first_beat_and_inverted_at_any_other_time(lanes: int) -> None:
    dut = Commanded(lanes, 5, CommandTiming.FIRST_BEAT)
    got, seen, rng = list[Piece](), list[tuple[bool, bool, int]](), random.Random(lanes)

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, asked(lanes), lanes, rng)
        await ctx.tick().repeat(150)

    async def sink(ctx: Any) -> None:
        await take(ctx, dut.o, got, random.Random(1), dut.command, seen)

    simulate(dut, source, background=[sink])
    assert joined(got) == FRAMES
    wanted, frame, first = list(words()), 0, True
    lasts = iter(got)
    for valid, taken, value in seen:
        if valid and first:
            assert value == wanted[frame]
        elif frame < len(wanted):
            assert value != wanted[frame]
        if taken:
            last = next(lasts)[1]
            frame, first = frame + last, last


@pytest.mark.parametrize("lanes", [1, 8, 64])
def test_frames_with_commands_come_back_to_back(lanes: int) -> None:
    """What is taken from a source that never pauses, by a sink that never does: beats without a clock between them."""
    dut = Commanded(lanes, 5, CommandTiming.FIRST_BEAT)
    frames, clocks = [bytes([at]) * 17 for at in range(8)], list[tuple[bool, bool]]()
    assert LAYOUT is not None
    given = [piece for frame in frames for piece in pieces(lead(LAYOUT, lanes, {"start": 3}) + frame, lanes)]

    async def source(ctx: Any) -> None:
        for data, last in given:
            ctx.set(dut.i.payload, {"data": int.from_bytes(data, "little"), "keep": (1 << len(data)) - 1, "last": last})
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        await ctx.tick().repeat(150)

    async def sink(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        async for *_, valid, last in ctx.tick().sample(dut.o.valid, dut.o.payload.last):
            clocks.append((bool(valid), bool(last)))

    simulate(dut, source, background=[sink])
    lasts = [at for at, (valid, last) in enumerate(clocks) if valid and last]
    assert len(lasts) == len(frames)
    assert sum(clocks[at + 1][0] for at in lasts[:-1]) >= 4


def test_a_command_is_handed_over_before_its_frame() -> None:
    dut = Commanded(8, 5, CommandTiming.HANDSHAKE)
    got, commands, rng = list[Piece](), list[tuple[int, int]](), random.Random(7)

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, asked(8), 8, rng)
        await ctx.tick().repeat(150)

    async def sink(ctx: Any) -> None:
        await take(ctx, dut.o, got, random.Random(1))

    async def orders(ctx: Any) -> None:
        while True:
            ready = rng.random() < 0.4
            ctx.set(dut.command_ready, ready)
            *_, valid, value = await ctx.tick().sample(dut.command_valid, dut.command)
            if valid and ready:
                commands.append((len(got), value))

    simulate(dut, source, background=[sink, orders])
    assert joined(got) == FRAMES
    assert [value for _, value in commands] == list(words())
    before = [sum(len(pieces(frame, 8)) for frame in FRAMES[:at]) for at in range(len(FRAMES))]
    assert [beats for beats, _ in commands] == before


def test_commands_without_frames() -> None:
    dut = Commanded(8, 37, CommandTiming.HANDSHAKE, frames=False)
    wanted = [random.Random(at).randbytes(37) for at in range(4)]
    commands: list[int] = []

    async def source(ctx: Any) -> None:
        await send(ctx, dut.i, [each + bytes(3) for each in wanted], 8, random.Random(1))
        await ctx.tick().repeat(100)

    async def orders(ctx: Any) -> None:
        ctx.set(dut.command_ready, 1)
        async for *_, valid, value in ctx.tick().sample(dut.command_valid, dut.command):
            commands.extend([value] if valid else [])

    simulate(dut, source, background=[orders])
    assert [value.to_bytes(37, "little") for value in commands] == wanted


def test_a_command_without_a_frame_needs_a_handshake() -> None:
    with pytest.raises(ValueError, match="has no first beat: it needs a handshake"):
        CommandShow(8, 37, CommandTiming.FIRST_BEAT, frames=False)


@pytest.mark.parametrize(("lanes", "size", "frames"), [(8, 2, True), (8, 5, False), (4, 5, True), (1, 2, False)])
def test_results_go_between_frames_however_late_they_are_and_both_are_marked(
    lanes: int, size: int, frames: bool
) -> None:
    dut = ResultPack(lanes, size, frames)
    results = [random.Random(at).randbytes(size) for at in range(len(FRAMES))]
    got: list[Piece] = []

    async def source(ctx: Any) -> None:
        if frames:
            await send(ctx, dut.i, FRAMES, lanes, random.Random(2))
        await ctx.tick().repeat(150)

    async def strobes(ctx: Any) -> None:
        for result in results:
            await ctx.tick().repeat(random.Random(result).randrange(1, 12))
            ctx.set(dut.result, int.from_bytes(result, "little"))
            ctx.set(dut.valid, 1)
            await ctx.tick()
            ctx.set(dut.valid, 0)
            ctx.set(dut.result, 0)

    async def sink(ctx: Any) -> None:
        await take(ctx, dut.o, got, random.Random(3))

    simulate(dut, source, strobes, background=[sink])
    if not frames:
        assert joined(got) == results
        return
    for mark, wanted in ((MARKS["frame"], FRAMES), (MARKS["result"], results)):
        assert [each[lanes:] for each in joined(got) if each[0] == mark] == wanted


@pytest.mark.parametrize(("clocks", "early"), [
    ([(1, 0), (0, 1), (1, 1), (1, 0), (1, 0), (0, 1), (0, 1)], 0),
    ([(0, 1), (1, 0), (1, 1)], 1),
    ([(0, 1), (1, 0), (0, 1), (1, 0)], 2),
])  # fmt: skip
def test_a_result_before_its_frames_end_is_counted(clocks: list[tuple[int, int]], early: int) -> None:
    dut = Early()

    async def run(ctx: Any) -> None:
        for last, valid in clocks:
            ctx.set(dut.last, last)
            ctx.set(dut.valid, valid)
            await ctx.tick()
        assert ctx.get(dut.early) == early

    simulate(dut, run)


def test_results_are_counted_when_they_wait_and_when_they_are_lost() -> None:
    dut, many = ResultPack(8, 2, False), list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.valid, 1)
        for number in range(RESULTS_KEPT + 5):
            ctx.set(dut.result, number)
            await ctx.tick()
            if ctx.get(dut.many) and not many:
                many.append(number + 1)
        ctx.set(dut.valid, 0)
        ctx.set(dut.o.ready, 1)
        got = []
        for _ in range(RESULTS_KEPT + 5):
            *_, valid, data = await ctx.tick().sample(dut.o.valid, dut.o.payload.data)
            got.extend([data] if valid else [])
        assert got == list(range(len(got)))
        assert len(got) + ctx.get(dut.lost) == RESULTS_KEPT + 5
        assert 0 < ctx.get(dut.lost) <= 5

    simulate(dut, run)
    assert many == [RESULTS_WAITING]


@pytest.mark.parametrize(("clocks", "changed"), [
    ([(1, 1, 5), (1, 0, 6), (1, 1, 6), (0, 0, 7), (1, 0, 8), (1, 0, 8), (1, 1, 8), (1, 1, 9)], 0),
    ([(1, 0, 5), (0, 1, 5), (0, 1, 6), (1, 1, 7)], 1),  # taken back
    ([(1, 0, 5), (1, 0, 6), (1, 1, 7), (1, 1, 8)], 2),  # another, twice
])  # fmt: skip
def test_a_beat_that_waits_stays(clocks: list[tuple[int, int, int]], changed: int) -> None:
    dut = Steady(8)

    async def run(ctx: Any) -> None:
        for valid, ready, payload in clocks:
            ctx.set(dut.valid, valid)
            ctx.set(dut.ready, ready)
            ctx.set(dut.payload, payload)
            await ctx.tick()
        assert ctx.get(dut.changed) == changed

    simulate(dut, run)
