"""Taps: a wire where nothing is put, the component's stream where something is, and names that do not exist refused."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Const, Fragment, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.taps import TAPS, Taps
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
        assert taps.enables == []
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
    assert [id(enable) for enable in taps.enables] == [id(part.enable) for part in parts[:2]]
    got: list[Any] = []

    async def switch(ctx: Any) -> None:
        ctx.set(parts[1].enable, 1)

    simulate(m, switch, source(port, range(60), pauses(1)), sink(out, 60, got, pauses(2)), clocks=1000)
    assert got == [((number + 3 ^ 0xFF) + 3 + 3) % 256 for number in range(60)]
    with pytest.raises(ValueError, match=r"one component is put at tap 'rx\.data' twice"):
        Taps({"rx.data": [parts[0], parts[0]]})


def test_enables_come_in_the_order_of_the_list() -> None:
    parts = {"tx.checksum": Inverter(), "rx.data": Inverter(), "tx.data": Inverter(enabled=False)}
    taps, m = Taps(parts), Module()
    assert [id(enable) for enable in taps.enables] == [id(parts["rx.data"].enable), id(parts["tx.checksum"].enable)]
    for part in parts.values():  # used, or Amaranth complains
        m.submodules += part
    Fragment.get(m, None).prepare()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no tap 'rx\.nothing'; there are rx\.data, "):
        Taps({"rx.nothing": None})
    m = Module()
    with pytest.raises(ValueError, match=r"'tx\.nowhere' is not in the list of taps"):
        Taps().insert(m, "tx.nowhere", None)
    assert not Fragment.get(m, None).statements
    assert all(words for words in TAPS.values())
