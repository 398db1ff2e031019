"""The receive half of `em`, from the wire to the interrupt: the blocks in the order a frame meets them.

wire -> EmRxFront -> RxPlace, BurstSplit, RxMove -> DmaWrite -> Completion -> RxDelay -> interrupt
"""

from __future__ import annotations

from typing import Any, TypeVar

from amaranth import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.burst import LENGTH_WIDTH, BurstSplit, Plan
from ringbed.hw.bus.dma import Request, WriteBeat
from ringbed.hw.formats import em
from ringbed.hw.interrupt.rx_delay import RxDelay
from ringbed.hw.nics.em.rx_front import FRONT_MEMBERS, EmRxFront, front_streams
from ringbed.hw.nics.em.stages import RX_STAGES, mark_causes
from ringbed.hw.ring.whole import Ring, RingBus, RingRegisters
from ringbed.hw.rx.admit import DROPS
from ringbed.hw.rx.ring import RxMove, RxPlace
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.stream.taps import Taps

__all__ = ["EmRx"]

RCTL = em.REGISTERS["RCTL"]
ALL_STATUS = 0xFF  # of a descriptor's upper eight bytes, every one is written back
ENTRIES = 128  # descriptors that wait for their write-back
TIMER_CLOCKS = 128  # 1.024 us, the unit of RDTR and RADV

Block = TypeVar("Block")


class EmRx(wiring.Component):
    """Members: what the top connects.

    FRONT_MEMBERS, front_streams : what the front of this half needs
    registers, ring : the ring's; data, data_beat, data_done, data_failed : of frame data, to DmaWrite
    rdtr, radv, fpd, rsrpd : registers of those names, `fpd` a pulse; timebase : In(32); timer_wait : RxDelay's
    event : Out(32): interrupt causes; active : Out(1): there is something to do that does not wait for others
    in_flight : Out(1): a frame is between the wire and the ring, whatever `active` says
    delivered : Out(8): frames written back; flushed : Out(16): frames a reset ended; stages : see `stages.py`
    """

    def __init__(self, width: int, taps: Taps, sums: bool) -> None:
        self.width, self.taps, self.sums = width, taps, sums
        front = {name: member for name, member in FRONT_MEMBERS.items() if name != "no_buffer"}
        super().__init__(front | front_streams(width) | {
            "registers": In(RingRegisters()), "ring": Out(RingBus(width)),
            "data": Out(stream.Signature(Request())), "data_beat": Out(stream.Signature(WriteBeat(width))),
            "data_done": In(1), "data_failed": In(1),
            "rdtr": In(16), "radv": In(16), "fpd": In(1), "rsrpd": In(12),
            "timebase": In(32), "timer_wait": Out(32, init=0xFFFFFFFF),
            "event": Out(32), "active": Out(1), "in_flight": Out(1),
            "delivered": Out(8), "flushed": Out(16), "stages": Out(RX_STAGES),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.front = front = EmRxFront(self.width, self.taps, self.sums)
        ring = self._add(m, "ring", Ring(self.width, ENTRIES, ALL_STATUS))
        connect(m, flipped(self.registers), ring.registers)
        connect(m, ring.bus, flipped(self.ring))
        m.d.comb += [
            ring.enable.eq(self._bit("EN")),
            ring.answered.eq(self.data_done),
            ring.data_failed.eq(self.data_failed),
            ring.drain.eq(1),
        ]
        self._front(m, front)
        waiting = self._place(m, front, ring)
        self._events(m, front, ring, self._delay(m, ring, waiting))
        self._stages(m, front, ring)
        return m

    def _bit(self, name: str) -> Any:
        field = RCTL[name]
        return self.rctl[field.lsb : field.lsb + field.width]

    def _add(self, m: Module, name: str, block: Block) -> Block:
        """A block that CTRL.RST clears."""
        m.submodules[name] = ResetInserter(self.clear)(block)
        return block

    def _front(self, m: Module, front: EmRxFront) -> None:
        for name, member in self.signature.members.items():
            if name in FRONT_MEMBERS:
                mine, its = getattr(self, name), getattr(front, name)
                m.d.comb += its.eq(mine) if member.flow == In else mine.eq(its)
        connect(m, flipped(self.wire), front.wire)
        connect(m, front.buffer, flipped(self.buffer))
        m.d.comb += [
            front.size.eq(self.size),
            front.no_buffer.eq(self.registers.head == self.registers.tail),
            self.stat.payload.eq(front.stat.payload), self.stat.valid.eq(front.stat.valid),
            self.pause.payload.eq(front.pause.payload), self.pause.valid.eq(front.pause.valid),
            self.flushed.eq(front.lost), self.in_flight.eq(front.in_flight),
        ]  # fmt: skip

    def _place(self, m: Module, front: EmRxFront, ring: Ring) -> Signal:
        """Frames to descriptors, bytes to bursts. Gives: a frame waits for a descriptor."""
        self.place = place = self._add(m, "place", RxPlace())
        split = self._add(m, "split", BurstSplit(self.width))
        plan = self._add(m, "plan", Fifo(Plan(), 32))
        move = self._add(m, "move", RxMove(self.width))
        descriptors = self.taps.insert(m, "rx.descriptor", ring.o)
        entries = self.taps.insert(m, "rx.completion", place.entry)
        beats = self.taps.insert(m, "rx.write", move.o)
        connect(m, front.frames, place.frame)
        connect(m, descriptors, place.descriptor)
        connect(m, entries, ring.i)
        connect(m, place.chunk, split.i)
        connect(m, split.plan, plan.i)
        connect(m, plan.o, move.plan)
        connect(m, self.taps.insert(m, "rx.request", split.request), flipped(self.data))
        connect(m, front.beats, move.i)
        connect(m, beats, flipped(self.data_beat))
        waits, starves = Signal(), Signal()
        self.quiet = Signal()  # nothing between the ring and the bus
        m.d.comb += [
            place.buffer.eq(self._buffer_bytes(m)),
            waits.eq(front.frames.valid & descriptors.valid),
            starves.eq(front.frames.valid & ~descriptors.valid),
            self.quiet.eq(~waits & ~split.busy & ~plan.o.valid),
            self.active.eq(~self.quiet | ring.active),
        ]
        return starves

    def _buffer_bytes(self, m: Module) -> Signal:
        """What BSIZE and BSEX say of every buffer."""
        size = Signal(LENGTH_WIDTH)
        with m.Switch(Cat(self._bit("BSIZE"), self._bit("BSEX"))):
            for (extended, code), amount in em.BUFFER_SIZES.items():
                with m.Case(extended << 2 | code):
                    m.d.comb += size.eq(amount)
        return size

    def _delay(self, m: Module, ring: Ring, starves: Signal) -> RxDelay:
        """When descriptors are written back: with RDTR, by WTHRESH and the timers; a ring run dry waits for neither."""
        delay = self._add(m, "delay", RxDelay(TIMER_CLOCKS))
        placed, small = self.place.frame, self._add(m, "small", Fifo(
            1, ENTRIES, has_room="em_rx: no more frames than ENTRIES are placed and not landed",
            has_item="em_rx: a frame lands that was placed",
        ))  # fmt: skip
        size = self.rsrpd
        m.d.comb += [
            small.i.payload.eq((placed.payload.length <= size) & (size != 0)),
            small.i.valid.eq(placed.valid & placed.ready),
            small.o.ready.eq(ring.landed),
            delay.landed.eq(ring.landed), delay.small.eq(small.o.payload),
            delay.delivered.eq(ring.frames),
            delay.rdtr.eq(self.rdtr), delay.radv.eq(self.radv), delay.fpd.eq(self.fpd),
            delay.timebase.eq(self.timebase), self.timer_wait.eq(delay.wait),
            ring.flush.eq((self.quiet & (~delay.moderated | starves)) | delay.flush),
        ]  # fmt: skip
        return delay

    def _events(self, m: Module, front: EmRxFront, ring: Ring, delay: RxDelay) -> None:
        """RXT0 and SRPD as RxDelay says, RXDMT0 as the free descriptors fall to the threshold, RXO with each miss.

        RXDMT0 comes too when the last descriptor was written back with the frame still not whole: only more of them can
        move it on, and nothing else would tell software so.
        """
        free, after, limit, dry = Signal(16), Signal(16), Signal(16), Signal()
        causes, of = {field.name: field.lsb for field in em.CAUSES}, self.registers
        m.d.comb += [
            free.eq(Mux(of.tail >= of.head, of.tail - of.head, of.tail - of.head + of.count)),
            after.eq(free - ring.done),
            limit.eq((of.count >> 1) >> self._bit("RDMTS")),
            dry.eq((after == 0) & (ring.frames == 0)),
            self.delivered.eq(ring.frames),
            front.left.eq(ring.frames),
            self.event[causes["RXT0"]].eq(delay.rxt0),
            self.event[causes["SRPD"]].eq(delay.srpd),
            self.event[causes["RXDMT0"]].eq((ring.done != 0) & (after <= limit) & ((free > limit) | dry)),
            self.event[causes["RXO"]].eq(self.dropped[DROPS.index("miss")]),
        ]

    def _stages(self, m: Module, front: EmRxFront, ring: Ring) -> None:
        """What `stages.py` shows of a frame's way, from signals that are there anyway."""
        stages, placed = self.stages, self.place.frame
        m.d.comb += [
            stages.began.eq(front.began), stages.kept.eq(front.kept),
            stages.drop_reset.eq(front.drop_reset), stages.placed.eq(placed.valid & placed.ready),
            stages.landed.eq(ring.landed), stages.delivered.eq(ring.frames), stages.clear.eq(self.clear),
        ]  # fmt: skip
        mark_causes(m, stages, "drop_", DROPS, front.dropped)
