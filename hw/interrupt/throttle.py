"""Interrupt throttling: the least time between two rises of the line (ITR, M 13.4.18).

The time counts from a rise of the line, whatever cause made it; a line that is up stays up until software has cleared
its causes. What comes within the interval waits, any cause alike: LSC and MDAC, a cause set through ICS, and a latched
cause that is unmasked. An interval written while one runs is in force from the next rise on; 0 ends it at once.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Throttle"]


class Throttle(wiring.Component):
    """`unit` is the clocks of one count of the interval: 256 ns.

    Members
    -------
    request : In(1): a cause is up and not masked
    interval : In(16), in units; 0: off
    timebase : In(32); clear : In(1): device reset
    irq : Out(1): level, in the clock of `request` when nothing holds it
    wait : Out(32): clocks until the interval is over, all ones when none runs
    """

    def __init__(self, unit: int) -> None:
        if not 0 < unit < 1 << 15:
            raise ValueError(f"a throttle's unit of {unit!r} clocks is not within its 31 bits of time")
        self.unit = unit
        super().__init__({
            "request": In(1), "interval": In(16), "timebase": In(32), "clear": In(1),
            "irq": Out(1), "wait": Out(32, init=0xFFFFFFFF),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        up, running, until, left = Signal(), Signal(), Signal(32), Signal(32)
        holds, over = Signal(), Signal()
        m.d.comb += [
            left.eq(until - self.timebase),
            over.eq(left[31] | (left == 0) | (self.interval == 0)),
            holds.eq(running & ~over),
            self.irq.eq(self.request & (up | ~holds)),
            self.wait.eq(Mux(running, Mux(over, 0, left), 0xFFFFFFFF)),
        ]
        m.d.sync += up.eq(self.irq)
        with m.If(self.irq & ~up):
            m.d.sync += [running.eq(self.interval != 0), until.eq(self.timebase + self.interval * self.unit)]
        with m.Elif(over):
            m.d.sync += running.eq(0)
        with m.If(self.clear):
            m.d.sync += [up.eq(0), running.eq(0)]
        return m
