"""Flow control of the transmit side (IEEE 802.3 annex 31B; Intel 317453-006 8.7, 13.4.21, 13.4.22, 13.4.24).

`PauseHold`: a pause frame received stops transmission for a time. `PauseSend`: as the receive buffer fills, the partner
is told to stop, and when it has room again, to go on.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.interrupt.deadline import Deadline
from ringbed.hw.stream.beat import lanes_of, swap16
from ringbed.hw.stream.patch import TxBeat

__all__ = ["XOFF", "XON", "PauseHold", "PauseSend"]

SLOT = 64  # clocks of 8 ns in 512 ns, 64 bytes at 1 Gb/s
OPCODE = 0x0100  # 0001, first byte on the wire lowest
FRAME_BYTES = 18  # and padding, which the MAC puts behind
XOFF, XON = 1, 2  # TxBeat.pause


class PauseHold(wiring.Component):
    """Members: `valid`, `time` : a pause frame was honoured, 0 being XON; timebase; paused : Out(1); wait : Out(32)."""

    def __init__(self) -> None:
        super().__init__({
            "valid": In(1), "time": In(16), "timebase": In(32), "paused": Out(1), "wait": Out(32),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.timer = timer = Deadline()
        m.d.comb += [
            timer.timebase.eq(self.timebase), timer.clocks.eq(self.time * SLOT),
            timer.start.eq(self.valid & (self.time != 0)),
            timer.stop.eq(timer.due | (self.valid & (self.time == 0))),
            self.paused.eq(timer.running & ~timer.due), self.wait.eq(timer.wait),
        ]  # fmt: skip
        return m


class PauseSend(wiring.Component):
    """XOFF once as the fill reaches `high`, and again with each frame missed; XON, with `xone`, once it is below `low`.

    Without XON the next XOFF comes when the fill reaches `high` again. A threshold of 0 is none. A frame to be sent
    waits as long as it takes; asked for again meanwhile, it is still one.

    Members
    -------
    tfce : In(1): all this; software : In(1): one XOFF whatever else
    fill : In(17): bytes; high, low : In(16): bytes; xone : In(1); missed : In(1)
    da, sa : In(48): first byte on the wire lowest; kind : In(16): EtherType; time : In(16)
    go : In(1): a frame may begin
    o : stream of TxBeat
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "tfce": In(1), "software": In(1), "fill": In(17), "high": In(16), "low": In(16), "xone": In(1),
            "missed": In(1), "da": In(48), "sa": In(48), "kind": In(16), "time": In(16), "go": In(1),
            "o": Out(stream.Signature(TxBeat(width))),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        wants_xoff, wants_xon = Signal(), Signal()
        taken = self._frames(m, wants_xoff, wants_xon)
        told, above, below, turns = Signal(), Signal(), Signal(), Signal()  # told: the partner's last word is XOFF
        m.d.comb += [
            above.eq((self.high != 0) & (self.fill >= self.high)),
            below.eq(Mux(self.xone & (self.low != 0), self.fill < self.low, ~above)),
            turns.eq(self.tfce & (self.missed | (above & ~told))),
        ]
        with m.If(taken):
            m.d.sync += [wants_xoff.eq(0), wants_xon.eq(wants_xon & wants_xoff)]
        with m.If(turns):
            m.d.sync += [told.eq(1), wants_xoff.eq(1), wants_xon.eq(0)]
        with m.Elif(told & (below | ~self.tfce)):
            m.d.sync += [told.eq(0), wants_xon.eq(self.tfce & self.xone)]
        with m.If(self.software):
            m.d.sync += wants_xoff.eq(1)
        return m

    def _frames(self, m: Module, wants_xoff: Signal, wants_xon: Signal) -> Signal:
        """The frame's beats; gives the clock in which one is decided on, XOFF before XON."""
        beats = -(-FRAME_BYTES // self.lanes)
        busy, xoff, index, start = Signal(), Signal(), Signal(range(beats + 1)), Signal()
        frame, tx = Signal(8 * beats * self.lanes), self.o.payload
        m.d.comb += [
            start.eq(~busy & self.go & (wants_xoff | wants_xon)),
            frame.eq(Cat(self.da, self.sa, swap16(self.kind), Const(OPCODE, 16), swap16(Mux(xoff, self.time, 0)))),
            self.o.valid.eq(busy), tx.fcs.eq(1), tx.pad.eq(1), tx.pause.eq(Mux(xoff, XOFF, XON)),
            tx.beat.data.eq(frame.word_select(index, self.width)),
            tx.beat.first.eq(index == 0), tx.beat.last.eq(index == beats - 1),
            tx.beat.count.eq(Mux(tx.beat.last, FRAME_BYTES - (beats - 1) * self.lanes, self.lanes)),
        ]  # fmt: skip
        with m.If(start):
            m.d.sync += [busy.eq(1), xoff.eq(wants_xoff)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += index.eq(index + 1)
            with m.If(tx.beat.last):
                m.d.sync += [busy.eq(0), index.eq(0)]
        return start
