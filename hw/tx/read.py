"""Frames read from host memory: bursts are asked for as far as there is room, and their bytes packed into beats."""

from __future__ import annotations

from typing import Any

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.burst import BurstSplit, Chunk, Plan
from ringbed.hw.bus.dma import ReadBeat, Request
from ringbed.hw.bus.read_buffer import ReadBuffer
from ringbed.hw.stream.beat import beat_path
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.tx.orders import TxBegin, TxFinish
from ringbed.hw.tx.pack import Pack
from ringbed.hw.tx.ring import Piece

__all__ = ["TxRead"]

BEATS = 512  # asked for and not yet packed: 250 clocks of latency at a beat a clock, and some more
BURSTS = 64  # as many as the bus has outstanding


class TxRead(wiring.Component):
    """One beat a clock.

    Members
    -------
    chunk : stream of Chunk; piece : stream of Piece, a chunk belonging to each that has `some`
    request, beat : to DmaRead
    o, begin, finish : as Pack's
    answered, failed : as ReadBuffer's
    busy : Out(1): something is to be read, or waits to be packed; moves : Out(1): some of it moved in this clock
    """

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({
            "chunk": In(stream.Signature(Chunk())), "piece": In(stream.Signature(Piece())),
            "request": Out(stream.Signature(Request())), "beat": In(stream.Signature(ReadBeat(width))),
            "o": Out(beat_path(width, stops=True)), "begin": Out(TxBegin()), "finish": Out(TxFinish),
            "answered": Out(1), "failed": Out(1), "busy": Out(1), "moves": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.split = split = BurstSplit(self.width)
        m.submodules.plan = plan = Fifo(Plan(), BURSTS)
        m.submodules.pieces = pieces = Fifo(Piece(), BURSTS)
        m.submodules.buffer = buffer = ReadBuffer(self.width, BEATS)
        m.submodules.pack = pack = Pack(self.width)
        connect(m, flipped(self.chunk), split.i)
        connect(m, flipped(self.piece), pieces.i)
        connect(m, split.request, flipped(self.request))
        connect(m, split.plan, plan.i)
        connect(m, flipped(self.beat), buffer.i)
        connect(m, buffer.o, pack.i)
        connect(m, plan.o, pack.plan)
        connect(m, pieces.o, pack.piece)
        connect(m, pack.o, flipped(self.o))
        m.d.comb += [
            buffer.beats.eq(split.beats), buffer.asked.eq(split.request.valid & split.request.ready),
            split.go.eq(buffer.go),
            self.begin.eq(pack.begin), self.finish.eq(pack.finish),
            self.answered.eq(buffer.answered), self.failed.eq(buffer.failed),
            self.busy.eq(split.busy | pieces.o.valid),
            self.moves.eq(
                split.request.valid | (pieces.o.valid & pieces.o.ready) | (buffer.o.valid & buffer.o.ready)
            ),
        ]  # fmt: skip
        return m
