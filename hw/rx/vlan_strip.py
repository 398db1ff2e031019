"""VLAN stripping: takes bytes 12 to 15 out of a tagged frame and closes the gap (M 9.1, Table 9-3).

Up to byte 11 a frame stays where it is; of every later beat the upper lanes move four down, and the next beat's first
four bytes fill up. So each beat waits for its follower, but a frame's last does not, and a last beat of four bytes or
fewer goes out with the beat before it. Beats never become more, so a path that cannot be stopped stays one.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.rx import RxFrameEnd
from ringbed.hw.stream.beat import Beat, beat_path, lanes_of

__all__ = ["TAG_BYTES", "VlanStrip"]

TAG_BYTES = 4
TAG_AT = 12
TAG_BITS = 8 * TAG_BYTES


class VlanStrip(wiring.Component):
    """Beats (FCS included) in and out, at most one each clock; a frame's last comes out 1 or 2 clocks after it came in.

    Members
    -------
    i : In, beats; end : In(RxFrameEnd), as MacRx gives both
    strip : In(1), tag : In(16): RxHead's, from the clock after the tag's beat: take it out of this frame; its TCI
    o : Out, beats; their `error` is the frame's as before
    o_end : Out(RxFrameEnd): with each beat of `o`, and still of the frame as it came over the wire
    stripped : Out(1), o_tag : Out(16): with the last beat of `o`: a tag is gone; the frame's bytes 14 and 15
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(beat_path(width)), "end": In(RxFrameEnd), "strip": In(1), "tag": In(16),
            "o": Out(beat_path(width)), "o_end": Out(RxFrameEnd), "stripped": Out(1), "o_tag": Out(16),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        # `here` is the beat that goes out, `self.i` its follower if `here` is not the last of its frame.
        m = Module()
        here, here_end, waiting, step = Signal(Beat(self.width)), Signal(RxFrameEnd), Signal(), Signal()
        follower, out = self.i.payload, self.o.payload
        swallow = Signal()  # the follower's bytes all move into this beat
        m.d.comb += [
            step.eq(waiting & (here.last | self.i.valid)),
            swallow.eq(self.strip & ~here.last & follower.last & (follower.count <= TAG_BYTES) & self._moves(here)),
        ]
        with m.If(self.i.valid & ~(step & swallow)):
            m.d.sync += [here.eq(self.i.payload), here_end.eq(self.end), waiting.eq(1)]
        with m.Elif(step):
            m.d.sync += waiting.eq(0)

        gap = Signal()  # `here` is the beat that holds the tag
        m.d.sync += self.o.valid.eq(step)
        with m.If(step):
            m.d.sync += [
                out.first.eq(here.first), out.last.eq(here.last | swallow),
                out.error.eq(Mux(swallow, follower.error, here.error)),
                self.o_end.eq(Mux(swallow, self.end, here_end)), self.o_tag.eq(self.tag), self.stripped.eq(self.strip),
            ]  # fmt: skip
            with m.If(self.strip & self._moves(here)):
                self._close_gap(m, here, swallow, gap)
            with m.Else():
                m.d.sync += [out.data.eq(here.data), out.count.eq(here.count)]
        if self.lanes == 8:
            with m.If(step):
                m.d.sync += gap.eq(here.first)  # then the next is it
        else:
            m.d.comb += gap.eq(here.first)
        return m

    def _moves(self, here: Any) -> Any:
        """Every beat from the tag's own on; where lanes are eight, not the first."""
        return ~here.first if self.lanes == 8 else 1

    def _close_gap(self, m: Module, here: Any, swallow: Any, gap: Any) -> None:
        follower, out = self.i.payload, self.o.payload
        keeps = TAG_AT % self.lanes * 8  # bits of the tag's beat before it
        both = Cat(here.data, follower.data[:TAG_BITS])
        inside = Mux(swallow, self.lanes - TAG_BYTES + follower.count, self.lanes)
        m.d.sync += [
            out.data.eq(Mux(gap, Cat(both[:keeps], both[keeps + TAG_BITS :]), both[TAG_BITS:])),
            out.count.eq(Mux(here.last, here.count - TAG_BYTES, inside)),
        ]
