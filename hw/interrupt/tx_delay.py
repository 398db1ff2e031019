"""When a write-back of transmit descriptors interrupts: TIDV, TADV and IDE; and how long write-backs may gather.

A descriptor with RS and no IDE interrupts with its write-back. One with both starts TIDV anew; TADV runs from the first
of them and is not started anew; the first timer to run out interrupts, and any interrupt stops both (Intel 317453-006
3.3.3.1, 13.4.41, 13.4.44). With TXDCTL.WTHRESH above 1 descriptors with IDE wait for it, and a timer that runs out
writes them back (M 3.4.2); they then start it as they come, for one that is not written can start nothing. They wait
only while it runs: one that comes just before or with an interrupt, which stops it, is written like any other, and its
write-back starts the timer again. TIDV 0 is not allowed with IDE (M 13.4.41): it is taken as no delay.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.interrupt.deadline import Deadline

__all__ = ["TxDelay"]

UNIT = 128  # clocks of 8 ns in 1.024 us


class TxDelay(wiring.Component):
    """Members:

    entry : In(1): a descriptor with RS was used, on its way to write-back; late : In(1): it has IDE
    now, lates : In(4): descriptors with RS, without and with IDE, whose write-back was answered in this clock
    stopped : In(1): nothing will be written any more
    threshold : In(6); tidv, tadv : In(16); timebase : In(32)
    event : Out(1): TXDW
    hold : Out(1): what waits for write-back may go on waiting; flush : Out(1): it may not
    wait : Out(32): clocks to the next expiry
    """

    def __init__(self) -> None:
        super().__init__({
            "entry": In(1), "late": In(1), "now": In(4), "lates": In(4), "stopped": In(1),
            "threshold": In(6), "tidv": In(16), "tadv": In(16), "timebase": In(32),
            "event": Out(1), "hold": Out(1), "flush": Out(1), "wait": Out(32),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.each = each = Deadline()
        m.submodules.first = first = Deadline()
        urgent, late, owed = Signal(8), Signal(8), Signal()  # waiting to be written; late ones written, not told of
        before, behind = Signal(8), Signal(8)  # of those to be written before the interrupt: until now, still
        delays, gathers, starts, expired = Signal(), Signal(), Signal(), Signal()
        goal, flushing = Signal(8), Signal()
        m.d.comb += [
            delays.eq(self.tidv != 0),
            gathers.eq(delays & (self.threshold > 1)),
            self.hold.eq(gathers & (urgent == 0) & (late != 0) & each.running),
            starts.eq(delays & ((self.lates != 0) | (gathers & self.entry & self.late))),
            expired.eq(each.due | first.due),
            self.flush.eq(flushing | expired),
            before.eq(Mux(flushing, goal, Mux(gathers, late, 0))),
            # a burst may hold younger ones too, which were not counted when the timer ran out
            behind.eq(Mux(before > self.lates, before - self.lates, 0)),
            self.event.eq((self.now != 0) | ((self.lates != 0) & ~delays)
                          | ((flushing | expired) & (behind == 0) & (owed | (self.lates != 0)))),
            each.start.eq(starts & ~self.event & ~self.stopped), each.clocks.eq(self.tidv * UNIT),
            first.start.eq(each.start & ~first.running & (self.tadv != 0)), first.clocks.eq(self.tadv * UNIT),
            self.wait.eq(Mux(each.wait < first.wait, each.wait, first.wait)),
        ]  # fmt: skip
        for timer in (each, first):
            m.d.comb += [timer.timebase.eq(self.timebase), timer.stop.eq(self.event | expired | self.stopped)]
        m.d.sync += [
            urgent.eq(urgent + (self.entry & ~self.late) - self.now),
            late.eq(late + (self.entry & self.late) - self.lates),
            owed.eq((owed | (self.lates != 0)) & ~self.event & ~self.stopped),
        ]
        with m.If(self.event | self.stopped):
            m.d.sync += flushing.eq(0)
        with m.Elif(flushing | expired):
            m.d.sync += [flushing.eq(behind != 0), goal.eq(behind)]
        return m
