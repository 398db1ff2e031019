"""The transmit half of `em`, from the doorbell to the wire: the blocks in the order a frame meets them.

RingFetch -> RingTx -> TxRead (BurstSplit -> DmaRead -> ReadBuffer -> Pack) -> Segment -> tap tx.data -> FrameStore
                                                   -> ChecksumTx -> TxSend (Patch -> VlanInsert -> MacTx) -> wire
"""

from __future__ import annotations

from typing import Any, TypeVar

from amaranth import Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.dma import ReadBeat, Request
from ringbed.hw.formats import em
from ringbed.hw.interrupt.tx_delay import TxDelay
from ringbed.hw.mac.pause_tx import PauseHold, PauseSend
from ringbed.hw.mac.tx import WireTx
from ringbed.hw.nics.em.stages import TX_STAGES, mark_causes, mark_sending
from ringbed.hw.ring.whole import Ring, RingBus, RingRegisters
from ringbed.hw.station.counters import Pending
from ringbed.hw.station.statistics import TxStat
from ringbed.hw.stream.frame_facts import FrameFacts
from ringbed.hw.stream.frame_store import FrameStore
from ringbed.hw.stream.packet_buffer import BANK_BYTES, BufferPort
from ringbed.hw.stream.taps import Taps
from ringbed.hw.tx.orders import SumOrder, TxFinish
from ringbed.hw.tx.read import TxRead
from ringbed.hw.tx.ring import REFUSALS, RingTx
from ringbed.hw.tx.segment import Segment
from ringbed.hw.tx.send import TxSend
from ringbed.hw.tx.sums import TxSums

__all__ = ["EmTx"]

TCTL = em.REGISTERS["TCTL"]
STATUS_BYTE = 0x10  # of a descriptor's upper eight bytes, only STA is written
FRAMES = 64  # whole in the packet buffer at a time
FACTS_MORE = 16  # frames between their last beat and that queue, and some
FREE_BYTES = 80  # of the packet buffer that the longest frame must leave (M 3.5, Table 3-8)
LONGEST_SEGMENT = 2 * BANK_BYTES - FREE_BYTES  # with any larger share too: no receiver takes more

Block = TypeVar("Block")


class EmTx(wiring.Component):
    """Members: what the top connects: registers, DMA, packet buffer, wire, receive half, interrupt and counter events.

    `pause` is a time to stand still, from a pause frame received; `rx_fill`, `rx_missed` tell of the receive buffer.
    `segmented`, `segments` : a message was used up, a segment made; `tso_done`, `tso_failed` : a message is out.
    """

    def __init__(self, width: int, taps: Taps, sums: bool) -> None:
        self.width, self.taps, self.sums = width, taps, sums
        beats = 65536 // (width // 8)
        super().__init__({
            "wire": Out(WireTx(width)), "buffer": Out(BufferPort(width)),
            "origin": In(range(beats)), "size": In(beats.bit_length()),
            "tctl": In(32), "link": In(1), "timebase": In(32),
            "vet": In(16), "vme": In(1), "tidv": In(16), "tadv": In(16), "lwthresh": In(7),
            "pause": In(stream.Signature(16, always_ready=True)),
            "tfce": In(1), "swxoff": In(1), "fcttv": In(16), "fcrth": In(16), "fcrtl": In(16), "xone": In(1),
            "rx_fill": In(17), "rx_missed": In(1), "station": In(48), "pause_da": In(48), "fct": In(16),
            "registers": In(RingRegisters()), "ring": Out(RingBus(width)), "halt": In(1), "clear": In(1),
            "data": Out(stream.Signature(Request())), "data_beat": In(stream.Signature(ReadBeat(width))),
            "event": Out(32), "active": Out(1), "in_flight": Out(1),
            "sending": Out(1), "paused": Out(1), "timer_wait": Out(32),
            "taken": Out(1), "refused": Out(len(REFUSALS)), "sent": Out(1), "flushed": Out(16),
            "segmented": Out(1), "segments": Out(1), "pauses": Out(1), "tso_done": Out(1), "tso_failed": Out(1),
            "stat": Out(stream.Signature(TxStat, always_ready=True)), "stages": Out(TX_STAGES),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.tx_ring = self._add(m, "ring", Ring(self.width, 64, STATUS_BYTE))
        self.decode = self._add(m, "decode", RingTx())
        self.read = self._add(m, "read", TxRead(self.width))
        side = data.StructLayout({"order": SumOrder, "finish": TxFinish})
        self.segment = self._add(m, "segment", Segment(self.width, side))
        self.store = self._add(m, "store", FrameStore(self.width))
        self.summing = self._add(m, "sums", TxSums(self.width, self.sums, FRAMES))
        self.send = self._add(m, "send", TxSend(self.width))
        self.may_send = Signal()
        m.d.comb += self.may_send.eq(self.tctl[TCTL["EN"].lsb] & self.link & ~self.halt)
        self._ring(m)
        self._cut(m)
        self._store(m)
        self._flow(m)
        self._interrupts(m)
        self._count(m)
        self._stages(m)
        return m

    def _add(self, m: Module, name: str, block: Block) -> Block:
        """A block that CTRL.RST clears."""
        m.submodules[name] = ResetInserter(self.clear)(block)
        return block

    def _ring(self, m: Module) -> None:
        """Descriptors to read bursts, and the order in which their bytes make frames."""
        ring, decode, read = self.tx_ring, self.decode, self.read
        connect(m, flipped(self.registers), ring.registers)
        connect(m, ring.bus, flipped(self.ring))
        self.descriptors = descriptors = self.taps.insert(m, "tx.descriptor", ring.o)
        self.entries = entries = self.taps.insert(m, "tx.completion", decode.entry)
        connect(m, descriptors, decode.descriptor)
        connect(m, entries, ring.i)
        connect(m, decode.chunk, read.chunk)
        connect(m, decode.piece, read.piece)
        connect(m, self.taps.insert(m, "tx.request", read.request), flipped(self.data))
        connect(m, flipped(self.data_beat), read.beat)
        large = self.size >= 2 * BANK_BYTES * 8 // self.width
        m.d.comb += [
            ring.enable.eq(self.tctl[TCTL["EN"].lsb]),
            ring.answered.eq(read.answered), ring.data_failed.eq(read.failed),
            decode.vme.eq(self.vme),
            # a frame longer than the whole store, less what data sheet and requests leave free, would wait for ever
            decode.limit.eq(Mux(large, em.MAX_TX_FRAME, BANK_BYTES - FREE_BYTES)),
            decode.segment_limit.eq(Mux(large, LONGEST_SEGMENT, BANK_BYTES - FREE_BYTES)),
        ]  # fmt: skip

    def _cut(self, m: Module) -> None:
        """Packed beats, messages among them cut into segments; taken as fast as the packet buffer has room."""
        read, segment = self.read, self.segment
        connect(m, read.o, segment.i)
        self.beats = beats = stream.Signature(segment.o.payload.shape(), always_ready=True).create()
        room = (self.store.free > 1) & (~segment.o.payload.first | self.summing.room)
        begins = {"begins": lambda: segment.i.valid & segment.i.payload.first}
        request = self.taps.alter(m, "tx.segment", read.begin.request, begins)
        m.d.comb += [
            segment.request.eq(request),
            segment.side.order.eq(read.begin.order), segment.side.finish.eq(read.begin.finish),
            segment.o.ready.eq(room), beats.valid.eq(segment.o.valid & room), beats.payload.eq(segment.o.payload),
        ]  # fmt: skip

    def _store(self, m: Module) -> None:
        """Beats into the store and past the sums; whole frames out of it."""
        segment, store, sums, send = self.segment, self.store, self.summing, self.send
        ending = Signal(TxFinish)
        side = {"order": segment.o_side.order, "cutting": segment.cutting}
        beats = self.taps.insert(m, "tx.data", self.beats, side)
        connect(m, store.memory, flipped(self.buffer))
        facts = self._facts(m, beats, ending) if self.taps.used("tx.checksum", "tx.store") else {}
        frame = self.taps.insert(m, "tx.checksum", sums.o, facts)
        connect(m, self.taps.insert(m, "tx.store", store.o, facts | {"frame": frame.payload}), send.data)
        connect(m, frame, send.frame)
        connect(m, send.wire, flipped(self.wire))
        connect(m, send.stat, flipped(self.stat))
        m.d.comb += [
            ending.eq(Mux(segment.cutting, segment.o_side.finish, self.read.finish)),
            store.origin.eq(self.origin), store.size.eq(self.size),
            store.w_en.eq(beats.valid), store.w_data.eq(beats.payload.data),
            store.end.eq(sums.finish), store.keep.eq(sums.keep),
            sums.i.payload.eq(beats.payload), sums.i.valid.eq(beats.valid),
            sums.order.eq(segment.o_side.order), sums.ending.eq(ending),
            sums.ending.abort.eq(Mux(segment.cutting, segment.abort, ending.abort)),
            send.go.eq(self.may_send & ~self.paused),
            send.pad.eq(self.tctl[TCTL["PSP"].lsb]), send.vet.eq(self.vet),
            self.in_flight.eq(sums.in_flight),
            self.sending.eq(send.sending), self.sent.eq(send.sent), self.pauses.eq(send.paused),
        ]  # fmt: skip

    def _facts(self, m: Module, beats: Any, ending: Any) -> dict[str, Any]:
        """What the taps behind the sums are told of the frame that is sent next."""
        facts = self._add(m, "facts", FrameFacts(self.width, FRAMES + FACTS_MORE, SumOrder, TxFinish))
        m.d.comb += [
            facts.i.payload.eq(beats.payload), facts.i.valid.eq(beats.valid),
            Value.cast(facts.begin).eq(Value.cast(self.segment.o_side.order)),
            Value.cast(facts.end).eq(Value.cast(ending)), facts.forget.eq(self.summing.ending.abort),
            facts.o.ready.eq(self.send.frame.valid & self.send.frame.ready),
        ]  # fmt: skip
        return {"facts": facts.o.payload}

    def _flow(self, m: Module) -> None:
        """Pause frames received hold data frames back; those to be sent go between them."""
        self.hold = hold = self._add(m, "hold", PauseHold())
        pause = self._add(m, "pause", PauseSend(self.width))
        connect(m, self.taps.insert(m, "pause.tx", pause.o), self.send.pause)
        m.d.comb += [
            hold.valid.eq(self.pause.valid), hold.time.eq(self.pause.payload), hold.timebase.eq(self.timebase),
            self.paused.eq(hold.paused),
            pause.tfce.eq(self.tfce), pause.software.eq(self.swxoff), pause.time.eq(self.fcttv),
            pause.fill.eq(self.rx_fill), pause.missed.eq(self.rx_missed),
            pause.high.eq(self.fcrth), pause.low.eq(self.fcrtl), pause.xone.eq(self.xone),
            pause.da.eq(self.pause_da), pause.sa.eq(self.station), pause.kind.eq(self.fct),
            pause.go.eq(self.may_send),
        ]  # fmt: skip

    def _interrupts(self, m: Module) -> None:
        """TXDW with its delays, TXQE, TXD_LOW; and what is activity, not a wait for wire or timer."""
        ring, read, segment = self.tx_ring, self.read, self.segment
        causes = {field.name: field.lsb for field in em.CAUSES}
        self.delay = delay = self._add(m, "delay", TxDelay())
        used, low, working = self.entries.valid & self.entries.ready, self._low(m), Signal()
        m.d.comb += [
            delay.entry.eq(used & self.entries.payload.write), delay.late.eq(self.entries.payload.late),
            delay.now.eq(ring.now), delay.lates.eq(ring.lates), delay.stopped.eq(self.registers.stop != 0),
            delay.threshold.eq(self.registers.threshold), delay.timebase.eq(self.timebase),
            delay.tidv.eq(self.tidv), delay.tadv.eq(self.tadv),
            self.event[causes["TXDW"]].eq(delay.event),
            self.event[causes["TXQE"]].eq(ring.emptied),
            self.event[causes["TXD_LOW"]].eq(low),
            self.timer_wait.eq(Mux(delay.wait < self.hold.wait, delay.wait, self.hold.wait)),
            working.eq(self.descriptors.valid | read.busy),
            # with the wire off, a full store would hold a partial batch back until it is on again
            ring.flush.eq(delay.flush | ((~working | ~self.may_send | self.paused) & ~delay.hold)),
            self.active.eq(
                self.decode.piece.valid | self.decode.entry.valid | read.moves | self.beats.valid | segment.working
                | ring.active
            ),
        ]  # fmt: skip

    def _low(self, m: Module) -> Signal:
        """The descriptors left for the card came down to 8 * LWTHRESH; with LWTHRESH 0 never."""
        registers, left, low, was_low = self.registers, Signal(16), Signal(), Signal(init=1)
        came = Signal()
        distance = registers.tail - registers.head
        m.d.comb += [
            left.eq(Mux(registers.tail < registers.head, distance + registers.count, distance)),
            low.eq(left <= (self.lwthresh << 3)),
            came.eq(low & ~was_low & (self.lwthresh != 0)),
        ]
        m.d.sync += was_low.eq(low | self.clear)
        return came

    def _count(self, m: Module) -> None:
        decode, segment = self.decode, self.segment
        m.submodules.pending = pending = Pending()
        m.d.comb += [
            self.taken.eq(decode.taken), self.refused.eq(decode.refused), self.segmented.eq(decode.segmented),
            self.segments.eq(segment.made), self.tso_done.eq(segment.done), self.tso_failed.eq(segment.failed),
            pending.came.eq((decode.taken & ~decode.refused.any() & ~decode.segmented) + segment.made),
            pending.left.eq(self.send.sent), pending.flush.eq(self.clear), self.flushed.eq(pending.lost),
        ]  # fmt: skip

    def _stages(self, m: Module) -> None:
        """What `stages.py` shows of a frame's way, from signals that are there anyway."""
        stages, decode, kept = self.stages, self.decode, self.summing
        m.d.comb += [
            stages.began.eq(decode.piece.valid & decode.piece.ready & decode.piece.payload.first),
            stages.taken.eq(decode.taken & ~decode.refused.any() & ~decode.segmented),
            stages.stored.eq(kept.finish & (kept.keep != 0) & ~self.segment.cutting),
            stages.sending.eq(mark_sending(m, self.wire)), stages.sent.eq(self.sent), stages.clear.eq(self.clear),
        ]  # fmt: skip
        mark_causes(m, stages, "refuse_", REFUSALS, decode.refused)
        with m.If(decode.segmented):  # a message ends here: its segments are frames of their own
            m.d.comb += stages.refuse_other.eq(1)
