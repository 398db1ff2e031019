"""CTRL.RST: what is on the bus and on the wire is finished first, then everything is cleared at once."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CardReset"]

SETTLE = 24  # clocks: longer than any frame takes from the MAC to the packet buffer's queue


class CardReset(wiring.Component):
    """Two phases: `draining`, in which nothing new begins, and one clock of `clear`.

    Members
    -------
    start : In(1): software wrote the bit; hold : In(1): bursts or a frame on the wire are still out
    draining : Out(1): from the write to the end; clear : Out(1): the last clock of it
    """

    def __init__(self) -> None:
        super().__init__({"start": In(1), "hold": In(1), "draining": Out(1), "clear": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        waited = Signal(range(SETTLE + 1))
        m.d.comb += self.clear.eq(self.draining & (waited == SETTLE) & ~self.hold)
        with m.If(self.start):
            m.d.sync += [self.draining.eq(1), waited.eq(0)]
        with m.Elif(self.clear):
            m.d.sync += self.draining.eq(0)
        with m.Elif(self.draining & (waited != SETTLE)):
            m.d.sync += waited.eq(waited + 1)
        return m
