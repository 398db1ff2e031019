"""What stands between an engine's streams and a block: commands off the front, bursts, pauses, results behind.

The way in is `CommandPeel`, `Burst`, `Pauses`, `CommandShow`, in this order, and where the command has a handshake of
its own `Pauses` again between it and its frame; a block without commands has `Pauses` alone (hw/dut/pauses.py). The way
out is `ResultPack`, if the block has results, and `Pauses`. Nothing that a block gives is lost without being counted:
the counters are pins, and the ready tests read them (conformance/blocks/device.py).
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats.blocks import COUNT_BITS, MARKS, RESULTS_KEPT, RESULTS_WAITING, CommandTiming

__all__ = ["Burst", "CommandPeel", "CommandShow", "Early", "ResultPack", "Steady", "beat"]

BURST, GATHERED, PATIENCE = 64, 32, 32  # beats that fit; beats, or clocks without any, that begin a burst


def beat(lanes: int, command: int = 0) -> data.StructLayout:
    """One beat of a canonical stream; with `command` bytes of it beside, and whether it is a frame's first."""
    fields: dict[str, Any] = {"data": 8 * lanes, "keep": lanes, "last": 1}
    return data.StructLayout(fields | ({"first": 1, "command": 8 * command} if command else {}))


class CommandPeel(wiring.Component):
    """Takes `size` bytes of command, in whole beats, off the front of every frame and puts it beside each beat.

    Members:

    i : stream of beats; o : stream of beats with the command; without `frames` one empty beat for each command
    """

    def __init__(self, lanes: int, size: int, frames: bool = True) -> None:
        self.lanes, self.beats, self.frames = lanes, -(-size // lanes), frames
        super().__init__({"i": In(stream.Signature(beat(lanes))), "o": Out(stream.Signature(beat(lanes, size)))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        held, count, first = Signal(8 * self.lanes * self.beats), Signal(range(self.beats + 1)), Signal(init=1)
        i, o = self.i, self.o
        m.d.comb += [
            o.payload.data.eq(i.payload.data), o.payload.keep.eq(i.payload.keep), o.payload.first.eq(first),
            o.payload.last.eq(i.payload.last), o.payload.command.eq(held),
        ]  # fmt: skip
        with m.FSM():
            with m.State("COMMAND"):
                m.d.comb += i.ready.eq(1)
                with m.If(i.valid):
                    m.d.sync += [held.word_select(count, 8 * self.lanes).eq(i.payload.data), count.eq(count + 1)]
                    with m.If(count == self.beats - 1):
                        m.d.sync += [count.eq(0), first.eq(1)]
                        m.next = "FRAME" if self.frames else "ALONE"
            with m.State("FRAME"):
                m.d.comb += [o.valid.eq(i.valid), i.ready.eq(o.ready)]
                with m.If(i.valid & o.ready):
                    m.d.sync += first.eq(0)
                    with m.If(i.payload.last):
                        m.next = "COMMAND"
            with m.State("ALONE"):
                m.d.comb += [o.valid.eq(1), o.payload.last.eq(1)]
                with m.If(o.ready):
                    m.next = "COMMAND"
        return m


class Burst(wiring.Component):
    """Gathers beats and lets them go without a gap: commands that were peeled off left clocks between frames.

    A burst begins when GATHERED beats are there or none has come for PATIENCE clocks, and ends when none is left.

    Members:

    i : stream of beats; o : the same, later
    """

    def __init__(self, layout: data.StructLayout) -> None:
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=len(self.i.payload.as_value()), depth=BURST)
        going, waited = Signal(), Signal(range(PATIENCE + 1))
        m.d.comb += [
            fifo.w_data.eq(self.i.payload), fifo.w_en.eq(self.i.valid), self.i.ready.eq(fifo.w_rdy),
            self.o.payload.eq(fifo.r_data), self.o.valid.eq(fifo.r_rdy & going),
            fifo.r_en.eq(self.o.ready & going),
        ]  # fmt: skip
        with m.If(self.i.valid):
            m.d.sync += waited.eq(0)
        with m.Elif(waited != PATIENCE):
            m.d.sync += waited.eq(waited + 1)
        with m.If((fifo.level >= GATHERED) | (waited == PATIENCE)):
            m.d.sync += going.eq(1)
        with m.If(self.o.valid & self.o.ready & (fifo.level == 1)):
            m.d.sync += going.eq(0)
        return m


class CommandShow(wiring.Component):
    """Shows each command when the contract says, and in every other clock with all its bits inverted.

    Members:

    i : stream of beats with the command; o : stream of beats; without `frames` nothing comes there
    command : Out
    command_valid, command_ready : the command's own handshake, before the frame is offered; CommandTiming.HANDSHAKE
    """

    def __init__(self, lanes: int, size: int, timing: CommandTiming, frames: bool = True) -> None:
        if not frames and timing != CommandTiming.HANDSHAKE:
            raise ValueError("a command without a frame has no first beat: it needs a handshake")
        self.handshake, self.frames = timing == CommandTiming.HANDSHAKE, frames
        super().__init__({
            "i": In(stream.Signature(beat(lanes, size))), "o": Out(stream.Signature(beat(lanes))),
            "command": Out(8 * size), "command_valid": Out(1), "command_ready": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, o, shown, taken, through = self.i, self.o, Signal(), Signal(), Signal()
        m.d.comb += [
            o.payload.data.eq(i.payload.data), o.payload.keep.eq(i.payload.keep), o.payload.last.eq(i.payload.last),
            self.command.eq(Mux(shown, i.payload.command, ~i.payload.command)),
            o.valid.eq(i.valid & through), i.ready.eq(o.ready & through),
        ]  # fmt: skip
        if not self.handshake:
            m.d.comb += [shown.eq(i.valid & i.payload.first), through.eq(1)]
            return m
        m.d.comb += [shown.eq(self.command_valid), self.command_valid.eq(i.valid & i.payload.first & ~taken)]
        if not self.frames:
            m.d.comb += i.ready.eq(self.command_ready)
            return m
        m.d.comb += through.eq(~i.payload.first | taken)
        with m.If(self.command_valid & self.command_ready):
            m.d.sync += taken.eq(1)
        with m.Elif(i.valid & i.ready):
            m.d.sync += taken.eq(0)
        return m


class ResultPack(wiring.Component):
    """Makes a frame of `size` bytes of every result; when there are `frames`, between them, as soon as one has ended.

    Then a beat stands in front of each frame and of each result, whose first byte is of MARKS.

    Members:

    i : stream of beats, the block's frames; o : stream of beats
    result : In; valid : In(1), one clock a result, with its frame's last beat or later
    many : Out, RESULTS_WAITING wait: no further frame should begin
    lost : Out(COUNT_BITS), results that came while RESULTS_KEPT waited; stays at its highest
    """

    def __init__(self, lanes: int, size: int, frames: bool) -> None:
        self.lanes, self.size, self.frames = lanes, size, frames
        super().__init__({
            "i": In(stream.Signature(beat(lanes))), "o": Out(stream.Signature(beat(lanes))),
            "result": In(8 * size), "valid": In(1), "many": Out(1), "lost": Out(COUNT_BITS),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=8 * self.size, depth=RESULTS_KEPT)
        i, o, beats = self.i, self.o, -(-self.size // self.lanes)
        count, rest = Signal(range(beats + 1)), self.size - (beats - 1) * self.lanes
        m.d.comb += [
            fifo.w_data.eq(self.result), fifo.w_en.eq(self.valid), self.many.eq(fifo.level >= RESULTS_WAITING)
        ]  # fmt: skip
        with m.If(self.valid & ~fifo.w_rdy & ~self.lost.all()):
            m.d.sync += self.lost.eq(self.lost + 1)
        chosen, result = Signal(), Signal()  # an offered mark stays, whatever comes meanwhile
        with m.FSM(init="MARK" if self.frames else "RESULT"):
            with m.State("MARK"):
                m.d.comb += [
                    o.valid.eq(fifo.r_rdy | i.valid), o.payload.keep.eq(-1),
                    result.eq(fifo.r_rdy & ~chosen), o.payload.data.eq(Mux(result, MARKS["result"], MARKS["frame"])),
                ]  # fmt: skip
                m.d.sync += chosen.eq(i.valid & ~o.ready & ~result)
                with m.If(o.valid & o.ready):
                    m.next = "RESULT"
                    with m.If(~result):
                        m.next = "FRAME"
            with m.State("FRAME"):
                m.d.comb += [o.payload.eq(i.payload), o.valid.eq(i.valid), i.ready.eq(o.ready)]
                with m.If(i.valid & o.ready & i.payload.last):
                    m.next = "MARK"
            with m.State("RESULT"):
                last = count == beats - 1
                m.d.comb += [
                    o.payload.data.eq(fifo.r_data.word_select(count, 8 * self.lanes)), o.payload.last.eq(last),
                    o.payload.keep.eq(Mux(last, (1 << rest) - 1, (1 << self.lanes) - 1)), o.valid.eq(fifo.r_rdy),
                ]  # fmt: skip
                with m.If(fifo.r_rdy & o.ready):
                    m.d.sync += count.eq(Mux(last, 0, count + 1))
                    with m.If(last):
                        m.d.comb += fifo.r_en.eq(1)
                        m.next = "MARK" if self.frames else "RESULT"
        return m


class Early(wiring.Component):
    """Counts results of which the frame's last beat, or the command, has not been taken yet.

    Members:

    last : In, one is taken in this clock; valid : In, a result is given in this clock; early : Out(COUNT_BITS)
    """

    def __init__(self) -> None:
        super().__init__({"last": In(1), "valid": In(1), "early": Out(COUNT_BITS)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        ahead = Signal(signed(32))  # frames taken without a result; below 0, results without a frame
        m.d.sync += ahead.eq(ahead + self.last - self.valid)
        with m.If(self.valid & (ahead + self.last <= 0) & ~self.early.all()):
            m.d.sync += self.early.eq(self.early + 1)
        return m


class Steady(wiring.Component):
    """Counts clocks in which a beat that waited for its ready was taken back or was another.

    Members:

    valid, ready : In; payload : In; changed : Out(COUNT_BITS)
    """

    def __init__(self, width: int) -> None:
        super().__init__({"valid": In(1), "ready": In(1), "payload": In(width), "changed": Out(COUNT_BITS)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        waited, was = Signal(), Signal.like(self.payload)
        m.d.sync += [waited.eq(self.valid & ~self.ready), was.eq(self.payload)]
        with m.If(waited & (~self.valid | (self.payload != was)) & ~self.changed.all()):
            m.d.sync += self.changed.eq(self.changed + 1)
        return m
