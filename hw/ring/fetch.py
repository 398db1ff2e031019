"""A ring's fetch policy: descriptors between head and tail are read ahead, in bursts, into a queue on the card.

This block alone knows base, length, head and tail; a ring whose ownership is told another way replaces it and nothing
behind it. Up to eight descriptors a burst, none over a 128-byte line; a burst is asked for when it would be a whole
line or when the queue runs low, and only when there is room for all of it. The prefetch thresholds of RXDCTL and
TXDCTL are hints this policy does not need.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.dma import ADDRESS_WIDTH, ReadBeat, Request
from ringbed.hw.formats.em import StopCause
from ringbed.hw.ring.descriptor_queue import DESCRIPTOR_BITS, LINE, DescriptorQueue, descriptor_burst, first_descriptor
from ringbed.hw.stream.beat import lanes_of

__all__ = ["DESCRIPTOR_BITS", "LINE", "RingFetch"]


class RingFetch(wiring.Component):
    """Descriptors in ring order. `depth` are held at most, those on their way included.

    Members
    -------
    enable : In(1): EN of the direction
    base : In(64), count : In(16) descriptors, tail : In(16)
    head : Out(16): advanced by `done` descriptors written back
    head_w : In(1) with head_in : In(16): software sets the head; what was read ahead is forgotten
    done : In(8): descriptors finished in this clock
    request, beat : to DmaRead
    o : stream of descriptors, 128 bits as in memory
    stop : Out(2): StopCause.RING or FETCH in this clock
    stopped : In(1): ask for nothing
    busy : Out(1): something is on its way or is being asked for
    emptied : Out(1): in the clock before, the head reached the tail
    """

    def __init__(self, width: int, depth: int = 32) -> None:
        lanes_of(width)
        self.width, self.depth = width, depth
        super().__init__({
            "enable": In(1), "base": In(ADDRESS_WIDTH), "count": In(16), "tail": In(16),
            "head": Out(16), "head_w": In(1), "head_in": In(16), "done": In(8),
            "request": Out(stream.Signature(Request())),
            "beat": In(stream.Signature(ReadBeat(width))),
            "o": Out(stream.Signature(DESCRIPTOR_BITS)),
            "stop": Out(2), "stopped": In(1), "busy": Out(1), "emptied": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = DescriptorQueue(self.width, self.depth)
        next_index, sane, moved = Signal(16), Signal(), Signal()
        # `next_index` may be the one outside: a length made smaller with descriptors read ahead
        inside = (self.tail < self.count) & (self.head < self.count) & (next_index < self.count)
        connect(m, flipped(self.beat), queue.beat)
        m.d.comb += [
            # an empty ring whose registers were never written is sane too
            sane.eq(inside | ((self.count | self.tail | self.head | next_index) == 0)),
            queue.forget.eq(self.head_w),  # all of what was read ahead belongs to the old ring
            queue.stopped.eq(self.stopped),
            self.o.payload.eq(queue.o.payload),
            self.o.valid.eq(queue.o.valid & ~self.stopped),
            queue.o.ready.eq(self.o.ready & ~self.stopped),
            self.busy.eq(queue.coming | self.request.valid),
            self.emptied.eq(moved & (self.head == self.tail)),
        ]
        self._ask(m, queue, self.enable & ~self.stopped & sane, next_index)
        with m.If(self.enable & ~sane):
            m.d.comb += self.stop.eq(StopCause.RING)
        with m.Elif(self.beat.valid & self.beat.payload.error):
            m.d.comb += self.stop.eq(StopCause.FETCH)
        stepped = self.head + self.done
        m.d.sync += moved.eq(self.done != 0)
        with m.If(self.head_w):
            m.d.sync += [self.head.eq(self.head_in), next_index.eq(self.head_in)]
        with m.Elif(self.done != 0):  # else a head beyond the ring stays there, and stops the queue
            m.d.sync += self.head.eq(Mux(stepped >= self.count, stepped - self.count, stepped))
        return m

    def _ask(self, m: Module, queue: DescriptorQueue, running: Any, index: Signal) -> None:
        """The next burst: up to the tail, the ring's end, the 128-byte line, whichever comes first."""
        limit, address, line = Signal(17), Signal(ADDRESS_WIDTH), Signal(range(LINE + 1))
        amount = Signal(range(LINE + 1))
        begin, length = descriptor_burst(self.width, address, amount)
        m.d.comb += [
            limit.eq(Mux(self.tail >= index, self.tail, self.count) - index),
            address.eq(self.base + (index << 4)),
            line.eq(LINE - address[4:7]),
            amount.eq(Mux(limit < line, limit, line)),
            self.request.payload.address.eq(begin),
            self.request.payload.len.eq(length),
            self.request.valid.eq(
                running & queue.room & ~self.head_w & (amount != 0) & ((amount == line) | (queue.held < LINE))
            ),
            queue.asked.eq(self.request.valid & self.request.ready),
            queue.amount.eq(amount),
            queue.skip.eq(first_descriptor(self.width, address)),
        ]
        with m.If(queue.asked):
            after = index + amount
            m.d.sync += index.eq(Mux(after == self.count, 0, after))
