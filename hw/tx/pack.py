"""Read data of any alignment becomes contiguous beats of a frame.

Each burst's bytes are moved down to lane 0 and appended to what is left over from before. A beat is shown one step
late, when it is known whether another follows: a frame may end with a descriptor that has no bytes.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.burst import Plan
from ringbed.hw.bus.dma import ReadBeat
from ringbed.hw.stream.beat import beat_path, lanes_of, move_up
from ringbed.hw.tx.orders import TxBegin, TxFinish
from ringbed.hw.tx.ring import Piece

__all__ = ["Pack"]


class Pack(wiring.Component):
    """One read beat a clock; a frame whose last beat spills over takes one clock more. Waits when the output does.

    Members
    -------
    piece : stream of Piece; plan : stream of Plan, for pieces with bytes; i : stream of ReadBeat
    o : stream of Beats, `error` in each from a bus error on; begin : Out(TxBegin), with a frame's first beat;
        finish : Out(TxFinish), with its last, `abort` if the frame was refused or met an error
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "piece": In(stream.Signature(Piece())), "plan": In(stream.Signature(Plan())),
            "i": In(stream.Signature(ReadBeat(width))),
            "o": Out(beat_path(width, stops=True)), "begin": Out(TxBegin()), "finish": Out(TxFinish),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shift, piece = self.lanes.bit_length() - 1, self.piece.payload
        self.take, self.burst_end, self.spilling = Signal(), Signal(), Signal()
        self.rest_count, self.ends, self.total = Signal(shift), Signal(), Signal(shift + 2)
        there, self.marker, self.blocked = Signal(), Signal(), Signal()  # no bytes to take: none in the piece, or spilt
        self.here = self._here(m)
        m.d.comb += [
            self.total.eq(self.rest_count + self.here),
            self.ends.eq(self.burst_end & self.plan.payload.last & piece.last),  # this read beat ends the frame
            there.eq(self.i.valid & self.plan.valid & self.piece.valid & piece.some & ~self.spilling),
            self.marker.eq(self.piece.valid & (~piece.some | self.spilling)),
            self.take.eq(there & ~self.blocked),
            self.i.ready.eq(self.take),
            self.piece.ready.eq(Mux(
                self.marker, ~self.blocked,
                self.take & self.burst_end & self.plan.payload.last & ~(self.ends & (self.total > self.lanes)),
            )),
            self.plan.ready.eq(self.take & self.burst_end),
        ]  # fmt: skip
        self._hold(m, there, self._join(m))
        return m

    def _here(self, m: Module) -> Signal:
        """Bytes of the frame in the read beat at the door."""
        shift = self.lanes.bit_length() - 1
        moved, begun, left, room, here = Signal(10), Signal(), Signal(10), Signal(shift + 1), Signal(shift + 1)
        m.d.comb += [
            left.eq(self.plan.payload.length - moved),
            room.eq(self.lanes - Mux(begun, 0, self.plan.payload.lane[:shift])),
            here.eq(Mux(left < room, left, room)),
            self.burst_end.eq(left == here),
        ]
        with m.If(self.take):
            m.d.sync += [moved.eq(Mux(self.burst_end, 0, moved + here)), begun.eq(~self.burst_end)]
        self._begun = begun
        return here

    def _down(self, m: Module) -> Signal:
        """The read beat moved down to lane 0, lanes past its valid bytes cleared."""
        moved, low = Signal(self.width), Signal(self.width)
        with m.If(self._begun):
            m.d.comb += moved.eq(self.i.payload.data)
        with m.Else(), m.Switch(self.plan.payload.lane):
            for lane in range(self.lanes):
                with m.Case(lane):
                    m.d.comb += moved.eq(self.i.payload.data[8 * lane :])
        with m.Switch(self.here):
            for count in range(1, self.lanes + 1):
                with m.Case(count):
                    m.d.comb += low.eq(moved[: 8 * count])
        return low

    def _join(self, m: Module) -> Signal:
        """The bytes left over and those of the read beat behind them; what that leaves over is kept."""
        lanes, full = self.lanes, self.total >= self.lanes
        rest, joined, left_over = Signal(self.width), Signal(self.width), Signal(self.width)
        low = self._down(m)
        with m.If(self.spilling):
            m.d.comb += joined.eq(rest)
        with m.Else():
            m.d.comb += joined.eq(rest | move_up(m, low, self.rest_count, name="join"))
        with m.Switch(self.rest_count):
            for count in range(1, lanes):
                with m.Case(count):
                    m.d.comb += left_over.eq(low[8 * (lanes - count) :])
        ends_here = self.ends & (self.total <= lanes)
        with m.If(self.take):
            m.d.sync += [
                self.rest_count.eq(Mux(ends_here, 0, Mux(full, self.total - lanes, self.total))),
                # bytes past the last valid one must be zero, since more are or-ed in
                rest.eq(Mux(ends_here, 0, Mux(full, left_over, joined))),
                self.spilling.eq(self.ends & ~ends_here),
            ]
        with m.Elif(self.marker & self.piece.payload.last & ~self.blocked):
            m.d.sync += [self.rest_count.eq(0), rest.eq(0), self.spilling.eq(0)]
        return Mux(self.take, joined, rest)

    def _hold(self, m: Module, there: Signal, joined: Any) -> None:
        """The beat on show, one step late. A marker with nothing left over makes the held beat the last."""
        held, valid, fresh, lost = Signal.like(self.o.payload), Signal(), Signal(init=1), Signal()
        piece, full, leaves = self.piece.payload, self.total >= self.lanes, Signal()
        makes, made, made_last, marks = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            makes.eq((there & (full | self.ends)) | (self.marker & piece.last & (self.rest_count != 0))),
            marks.eq(self.marker & piece.last & (self.rest_count == 0)),
            self.blocked.eq(valid & ~self.o.ready & (makes | (marks & held.last))),
            made.eq(makes & ~self.blocked),
            made_last.eq(~there | (self.ends & (self.total <= self.lanes))),
            self.o.valid.eq(valid & (held.last | makes)),
            self.o.payload.eq(held),
            leaves.eq(self.o.valid & self.o.ready),
        ]
        with m.If(leaves):
            m.d.sync += valid.eq(0)
        with m.If(made):
            m.d.sync += [
                valid.eq(1),
                held.data.eq(joined),
                held.count.eq(Mux(there, Mux(full, self.lanes, self.total), self.rest_count)),
                held.first.eq(fresh),
                held.last.eq(made_last),
                held.error.eq(lost | (self.take & self.i.payload.error)),
                fresh.eq(made_last),
            ]
        with m.Elif(marks & ~self.blocked):
            m.d.sync += [held.last.eq(1), fresh.eq(1)]
        ends = (made & made_last) | (marks & ~self.blocked)
        # the error belongs to the frame being put together, the one before it may still be on show
        m.d.sync += lost.eq((lost | (self.take & self.i.payload.error)) & ~ends)
        self._tell(m, made, ends, fresh, held.error)

    def _tell(self, m: Module, made: Signal, ends: Any, fresh: Signal, error: Any) -> None:
        """What the first piece says, with the first beat; what the last one says, with the last."""
        begin, coming, finish = Signal(TxBegin()), Signal(TxBegin()), Signal(TxFinish)
        piece = self.piece.payload
        first = self.piece.valid & piece.first
        with m.If(first):
            m.d.sync += coming.eq(piece.begin)
        with m.If(made & fresh):
            m.d.sync += begin.eq(Mux(first, piece.begin, coming))
        with m.If(ends):
            m.d.sync += finish.eq(piece.begin.finish)
        m.d.comb += [
            self.begin.eq(begin),
            self.finish.eq(finish),
            self.finish.abort.eq(finish.abort | error),
        ]
