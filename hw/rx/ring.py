"""The receive ring: kept frames meet descriptors, bytes meet addresses.

`RxPlace` decides where each frame goes, descriptor by descriptor; `RxMove` turns the packet buffer's beats into write
beats at whatever alignment the host's buffers have. They run apart: placing is ahead of moving by as many bursts as the
plan holds, which is what hides the memory's latency.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.burst import LENGTH_WIDTH, Chunk, Plan, bursts_in
from ringbed.hw.bus.dma import WriteBeat
from ringbed.hw.formats import em
from ringbed.hw.ring.completion import SEQUENCE_WIDTH, Entry
from ringbed.hw.ring.fetch import DESCRIPTOR_BITS
from ringbed.hw.stream.beat import lanes_of, move_up

__all__ = ["RxFrame", "RxMove", "RxPlace"]


class RxFrame(data.StructLayout):
    """A kept frame waiting for the ring: bytes to store, packet checksum, and for its last descriptor the rest."""

    def __init__(self) -> None:
        super().__init__({"length": LENGTH_WIDTH, "checksum": 16, "status": 8, "errors": 8, "special": 16})


class RxPlace(wiring.Component):
    """One descriptor a clock. A null descriptor (address 0) is used up with DD alone and takes no bytes.

    Members
    -------
    frame : stream of RxFrame
    descriptor : stream of descriptors
    buffer : In(15): bytes of every host buffer
    chunk : stream of Chunk, to BurstSplit
    entry : stream of Entry, to Completion
    """

    def __init__(self) -> None:
        super().__init__({
            "frame": In(stream.Signature(RxFrame())), "descriptor": In(stream.Signature(DESCRIPTOR_BITS)),
            "buffer": In(LENGTH_WIDTH),
            "chunk": Out(stream.Signature(Chunk())), "entry": Out(stream.Signature(Entry())),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        frame = self.frame.payload
        placed, left, amount = Signal(LENGTH_WIDTH), Signal(LENGTH_WIDTH), Signal(LENGTH_WIDTH)
        sequence, counted = Signal(SEQUENCE_WIDTH), Signal(SEQUENCE_WIDTH)
        address, null, ends, fits, fire = Signal(64), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            address.eq(self.descriptor.payload[:64]),
            null.eq(address == 0),
            left.eq(frame.length - placed),
            fits.eq(left <= self.buffer),
            amount.eq(Mux(null, 0, Mux(fits, left, self.buffer))),
            ends.eq(fits & ~null),
            counted.eq(Mux(null, sequence, sequence + bursts_in(address, amount))),
            # all four parties move together
            fire.eq(
                self.frame.valid & self.descriptor.valid & self.entry.ready & (self.chunk.ready | null)
            ),
            self.descriptor.ready.eq(fire),
            self.frame.ready.eq(fire & ends),
            self.chunk.valid.eq(self.frame.valid & self.descriptor.valid & self.entry.ready & ~null),
            self.chunk.payload.address.eq(address),
            self.chunk.payload.length.eq(amount),
            self.entry.valid.eq(fire),
            self.entry.payload.write.eq(1),
            self.entry.payload.eop.eq(ends),
            self.entry.payload.sequence.eq(counted),
        ]  # fmt: skip
        done = em.RX_LEGACY["DD"].mask >> 64
        # as wide as in memory
        length, checksum, status, errors, special = Signal(16), Signal(16), Signal(8), Signal(8), Signal(16)
        m.d.comb += [
            length.eq(amount),
            checksum.eq(Mux((placed == 0) & ~null, frame.checksum, 0)),
            status.eq(Mux(ends, frame.status, 0)),
            errors.eq(Mux(ends, frame.errors, 0)),
            special.eq(Mux(ends, frame.special, 0)),
            self.entry.payload.upper.eq(done | Cat(length, checksum, status, errors, special)),
        ]
        with m.If(fire):
            m.d.sync += [sequence.eq(counted), placed.eq(Mux(ends, 0, placed + amount))]
        return m


class RxMove(wiring.Component):
    """One write beat a clock, one clock behind the store.

    A chunk starts on a beat of the store. Its bytes are moved up to the first lane of the host's buffer; what does not
    fit into a write beat is carried to the next, so a chunk may end with a beat of carried bytes alone.

    Members
    -------
    plan : stream of Plan, one a burst
    i : stream of beats of the store
    o : stream of WriteBeat
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "plan": In(stream.Signature(Plan())), "i": In(stream.Signature(width)),
            "o": Out(stream.Signature(WriteBeat(width))),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        plan, lanes = self.plan.payload, self.lanes
        shift = lanes.bit_length() - 1
        moved, begun = Signal(10), Signal()  # bytes of this burst already out; in the middle of it
        carry, valid_in_carry, chunk_lane = Signal(self.width), Signal(shift + 1), Signal(shift)
        lane, start = Signal(shift), Signal()  # of the chunk; first lane of this beat
        left, here = Signal(10), Signal(shift + 1)
        m.d.comb += [
            start.eq(plan.first & ~begun),
            lane.eq(Mux(start, plan.lane, chunk_lane)),
            left.eq(plan.length - moved),
        ]
        first_lane = Mux(start, plan.lane[:shift], 0)
        room = Signal(shift + 1)
        m.d.comb += [room.eq(lanes - first_lane), here.eq(Mux(left < room, left, room))]
        held = Signal(shift + 1)
        m.d.comb += held.eq(Mux(start, 0, valid_in_carry))
        needs = held < here  # carried bytes do not fill this beat's share
        up = move_up(m, self.i.payload, lane, name="up")
        spilled = Signal(self.width)
        with m.Switch(lane):
            for amount in range(lanes):
                with m.Case(amount):
                    m.d.comb += spilled.eq(self.i.payload[8 * (lanes - amount) :] if amount else 0)
        m.d.comb += [
            self.o.valid.eq(self.plan.valid & (~needs | self.i.valid)),
            self.o.payload.data.eq(Mux(start, 0, carry) | Mux(needs, up, 0)),
            self.o.payload.strb.eq(((1 << (first_lane + here)) - 1) & ~((1 << first_lane) - 1)),
            self.o.payload.last.eq(left == here),
        ]
        fire = Signal()
        m.d.comb += [
            fire.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(self.plan.valid & needs & self.o.ready),
            self.plan.ready.eq(fire & self.o.payload.last),
        ]
        with m.If(fire):
            m.d.sync += [
                carry.eq(Mux(needs, spilled, 0)),
                valid_in_carry.eq(Mux(needs, lane, 0)),
                chunk_lane.eq(lane),
                moved.eq(Mux(self.o.payload.last, 0, moved + here)),
                begun.eq(~self.o.payload.last),
            ]
        return m
