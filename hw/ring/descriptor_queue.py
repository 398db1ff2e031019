"""Descriptors on their way to a ring and those that have come: beats of the bus in, descriptors out, in order.

A 64-bit beat is half a descriptor, and two of them make one as they come. A wider beat holds one, two or four: it waits
as it is, and its descriptors are taken out of it one a clock. What was asked for before the ring got a new head is
stale: it still comes, and is dropped.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.dma import ReadBeat
from ringbed.hw.stream.beat import lanes_of
from ringbed.hw.stream.fifo import Fifo

__all__ = ["DESCRIPTOR_BITS", "LINE", "DescriptorQueue", "descriptor_burst", "descriptors_in", "first_descriptor"]

DESCRIPTOR_BITS = 128
LINE = 8  # descriptors in an aligned burst: 128 bytes
ROOM = "descriptor_queue: what comes has room, set aside when it was asked for"


def descriptors_in(width: int) -> int:
    """Whole descriptors in a beat; 0 where a beat is less than one."""
    return lanes_of(width) // (DESCRIPTOR_BITS // 8)


def first_descriptor(width: int, address: Any) -> Any:
    """The place of the descriptor at `address` in its beat; a value for hardware."""
    bits = max(descriptors_in(width).bit_length() - 1, 0)
    return address[4 : 4 + bits] if bits else 0


def descriptor_burst(width: int, address: Any, amount: Any) -> tuple[Any, Any]:
    """Address and length, as a Request has them, of the beats that hold `amount` descriptors from `address` on."""
    lanes, each = lanes_of(width), descriptors_in(width)
    if each:
        beats = (first_descriptor(width, address) + amount + each - 1) >> (each.bit_length() - 1)
    else:
        beats = amount << 1
    return address & ~(lanes - 1), beats - 1


class DescriptorQueue(wiring.Component):
    """Room for `depth` descriptors, when they come in whole lines. A descriptor is out a clock after its last beat.

    Members
    -------
    asked : In(1) with amount : In(4), skip : In(2): a burst of so many was asked for; its first beat has `skip` before
    beat : stream of ReadBeat, never held up
    forget : In(1): the ring has a new head; nothing may be asked for in this clock
    stopped : In(1): keep nothing of what comes
    o : stream of descriptors
    room : Out(1): a whole line may be asked for
    held : Out(8): descriptors here and on their way
    coming : Out(1): something is on its way
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth, self.each = width, depth, descriptors_in(width)
        super().__init__({
            "asked": In(1), "amount": In(4), "skip": In(2),
            "beat": In(stream.Signature(ReadBeat(width))),
            "forget": In(1), "stopped": In(1),
            "o": Out(stream.Signature(DESCRIPTOR_BITS)),
            "room": Out(1), "held": Out(8), "coming": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        coming, stale, arrived = Signal(8), Signal(8), Signal(4)  # descriptors; `stale` of those on their way
        fresh = (stale == 0) & ~self.stopped & ~self.beat.payload.error
        m.d.comb += [self.beat.ready.eq(1), self.coming.eq(coming != 0)]
        m.d.sync += coming.eq(coming + Mux(self.asked, self.amount, 0) - arrived)
        with m.If(self.forget):
            m.d.sync += stale.eq(coming - arrived)
        with m.Elif(stale != 0):
            m.d.sync += stale.eq(stale - arrived)
        if self.each:
            self._slices(m, fresh, coming, arrived)
        else:
            self._pairs(m, fresh, coming, arrived)
        return m

    def _pairs(self, m: Module, fresh: Any, coming: Signal, arrived: Signal) -> None:
        """Two beats make a descriptor."""
        queue = Fifo(DESCRIPTOR_BITS, self.depth, has_room=ROOM)
        m.submodules.queue = ResetInserter(self.forget)(queue)
        half, low = Signal(), Signal(64)
        m.d.comb += [
            arrived.eq(self.beat.valid & half),
            queue.i.payload.eq(Cat(low, self.beat.payload.data)),
            queue.i.valid.eq(arrived[0] & fresh),
            self.o.payload.eq(queue.o.payload), self.o.valid.eq(queue.o.valid), queue.o.ready.eq(self.o.ready),
            self.held.eq(queue.level + coming),
            self.room.eq(self.held + LINE <= self.depth),
        ]  # fmt: skip
        with m.If(self.beat.valid):
            m.d.sync += [half.eq(~half), low.eq(self.beat.payload.data)]

    def _slices(self, m: Module, fresh: Any, coming: Signal, arrived: Signal) -> None:
        """A beat waits with the places of the descriptors in it that were asked for."""
        beats = self.depth // self.each
        shape = data.StructLayout({"data": self.width, "first": 2, "count": 3})
        queue = Fifo(shape, beats, has_room=ROOM)
        orders = Fifo(
            data.StructLayout({"amount": 4, "skip": 2}), beats, has_room=ROOM,
            has_item="descriptor_queue: a beat comes that was asked for",
        )  # fmt: skip
        m.submodules.queue = ResetInserter(self.forget)(queue)
        m.submodules.orders = orders
        moved, first, count = Signal(4), Signal(2), Signal(3)  # of the burst that is coming; of the beat at the door
        order, left, space = orders.o.payload, Signal(4), Signal(3)
        away = Signal(8)  # beats on their way
        burst = Signal(4)
        m.d.comb += [
            orders.i.valid.eq(self.asked), orders.i.payload.amount.eq(self.amount), orders.i.payload.skip.eq(self.skip),
            burst.eq((self.skip + self.amount + self.each - 1) >> (self.each.bit_length() - 1)),
            first.eq(Mux(moved == 0, order.skip, 0)),
            left.eq(order.amount - moved), space.eq(self.each - first), count.eq(Mux(left < space, left, space)),
            arrived.eq(Mux(self.beat.valid, count, 0)),
            orders.o.ready.eq(self.beat.valid & (count == left)),
            queue.i.valid.eq(self.beat.valid & fresh),
            queue.i.payload.data.eq(self.beat.payload.data),
            queue.i.payload.first.eq(first), queue.i.payload.count.eq(count),
            self.room.eq(queue.level + away + LINE // self.each <= beats),
        ]  # fmt: skip
        m.d.sync += away.eq(away + Mux(self.asked, burst, 0) - self.beat.valid)
        with m.If(self.beat.valid):
            m.d.sync += moved.eq(Mux(count == left, 0, moved + count))
        self._unpack(m, queue, coming, queue.i.valid & queue.i.ready, count)

    def _unpack(self, m: Module, queue: Fifo, coming: Signal, put: Any, count: Signal) -> None:
        here, inside = queue.o.payload, Signal(8)  # descriptors in the queue
        taken, ends = Signal(2), Signal()  # of the beat on show
        m.d.comb += [
            ends.eq(taken + 1 == here.count),
            self.o.payload.eq(here.data.word_select(here.first + taken, DESCRIPTOR_BITS)),
            self.o.valid.eq(queue.o.valid),
            queue.o.ready.eq(self.o.ready & ends),
            self.held.eq(inside + coming),
        ]
        out = self.o.valid & self.o.ready
        m.d.sync += inside.eq(inside + Mux(put, count, 0) - out)
        with m.If(out):
            m.d.sync += taken.eq(Mux(ends, 0, taken + 1))
        with m.If(self.forget):
            m.d.sync += [inside.eq(0), taken.eq(0)]
