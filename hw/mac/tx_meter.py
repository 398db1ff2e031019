"""What the statistics block is told of each frame sent, seen on the wire itself (Intel 317453-006 13.7)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.pause_tx import XOFF, XON
from ringbed.hw.station.statistics import TxStat
from ringbed.hw.stream.beat import lanes_of

__all__ = ["TxMeter"]


class TxMeter(wiring.Component):
    """One TxStat in the clock a frame's last beat leaves.

    Members
    -------
    moves, last : In(1): a beat leaves, the frame's last; data, count : In: the beat; pause : In(2): as TxBeat's
    o : stream of TxStat, always ready
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "moves": In(1), "last": In(1), "data": In(width), "count": In(range(self.lanes + 1)), "pause": In(2),
            "o": Out(stream.Signature(TxStat, always_ready=True)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stat, before, inside = self.o.payload, Signal(15), Signal()
        group, all_ones, was_group, was_all_ones = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            group.eq(Mux(inside, was_group, self.data[0])),
            all_ones.eq(Mux(inside, was_all_ones, self.data[:48].all())),
            stat.length.eq(before + self.count),
            stat.broadcast.eq(all_ones), stat.multicast.eq(group & ~all_ones),
            stat.xoff.eq(self.pause == XOFF), stat.xon.eq(self.pause == XON),
            self.o.valid.eq(self.moves & self.last),
        ]  # fmt: skip
        with m.If(self.moves):
            m.d.sync += [inside.eq(~self.last), before.eq(Mux(self.last, 0, before + self.lanes))]
            m.d.sync += [was_group.eq(group), was_all_ones.eq(all_ones)]
        return m
