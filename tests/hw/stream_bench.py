"""Source and sink of the benches of single blocks: beats in, beats out, with pauses given by an iterator.

A bench moves whole payloads as one number: reading a field costs the simulator as much as reading all of them.
"""

from __future__ import annotations

import gc
import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import pytest
from amaranth.back import rtlil, verilog
from amaranth.hdl import Cat, Const, ShapeCastable, UnusedElaboratable, Value
from amaranth.lib import data
from amaranth.sim import Simulator

from ringbed.sim.native.assertions import with_words

Testbench = Callable[[Any], Any]


def frames_of(lengths: Iterable[int], seed: int) -> list[bytes]:
    """One frame of random bytes for each length."""
    rng = random.Random(seed)
    return [rng.randbytes(length) for length in lengths]


def pauses(seed: int, share: float = 0.3) -> Iterator[bool]:
    """True where a bench is to hold back for a clock."""
    rng = random.Random(seed)
    while True:
        yield rng.random() < share


def split(frame: bytes, lanes: int) -> list[tuple[bytes, bool, bool]]:
    """The frame's beats: bytes, first, last."""
    starts = range(0, len(frame), lanes)
    return [(frame[at : at + lanes], at == 0, at + lanes >= len(frame)) for at in starts]


def beat(piece: bytes, first: bool, last: bool, lanes: int, rng: random.Random, error: bool = False) -> dict[str, int]:
    """The fields of a Beat; unused lanes hold garbage, as they may."""
    filled = piece + rng.randbytes(lanes - len(piece))
    return {
        "data": int.from_bytes(filled, "little"), "count": len(piece),
        "first": int(first), "last": int(last), "error": int(error and last),
    }  # fmt: skip


def beats(frames: Sequence[bytes], lanes: int, seed: int = 1) -> list[dict[str, int]]:
    """All frames, beat after beat."""
    rng = random.Random(seed)
    return [beat(*piece, lanes, rng) for frame in frames for piece in split(frame, lanes)]


def pack(layout: data.Layout, value: Any) -> int:
    """The number a layout's fields make: nested dicts and lists as in the layout."""
    return int(layout.const(value).as_value().value)


def raw(value: Any) -> tuple[Value, Callable[[int], Any]]:
    """A value as a plain number, and what makes of that what the simulator would have: too much for every clock."""
    shape = value.shape()
    return Value.cast(value), shape.from_bits if isinstance(shape, ShapeCastable) else lambda bits: bits


async def put(ctx: Any, port: Any, payloads: Iterable[int], pause: Iterable[bool] = repeat(False)) -> None:
    """Send the packed payloads into a stream; one that has no ready takes one each clock.

    Payload and valid are set as one, and valid stays between two beats: the simulator settles all logic at every `set`.
    """
    holds = iter(pause)
    target = Value.cast(port.payload)
    both, valid, mask = Cat(target, port.valid), 1 << len(target), (1 << len(target)) - 1
    for payload in payloads:
        held = False
        while next(holds):
            if not held:
                ctx.set(port.valid, 0)
                held = True
            await ctx.tick()
        ctx.set(both, payload & mask | valid)
        await ctx.tick().until(port.ready)
    ctx.set(port.valid, 0)


async def get(
    ctx: Any,
    port: Any,
    wanted: int,
    pause: Iterable[bool] = repeat(False),
    last: Callable[[Any], int] = lambda payload: int(payload.last),
) -> list[Any]:
    """Take payloads from a stream that can be stopped until `last` was true of `wanted` of them."""
    holds, taken, ends, was = iter(pause), [], 0, None
    bits, lift = raw(port.payload)
    while ends < wanted:
        ready = not next(holds)
        if ready != was:
            ctx.set(port.ready, ready)
            was = ready
        _, _, valid, payload = await ctx.tick().sample(port.valid, bits)
        if ready and valid:
            taken.append(lift(payload))
            ends += last(taken[-1])
    ctx.set(port.ready, 0)
    return taken


async def watch(ctx: Any, valid: Any, value: Any, wanted: int) -> list[tuple[int, Any]]:
    """Clock number and value of each clock with `valid`, until there are `wanted`."""
    seen: list[tuple[int, Any]] = []
    clock = 0
    bits, lift = raw(value)
    while len(seen) < wanted:
        _, _, there, now = await ctx.tick().sample(valid, bits)
        if there:
            seen.append((clock, lift(now)))
        clock += 1
    return seen


def source(port: Any, payloads: Iterable[int], pause: Iterable[bool] = repeat(False)) -> Testbench:
    """A bench that sends the packed payloads."""

    async def bench(ctx: Any) -> None:
        await put(ctx, port, payloads, pause)

    return bench


def sink(port: Any, count: int, into: list[Any], pause: Iterable[bool] = repeat(False)) -> Testbench:
    """A bench that takes `count` payloads."""

    async def bench(ctx: Any) -> None:
        into.extend(await get(ctx, port, count, pause, last=lambda _: 1))

    return bench


async def wait(ctx: Any, clocks: int) -> None:
    """As `tick().repeat()`, which does not let an assertion of the block end it without a warning."""
    for _ in range(clocks):
        await ctx.tick()


def simulate(dut: Any, *benches: Testbench, clocks: int = 0) -> None:
    """Run the benches to their ends on a clock of their own; fail when that is not within `clocks` (0: any number)."""

    async def watchdog(ctx: Any) -> None:
        await ctx.delay(clocks * 1e-6)
        raise AssertionError(f"the benches have not ended after {clocks} clocks")

    simulator = Simulator(dut)
    simulator.add_clock(1e-6, if_exists=True)  # a bench of logic alone has none
    for bench in benches:
        simulator.add_testbench(bench)
    if clocks:
        simulator.add_testbench(watchdog, background=True)
    simulator.run()


def refused(build: Callable[[], Any], sentence: str) -> None:
    """`build` raises ValueError with a match of `sentence`. Amaranth's word on the block never used is not wanted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        with pytest.raises(ValueError, match=sentence):
            build()
        gc.collect()


def ports_of(dut: Any) -> list[Value]:
    """The block's ports, without the constant `ready` of streams that cannot be stopped."""
    ports = [value for _, _, value in dut.signature.flatten(dut)]
    return [Value.cast(value) for value in ports if not isinstance(value, Const)]


def rtlil_of(dut: Any) -> str:
    """The block elaborated, without Yosys."""
    return str(rtlil.convert(dut, ports=ports_of(dut), emit_src=False))


def verilog_of(dut: Any) -> str:
    """The block as Verilog."""
    return with_words(str(verilog.convert(dut, ports=ports_of(dut), emit_src=False)))
