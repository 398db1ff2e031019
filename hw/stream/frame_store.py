"""A queue of frames in a region of the packet buffer: written on trial, then kept or forgotten, read as a stream.

Frames begin on a beat. The region's first beat and size may change only while the store is empty and in reset.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.packet_buffer import BANK_BYTES, BANKS, BufferPort

__all__ = ["FrameStore"]


class FrameStore(wiring.Component):
    """Latency: a kept beat can be read three clocks after `end`; one beat a clock both ways.

    Members
    -------
    memory : BufferPort
    origin, size : In: first beat and beats of the region
    w_en, w_data : a beat of the frame on trial; only while `free` is not 0
    end : In(1): the frame is over, a beat of this clock included; keep : In: how many of its beats stay
    free : Out: beats that can still be written
    o : stream of beats, kept frames only, in order
    """

    def __init__(self, width: int) -> None:
        self.width = width
        beats = BANKS * BANK_BYTES // (width // 8)
        pointer, amount = beats.bit_length() - 1, beats.bit_length()
        self.pointer = pointer
        super().__init__({
            "memory": Out(BufferPort(width)),
            "origin": In(pointer), "size": In(amount),
            "w_en": In(1), "w_data": In(width), "end": In(1), "keep": In(amount),
            "free": Out(amount), "o": Out(stream.Signature(width)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        start, trial, used = Signal(self.pointer), Signal.like(self.size), Signal.like(self.size)
        place, read_at = Signal(self.pointer), Signal(self.pointer)
        kept, taken = Signal.like(self.size), Signal()
        m.d.comb += [
            kept.eq(Mux(self.end, self.keep, 0)),
            self.free.eq(self.size - used - trial),
            self.memory.w_addr.eq(self.origin + place),
            self.memory.w_data.eq(self.w_data),
            self.memory.w_en.eq(self.w_en),
        ]
        after = Signal(self.pointer + 1)
        m.d.comb += after.eq(start + self.keep)
        with m.If(self.end):
            moved = Mux(after >= self.size, after - self.size, after)
            m.d.sync += [start.eq(moved), place.eq(moved), trial.eq(0)]
        with m.Elif(self.w_en):
            m.d.sync += [place.eq(Mux(place == self.size - 1, 0, place + 1)), trial.eq(trial + 1)]
        self._read(m, used, read_at, taken)
        m.d.sync += used.eq(used + kept - taken)
        return m

    def _read(self, m: Module, used: Signal, read_at: Signal, taken: Signal) -> None:
        """Two places behind the memory's one-clock latency keep the stream full. A place is free again when read."""
        coming = Signal()  # asked for last clock
        low, high = Signal(self.width), Signal(self.width)
        held = Signal(2)
        out = self.o.valid & self.o.ready
        ask = Signal()
        m.d.comb += [
            ask.eq((used != 0) & (held + coming - out < 2)),
            self.memory.r_en.eq(ask),
            self.memory.r_addr.eq(self.origin + read_at),
            self.o.valid.eq(held != 0),
            self.o.payload.eq(low),
            taken.eq(ask),
        ]
        m.d.sync += [coming.eq(ask), held.eq(held + coming - out)]
        with m.If(ask):
            m.d.sync += read_at.eq(Mux(read_at == self.size - 1, 0, read_at + 1))
        with m.If(out):
            m.d.sync += low.eq(high)
        with m.If(coming):
            with m.If((held - out) == 0):
                m.d.sync += low.eq(self.memory.r_data)
            with m.Else():
                m.d.sync += high.eq(self.memory.r_data)
