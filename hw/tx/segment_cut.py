"""The payload of a segmentation, cut out of the message's beats at any byte.

Byte k of the payload lies in the message behind the header, in lane (header + k) of the lanes; in segment j it follows
the same header, MSS * j bytes earlier. So within a segment every beat is two neighbouring beats of the message moved
down by the same number of bytes, MSS * j modulo the lanes: one shifter, and its amount changes between segments only.

`low` is the older of the two beats, the input shows the younger. A segment may begin in the beat that the one before it
has not ended in yet: then the younger is `low` itself (`back`), and the older is not needed, since the lanes it would
fill belong to the header.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import Beat, beat_path, lanes_of, move_up

__all__ = ["SegmentCut"]


def _move_down(m: Module, value: Value, count: Value, *, name: str) -> Value:
    """`value` moved down by `count` bytes, zeros coming in."""
    for bit in range(len(count)):
        moved = Signal(len(value), name=f"{name}_{bit}")
        m.d.comb += moved.eq(Mux(count[bit], Cat(value[8 << bit :], Const(0, 8 << bit)), value))
        value = moved
    return value


class SegmentCut(wiring.Component):
    """One beat a clock. After `begin` the header is taken, then the beat in which it ends; from there on `step` counts.

    Members
    -------
    i : stream of the message's Beats
    header, mss : In: bytes, steady
    begin : In(1): a message begins; take : In(1): the beat at `i` is wanted for nothing but its place
    count : In: bytes of the output beat, those of the header included; ends, final : In(1): it is its segment's last,
        the message's last segment's; step : In(1): it is used in this clock, `ready` being 1
    o : Out(width): the output beat, nothing of use in the lanes of the header
    ready : Out(1): `o` is there, or never will be: `short`, the message ends or the bus failed before these bytes
    over : Out(1): the message's last beat was taken; exact : Out(1): with as many bytes as `total` : In says
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(beat_path(width, stops=True)), "header": In(8), "mss": In(16), "total": In(21),
            "begin": In(1), "take": In(1),
            "count": In(range(self.lanes + 1)), "ends": In(1), "final": In(1), "step": In(1),
            "o": Out(width), "ready": Out(1), "short": Out(1), "over": Out(1), "exact": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = self.lanes.bit_length() - 1
        low, front = Signal(Beat(self.width)), self.i.payload
        amount, back = Signal(bits), Signal()
        forward = self._move(m, amount, back)
        top, upper_count = Signal(bits + 2), Signal(bits + 2)  # of the two beats: bytes used, bytes used of the younger
        both, later = Signal(), Signal()  # the younger is used; it is the one at `i`
        dry, bad = Signal(), Signal()
        m.d.comb += [
            top.eq(amount + self.count), both.eq(top > self.lanes), upper_count.eq(top - self.lanes),
            later.eq((both & ~back) | forward),
            self.over.eq(low.last),
            self.i.ready.eq(self.take | (self.step & forward & ~low.last)),
            self.ready.eq(self.short | ~later | self.i.valid | low.last),
            self.o.eq(_move_down(m, low.data, amount, name="down") | self._upper(m, Mux(back, low.data, front.data),
                                                                               amount)),
        ]  # fmt: skip
        # what follows the last beat belongs to another message
        missing = Mux(both & back, low.last & (upper_count > low.count), Mux(
            both, low.last | (self.i.valid & front.last & (upper_count > front.count)),
            low.last & ((top > low.count) | ~self.ends),
        ))  # fmt: skip
        m.d.comb += self.short.eq(missing | dry | bad | (later & ~low.last & self.i.valid & front.error))
        taken = Signal(18)
        m.d.comb += self.exact.eq(((taken - 1) << bits) + low.count == self.total)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [low.eq(front), bad.eq(bad | front.error), taken.eq(Mux(taken.all(), taken, taken + 1))]
        with m.If(self.step & forward & low.last):
            m.d.sync += dry.eq(1)  # the next segment begins behind the message's end
        with m.If(self.begin):
            m.d.sync += [low.last.eq(0), dry.eq(0), bad.eq(0), taken.eq(0)]
        return m

    def _move(self, m: Module, amount: Signal, back: Signal) -> Signal:
        """Which two beats, and how far down, from one output beat to the next. Gives whether `low` moves on."""
        bits = self.lanes.bit_length() - 1
        next_amount, tail = Signal(bits + 1), Signal(bits + 1)
        up, down, forward = Signal(), Signal(), Signal()
        carries, spills = next_amount[bits], tail > self.lanes
        m.d.comb += [
            next_amount.eq(amount + self.mss[:bits]),
            tail.eq(self.header[:bits] + self.mss[:bits]),  # bytes in a full segment's last beat, 0 being all
            up.eq((carries & ~spills) | (tail == 0)),
            down.eq(~carries & spills),
            forward.eq(~back & ~(self.ends & (self.final | ~up))),
        ]
        with m.If(self.begin):
            m.d.sync += [amount.eq(0), back.eq(0)]
        with m.Elif(self.step):
            m.d.sync += back.eq(self.ends & Mux(back, ~up, down))
            with m.If(self.ends):
                m.d.sync += amount.eq(next_amount)
        return forward

    def _upper(self, m: Module, data: Any, amount: Signal) -> Any:
        """The younger beat's bytes behind those that the older one leaves."""
        missing = Signal(len(amount))
        m.d.comb += missing.eq(-amount)
        return Mux(amount == 0, 0, move_up(m, data, missing, name="up"))
