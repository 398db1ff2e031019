"""What is known of a frame once it has passed, for parts that decide later: its length and its first bytes.

Only a card with something at a tap that wants it has this block; a clean card has none.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import beat_path, bytes_below, lanes_of
from ringbed.hw.stream.fifo import Fifo

__all__ = ["HEAD_BYTES", "Facts", "FrameFacts"]

HEAD_BYTES = 128  # a frame's first bytes that are kept; what the frame does not have is 0


class Facts(data.StructLayout):
    """`length` in bytes, `head`: HEAD_BYTES first bytes, byte 0 lowest; and what else was known at its first and last
    beat, by name."""

    def __init__(self, begin: Any, end: Any) -> None:
        super().__init__({"length": 16, "head": 8 * HEAD_BYTES, "begin": begin, "end": end})


class FrameFacts(wiring.Component):
    """Beats in; one Facts a frame waits at `o`, in order, two clocks after its last beat.

    Members
    -------
    i : In, beats; cannot be stopped
    begin, end : In: looked at with a frame's first, last beat; forget : In(1): with the last: it has no facts
    o : stream of Facts; no more than `depth` wait
    """

    def __init__(self, width: int, depth: int, begin: Any, end: Any) -> None:
        self.width, self.depth, self.facts = width, depth, Facts(begin, end)
        super().__init__({
            "i": In(beat_path(width)), "begin": In(begin), "end": In(end), "forget": In(1),
            "o": Out(stream.Signature(self.facts)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.waiting = waiting = Fifo(
            self.facts, self.depth, has_room="frame_facts: no more frames wait than were said to (by depth)"
        )
        known, complete = waiting.i.payload, Signal()
        position, after, beat = Signal(16), Signal(16), self.i.payload
        begun, ended, head = Signal.like(Value.cast(self.begin)), Signal.like(Value.cast(self.end)), self._head(m)
        m.d.comb += [
            position.eq(Mux(beat.first, 0, after)), waiting.i.valid.eq(complete),
            known.length.eq(after), known.head.eq(head),
            Value.cast(known.begin).eq(begun), Value.cast(known.end).eq(ended),
        ]  # fmt: skip
        m.d.sync += complete.eq(self.i.valid & beat.last & ~self.forget)
        with m.If(self.i.valid):
            m.d.sync += after.eq(position + beat.count)
            with m.If(beat.first):
                m.d.sync += begun.eq(Value.cast(self.begin))
            with m.If(beat.last):
                m.d.sync += ended.eq(Value.cast(self.end))
        wiring.connect(m, waiting.o, wiring.flipped(self.o))
        return m

    def _head(self, m: Module) -> Signal:
        """The first beats side by side, none left of the frame before."""
        lanes, beat = lanes_of(self.width), self.i.payload
        beats = HEAD_BYTES // lanes
        head, number, now = Signal(8 * HEAD_BYTES), Signal(range(beats + 1)), Signal(range(beats + 1))
        m.d.comb += now.eq(Mux(beat.first, 0, number))
        with m.If(self.i.valid):
            m.d.sync += number.eq(Mux(now == beats, beats, now + 1))
            with m.If(beat.first):
                m.d.sync += head.eq(0)
            for index in range(beats):
                with m.If(now == index):
                    part = head[index * self.width : (index + 1) * self.width]
                    m.d.sync += part.eq(beat.data & bytes_below(beat.count, self.width))
        return head
