"""The transmit ring: descriptors become pieces of frames, orders for what is to happen to them, and bursts to read.

Legacy and data descriptors may not mix in a frame; a context descriptor stands between frames and is remembered. A
frame the card cannot do is used up whole and counted, and the queue goes on. Source: Intel 317453-006 3.3, 3.5.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.burst import LENGTH_WIDTH, Chunk, bursts_in
from ringbed.hw.formats import em
from ringbed.hw.ring.completion import SEQUENCE_WIDTH, Entry
from ringbed.hw.ring.fetch import DESCRIPTOR_BITS
from ringbed.hw.tx.orders import SumOrder, TxBegin, TxFinish, TxOrders, field_of

__all__ = ["REFUSALS", "Piece", "RingTx", "SumOrder", "TxFinish"]

REFUSALS = ("null", "long", "tse", "mix")
CHUNK_BYTES = 8192  # a longer descriptor is read in several: sequence numbers count what is out and what is planned
TOTAL_WIDTH = 21  # bytes of a message: a header and 2**20 - 1; more stays at its end


class Piece(data.StructLayout):
    """One chunk of a frame. `some`: it has bytes, so bursts are planned; else it only begins or ends."""

    def __init__(self) -> None:
        super().__init__({"first": 1, "last": 1, "some": 1, "begin": TxBegin()})


class RingTx(wiring.Component):
    """One descriptor a clock while bursts go out as fast; decides in the clock it takes the descriptor.

    Members
    -------
    descriptor : stream of descriptors
    limit, segment_limit : In(15): bytes of the longest frame, of the longest segment
    vme : In(1): CTRL.VME
    chunk : stream of Chunk, to BurstSplit; piece : stream of Piece, to Pack; entry : stream of Entry, to Completion
    taken : Out(1): a frame's last descriptor was used up; refused : Out(4): for the first of REFUSALS that it gave;
        segmented : Out(1): it was a message to be segmented
    """

    def __init__(self) -> None:
        super().__init__({
            "descriptor": In(stream.Signature(DESCRIPTOR_BITS)),
            "limit": In(LENGTH_WIDTH), "segment_limit": In(LENGTH_WIDTH), "vme": In(1),
            "chunk": Out(stream.Signature(Chunk())), "piece": Out(stream.Signature(Piece())),
            "entry": Out(stream.Signature(Entry())),
            "taken": Out(1), "refused": Out(len(REFUSALS)), "segmented": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.orders = self.orders = TxOrders()
        word = self.descriptor.payload
        self.extended, self.is_context, self.unknown = Signal(), Signal(), Signal()
        self.length, self.eop, self.inside = Signal(20), Signal(), Signal()
        kind = field_of(em.TX_DATA, "DTYP", word)
        some, refusal, partial, fetch, fire = Signal(), Signal(len(REFUSALS)), Signal(), Signal(), Signal()
        m.d.comb += [
            self.extended.eq(field_of(em.TX_DATA, "DEXT", word)),
            self.is_context.eq(self.extended & (kind == 0)), self.unknown.eq(self.extended & (kind > 1)),
            self.length.eq(
                Mux(self.extended, field_of(em.TX_DATA, "DTALEN", word), field_of(em.TX_LEGACY, "length", word))
            ),
            self.eop.eq(field_of(em.TX_LEGACY, "EOP", word) & ~self.is_context),
            some.eq((self.length != 0) & (word[:64] != 0) & ~self.is_context),
            fetch.eq(some & ~refusal.any()),
            self.descriptor.ready.eq(fire & ~partial),
            self.taken.eq(fire & ~partial & self.eop),
            self.refused.eq(Mux(self.taken, refusal & -refusal, 0)),
            self.segmented.eq(self.taken & self.orders.segments & ~refusal.any()),
        ]  # fmt: skip
        self._refusals(m, some, fire & ~partial, refusal)
        self._read(m, fetch, fire, partial)
        self._pieces(m, fetch, fire, partial)
        m.d.comb += fire.eq(
            self.descriptor.valid & (self.entry.ready | partial)
            & (self.piece.ready | self.is_context) & (self.chunk.ready | ~fetch)
        )  # fmt: skip
        with m.If(fire & ~self.is_context):
            m.d.sync += self.inside.eq(~self.taken)
        return m

    def _refusals(self, m: Module, some: Signal, used: Any, refusal: Signal) -> None:
        """What is wrong with the frame so far, this descriptor included; bits as in REFUSALS."""
        was_extended, seen, orders = Signal(), Signal(len(REFUSALS)), self.orders
        total, after = Signal(TOTAL_WIDTH), Signal(TOTAL_WIDTH + 1)
        m.d.comb += after.eq(total + Mux(some, self.length, 0))
        empty = self.eop & (after == 0)
        # the segmenter needs a byte behind the header; a payload of another length than PAYLEN is its to find
        short = self.eop & ~empty & orders.segments & (after <= orders.header)
        mixed = self.unknown | (self.inside & (self.is_context | (self.extended != was_extended)))
        found = Cat(empty, (after > self.limit) & ~orders.segments, orders.impossible | short, mixed)
        m.d.comb += refusal.eq(seen | Mux(self.is_context & ~self.inside, 0, found))
        with m.If(used):
            m.d.sync += seen.eq(Mux(self.eop, 0, refusal))
            with m.If(~self.is_context):
                m.d.sync += total.eq(Mux(self.eop, 0, Mux(after[-1], (1 << TOTAL_WIDTH) - 1, after)))
        with m.If(orders.begin):
            m.d.sync += was_extended.eq(self.extended)

    def _read(self, m: Module, fetch: Signal, fire: Signal, partial: Signal) -> None:
        """The descriptor's chunks, and when it is done: `sequence` counts the bursts asked for."""
        word, done, left, sequence = self.descriptor.payload, Signal(20), Signal(20), Signal(SEQUENCE_WIDTH)
        chunk, entry = self.chunk.payload, self.entry.payload
        m.d.comb += [
            left.eq(self.length - done),
            partial.eq(fetch & (left > CHUNK_BYTES)),
            chunk.address.eq(word[:64] + done),
            chunk.length.eq(Mux(partial, CHUNK_BYTES, left)),
            self.chunk.valid.eq(fire & fetch),
            self.entry.valid.eq(fire & ~partial),
            entry.upper.eq(em.TX_LEGACY["DD"].mask >> 64),
            entry.write.eq(field_of(em.TX_LEGACY, "RS", word)),
            entry.late.eq(field_of(em.TX_LEGACY, "IDE", word)),
            entry.eop.eq(self.eop | (self.is_context & ~self.inside)),
            entry.sequence.eq(Mux(fetch, sequence + bursts_in(chunk.address, chunk.length), sequence)),
        ]
        with m.If(fire):
            m.d.sync += [sequence.eq(entry.sequence), done.eq(Mux(partial, done + CHUNK_BYTES, 0))]

    def _pieces(self, m: Module, fetch: Signal, fire: Signal, partial: Signal) -> None:
        piece, orders = self.piece.payload, self.orders
        m.d.comb += [
            orders.word.eq(self.descriptor.payload), orders.extended.eq(self.extended), orders.inside.eq(self.inside),
            orders.load.eq(fire & self.is_context & ~self.inside),
            orders.begin.eq(fire & ~self.is_context & ~self.inside),
            orders.vme.eq(self.vme), orders.limit.eq(self.segment_limit),
            self.piece.valid.eq(fire & ~self.is_context),
            piece.first.eq(~self.inside), piece.last.eq(self.eop & ~partial), piece.some.eq(fetch),
            piece.begin.eq(orders.o),
            piece.begin.finish.abort.eq(self.refused.any()),
        ]  # fmt: skip
