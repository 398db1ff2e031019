"""A reset at a chosen beat: behind so many that the block took, or gave, whatever the width and the pauses."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats.blocks import COUNT_BITS, CUT_LATE_BITS

__all__ = ["Cut"]


class Cut(wiring.Component):
    """Raises `now` in the clock behind a beat, or `late` clocks after that one, and holds it until `restart`.

    Members:

    taken, given : In, a beat is in this clock
    at_in, at_out : In(COUNT_BITS), how many beats since the restart it is to come behind; 0 for never
    late : In(CUT_LATE_BITS); restart : In
    now : Out, resets all but itself
    """

    def __init__(self) -> None:
        super().__init__({
            "taken": In(1), "given": In(1), "at_in": In(COUNT_BITS), "at_out": In(COUNT_BITS),
            "late": In(CUT_LATE_BITS), "restart": In(1), "now": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        armed, left, now = Signal(), Signal(CUT_LATE_BITS), Signal(reset_less=True)
        hits = self._hit(m, self.taken, self.at_in) | self._hit(m, self.given, self.at_out)
        m.d.comb += self.now.eq(now)
        with m.If(self.restart):
            m.d.sync += now.eq(0)
        with m.Elif(armed):
            m.d.sync += [left.eq(left - 1), armed.eq(left != 1), now.eq(left == 1)]
        with m.Elif(hits & ~now):
            m.d.sync += [armed.eq(self.late != 0), left.eq(self.late), now.eq(self.late == 0)]
        return m

    @staticmethod
    def _hit(m: Module, beat: Any, at: Any) -> Any:
        count = Signal(COUNT_BITS)
        with m.If(beat):
            m.d.sync += count.eq(count + 1)
        return beat & (count + 1 == at)
