"""What a transmit descriptor asks for besides its bytes: sums, segmentation, a tag. Contexts are remembered here.

Two contexts, one for plain frames and one for segmentation, stay until they are loaded again (Intel 317453-006 3.3.5).
POPTS counts in a frame's first data descriptor; IFCS, VLE and SPECIAL in its last, or, in a message to be segmented, in
its first (M 3.3.7.1). TSE is looked at in the first.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats import em
from ringbed.hw.formats.field import Layout
from ringbed.hw.ring.fetch import DESCRIPTOR_BITS
from ringbed.hw.tx.segment_header import HEADER_BYTES, L3, L4, SegmentRequest

__all__ = ["SumOrder", "TxBegin", "TxFinish", "TxOrders", "field_of"]

# What to sum, known with a frame's first descriptor: bytes `start` to `end` (0: the frame's last), twice.
SumOrder = data.StructLayout({
    "ip_start": 8, "ip_end": 16, "l4_start": 8, "l4_end": 16,
    "udp": 1,  # the second sum is UDP's: a computed 0 is sent as FFFF
    "context": 1,  # from a context descriptor
})  # fmt: skip

# Where to put the sums and how to end, known with a frame's last descriptor. `tag`: `tci` goes in, and then the FCS.
TxFinish = data.StructLayout({
    "ip": 1, "ip_at": 8, "l4": 1, "l4_at": 8, "fcs": 1, "tag": 1, "tci": 16, "abort": 1,
})  # fmt: skip


class TxBegin(data.StructLayout):
    """All that is known with a frame's first descriptor; `finish` counts for segments, whose last is far away."""

    def __init__(self) -> None:
        super().__init__({"order": SumOrder, "request": SegmentRequest(), "finish": TxFinish})


def field_of(layout: Layout, name: str, word: Any) -> Any:
    """The bits of a descriptor's field."""
    field = layout[name]
    return word[field.lsb : field.lsb + field.width]


class TxOrders(wiring.Component):
    """Everything out is of the descriptor at `word`, in the same clock; `abort` is left to who decides it.

    Members
    -------
    word : In(128); extended : In(1): it has DEXT; inside : In(1): it is not the first of its frame
    load : In(1): it is a context descriptor, to be remembered; begin : In(1): it is used as the first of a frame
    vme : In(1): CTRL.VME; limit : In(15): bytes of the longest segment, header included
    o : Out(TxBegin)
    segments : Out(1): it belongs to a message to be segmented; header : Out(8): of which so many bytes are header
    impossible : Out(1): no context was loaded for that, or one that cannot be
    """

    def __init__(self) -> None:
        super().__init__({
            "word": In(DESCRIPTOR_BITS), "extended": In(1), "inside": In(1), "load": In(1), "begin": In(1),
            "vme": In(1), "limit": In(15),
            "o": Out(TxBegin()), "segments": Out(1), "header": Out(8), "impossible": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word, contexts, loaded = self.word, (Signal(DESCRIPTOR_BITS), Signal(DESCRIPTOR_BITS)), Signal(2)
        was_segments, context = Signal(), Signal(DESCRIPTOR_BITS)
        asked = self.extended & field_of(em.TX_DATA, "TSE", word)
        m.d.comb += [
            self.segments.eq(Mux(self.inside, was_segments, asked)),
            context.eq(Mux(self.segments, contexts[1], contexts[0])),
        ]
        with m.If(self.begin):
            m.d.sync += was_segments.eq(self.segments)
        for number, kept in enumerate(contexts):
            with m.If(self.load & (field_of(em.TX_CONTEXT, "TSE", word) == number)):
                m.d.sync += [kept.eq(word), loaded[number].eq(1)]
        self._sums(m, context, Mux(self.segments, loaded[1], loaded[0]))
        self._finish(m, context)
        self._segmentation(m, contexts[1], loaded[1])
        return m

    def _sums(self, m: Module, context: Signal, loaded: Any) -> None:
        word, order = self.word, self.o.order
        m.d.comb += [
            order.ip_start.eq(field_of(em.TX_CONTEXT, "IPCSS", context)),
            order.ip_end.eq(field_of(em.TX_CONTEXT, "IPCSE", context)),
            order.l4_start.eq(
                Mux(self.extended, field_of(em.TX_CONTEXT, "TUCSS", context), field_of(em.TX_LEGACY, "CSS", word))
            ),
            order.l4_end.eq(Mux(self.extended, field_of(em.TX_CONTEXT, "TUCSE", context), 0)),
            order.udp.eq(self.extended & ~field_of(em.TX_CONTEXT, "TCP", context)),
            order.context.eq(loaded),
        ]

    def _finish(self, m: Module, context: Signal) -> None:
        """From this descriptor, and what counts in the first alone from there."""
        word, finish = self.word, self.o.finish
        shape = data.StructLayout({"options": 2, "fcs": 1, "tag": 1, "tci": 16})
        now, first, kept = Signal(shape), Signal(shape), Signal(shape)
        keeps = self.inside & self.segments
        m.d.comb += [
            now.options.eq(Cat(field_of(em.TX_DATA, "IXSM", word), field_of(em.TX_DATA, "TXSM", word))),
            now.fcs.eq(field_of(em.TX_LEGACY, "IFCS", word)),
            now.tag.eq(field_of(em.TX_LEGACY, "VLE", word) & self.vme),
            now.tci.eq(field_of(em.TX_LEGACY, "special", word)),
            first.eq(Mux(keeps, kept, now)),
            first.options.eq(Mux(self.inside, kept.options, now.options)),
            finish.ip.eq(self.extended & first.options[0]),
            finish.ip_at.eq(field_of(em.TX_CONTEXT, "IPCSO", context)),
            finish.l4.eq(Mux(self.extended, first.options[1], field_of(em.TX_LEGACY, "IC", word))),
            finish.l4_at.eq(
                Mux(self.extended, field_of(em.TX_CONTEXT, "TUCSO", context), field_of(em.TX_LEGACY, "CSO", word))
            ),
            finish.fcs.eq(first.fcs | first.tag), finish.tag.eq(first.tag), finish.tci.eq(first.tci),
        ]  # fmt: skip
        with m.If(self.begin):
            m.d.sync += kept.eq(now)

    def _segmentation(self, m: Module, context: Signal, loaded: Any) -> None:
        """TCP and IP both 0 is a block of anything: its headers stay as they are (M 3.5)."""
        request, finish = self.o.request, self.o.finish
        tcp, ipv4 = field_of(em.TX_CONTEXT, "TCP", context), field_of(em.TX_CONTEXT, "IP", context)
        mss, payload = field_of(em.TX_CONTEXT, "MSS", context), field_of(em.TX_CONTEXT, "PAYLEN", context)
        m.d.comb += [
            self.header.eq(field_of(em.TX_CONTEXT, "HDRLEN", context)),
            request.segment.eq(self.segments),
            request.mss.eq(mss), request.payload.eq(payload), request.header.eq(self.header),
            request.l3.eq(Mux(ipv4, L3.IPV4, Mux(tcp, L3.IPV6, L3.NONE))),
            request.l4.eq(Mux(tcp, L4.TCP, Mux(ipv4, L4.UDP, L4.NONE))),
            request.l3_start.eq(field_of(em.TX_CONTEXT, "IPCSS", context)),
            request.l4_start.eq(field_of(em.TX_CONTEXT, "TUCSS", context)),
            request.sum.eq(finish.l4 & (tcp | ipv4)), request.sum_at.eq(finish.l4_at),
            self.impossible.eq(
                self.segments & (~loaded | (mss == 0) | (payload == 0) | (self.header == 0)
                                 | (self.header > HEADER_BYTES) | (mss + self.header > self.limit))
            ),
        ]  # fmt: skip
