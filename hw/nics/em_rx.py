"""The receive half of `em`, from the wire to the interrupt: the blocks in the order a frame meets them.

wire -> MacRx -> tap rx.data -> Parse -> ChecksumRx -> tap rx.verdict
                             -> RxAdmit -> FrameStore -> RxPlace, BurstSplit, RxMove -> DmaWrite -> Completion
"""

from __future__ import annotations

from typing import Any, TypeVar

from amaranth import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.burst import LENGTH_WIDTH, BurstSplit, Plan
from ringbed.hw.checksum_rx import ChecksumRx, RxChecksums
from ringbed.hw.counters import Pending
from ringbed.hw.dma import Request, WriteBeat
from ringbed.hw.fifo import Fifo
from ringbed.hw.formats import em
from ringbed.hw.frame_store import FrameStore
from ringbed.hw.mac_rx import MacRx, WireRx
from ringbed.hw.nics.em_stages import RX_STAGES, mark_causes
from ringbed.hw.packet_buffer import BufferPort
from ringbed.hw.parse import Parse
from ringbed.hw.ring import Ring, RingBus, RingRegisters
from ringbed.hw.ring_rx import RxFrame, RxMove, RxPlace
from ringbed.hw.rx_admit import DROPS, Admitted, RxAdmit
from ringbed.hw.taps import Taps

__all__ = ["EmRx"]

RCTL, RXCSUM = em.REGISTERS["RCTL"], em.REGISTERS["RXCSUM"]
ALL_STATUS = 0xFF  # of a descriptor's upper eight bytes, every one is written back
FRAMES = 1024  # kept frames, at most: as many as the packet buffer can hold at 64 bytes each

Block = TypeVar("Block")


class EmRx(wiring.Component):
    """Members: what the top connects: wire, registers, packet buffer, DMA, interrupt events, counter events."""

    def __init__(self, width: int, taps: Taps, sums: bool) -> None:
        self.width, self.taps, self.sums = width, taps, sums
        beats = 65536 // (width // 8)
        super().__init__({
            "wire": In(WireRx(width)), "buffer": Out(BufferPort(width)), "size": In(beats.bit_length()),
            "rctl": In(32), "rxcsum": In(32), "link": In(1), "address": In(48), "address_valid": In(1),
            "registers": In(RingRegisters()), "ring": Out(RingBus(width)), "flush": In(1), "clear": In(1),
            "data": Out(stream.Signature(Request())), "data_beat": Out(stream.Signature(WriteBeat(width))),
            "data_done": In(1), "data_failed": In(1),
            "event": Out(32), "active": Out(1),
            "began": Out(1), "dropped": Out(len(DROPS)), "delivered": Out(8), "flushed": Out(16),
            "stages": Out(RX_STAGES),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        frames = self._front(m)
        ring = self._add(m, "ring", Ring(self.width, 128, ALL_STATUS))
        connect(m, flipped(self.registers), ring.registers)
        connect(m, ring.bus, flipped(self.ring))
        m.d.comb += [
            ring.enable.eq(self._bit("EN")),
            ring.answered.eq(self.data_done),
            ring.data_failed.eq(self.data_failed),
        ]
        self._place(m, frames, ring)
        self._events(m, ring)
        self._stages(m, ring)
        return m

    def _bit(self, name: str) -> Any:
        field = RCTL[name]
        return self.rctl[field.lsb : field.lsb + field.width]

    def _add(self, m: Module, name: str, block: Block) -> Block:
        """A block that CTRL.RST clears."""
        m.submodules[name] = ResetInserter(self.clear)(block)
        return block

    def _front(self, m: Module) -> Fifo:
        """Wire to store: these blocks see every frame, the card's own reset included."""
        m.submodules.mac = mac = MacRx(self.width)
        m.submodules.admit = self.admit = admit = RxAdmit(self.width)
        connect(m, flipped(self.wire), mac.i)
        beats = self.taps.insert(m, "rx.data", mac.o, {"end": mac.end})
        m.d.comb += [admit.i.payload.eq(beats.payload), admit.i.valid.eq(beats.valid)]
        sums = self._sums(m, beats) if self.sums else self._no_sums(m, admit)
        return self._admit(m, mac, admit, self.taps.insert(m, "rx.verdict", sums))

    def _sums(self, m: Module, beats: Any) -> Any:
        m.submodules.parse = parse = Parse(self.width)
        m.submodules.checksum = checksum = ChecksumRx(self.width)
        parsed = self.taps.insert(m, "rx.parsed", parse.o)
        for sink, source in ((parse.i, beats), (checksum.i, parsed)):
            m.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid)]
        control = checksum.control
        m.d.comb += [
            control.pcss.eq(self.rxcsum[: RXCSUM["PCSS"].width]),
            control.ipofl.eq(self.rxcsum[RXCSUM["IPOFL"].lsb]),
            control.tuofl.eq(self.rxcsum[RXCSUM["TUOFL"].lsb]),
            control.ipv6ofl.eq(self.rxcsum[RXCSUM["IPV6OFL"].lsb]),
            control.secrc.eq(self._bit("SECRC")),
        ]
        return checksum.o

    def _no_sums(self, m: Module, admit: RxAdmit) -> Any:
        """A card without receive engines: every frame says 'ignore the checksum bits'."""
        result = stream.Signature(RxChecksums, always_ready=True).create()
        m.d.comb += result.payload.ixsm.eq(1)
        m.d.sync += result.valid.eq(admit.o_valid)  # in step with the queue of ended frames
        return result

    def _admit(self, m: Module, mac: MacRx, admit: RxAdmit, sums: Any) -> Fifo:
        """Kept frames wait for their sums, which come a few clocks after the end, in order."""
        m.submodules.ended = ended = Fifo(Admitted, 8)
        frames = self._add(m, "frames", Fifo(RxFrame(), FRAMES))
        self.store = store = self._add(m, "store", FrameStore(self.width))
        crowded = frames.level >= FRAMES - 16  # short frames kept by SBP could outnumber the places
        m.d.comb += [
            admit.end.eq(mac.end), admit.on.eq(self._bit("EN") & self.link), admit.flush.eq(self.flush),
            admit.sbp.eq(self._bit("SBP")), admit.upe.eq(self._bit("UPE")), admit.mpe.eq(self._bit("MPE")),
            admit.bam.eq(self._bit("BAM")), admit.lpe.eq(self._bit("LPE")), admit.strip.eq(self._bit("SECRC")),
            admit.address.eq(self.address), admit.valid.eq(self.address_valid),
            admit.free.eq(Mux(crowded, 0, store.free)),
            store.w_en.eq(admit.w_en), store.w_data.eq(admit.w_data),
            store.end.eq(admit.finish), store.keep.eq(admit.keep),
            store.origin.eq(0), store.size.eq(self.size),
            ended.i.payload.eq(admit.o), ended.i.valid.eq(admit.o_valid), ended.o.ready.eq(sums.valid),
        ]  # fmt: skip
        connect(m, store.memory, flipped(self.buffer))
        kept, found = ended.o.payload, sums.payload
        status, errors = frames.i.payload.status, frames.i.payload.errors
        m.d.comb += [
            frames.i.valid.eq(sums.valid & kept.kept),
            frames.i.payload.length.eq(kept.length),
            frames.i.payload.checksum.eq(found.packet_checksum),
            status.eq(0x03 | (found.ixsm << 2) | (found.tcpcs << 5) | (found.ipcs << 6)),
            errors.eq(kept.ce | (found.tcpe << 5) | (found.ipe << 6) | (kept.rxe << 7)),
            self.began.eq(admit.began), self.dropped.eq(admit.dropped),
        ]  # fmt: skip
        m.submodules.pending = self.pending = pending = Pending()
        m.d.comb += [
            pending.came.eq(admit.finish & (admit.keep != 0)),
            pending.flush.eq(self.clear),
            self.flushed.eq(pending.lost + admit.flushed),
        ]
        return frames

    def _place(self, m: Module, frames: Fifo, ring: Ring) -> None:
        self.place = place = self._add(m, "place", RxPlace())
        split = self._add(m, "split", BurstSplit(self.width))
        plan = self._add(m, "plan", Fifo(Plan(), 32))
        move = self._add(m, "move", RxMove(self.width))
        descriptors = self.taps.insert(m, "rx.descriptor", ring.o)
        entries = self.taps.insert(m, "rx.completion", place.entry)
        beats = self.taps.insert(m, "rx.write", move.o)
        connect(m, frames.o, place.frame)
        connect(m, descriptors, place.descriptor)
        connect(m, entries, ring.i)
        connect(m, place.chunk, split.i)
        connect(m, split.plan, plan.i)
        connect(m, plan.o, move.plan)
        connect(m, split.request, flipped(self.data))
        connect(m, self.store.o, move.i)
        connect(m, beats, flipped(self.data_beat))
        # BSIZE 0..3: 2048, 1024, 512, 256; BSEX makes that 16 times as much, 16384 at most
        size = Signal(LENGTH_WIDTH)
        with m.Switch(self.rctl[RCTL["BSIZE"].lsb : RCTL["BSIZE"].lsb + 2]):
            for code in range(4):
                with m.Case(code):
                    m.d.comb += size.eq(
                        Mux(self._bit("BSEX"), em.BUFFER_SIZES[1, code], em.BUFFER_SIZES[0, code])
                    )  # fmt: skip
        waiting = frames.o.valid & descriptors.valid
        m.d.comb += [
            place.buffer.eq(size),
            ring.flush.eq(~waiting & ~split.busy & ~plan.o.valid),
            self.active.eq(waiting | split.busy | plan.o.valid | ring.active),
        ]

    def _events(self, m: Module, ring: Ring) -> None:
        """RXT0 with each written frame, RXDMT0 as the free descriptors fall to the threshold, RXO with each miss."""
        free, after, limit = Signal(16), Signal(16), Signal(16)
        causes, of = {field.name: field.lsb for field in em.CAUSES}, self.registers
        m.d.comb += [
            free.eq(Mux(of.tail >= of.head, of.tail - of.head, of.tail - of.head + of.count)),
            after.eq(free - ring.done),
            limit.eq((of.count >> 1) >> self._bit("RDMTS")),
            self.delivered.eq(ring.frames),
            self.pending.left.eq(ring.frames),
            self.event[causes["RXT0"]].eq(ring.frames != 0),
            self.event[causes["RXDMT0"]].eq((ring.done != 0) & (free > limit) & (after <= limit)),
            self.event[causes["RXO"]].eq(self.dropped[DROPS.index("miss")]),
        ]

    def _stages(self, m: Module, ring: Ring) -> None:
        """What `em_stages.py` shows of a frame's way, from signals that are there anyway."""
        stages, admit, placed = self.stages, self.admit, self.place.frame
        m.d.comb += [
            stages.began.eq(admit.began), stages.kept.eq(admit.finish & (admit.keep != 0)),
            stages.drop_reset.eq(admit.flushed), stages.placed.eq(placed.valid & placed.ready),
            stages.landed.eq(ring.landed), stages.delivered.eq(ring.frames), stages.clear.eq(self.clear),
        ]  # fmt: skip
        mark_causes(m, stages, "drop_", DROPS, admit.dropped)
