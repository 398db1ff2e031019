"""Taps: a wire where nothing is put, the component's stream where something is, and names that do not exist refused."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Const, Fragment, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.taps import TAPS, VALUE_TAPS, Taps
from tests.hw.stream_bench import pauses, simulate, sink, source


class Inverter(wiring.Component):
    """Payloads inverted while `enable`, plus `order`, which the tap may or may not offer."""

    def __init__(self, *, enabled: bool = True, stops: bool = True) -> None:
        members: dict[str, Any] = {
            "i": In(stream.Signature(8, always_ready=not stops)), "o": Out(stream.Signature(8, always_ready=not stops)),
            "order": In(8),
        }  # fmt: skip
        super().__init__(members | ({"enable": In(1)} if enabled else {}))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        enable = getattr(self, "enable", Const(0))
        m.d.comb += [
            self.o.payload.eq((self.i.payload ^ enable.replicate(8)) + self.order),
            self.o.valid.eq(self.i.valid),
        ]
        if not self.i.signature.always_ready:
            m.d.comb += self.i.ready.eq(self.o.ready)
        return m


def test_a_wire_when_nothing_is_there() -> None:
    m, port = Module(), stream.Signature(8).create()
    for taps in (Taps(), Taps({})):
        assert taps.insert(m, "rx.descriptor", port) is port
        assert taps.alter(m, "rx.tail", port.payload) is port.payload
        assert not taps.used(*TAPS)
    assert not Fragment.get(m, None).statements


@pytest.mark.parametrize("stops", [True, False])
def test_the_component_is_in_the_stream(stops: bool) -> None:
    """With side information it has a port for, without that it has not, and back-pressure through it."""
    part = Inverter(stops=stops)
    m, port, order = Module(), stream.Signature(8, always_ready=not stops).create(), Signal(8, init=3)
    out = Taps({"tx.data": part}).insert(m, "tx.data", port, {"order": order, "unheard": Signal()})
    m.d.sync += Signal().eq(0)
    got: list[Any] = []

    async def unstopped(ctx: Any) -> None:
        while len(got) < 60:
            _, _, valid, value = await ctx.tick().sample(out.valid, out.payload)
            got.extend([value] * valid)

    async def switch(ctx: Any) -> None:
        ctx.set(part.enable, 1)

    taker = sink(out, 60, got, pauses(2)) if stops else unstopped
    simulate(m, switch, source(port, range(60), pauses(1)), taker, clocks=1000)
    assert got == [((number ^ 0xFF) + 3) % 256 for number in range(60)]


def test_several_at_one_place_stand_in_a_row() -> None:
    """Each with a name and an enable of its own; the side information reaches them all."""
    parts = [Inverter(), Inverter(), Inverter(enabled=False)]
    m, port, order = Module(), stream.Signature(8).create(), Signal(8, init=3)
    taps = Taps({"tx.data": parts})
    out = taps.insert(m, "tx.data", port, {"order": order})
    m.d.sync += Signal().eq(0)
    assert taps.used("rx.data", "tx.data")
    assert not taps.used("rx.data")
    got: list[Any] = []

    async def switch(ctx: Any) -> None:
        ctx.set(parts[1].enable, 1)

    simulate(m, switch, source(port, range(60), pauses(1)), sink(out, 60, got, pauses(2)), clocks=1000)
    assert got == [((number + 3 ^ 0xFF) + 3 + 3) % 256 for number in range(60)]
    with pytest.raises(ValueError, match=r"one component is put at tap 'rx\.data' twice"):
        Taps({"rx.data": [parts[0], parts[0]]})


def test_a_function_makes_the_part_for_the_place() -> None:
    """It is given the stream's signature and the side information, of which a function is called once, for all."""
    called, made = list[int](), list[tuple[Any, list[str]]]()

    def late() -> Signal:
        called.append(1)
        return Signal(8, init=5)

    def make(signature: Any, side: dict[str, Any]) -> Inverter:
        made.append((signature, list(side)))
        return Inverter()

    m, port = Module(), stream.Signature(8).create()
    assert Taps().insert(m, "tx.data", port, {"order": late}) is port
    assert called == []
    Taps({"tx.data": [make, lambda *world: make(*world)]}).insert(m, "tx.data", port, {"order": late})
    assert called == [1]
    assert made == [(port.signature, ["order"])] * 2
    Fragment.get(m, None).prepare()


def test_a_value_is_altered_in_the_same_clock() -> None:
    m, value, seen = Module(), Signal(8, init=7), list[int]()
    part = Inverter(stops=False)
    out = Taps({"rx.tail": part}).alter(m, "rx.tail", value, {"order": Signal(8, init=1)})
    m.d.sync += Signal().eq(0)

    async def look(ctx: Any) -> None:
        for enable in (0, 1):
            ctx.set(part.enable, enable)
            seen.append(ctx.get(out))

    simulate(m, look, clocks=10)
    assert seen == [7 + 1, (7 ^ 0xFF) + 1]


def test_a_register_takes_what_is_written_to_its_number() -> None:
    """In the clock of the write and in no other, and nothing else does."""
    registers = [Signal(1), Signal(16, init=5), Signal(4, init=9)]
    m, index, value, write, seen = Module(), Signal(10), Signal(32), Signal(), list[list[int]]()
    Taps(registers=registers).configure(m, index, value, write)

    async def write_some(ctx: Any) -> None:
        for number, what, on in ((1, 77, 1), (0, 1, 0), (3, 1, 1), (0, 1, 1), (2, 0x1F, 1)):
            ctx.set(index, number)
            ctx.set(value, what)
            ctx.set(write, on)
            await ctx.tick()
            seen.append([ctx.get(each) for each in registers])

    simulate(m, write_some, clocks=20)
    assert seen == [[0, 77, 9], [0, 77, 9], [0, 77, 9], [1, 77, 9], [1, 77, 15]]


def test_a_part_is_reset_with_the_card() -> None:
    class Counting(wiring.Component):
        def __init__(self) -> None:
            super().__init__(
                {"i": In(stream.Signature(8, always_ready=True)), "o": Out(stream.Signature(8, always_ready=True))}
            )

        def elaborate(self, platform: Any) -> Module:
            m, count = Module(), Signal(8)
            m.d.sync += count.eq(count + 1)
            m.d.comb += [self.o.payload.eq(count), self.o.valid.eq(1)]
            return m

    taps, m, seen = Taps({"rx.tail": Counting()}), Module(), list[int]()
    out = taps.alter(m, "rx.tail", Signal(8))

    async def clear(ctx: Any) -> None:
        for on in (0, 0, 1, 0):
            ctx.set(taps.clear, on)
            await ctx.tick()
            seen.append(ctx.get(out))

    simulate(m, clear, clocks=20)
    assert seen == [1, 2, 0, 1]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no tap 'rx\.nothing'; there are rx\.data, "):
        Taps({"rx.nothing": None})
    m = Module()
    with pytest.raises(ValueError, match=r"'tx\.nowhere' is not in the list of taps"):
        Taps().insert(m, "tx.nowhere", None)
    with pytest.raises(ValueError, match=r"at tap 'tx\.data' is a stream, and no value"):
        Taps().alter(m, "tx.data", Signal())
    assert not Fragment.get(m, None).statements
    assert all(words for words in TAPS.values())
    assert {"rx.tail", "irq.line"} < VALUE_TAPS < set(TAPS)
