"""A descriptor ring whole: fetch policy before, completion policy behind, and what stops it.

Between the two sits the codec: whoever takes descriptors from `o` and gives their Entries back at `i`, in order.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.dma import ADDRESS_WIDTH, ReadBeat, Request, WriteBeat
from ringbed.hw.formats.em import StopCause
from ringbed.hw.ring.completion import Completion, Entry
from ringbed.hw.ring.fetch import DESCRIPTOR_BITS, RingFetch

__all__ = ["Ring", "RingBus", "RingRegisters"]


class RingRegisters(wiring.Signature):
    """What software says of a ring: base, descriptors in it, tail, a head of its own (with `head_w`); and its head."""

    def __init__(self) -> None:
        super().__init__({
            "base": Out(ADDRESS_WIDTH), "count": Out(16), "tail": Out(16), "threshold": Out(6),
            "head_w": Out(1), "head_in": Out(16), "head": In(16), "stop": In(3),
        })  # fmt: skip


class RingBus(wiring.Signature):
    """A ring's own bursts: descriptors read, status written."""

    def __init__(self, width: int) -> None:
        super().__init__({
            "fetch": Out(stream.Signature(Request())), "fetched": In(stream.Signature(ReadBeat(width))),
            "status": Out(stream.Signature(Request())), "status_beat": Out(stream.Signature(WriteBeat(width))),
            "status_done": In(1), "status_failed": In(1),
        })  # fmt: skip


class Ring(wiring.Component):
    """`depth` entries wait for write-back at most; `strobe` as in Completion. Stopped once, only a reset starts it.

    Members
    -------
    registers : RingRegisters; bus : RingBus; enable : In(1)
    o : stream of descriptors; i : stream of Entry
    answered : In(1): a data burst of the codec was answered; data_failed : In(1): with an error
    drain : In(1): a fetch or a data burst that failed keeps nobody's status back whose data is in memory
    flush : In(1): no more entries are coming for now
    done, frames, written, now, lates, landed : as Completion's; emptied : as RingFetch's
    active : Out(1): there is something to do that does not wait for others
    """

    def __init__(self, width: int, depth: int, strobe: int) -> None:
        self.width, self.depth, self.strobe = width, depth, strobe
        super().__init__({
            "registers": In(RingRegisters()), "bus": Out(RingBus(width)), "enable": In(1),
            "o": Out(stream.Signature(DESCRIPTOR_BITS)), "i": In(stream.Signature(Entry())),
            "answered": In(1), "data_failed": In(1), "drain": In(1), "flush": In(1),
            "done": Out(8), "frames": Out(8), "written": Out(1), "now": Out(4), "lates": Out(4),
            "landed": Out(1), "emptied": Out(1), "active": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fetch = fetch = RingFetch(self.width)
        m.submodules.completion = completion = Completion(self.width, self.depth, self.strobe)
        connect(m, fetch.request, flipped(self.bus.fetch))
        connect(m, flipped(self.bus.fetched), fetch.beat)
        connect(m, completion.request, flipped(self.bus.status))
        connect(m, completion.beat, flipped(self.bus.status_beat))
        connect(m, fetch.o, flipped(self.o))
        connect(m, flipped(self.i), completion.i)
        registers, stopped = self.registers, self.registers.stop != StopCause.NONE
        halted, torn, broken = Signal(), Signal(), Signal()  # no more write-backs; a data burst, one of them failed
        drains = self.drain & ~broken & ((registers.stop == StopCause.FETCH) | (registers.stop == StopCause.DATA))
        m.d.comb += halted.eq(stopped & ~drains)
        m.d.sync += [torn.eq(torn | self.data_failed), broken.eq(broken | self.bus.status_failed)]
        for block, stands in ((fetch, stopped), (completion, halted)):
            m.d.comb += [
                block.base.eq(registers.base), block.count.eq(registers.count), block.stopped.eq(stands),
                block.head_w.eq(registers.head_w), block.head_in.eq(registers.head_in),
            ]  # fmt: skip
        m.d.comb += [
            fetch.enable.eq(self.enable), fetch.tail.eq(registers.tail), fetch.done.eq(completion.done),
            registers.head.eq(fetch.head), self.emptied.eq(fetch.emptied),
            # what was asked for after the burst that failed does not count: its frame would seem whole
            completion.answered.eq(self.answered & ~(self.drain & (torn | self.data_failed))),
            completion.threshold.eq(registers.threshold),
            completion.flush.eq(self.flush), completion.starved.eq(~self.o.valid & ~fetch.busy),
            completion.response.eq(self.bus.status_done), completion.failed.eq(self.bus.status_failed),
            self.done.eq(completion.done), self.frames.eq(completion.frames), self.written.eq(completion.written),
            self.landed.eq(completion.landed), self.now.eq(completion.now), self.lates.eq(completion.lates),
            self.active.eq(fetch.busy | (completion.busy & ~halted)),
        ]  # fmt: skip
        # the first thing that goes wrong stops the ring
        with m.If(~stopped):
            m.d.sync += registers.stop.eq(
                Mux(self.bus.status_failed, StopCause.WRITEBACK, Mux(self.data_failed, StopCause.DATA, fetch.stop))
            )
        return m
