"""Status of used descriptors as write beats: only the bytes that change are strobed, where their descriptor lies."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.dma import WriteBeat
from ringbed.hw.ring.descriptor_queue import DESCRIPTOR_BITS, descriptors_in

__all__ = ["Status", "StatusBeats"]

UPPER = DESCRIPTOR_BITS // 2  # first bit of a descriptor's upper eight bytes


class Status(data.StructLayout):
    """A descriptor's upper eight bytes, whether they are written, its place in its beat, whether it ends its burst."""

    def __init__(self) -> None:
        super().__init__({"upper": 64, "write": 1, "place": 2, "last": 1})


class StatusBeats(wiring.Component):
    """`strobe` says which of the upper eight bytes are written.

    With 64 bits each descriptor is two beats, the first without a strobe; its own latency is 0. A wider beat is put
    together descriptor by descriptor, one a clock, and is out a clock after the last of them.

    Members
    -------
    i : stream of Status; o : stream of WriteBeat
    """

    def __init__(self, width: int, strobe: int) -> None:
        self.width, self.strobe, self.each = width, strobe, descriptors_in(width)
        super().__init__({"i": In(stream.Signature(Status())), "o": Out(stream.Signature(WriteBeat(width)))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if self.each:
            self._gather(m)
        else:
            self._halves(m)
        return m

    def _halves(self, m: Module) -> None:
        upper, status = Signal(), self.i.payload
        m.d.comb += [
            self.o.valid.eq(self.i.valid),
            self.o.payload.data.eq(Mux(upper, status.upper, 0)),
            self.o.payload.strb.eq(Mux(upper & status.write, self.strobe, 0)),
            self.o.payload.last.eq(upper & status.last),
            self.i.ready.eq(self.o.ready & upper),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += upper.eq(~upper)

    def _gather(self, m: Module) -> None:
        status, beat = self.i.payload, Signal(WriteBeat(self.width))
        begun, whole = Signal(), Signal()  # `beat` holds some of what it will, or all
        placed, strobes = Signal(self.width), Signal(self.width // 8)
        with m.Switch(status.place):
            for place in range(self.each):
                with m.Case(place):
                    at = place * DESCRIPTOR_BITS + UPPER
                    m.d.comb += [
                        placed[at : at + 64].eq(status.upper),
                        strobes[at // 8 : at // 8 + 8].eq(Mux(status.write, self.strobe, 0)),
                    ]
        m.d.comb += [self.o.payload.eq(beat), self.o.valid.eq(whole), self.i.ready.eq(~whole | self.o.ready)]
        with m.If(self.i.valid & self.i.ready):
            ends = status.last | (status.place == self.each - 1)
            m.d.sync += [
                beat.data.eq(Mux(begun, beat.data, 0) | placed), beat.strb.eq(Mux(begun, beat.strb, 0) | strobes),
                beat.last.eq(status.last), begun.eq(~ends), whole.eq(ends),
            ]  # fmt: skip
        with m.Elif(self.o.ready):
            m.d.sync += whole.eq(0)
