"""What all saboteurs share, in pysim, beside naive references: the switch, the count, holding, dropping."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth import Module
from amaranth.lib import stream

from ringbed.hw.errata.saboteur import Act, Here, Saboteur, Switch
from tests.hw.stream_bench import simulate


def odd(m: Module, here: Here) -> None:
    """Odd numbers become 0."""
    with m.If(here.fires(m, here.payload[0])):
        m.d.comb += here.out.eq(0)


def drops(m: Module, here: Here) -> None:
    m.d.comb += here.drop.eq(here.fires(m, here.payload[0]))


def holds(m: Module, here: Here) -> None:
    """Nothing passes from the first odd number on, which does."""
    stuck = here.shared("stuck")
    with m.If(here.fires(m, here.payload[0]) & here.moves):
        m.d.sync += stuck.eq(1)
    m.d.comb += here.hold.eq(stuck)


def run(act: Act, given: list[int], on: int, every: int, clocks: int = 400) -> list[int]:
    """What comes out of a stream that stops now and then; what is offered stays until it is taken."""
    switch, rng = Switch("it", {"every": (16, 1)}), random.Random(every)
    dut = Saboteur(act, switch, stream.Signature(8), {})
    m, left, got = Module(), list(given), list[int]()
    m.submodules.dut = dut
    m.d.sync += [switch.on.eq(on), switch.values["every"].eq(every)]

    async def bench(ctx: Any) -> None:
        valid = False
        for _ in range(clocks):
            valid = bool(left) and (valid or rng.random() < 0.7)
            ready = rng.random() < 0.7
            ctx.set(dut.i.valid, valid)
            ctx.set(dut.i.payload, left[0] if left else 0)
            ctx.set(dut.o.ready, ready)
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
            if valid and ctx.get(dut.i.ready):
                left.pop(0)
                valid = False
            await ctx.tick()

    simulate(m, bench, clocks=clocks + 10)
    return got


def every_nth(given: list[int], every: int) -> list[bool]:
    """The reference: which of them the bug takes."""
    count, taken = 0, []
    for number in given:
        count += number % 2
        taken.append(bool(number % 2) and count % every == 0)
    return taken


NUMBERS = [0, 0, 0, *random.Random(5).choices(range(256), k=60)]  # the switch is a clock late


@pytest.mark.parametrize("every", [1, 2, 5])
def test_it_fires_each_so_manieth_time(every: int) -> None:
    taken = every_nth(NUMBERS, every)
    assert any(taken)
    assert run(odd, NUMBERS, 1, every) == [0 if hit else number for number, hit in zip(NUMBERS, taken, strict=True)]


def test_off_it_is_a_wire() -> None:
    for act in (odd, drops, holds):
        assert run(act, NUMBERS, 0, 1) == NUMBERS


def test_what_is_dropped_is_taken_and_does_not_come_out() -> None:
    for every in (1, 3):
        taken = every_nth(NUMBERS, every)
        assert run(drops, NUMBERS, 1, every) == [number for number, hit in zip(NUMBERS, taken, strict=True) if not hit]


def test_what_is_held_stays() -> None:
    first = next(at for at, number in enumerate(NUMBERS) if number % 2)
    assert run(holds, NUMBERS, 1, 1) == NUMBERS[: first + 1]


def test_it_takes_no_time() -> None:
    """What comes in goes out in the same clock, and the other way round for ready."""
    switch = Switch("it", {"every": (16, 1)})
    dut = Saboteur(odd, switch, stream.Signature(8), {})
    m, seen = Module(), list[Any]()
    m.submodules.dut = dut
    m.d.sync += switch.on.eq(1)

    async def look(ctx: Any) -> None:
        await ctx.tick()
        await ctx.tick()
        for valid, ready, value in ((1, 0, 3), (1, 0, 4), (0, 1, 5), (1, 1, 7)):
            ctx.set(dut.i.valid, valid)
            ctx.set(dut.i.payload, value)
            ctx.set(dut.o.ready, ready)
            seen.append((ctx.get(dut.o.valid), ctx.get(dut.i.ready), ctx.get(dut.o.payload)))

    simulate(m, look, clocks=20)
    assert seen == [(1, 0, 0), (1, 0, 4), (0, 1, 5), (1, 1, 0)]


def test_what_is_dropped_needs_nobody_who_takes_it() -> None:
    switch = Switch("it", {"every": (16, 1)})
    dut = Saboteur(drops, switch, stream.Signature(8), {})
    m, seen = Module(), list[Any]()
    m.submodules.dut = dut
    m.d.sync += switch.on.eq(1)

    async def look(ctx: Any) -> None:
        await ctx.tick()
        await ctx.tick()
        for value in (2, 3):
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, value)
            seen.append((ctx.get(dut.i.ready), ctx.get(dut.o.valid)))

    simulate(m, look, clocks=20)
    assert seen == [(0, 1), (1, 0)]


def test_a_signal_is_shared_by_its_name() -> None:
    switch = Switch("it", {"every": (16, 1), "length": (15, 60)})
    assert switch.shared("hangs") is switch.shared("hangs")
    assert switch.shared("hangs") is not switch.shared("other")
    assert len(switch.shared("wide", 8)) == 8
    assert [(len(each), each.init) for each in switch.values.values()] == [(16, 1), (15, 60)]
