"""A block so small that every sequence of its inputs can be tried: a counter of five, a sum, a way straight through.

Its counter is three bits and never holds 5 to 7, so some of its mutants are the block itself.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDED", "NEVER", "Toy"]

ADDED = 3
NEVER = "toy: both at once"


class Toy(wiring.Component):
    """`count` goes 0 to 4 and round with `go`; `sum` gathers `value` with it; `both` is `go` and `clear`, at once.

    `added` widens the sum. With `careful` go and clear must not come together.
    """

    def __init__(self, added: int = 0, careful: int = 0) -> None:
        self._added, self._careful = added, careful
        super().__init__({
            "go": In(1), "clear": In(1), "value": In(1),
            "count": Out(3), "sum": Out(2 + added), "both": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m, full = Module(), Signal()
        m.d.comb += [self.both.eq(self.go & self.clear), full.eq(self.count == 4)]
        with m.If(self.go):
            m.d.sync += self.sum.eq(self.sum + self.value)
            with m.If(full):
                m.d.sync += self.count.eq(0)
            with m.Else():
                m.d.sync += self.count.eq(self.count + 1)
        with m.If(self.clear):
            m.d.sync += self.sum.eq(0)
        if self._careful:
            m.d.sync += Assert(~self.both, NEVER)
        return m
