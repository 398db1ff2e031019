"""The transmit checksum engine: two one's complement sums over a frame on its way to the packet buffer (M 3.5.8, 3.6).

Both units sum any range of bytes, so they serve IPv4 header, TCP, UDP and the legacy descriptor's CSS alike: whatever
the range holds in the place of the checksum, a pseudo-header's sum for one, is summed with the rest.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import beat_path, bytes_below, lanes_of, swap16
from ringbed.hw.stream.ones_sum import SUM_BITS, add_pieces, bytes_from, fold_to_16, pieces_sum
from ringbed.hw.stream.patch import PatchSlot

__all__ = ["ChecksumTx", "SumPlace", "SumRange"]

# Bytes `start` to `end` of the frame, both included; `end` 0, or past the frame: its last byte. `udp`: a computed 0 is
# sent as FFFF, since 0 would say 'no sum' (RFC 768).
SumRange = data.StructLayout({"start": 16, "end": 16, "udp": 1})

# Where the finished sum is to go, if it is wanted.
SumPlace = data.StructLayout({"enable": 1, "offset": 16})


class ChecksumTx(wiring.Component):
    """Beats in, one result a frame, in order, exactly 3 clocks after its last beat; a beat each clock.

    A range that starts past the frame, or a place that does not lie in it whole, gives a slot that is not enabled.

    Members
    -------
    i : In, beats without FCS; cannot be stopped
    ranges : In(2 SumRange), looked at with the first beat
    places : In(2 SumPlace), looked at with the last beat
    o : Out, a stream of two PatchSlot; cannot be stopped
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(beat_path(width)),
            "ranges": In(data.ArrayLayout(SumRange, 2)),
            "places": In(data.ArrayLayout(SumPlace, 2)),
            "o": Out(stream.Signature(data.ArrayLayout(PatchSlot, 2), always_ready=True)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat = self.i.payload
        position, after, length = Signal(16), Signal(16), Signal(17)  # offset of lane 0, of the next beat; frame bytes
        ended, folding = Signal(), Signal()
        m.d.comb += [position.eq(Mux(beat.first, 0, after)), length.eq(position + beat.count)]
        m.d.sync += [ended.eq(self.i.valid & beat.last), folding.eq(ended), self.o.valid.eq(folding)]
        with m.If(self.i.valid):
            m.d.sync += after.eq(position + self.lanes)
        for unit in range(2):
            self._unit(m, unit, position, length, ended, folding)
        return m

    def _unit(self, m: Module, unit: int, position: Signal, length: Signal, ended: Signal, folding: Signal) -> None:
        """One sum: clock 1 the total is complete, clock 2 folded once, clock 3 folded again and complemented."""
        beat, place, slot = self.i.payload, self.places[unit], self.o.payload[unit]
        span, kept = Signal(SumRange, name=f"span_{unit}"), Signal(SumRange, name=f"kept_{unit}")
        total = Signal(SUM_BITS, name=f"total_{unit}")
        m.d.comb += span.eq(Mux(beat.first, self.ranges[unit], kept))
        part = Signal(self.width, name=f"part_{unit}")
        m.d.comb += part.eq(beat.data & bytes_below(beat.count, self.width) & self._mask(span, position))
        inside = (span.start < length) & (place.offset + 1 < length)
        at_end = Signal(PatchSlot, name=f"at_end_{unit}")
        with m.If(self.i.valid):
            m.d.sync += [kept.eq(span), total.eq(Mux(beat.first, 0, total) + pieces_sum(part))]
            with m.If(beat.last):
                m.d.sync += [at_end.enable.eq(place.enable & inside), at_end.offset.eq(place.offset)]
                m.d.sync += at_end.value.eq(
                    Mux(span.udp, 0xFFFF, 0)
                )  # what to send for a computed 0, for the time being
        once, odd = Signal(20, name=f"once_{unit}"), Signal(name=f"odd_{unit}")
        waiting = Signal(PatchSlot, name=f"waiting_{unit}")
        with m.If(ended):
            m.d.sync += [once.eq(add_pieces(total)), waiting.eq(at_end), odd.eq(kept.start[0])]
        folded = fold_to_16(m, once, name=f"folded_{unit}")
        with m.If(folding):
            # lanes are little-endian, and from an odd start each byte is the other half of its word
            m.d.sync += [slot.eq(waiting), slot.value.eq(~Mux(odd, folded, swap16(folded)))]
            with m.If(folded == 0xFFFF):
                m.d.sync += slot.value.eq(waiting.value)

    def _mask(self, span: Any, position: Value) -> Value:
        """The bytes of the beat at `position` that the range covers."""
        bits = (self.lanes - 1).bit_length()
        here, ends = position[bits:], span.end[bits:]
        ones = Const((1 << self.width) - 1, self.width)
        up_to = Mux(
            here == ends, bytes_below(span.end[:bits] + 1, self.width), Mux(here < ends, ones, Const(0, self.width))
        )
        return bytes_from(position, span.start, self.width) & Mux(span.end == 0, ones, up_to)
