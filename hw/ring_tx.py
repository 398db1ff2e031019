"""The transmit ring: descriptors become pieces of frames, checksum orders, and bursts to read.

Legacy and data descriptors may not mix in a frame; a context descriptor stands between frames and is remembered. A
frame the card cannot do is used up whole and counted, and the queue goes on. Source: Intel 317453-006 3.3, 3.5.8.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.burst import LENGTH_WIDTH, Chunk, bursts_in
from ringbed.hw.completion import SEQUENCE_WIDTH, Entry
from ringbed.hw.formats import em
from ringbed.hw.formats.field import Layout
from ringbed.hw.ring_fetch import DESCRIPTOR_BITS

__all__ = ["REFUSALS", "Piece", "RingTx", "SumOrder", "TxFinish"]

REFUSALS = ("null", "long", "tse", "mix")

# What to sum, known with a frame's first descriptor: bytes `start` to `end` (0: the frame's last), twice.
SumOrder = data.StructLayout({
    "ip_start": 8, "ip_end": 16, "l4_start": 8, "l4_end": 16,
    "udp": 1,  # the second sum is UDP's: a computed 0 is sent as FFFF
    "context": 1,  # from a context descriptor
})  # fmt: skip

# Where to put the sums and how to end, known with a frame's last descriptor.
TxFinish = data.StructLayout({"ip": 1, "ip_at": 8, "l4": 1, "l4_at": 8, "fcs": 1, "abort": 1})


class Piece(data.StructLayout):
    """One descriptor's share of a frame. `some`: it has bytes, so bursts are planned; else it only begins or ends."""

    def __init__(self) -> None:
        super().__init__({"first": 1, "last": 1, "some": 1, "order": SumOrder, "finish": TxFinish})


def _field(layout: Layout, name: str, word: Any) -> Any:
    field = layout[name]
    return word[field.lsb : field.lsb + field.width]


class RingTx(wiring.Component):
    """One descriptor a clock while bursts go out as fast; decides in the clock it takes the descriptor.

    Members
    -------
    descriptor : stream of descriptors
    limit : In(15): bytes of the longest frame
    start : In(1): a new frame may begin
    chunk : stream of Chunk, to BurstSplit; piece : stream of Piece, to Pack; entry : stream of Entry, to Completion
    taken : Out(1): a frame's last descriptor was used up; refused : Out(4): for the first of REFUSALS that it gave
    """

    def __init__(self) -> None:
        super().__init__({
            "descriptor": In(stream.Signature(DESCRIPTOR_BITS)), "limit": In(LENGTH_WIDTH), "start": In(1),
            "chunk": Out(stream.Signature(Chunk())), "piece": Out(stream.Signature(Piece())),
            "entry": Out(stream.Signature(Entry())),
            "taken": Out(1), "refused": Out(len(REFUSALS)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word = self.descriptor.payload
        extended, is_context = Signal(), Signal()
        length, eop, some = Signal(20), Signal(), Signal()
        inside, total, sequence = Signal(), Signal(LENGTH_WIDTH), Signal(SEQUENCE_WIDTH)
        refusal, seen = Signal(len(REFUSALS)), Signal(len(REFUSALS))
        after = Signal(21)
        m.d.comb += [
            extended.eq(_field(em.TX_DATA, "DEXT", word)),
            is_context.eq(extended & (_field(em.TX_CONTEXT, "DTYP", word) == 0)),
            length.eq(Mux(extended, _field(em.TX_DATA, "DTALEN", word), _field(em.TX_LEGACY, "length", word))),
            eop.eq(_field(em.TX_LEGACY, "EOP", word) & ~is_context),
            after.eq(Mux(inside, total, 0) + Mux(some, length, 0)),
            some.eq((length != 0) & (word[:64] != 0) & ~is_context),
        ]
        self._refusals(m, word, extended, is_context, inside, eop, after, seen, refusal)
        data_piece, fire, fetch = ~is_context, Signal(), Signal()
        m.d.comb += [
            fetch.eq(some & ~refusal.any()),
            fire.eq(
                self.descriptor.valid & self.entry.ready & (self.start | inside | is_context)
                & (self.piece.ready | ~data_piece) & (self.chunk.ready | ~fetch)
            ),
            self.descriptor.ready.eq(fire),
            self.chunk.payload.address.eq(word[:64]),
            self.chunk.payload.length.eq(length),
            self.chunk.valid.eq(fire & fetch),
            self.piece.valid.eq(fire & data_piece),
            self.piece.payload.first.eq(~inside),
            self.piece.payload.last.eq(eop),
            self.piece.payload.some.eq(fetch),
            self.entry.valid.eq(fire),
            self.entry.payload.upper.eq(em.TX_LEGACY["DD"].mask >> 64),
            self.entry.payload.write.eq(_field(em.TX_LEGACY, "RS", word)),
            self.entry.payload.eop.eq(eop | (is_context & ~inside)),
            self.entry.payload.sequence.eq(Mux(fetch, sequence + bursts_in(word[:64], length), sequence)),
            self.taken.eq(fire & eop),
            self.refused.eq(Mux(fire & eop, refusal & -refusal, 0)),
        ]  # fmt: skip
        with m.If(fire):
            m.d.sync += [sequence.eq(self.entry.payload.sequence), seen.eq(Mux(eop, 0, refusal))]
            with m.If(data_piece):
                m.d.sync += [inside.eq(~eop), total.eq(Mux(after > self.limit, 0, after))]
        self._sums(m, word, extended, is_context & fire & ~inside, inside)
        return m

    def _refusals(self, m: Module, word: Any, extended: Any, is_context: Any, inside: Signal, eop: Any,
                  after: Signal, seen: Signal, refusal: Signal) -> None:  # fmt: skip
        """What is wrong with the frame so far, this descriptor included; bits as in REFUSALS."""
        was_extended = Signal()
        mixed = inside & (is_context | (extended != was_extended))
        tse = extended & ~is_context & _field(em.TX_DATA, "TSE", word)
        empty = eop & (after == 0) & ~seen[REFUSALS.index("long")]  # whose bytes are not counted on
        m.d.comb += refusal.eq(seen | Mux(is_context & ~inside, 0, Cat(empty, after > self.limit, tse, mixed)))
        with m.If(self.descriptor.valid & self.descriptor.ready & ~inside):
            m.d.sync += was_extended.eq(extended)

    def _sums(self, m: Module, word: Any, extended: Any, load: Any, inside: Signal) -> None:
        """The order from the first descriptor and the remembered context; the finish from first and last."""
        context, popts = Signal(DESCRIPTOR_BITS), Signal(2)
        loaded, options = Signal(), Signal(2)
        order, finish = self.piece.payload.order, self.piece.payload.finish
        with m.If(load & ~_field(em.TX_CONTEXT, "TSE", word)):
            m.d.sync += [context.eq(word), loaded.eq(1)]
        wanted = Cat(_field(em.TX_DATA, "IXSM", word), _field(em.TX_DATA, "TXSM", word))
        m.d.comb += options.eq(Mux(inside, popts, wanted))
        with m.If(self.piece.valid & self.piece.ready & ~inside):
            m.d.sync += popts.eq(options)
        m.d.comb += [
            order.ip_start.eq(_field(em.TX_CONTEXT, "IPCSS", context)),
            order.ip_end.eq(_field(em.TX_CONTEXT, "IPCSE", context)),
            order.l4_start.eq(
                Mux(extended, _field(em.TX_CONTEXT, "TUCSS", context), _field(em.TX_LEGACY, "CSS", word))
            ),
            order.l4_end.eq(Mux(extended, _field(em.TX_CONTEXT, "TUCSE", context), 0)),
            order.udp.eq(extended & ~_field(em.TX_CONTEXT, "TCP", context)),
            order.context.eq(loaded),
            finish.ip.eq(extended & options[0]),
            finish.ip_at.eq(_field(em.TX_CONTEXT, "IPCSO", context)),
            finish.l4.eq(Mux(extended, options[1], _field(em.TX_LEGACY, "IC", word))),
            finish.l4_at.eq(
                Mux(extended, _field(em.TX_CONTEXT, "TUCSO", context), _field(em.TX_LEGACY, "CSO", word))
            ),
            finish.fcs.eq(_field(em.TX_LEGACY, "IFCS", word)),
            finish.abort.eq(self.refused.any()),
        ]  # fmt: skip
