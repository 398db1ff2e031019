"""Read data of any alignment becomes contiguous beats of a frame.

Each burst's bytes are moved down to lane 0 and appended to what is left over from before. A beat is shown one step
late, when it is known whether another follows: a frame may end with a descriptor that has no bytes.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.beat import beat_path, lanes_of, move_up
from ringbed.hw.burst import Plan
from ringbed.hw.dma import ReadBeat
from ringbed.hw.ring_tx import Piece, SumOrder, TxFinish

__all__ = ["Pack"]


class Pack(wiring.Component):
    """One read beat a clock; a frame whose last beat spills over takes one clock more.

    Members
    -------
    piece : stream of Piece; plan : stream of Plan, for pieces with bytes; i : stream of ReadBeat
    o : beats, cannot be stopped; order : Out(SumOrder), with the first beat; finish : Out(TxFinish), with the last
    answered : Out(1): a burst's last beat was taken
    failed : Out(1): a beat came with a bus error; its frame ends with `finish.abort`
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "piece": In(stream.Signature(Piece())), "plan": In(stream.Signature(Plan())),
            "i": In(stream.Signature(ReadBeat(width))),
            "o": Out(beat_path(width)), "order": Out(SumOrder), "finish": Out(TxFinish),
            "answered": Out(1), "failed": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shift, lanes = self.lanes.bit_length() - 1, self.lanes
        piece = self.piece.payload
        rest, rest_count = Signal(self.width), Signal(shift)  # bytes not yet a whole beat
        take, burst_end, spilling = Signal(), Signal(), Signal()
        here = self._here(m, take, burst_end)
        low = self._down(m)
        total, joined, left_over = Signal(shift + 2), Signal(self.width), Signal(self.width)
        m.d.comb += total.eq(rest_count + here)
        m.d.comb += joined.eq(rest | move_up(m, low, rest_count, name="join"))
        with m.Switch(rest_count):
            for count in range(1, lanes):
                with m.Case(count):
                    m.d.comb += left_over.eq(low[8 * (lanes - count) :])
        full, over = total >= lanes, total > lanes
        ends = burst_end & self.plan.payload.last & piece.last  # this read beat ends the frame
        marker = Signal()  # no bytes to take: a piece without any, or what spilled over
        m.d.comb += [
            take.eq(self.i.valid & self.i.ready),
            self.i.ready.eq(self.plan.valid & self.piece.valid & piece.some & ~spilling),
            marker.eq(self.piece.valid & (~piece.some | spilling)),
            self.piece.ready.eq(
                marker | (take & burst_end & self.plan.payload.last & ~(ends & over))
            ),
            self.plan.ready.eq(take & burst_end),
            self.answered.eq(take & burst_end),
            self.failed.eq(take & self.i.payload.error),
        ]  # fmt: skip
        made, made_last, made_count = Signal(), Signal(), Signal(shift + 1)
        m.d.comb += [
            made.eq((take & (full | ends)) | (marker & piece.last & (rest_count != 0))),
            made_count.eq(Mux(take, Mux(full, lanes, total), rest_count)),
            made_last.eq(Mux(take, ends & ~over, 1)),
        ]
        with m.If(take):
            m.d.sync += [
                rest_count.eq(Mux(ends & ~over, 0, Mux(full, total - lanes, total))),
                # bytes past the last valid one must be zero, since more are or-ed in
                rest.eq(Mux(full, left_over, joined)),
                spilling.eq(ends & over),
            ]
            with m.If(ends & ~over):
                m.d.sync += rest.eq(0)
        with m.Elif(marker & piece.last):
            m.d.sync += [rest_count.eq(0), rest.eq(0), spilling.eq(0)]
        self._hold(m, made, made_last, made_count, Mux(take, joined, rest), marker & piece.last)
        return m

    def _here(self, m: Module, take: Signal, burst_end: Signal) -> Signal:
        """Bytes of the frame in the read beat at the door."""
        shift = self.lanes.bit_length() - 1
        moved, begun, left, room, here = Signal(10), Signal(), Signal(10), Signal(shift + 1), Signal(shift + 1)
        m.d.comb += [
            left.eq(self.plan.payload.length - moved),
            room.eq(self.lanes - Mux(begun, 0, self.plan.payload.lane[:shift])),
            here.eq(Mux(left < room, left, room)),
            burst_end.eq(left == here),
        ]
        with m.If(take):
            m.d.sync += [moved.eq(Mux(burst_end, 0, moved + here)), begun.eq(~burst_end)]
        self._begun, self._count = begun, here
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
        with m.Switch(self._count):
            for count in range(1, self.lanes + 1):
                with m.Case(count):
                    m.d.comb += low.eq(moved[: 8 * count])
        return low

    def _hold(self, m: Module, made: Any, made_last: Any, made_count: Any, made_data: Any, marked: Any) -> None:
        """The beat on show, one step late. A marker with nothing left over makes the held beat the last."""
        held, show = Signal.like(self.o.payload), Signal()
        valid, fresh, lost = Signal(), Signal(init=1), Signal()
        order, finish = Signal(SumOrder), Signal(TxFinish)
        piece = self.piece.payload
        m.d.comb += [
            show.eq(valid & (held.last | made)),
            self.o.valid.eq(show),
            self.o.payload.eq(held),
            self.order.eq(order),
            self.finish.eq(finish),
            self.finish.abort.eq(finish.abort | lost),
        ]
        with m.If(show):
            m.d.sync += valid.eq(0)
        with m.If(made):
            m.d.sync += [
                valid.eq(1),
                held.data.eq(made_data),
                held.count.eq(made_count),
                held.first.eq(fresh),
                held.last.eq(made_last),
                fresh.eq(made_last),
            ]
        with m.Elif(marked):
            m.d.sync += [held.last.eq(1), fresh.eq(1)]
        with m.If(self.piece.valid & piece.first & fresh):
            m.d.sync += order.eq(piece.order)
        with m.If((made & made_last) | marked):
            m.d.sync += finish.eq(piece.finish)
        # the error belongs to the frame being put together; it is told with that frame's last beat
        with m.If(self.failed):
            m.d.sync += lost.eq(1)
        with m.Elif(show & held.last):
            m.d.sync += lost.eq(0)
