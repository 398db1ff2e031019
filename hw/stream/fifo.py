"""A queue of structs between two blocks: Amaranth's FIFO with streams of any shape on both sides.

Short queues read their memory in the same clock; long ones take a clock more and fit a block RAM.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Value
from amaranth.hdl import Assert
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Fifo"]


class Fifo(wiring.Component):
    """`depth` items of `shape`, first word falls through: out one clock after in, two where `depth` is over 64.

    Members
    -------
    i, o : streams of `shape`
    level : items inside, 0 to `depth`

    Who writes without a look at `i.ready` says in `has_room` why there is room, and who takes without a look at
    `o.valid` says in `has_item` why there is one: "block: what holds (by which constant)". Simulation asserts it.
    """

    def __init__(self, shape: Any, depth: int, *, has_room: str = "", has_item: str = "") -> None:
        if depth < 2:
            raise ValueError(f"a FIFO needs at least 2 places, not {depth}")
        self.depth, self.has_room, self.has_item = depth, has_room, has_item
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "level": Out(range(depth + 1)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = Value.cast(self.i.payload)
        kind = fifo.SyncFIFO if self.depth <= 64 else fifo.SyncFIFOBuffered
        m.submodules.fifo = queue = kind(width=len(bits), depth=self.depth)
        m.d.comb += [
            queue.w_data.eq(bits),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            Value.cast(self.o.payload).eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
            self.level.eq(queue.level),
        ]
        if self.has_room:
            m.d.sync += Assert(self.i.ready | ~self.i.valid, self.has_room)
        if self.has_item:
            m.d.sync += Assert(self.o.valid | ~self.o.ready, self.has_item)
        return m
