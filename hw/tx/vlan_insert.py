"""An 802.1Q tag put into a frame behind its source address, as it leaves (Intel 317453-006 9, IEEE 802.1Q 9.3).

What the tag moves is moved by four bytes, always the same: no shifter. Checksums were put in before, at offsets of the
frame as software gave it; padding and the FCS come after, and count the tag.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import lanes_of, swap16
from ringbed.hw.stream.patch import TxBeat

__all__ = ["TagBeat", "VlanInsert"]

TAG_AT, TAG_BYTES = 12, 4


class TagBeat(data.StructLayout):
    """A TxBeat, and whether a tag with `tci` goes into its frame; looked at with the first beat only."""

    def __init__(self, width: int) -> None:
        super().__init__({"tx": TxBeat(width), "tag": 1, "tci": 16})


class VlanInsert(wiring.Component):
    """A beat each clock, in the same clock; a tagged frame that its tag makes a beat longer takes that clock more.

    A frame that ends before byte 12, which has no source address, leaves without the tag.

    Members
    -------
    i : stream of TagBeat
    vet : In(16): the tag's EtherType
    o : stream of TxBeat
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(stream.Signature(TagBeat(width))), "vet": In(16), "o": Out(stream.Signature(TxBeat(width))),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat, out = self.i.payload.tx.beat, self.o.payload.beat
        index, kept, tci, spilling = Signal(2), Signal(), Signal(16), Signal()  # index: 0, 1, then 2
        carry, carry_count = Signal(32), Signal(range(TAG_BYTES + 1))  # the bytes the last beat had no room for
        tag, here, before, after = Signal(), Signal(), Signal(), Signal()
        at, lane = divmod(TAG_AT, self.lanes)
        room, total = self.lanes - TAG_BYTES, Signal(range(self.lanes + TAG_BYTES + 1))
        m.d.comb += [
            tag.eq(Mux(beat.first, self.i.payload.tag, kept)),
            here.eq(tag & (Mux(beat.first, 0, index) == at) & (beat.count >= lane)),
            after.eq(tag & ~beat.first & (index > at)),
            before.eq(~here & ~after),
            total.eq(Mux(spilling, carry_count, beat.count + Mux(before, 0, TAG_BYTES))),
            self.o.payload.eq(self.i.payload.tx),
            out.count.eq(Mux(total > self.lanes, self.lanes, total)),
            out.first.eq(beat.first & ~spilling),
            out.last.eq(beat.last & (total <= self.lanes)),
            self.o.valid.eq(self.i.valid | spilling),
            self.i.ready.eq(self.o.ready & ~spilling),
        ]
        inserted = Cat(swap16(self.vet), swap16(Mux(beat.first, self.i.payload.tci, tci)))
        with m.If(spilling):
            m.d.comb += [out.data.eq(carry), out.last.eq(1)]
        with m.Elif(here):
            m.d.comb += out.data.eq(Cat(beat.data[: 8 * lane], inserted, beat.data[8 * lane :]))
        with m.Elif(after):
            m.d.comb += out.data.eq(Cat(carry, beat.data))
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += spilling.eq(~spilling & beat.last & (total > self.lanes))
            with m.If(~spilling):
                m.d.sync += [
                    kept.eq(tag), index.eq(Mux(beat.first, 1, Mux(index == 2, 2, index + 1))),
                    carry.eq(beat.data[8 * room :]), carry_count.eq(total - self.lanes),
                ]  # fmt: skip
                with m.If(beat.first):
                    m.d.sync += tci.eq(self.i.payload.tci)
        return m
