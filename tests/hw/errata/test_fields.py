"""What saboteurs share, in pysim, beside what plain Python says."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest
from amaranth.hdl import Const, Module, Signal

from ringbed.hw.errata.fields import Bytes, header_words, is_ipv4, lasting, number, store_position, visit, within
from ringbed.hw.errata.saboteur import Here, Saboteur, Switch
from ringbed.hw.stream.beat import beat_path
from tests.hw.errata.frames import tcp4, udp4, udp6
from tests.hw.stream_bench import beats, frames_of, simulate


def asked(frame: bytes, value: Any) -> int:
    """What an expression over a frame's head says."""
    seen, m, out = list[int](), Module(), Signal(32)
    m.d.comb += out.eq(value(Const(int.from_bytes(frame[:128], "little"), 1024)))
    m.d.sync += Signal().eq(0)

    async def look(ctx: Any) -> None:
        seen.append(ctx.get(out))

    simulate(m, look, clocks=5)
    return seen[0]


def test_numbers_of_a_frame() -> None:
    for frame in (udp4(90), tcp4(90, options=b"\x01\x01\x01\x01"), udp6(90)):
        for at, size in ((0, 1), (12, 2), (14, 1), (26, 4), (35, 2)):
            assert asked(frame, partial(number, at=at, size=size)) == int.from_bytes(frame[at : at + size], "big")
    assert [asked(frame, is_ipv4) for frame in (udp4(), udp6(), b"\x08\x00" * 30)] == [1, 0, 1]
    assert asked(tcp4(90), header_words) == 5
    assert asked(tcp4(90, options=b"\x01\x01\x01\x01"), header_words) == 6


def passed(width: int, frames: list[bytes], act: Any) -> list[bytes]:
    """The frames as a saboteur of beats leaves them."""
    switch = Switch("it", {"every": (16, 1)})
    dut, got, m = Saboteur(act, switch, beat_path(width), {}), list[bytes](), Module()
    m.submodules.dut = dut
    m.d.sync += Signal().eq(0)

    async def feed(ctx: Any) -> None:
        rng = random.Random(1)
        for each in beats(frames, width // 8):
            ctx.set(dut.i.valid, 0)
            if rng.random() < 0.3:
                await ctx.tick()
            ctx.set(dut.i.payload, each)
            ctx.set(dut.i.valid, 1)
            out = ctx.get(dut.o.payload)
            piece = out.data.to_bytes(width // 8, "little")[: out.count]
            if out.first:
                got.append(b"")
            got[-1] += piece
            await ctx.tick()

    simulate(m, feed, clocks=4000)
    return got


@pytest.mark.parametrize("width", [64, 128])
@pytest.mark.parametrize("at", [0, 5, 7, 15, 40, 63])
def test_bytes_are_written_over_wherever_they_are(width: int, at: int) -> None:
    def act(m: Module, here: Here) -> None:
        Bytes(m, here).overwrite(1, at, [Const(0xAB, 8), Const(0xCD, 8)])

    frames = frames_of([1, 8, 9, 41, 64, 65, 200], 3)
    meant = [
        (frame[:at] + b"\xab\xcd" + frame[at + 2 :])[: len(frame)] if len(frame) > at else frame for frame in frames
    ]
    assert passed(width, frames, act) == meant


@pytest.mark.parametrize("width", [64, 256])
def test_a_number_is_known_behind_its_beat(width: int) -> None:
    """Here written at the end of a longer frame: it was that of this frame, and not of the one before."""

    def act(m: Module, here: Here) -> None:
        frame = Bytes(m, here)
        seen = frame.number(13, 4)
        frame.overwrite(frame.position > 31, 96, [seen[24:32], seen[16:24], seen[8:16], seen[:8]])

    frames = frames_of([100, 100, 101], 4)
    assert passed(width, frames, act) == [frame[:96] + frame[13:17] + frame[100:] for frame in frames]


def test_what_was_so_at_the_first_beat_stays_for_the_frame() -> None:
    def act(m: Module, here: Here) -> None:
        frame = Bytes(m, here)
        first = frame.at_first(here.payload.data[0])
        frame.overwrite(first, 20, [Const(0, 8)])

    frames = frames_of([30] * 12, 5)
    assert {frame[0] & 1 for frame in frames} == {0, 1}
    assert passed(64, frames, act) == [
        frame[:20] + b"\0" + frame[21:] if frame[0] & 1 else frame for frame in frames
    ]  # fmt: skip


class World:
    """A tap with a clock and a number to look at, for what is made of these."""

    def __init__(self) -> None:
        self.timebase, self.payload, self.moves, self.on = Signal(32), Signal(64), Signal(), Const(1)
        self.frame: Any = type("Frame", (), {"length": Signal(16)})()
        self._count, self._every = Signal(8), Signal(8, init=1)

    def fires(self, m: Module, condition: Any, when: Any) -> Any:
        """Each n-th clock with `when`."""
        due, hit = Signal(), Signal()
        m.d.comb += [due.eq(self._count + 1 >= self._every), hit.eq(when & condition & due)]
        with m.If(when & condition):
            m.d.sync += self._count.eq(self._count + 1)
            with m.If(due):
                m.d.sync += self._count.eq(0)
        return hit


def told(make: Any, steps: list[dict[str, int]], *names: str) -> list[int]:
    """The answer in each clock, with those signals of the world as the steps say."""
    m, world, seen = Module(), World(), list[int]()
    inputs = {name: Signal(name=name) for name in names}
    out = make(m, world, **inputs)

    async def bench(ctx: Any) -> None:
        for step in steps:
            for name, value in step.items():
                at: Any = inputs.get(name, getattr(world, name, None))
                ctx.set(world.frame.length if name == "length" else world._every if name == "every" else at, value)
            seen.append(ctx.get(out))
            await ctx.tick()

    m.d.sync += Signal().eq(0)
    simulate(m, bench, clocks=len(steps) + 5)
    return seen


def test_a_stop_lasts() -> None:
    steps = [{"when": on} for on in (0, 0, 1, 0, 0, 1, 0)]
    assert told(lambda m, world, when: lasting(m, when), steps, "when") == [0, 0, 0, 1, 1, 1, 1]


def test_a_window_is_of_time_not_of_clocks() -> None:
    """The time jumps where a card is at rest; it goes round, and a new beginning counts from there."""
    times = [(0, 5), (1, 6), (0, 7), (0, 15), (0, 16), (0, 17), (1, 2**32 - 4), (0, 2), (1, 3), (0, 13), (0, 14)]
    steps = [{"begins": begins, "timebase": time} for begins, time in times]
    assert told(lambda m, world, begins: within(m, world, begins, 10), steps, "begins") == [
        0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0
    ]  # fmt: skip


def test_a_look_fires_as_it_begins_and_stands_while_it_lasts() -> None:
    looks = [0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1]
    steps = [{"looks": look} for look in looks]
    assert told(lambda m, world, looks: visit(m, world, looks), steps, "looks") == looks
    steps[0]["every"] = 2
    assert told(lambda m, world, looks: visit(m, world, looks), steps, "looks") == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_where_a_beat_of_the_store_is_in_its_frame() -> None:
    """Beats of eight bytes: it begins anew behind the last one that the length has room for."""
    steps = [
        {"moves": 1, "length": 20},
        {"moves": 0},
        *[{"moves": 1}] * 2,
        {"length": 8},
        {"length": 9},
        {},
        {"length": 16},
        {},
    ]
    assert told(lambda m, world: store_position(m, world), steps) == [0, 8, 8, 16, 0, 0, 8, 0, 8]
