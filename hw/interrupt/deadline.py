"""A timer on the card's timebase, which the harness may advance by many clocks in one while nothing happens."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["NEVER", "Deadline"]

NEVER = 0xFFFFFFFF


class Deadline(wiring.Component):
    """Runs from `start` for `clocks`; a start while it runs begins anew. `due` stays until it is started or stopped.

    Members
    -------
    timebase : In(32); start, stop : In(1), start wins; clocks : In(32): under 2**31, looked at with `start`
    running : Out(1); due : Out(1): it has run out
    wait : Out(32): clocks until it is due, all ones while it does not run
    """

    def __init__(self) -> None:
        super().__init__({
            "timebase": In(32), "start": In(1), "stop": In(1), "clocks": In(32),
            "running": Out(1), "due": Out(1), "wait": Out(32, init=NEVER),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        end, left, past = Signal(32), Signal(32), Signal()
        m.d.comb += [
            left.eq(end - self.timebase),
            past.eq((left == 0) | left[-1]),
            self.due.eq(self.running & past),
            self.wait.eq(Mux(self.running, Mux(past, 0, left), NEVER)),
        ]
        with m.If(self.start):
            m.d.sync += [self.running.eq(1), end.eq(self.timebase + self.clocks)]
        with m.Elif(self.stop):
            m.d.sync += self.running.eq(0)
        return m
