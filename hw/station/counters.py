"""Exclusive counters: every frame that began ends in exactly one. 32 bits, wrapping, never cleared by software."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counters", "Pending"]


class Counters(wiring.Component):
    """Members: NAME_add : In: how many more in this clock; NAME : Out(32). `names` gives the width of each NAME_add."""

    def __init__(self, names: dict[str, int]) -> None:
        self.names = names
        members: dict[str, Any] = {name: Out(32) for name in names}
        super().__init__(members | {f"{name}_add": In(width) for name, width in names.items()})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name in self.names:
            total, add = getattr(self, name), getattr(self, name + "_add")
            with m.If(add.any()):
                m.d.sync += total.eq(total + add)
        return m


class Pending(wiring.Component):
    """Frames inside: in by one or two, out by several. `flush` ends all of them at once, for a counter of the lost.

    Members
    -------
    came : In(2); left : In(8); flush : In(1)
    count : Out(16)
    lost : Out(16): with `flush`, how many were inside
    """

    def __init__(self) -> None:
        super().__init__({"came": In(2), "left": In(8), "flush": In(1), "count": Out(16), "lost": Out(16)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        now = Signal(16)
        m.d.comb += now.eq(self.count + self.came - self.left)
        m.d.sync += self.count.eq(now)
        m.d.sync += Assert(self.left <= self.count + self.came, "pending: no frame leaves that did not come")
        with m.If(self.flush):
            m.d.comb += self.lost.eq(now)
            m.d.sync += self.count.eq(0)
        return m
