"""The transmit half of `em`, from the doorbell to the wire: the blocks in the order a frame meets them.

RingFetch -> RingTx, BurstSplit -> DmaRead -> Pack -> tap tx.data -> FrameStore
                                                   -> ChecksumTx -> TxSend -> Patch -> MacTx -> wire
"""

from __future__ import annotations

from typing import Any, TypeVar

from amaranth import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.burst import BurstSplit, Plan
from ringbed.hw.counters import Pending
from ringbed.hw.dma import ReadBeat, Request
from ringbed.hw.fifo import Fifo
from ringbed.hw.formats import em
from ringbed.hw.frame_store import FrameStore
from ringbed.hw.mac_tx import WireTx
from ringbed.hw.nics.em_stages import TX_STAGES, mark_causes, mark_sending
from ringbed.hw.pack import Pack
from ringbed.hw.packet_buffer import BANK_BYTES, BufferPort
from ringbed.hw.ring import Ring, RingBus, RingRegisters
from ringbed.hw.ring_tx import REFUSALS, Piece, RingTx
from ringbed.hw.taps import Taps
from ringbed.hw.tx_send import TxSend
from ringbed.hw.tx_sums import TxSums

__all__ = ["EmTx"]

TCTL = em.REGISTERS["TCTL"]
STATUS_BYTE = 0x10  # of a descriptor's upper eight bytes, only STA is written
FRAMES = 64  # inside at a time, from the descriptor to the wire

Block = TypeVar("Block")


class EmTx(wiring.Component):
    """Members: what the top connects: registers, DMA, packet buffer, wire, interrupt events, counter events."""

    def __init__(self, width: int, taps: Taps, sums: bool) -> None:
        self.width, self.taps, self.sums = width, taps, sums
        beats = 65536 // (width // 8)
        super().__init__({
            "wire": Out(WireTx(width)), "buffer": Out(BufferPort(width)),
            "origin": In(range(beats)), "size": In(beats.bit_length()),
            "tctl": In(32), "link": In(1),
            "registers": In(RingRegisters()), "ring": Out(RingBus(width)), "halt": In(1), "clear": In(1),
            "data": Out(stream.Signature(Request())), "data_beat": In(stream.Signature(ReadBeat(width))),
            "event": Out(32), "active": Out(1), "sending": Out(1),
            "taken": Out(1), "refused": Out(len(REFUSALS)), "sent": Out(1), "flushed": Out(16),
            "stages": Out(TX_STAGES),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.pack = self._add(m, "pack", Pack(self.width))
        ring = self._add(m, "ring", Ring(self.width, 64, STATUS_BYTE))
        connect(m, flipped(self.registers), ring.registers)
        connect(m, ring.bus, flipped(self.ring))
        m.d.comb += [
            ring.enable.eq(self.tctl[TCTL["EN"].lsb]),
            ring.answered.eq(self.pack.answered),
            ring.data_failed.eq(self.pack.failed),
        ]
        self._read(m, ring)
        self._count(m, ring, self._send(m))
        self._stages(m)
        return m

    def _add(self, m: Module, name: str, block: Block) -> Block:
        """A block that CTRL.RST clears."""
        m.submodules[name] = ResetInserter(self.clear)(block)
        return block

    def _may_send(self) -> Any:
        return self.tctl[TCTL["EN"].lsb] & self.link & ~self.halt

    def _read(self, m: Module, ring: Ring) -> None:
        """Descriptors to read bursts, and the order in which their bytes make frames."""
        decode = self._add(m, "decode", RingTx())
        split = self._add(m, "split", BurstSplit(self.width))
        plan = self._add(m, "plan", Fifo(Plan(), 32))
        pieces = self._add(m, "pieces", Fifo(Piece(), 32))
        self.store = self._add(m, "store", FrameStore(self.width))
        self.decode, self.split = decode, split
        descriptors = self.taps.insert(m, "tx.descriptor", ring.o)
        entries = self.taps.insert(m, "tx.completion", decode.entry)
        connect(m, descriptors, decode.descriptor)
        connect(m, entries, ring.i)
        connect(m, decode.chunk, split.i)
        connect(m, decode.piece, pieces.i)
        connect(m, pieces.o, self.pack.piece)
        connect(m, split.plan, plan.i)
        connect(m, plan.o, self.pack.plan)
        connect(m, split.request, flipped(self.data))
        connect(m, flipped(self.data_beat), self.pack.i)
        self._credit(m, split)
        waiting, working = Signal(), Signal()
        m.d.comb += [
            waiting.eq(descriptors.valid & decode.start),
            working.eq(waiting | split.busy | pieces.o.valid),
            # with the wire off, a full store would hold a partial batch back until it is on again
            ring.flush.eq(~working | ~self._may_send()),
            # a burst that finds no room waits for the wire, which is activity of its own
            self.active.eq((working & ~(split.busy & ~split.go)) | ring.active),
            # a frame longer than the whole store, less what data sheet and requests leave free, would wait for ever
            decode.limit.eq(Mux(self.size >= 2 * BANK_BYTES * 8 // self.width, em.MAX_TX_FRAME, BANK_BYTES - 80)),
        ]  # fmt: skip

    def _credit(self, m: Module, split: BurstSplit) -> None:
        """Room is set aside when a burst is asked for, in beats of the bus: never fewer than the beats it packs into.

        Four beats more are for those between the bus and the store, which neither counts.
        """
        asked = Signal(14)
        started, arrived = split.request.valid & split.request.ready, self.data_beat.valid & self.data_beat.ready
        m.d.sync += asked.eq(asked + Mux(started, split.beats, 0) - arrived)
        with m.If(self.clear):
            m.d.sync += asked.eq(0)
        m.d.comb += split.go.eq(self.store.free > asked + split.beats + 4)

    def _send(self, m: Module) -> TxSend:
        """Packed beats into the store and past the sums; whole frames out of it."""
        pack, store = self.pack, self.store
        side = {"order": pack.order}
        beats = self.taps.insert(m, "tx.data", pack.o, side)
        self.sums_out = sums = self._add(m, "sums", TxSums(self.width, self.sums, FRAMES))
        send = self._add(m, "send", TxSend(self.width))
        connect(m, store.memory, flipped(self.buffer))
        connect(m, store.o, send.data)
        connect(m, self.taps.insert(m, "tx.checksum", sums.o), send.frame)
        connect(m, send.wire, flipped(self.wire))
        m.d.comb += [
            store.origin.eq(self.origin), store.size.eq(self.size),
            store.w_en.eq(beats.valid), store.w_data.eq(beats.payload.data),
            store.end.eq(sums.finish), store.keep.eq(sums.keep),
            sums.i.payload.eq(beats.payload), sums.i.valid.eq(beats.valid),
            sums.order.eq(pack.order), sums.ending.eq(pack.finish),
            send.go.eq(self._may_send()),
            send.pad.eq(self.tctl[TCTL["PSP"].lsb]),
            self.sending.eq(send.sending), self.sent.eq(send.sent),
        ]  # fmt: skip
        return send

    def _count(self, m: Module, ring: Ring, send: TxSend) -> None:
        m.submodules.pending = pending = Pending()
        causes = {field.name: field.lsb for field in em.CAUSES}
        m.d.comb += [
            self.taken.eq(self.decode.taken), self.refused.eq(self.decode.refused),
            pending.came.eq(self.decode.taken & ~self.decode.refused.any()),
            pending.left.eq(send.sent), pending.flush.eq(self.clear), self.flushed.eq(pending.lost),
            self.decode.start.eq(pending.count < FRAMES - 2),
            self.event[causes["TXDW"]].eq(ring.written),
            self.event[causes["TXQE"]].eq(ring.emptied),
        ]  # fmt: skip

    def _stages(self, m: Module) -> None:
        """What `em_stages.py` shows of a frame's way, from signals that are there anyway."""
        stages, decode, kept = self.stages, self.decode, self.sums_out
        m.d.comb += [
            stages.began.eq(decode.piece.valid & decode.piece.ready & decode.piece.payload.first),
            stages.taken.eq(decode.taken & ~decode.refused.any()),
            stages.stored.eq(kept.finish & (kept.keep != 0)),
            stages.sending.eq(mark_sending(m, self.wire)), stages.sent.eq(self.sent), stages.clear.eq(self.clear),
        ]  # fmt: skip
        mark_causes(m, stages, "refuse_", REFUSALS, decode.refused)
