"""The first eighteen bytes of a frame in passing: what the filters, the tag stripping and the pause receiver look at.

Bytes 0 to 5 destination, 6 to 11 source, 12 and 13 the type, 14 and 15 a tag's TCI or a MAC control frame's opcode, 16
and 17 a pause frame's time. On a wide path one beat holds them all, on a narrow one they come in two or three.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import be16, beat_path, lanes_of

__all__ = ["Head", "RxHead", "word_places"]

# Addresses with the wire's first byte in their low bits; `kind`, `tci` and `time` as numbers. `tagged`: the type is
# VET, and the frame has bytes 14 and 15; `strip`: and CTRL.VME was set as the frame began.
Head = data.StructLayout(
    {"destination": 48, "source": 48, "kind": 16, "tci": 16, "time": 16, "tagged": 1, "strip": 1},
)


TAG_END = 16


def word_places(width: int, words: range) -> list[tuple[int, int]]:
    """Beat and first bit of each of a frame's `words` of eight bytes."""
    a_beat = lanes_of(width) // 8
    return [(number // a_beat, number % a_beat * 64) for number in words]


class RxHead(wiring.Component):
    """Fields stand from the clock after their beat until the next frame's beat of the same bytes.

    Members
    -------
    i : In, beats; cannot be stopped
    vet : In(16): the type of a tag; vme : In(1): looked at with the first beat
    o : Out(Head)
    told, timed : Out(1): all fields but `time`, and `time`, came with the last clock
    """

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({
            "i": In(beat_path(width)), "vet": In(16, init=0x8100), "vme": In(1),
            "o": Out(Head), "told": Out(1), "timed": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat, head = self.i.payload, self.o
        number, now, vme = Signal(2), Signal(2), Signal()  # of the beat, 3 for all later ones
        m.d.comb += now.eq(0)
        with m.If(~beat.first):
            m.d.comb += now.eq(number)
        places = word_places(self.width, range(3))
        begins, kinds, times = (beat.data[at : at + 64] for _, at in places)
        with m.If(self.i.valid & beat.first):
            m.d.sync += [
                head.destination.eq(begins[:48]), head.source[:16].eq(begins[48:]),
                vme.eq(self.vme), head.tagged.eq(0), head.strip.eq(0),
            ]  # fmt: skip
        m.d.sync += [self.told.eq(0), self.timed.eq(0)]
        with m.If(self.i.valid):
            m.d.sync += number.eq(now + (now != 3))
            with m.If(now == places[1][0]):
                kind = be16(kinds, 4)
                is_tag = Signal()
                m.d.comb += is_tag.eq((kind == self.vet) & (beat.count >= min(TAG_END, self.width // 8)))
                armed = self.vme if places[1][0] == 0 else vme
                m.d.sync += [
                    head.source[16:].eq(kinds[:32]), head.kind.eq(kind), head.tci.eq(be16(kinds, 6)),
                    head.tagged.eq(is_tag), head.strip.eq(is_tag & armed), self.told.eq(1),
                ]  # fmt: skip
            with m.If(now == places[2][0]):
                m.d.sync += [head.time.eq(be16(times, 0)), self.timed.eq(1)]
        return m
