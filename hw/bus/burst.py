"""A stretch of host memory cut into bursts: the requests for the bus, and the plan for whoever moves the bytes."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.dma import ADDRESS_WIDTH, BURST_BYTES, Request

__all__ = ["LENGTH_WIDTH", "BurstSplit", "Chunk", "Plan", "bursts_in"]

LENGTH_WIDTH = 15  # bytes of a frame or buffer: 1 to 16384


class Chunk(data.StructLayout):
    """`length` bytes (at least 1) of host memory from `address`, any alignment."""

    def __init__(self) -> None:
        super().__init__({"address": ADDRESS_WIDTH, "length": LENGTH_WIDTH})


class Plan(data.StructLayout):
    """One burst to be moved: its first byte's lane, its bytes, and whether it begins or ends its chunk."""

    def __init__(self) -> None:
        super().__init__({"lane": 6, "length": 10, "first": 1, "last": 1})


def bursts_in(address: Any, length: Any) -> Any:
    """How many bursts `BurstSplit` makes of a chunk; a value for hardware."""
    bits = BURST_BYTES.bit_length() - 1
    return ((address[:bits] + length - 1) >> bits) + 1


class BurstSplit(wiring.Component):
    """One burst a clock; a chunk is taken in the clock of the last burst of the one before.

    Members
    -------
    i : stream of Chunk
    request : stream of Request
    plan : stream of Plan, one for each request, in the same clock
    beats : Out(8): data beats of the burst on offer
    go : In(1): the burst on offer may be asked for
    busy : Out(1)
    """

    def __init__(self, width: int) -> None:
        self.lanes = width // 8
        super().__init__({
            "i": In(stream.Signature(Chunk())),
            "request": Out(stream.Signature(Request())),
            "plan": Out(stream.Signature(Plan())),
            "beats": Out(8), "go": In(1, init=1), "busy": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shift, bits = self.lanes.bit_length() - 1, BURST_BYTES.bit_length() - 1
        address, left, first = Signal(ADDRESS_WIDTH), Signal(LENGTH_WIDTH), Signal()
        length, room, lane, last, fire = Signal(10), Signal(10), Signal(shift), Signal(), Signal()
        m.d.comb += [
            self.busy.eq(left != 0),
            room.eq(BURST_BYTES - address[:bits]),
            last.eq(left <= room),
            length.eq(Mux(last, left, room)),
            lane.eq(address[:shift]),
            self.beats.eq((lane + length + self.lanes - 1) >> shift),
            self.request.valid.eq(self.busy & self.go & self.plan.ready),
            self.request.payload.address.eq(address & ~(self.lanes - 1)),
            self.request.payload.len.eq(self.beats - 1),
            self.plan.valid.eq(self.busy & self.go & self.request.ready),
            self.plan.payload.lane.eq(lane),
            self.plan.payload.length.eq(length),
            self.plan.payload.first.eq(first),
            self.plan.payload.last.eq(last),
            fire.eq(self.request.valid & self.request.ready),
            self.i.ready.eq(~self.busy | (fire & last)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [address.eq(self.i.payload.address), left.eq(self.i.payload.length), first.eq(1)]
        with m.Elif(fire):
            m.d.sync += [address.eq(address + length), left.eq(left - length), first.eq(0)]
        return m
