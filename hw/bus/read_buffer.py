"""Frame data between the bus and the packer: room is set aside when a burst is asked for, so the bus never waits.

What is behind it may stop for as long as it likes: for the wire, for a pause, for segments that are more bytes than the
message they are cut from.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.dma import ReadBeat
from ringbed.hw.stream.fifo import Fifo

__all__ = ["ReadBuffer"]


class ReadBuffer(wiring.Component):
    """One beat a clock both ways. `depth` beats are asked for or here at most: latency times width that stays hidden.

    After a beat with an error every beat has one: what was asked for behind it is not to be sent either.

    Members
    -------
    beats : In(8): of the burst on offer; asked : In(1): it is asked for; go : Out(1): there is room for it
    i, o : streams of ReadBeat; i is always ready
    answered : Out(1): a burst's last beat is in; failed : Out(1): a beat came in with an error
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__({
            "beats": In(8), "asked": In(1), "go": Out(1),
            "i": In(stream.Signature(ReadBeat(width))), "o": Out(stream.Signature(ReadBeat(width))),
            "answered": Out(1), "failed": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = Fifo(
            ReadBeat(self.width),
            self.depth,
            has_room="read_buffer: what comes has room, set aside when it was asked for",
        )  # fmt: skip
        room, spoilt, arrives = Signal(range(self.depth + 1), init=self.depth), Signal(), self.i.valid
        connect(m, queue.o, flipped(self.o))
        m.d.comb += [
            queue.i.valid.eq(arrives),
            queue.i.payload.eq(self.i.payload),
            queue.i.payload.error.eq(self.i.payload.error | spoilt),
            self.i.ready.eq(1),
            self.answered.eq(arrives & self.i.payload.last),
            self.failed.eq(arrives & self.i.payload.error),
            self.go.eq(room >= self.beats),
        ]
        m.d.sync += room.eq(room - Mux(self.asked, self.beats, 0) + (self.o.valid & self.o.ready))
        with m.If(self.failed):
            m.d.sync += spoilt.eq(1)
        return m
