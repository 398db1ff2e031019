"""Receive interrupt moderation: RDTR, RADV, FPD and RSRPD (M 3.2.7.1-2, 13.4.30-31).

A frame whose data is in memory starts the packet timer anew (RDTR), and the absolute timer (RADV) unless that runs. The
one that runs out first ends both: all descriptors used by then are written back, and after the last of them RXT0 rises.
FPD does the same at once, with frames or without; so does a frame of RSRPD bytes or fewer, with SRPD beside RXT0. With
RDTR = 0 neither timer runs and each write-back of a frame raises RXT0. RDTR set to 0 while a timer runs ends it.

What comes while a write-back for an interrupt is under way waits for one of its own: else a stream of small frames
could put the interrupt off for ever.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RxDelay"]

NEVER = 0xFFFFFFFF
ORDER = 10  # bits of a frame's number, modulo: more than wait for their write-back at a time


class RxDelay(wiring.Component):
    """`unit` is the clocks of one count of both timers: 1.024 us.

    Members
    -------
    landed : In(1): a frame's data is in memory; small : In(1), with it: of RSRPD.SIZE bytes or fewer
    delivered : In(8): frames whose descriptors were written back in this clock
    rdtr, radv : In(16); fpd : In(1): a pulse; timebase : In(32)
    flush : Out(1): write back all that is used
    rxt0, srpd : Out(1): causes, a pulse
    moderated : Out(1): write-backs may wait for more of them
    wait : Out(32): clocks until a timer is over, all ones when none runs
    """

    def __init__(self, unit: int) -> None:
        if not 0 < unit < 1 << 15:
            raise ValueError(f"a timer's unit of {unit!r} clocks is not within its 31 bits of time")
        self.unit = unit
        super().__init__({
            "landed": In(1), "small": In(1), "delivered": In(8), "rdtr": In(16), "radv": In(16), "fpd": In(1),
            "timebase": In(32), "flush": Out(1), "rxt0": Out(1), "srpd": Out(1), "moderated": Out(1),
            "wait": Out(32, init=NEVER),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        over, due = Signal(), Signal()
        m.d.comb += [
            self.moderated.eq(self.rdtr != 0),
            due.eq(over | self.fpd | (self.landed & self.small)),
        ]
        self._timers(m, over, due)
        self._write_backs(m, due)
        return m

    def _timers(self, m: Module, over: Signal, due: Signal) -> None:
        packet, absolute = Signal(), Signal()  # they run
        packet_end, absolute_end, packet_left, absolute_left = (Signal(32) for _ in range(4))
        packet_over, absolute_over = Signal(), Signal()
        m.d.comb += [
            packet_left.eq(packet_end - self.timebase),
            absolute_left.eq(absolute_end - self.timebase),
            packet_over.eq(packet & (packet_left[31] | (packet_left == 0) | ~self.moderated)),
            absolute_over.eq(absolute & (absolute_left[31] | (absolute_left == 0))),
            over.eq(packet_over | absolute_over),
        ]
        with m.If(over):
            m.d.comb += self.wait.eq(0)
        with m.Elif(absolute & (absolute_left < packet_left)):
            m.d.comb += self.wait.eq(absolute_left)
        with m.Else():
            m.d.comb += self.wait.eq(Mux(packet, packet_left, NEVER))
        with m.If(due):
            m.d.sync += [packet.eq(0), absolute.eq(0)]
        with m.Elif(self.landed & self.moderated):
            m.d.sync += [packet.eq(1), packet_end.eq(self.timebase + self.rdtr * self.unit)]
            with m.If(~absolute):
                m.d.sync += [absolute.eq(self.radv != 0), absolute_end.eq(self.timebase + self.radv * self.unit)]

    def _write_backs(self, m: Module, due: Signal) -> None:
        """Frames are numbered as they land; a cause rises when those up to `last` are written back."""
        landed, written, last = Signal(ORDER), Signal(ORDER), Signal(ORDER)
        pending, again, small, small_again, behind = Signal(), Signal(), Signal(), Signal(), Signal(ORDER)
        reached, small_now = Signal(), Signal()
        m.d.comb += [
            behind.eq(written - last),
            reached.eq(pending & ~behind[-1]),
            small_now.eq(self.landed & self.small),
            self.flush.eq(pending),
            self.rxt0.eq(reached | (~self.moderated & (self.delivered != 0))),
            self.srpd.eq(reached & small),
        ]
        m.d.sync += [landed.eq(landed + self.landed), written.eq(written + self.delivered)]
        with m.If(pending & ~reached):
            m.d.sync += [again.eq(again | due), small_again.eq(small_again | small_now)]
        with m.Else():
            m.d.sync += [
                pending.eq(due | again), last.eq(landed + self.landed), small.eq(small_now | small_again),
                again.eq(0), small_again.eq(0),
            ]  # fmt: skip
