"""Several masters on one AXI4 port: read requests and data, write requests, data and responses.

A source asks for a burst by address and number of beats (at most 256, inside one 4 KiB page: `BurstSplit` sees to it)
and gets its data or its response back by id. A source asks only for what it has room for: read data that waits holds up
all sources, so it may wait for a clock or two and never for another burst.
"""

from __future__ import annotations

from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.axi import AXI_INCR, Axi4
from ringbed.hw.stream.fifo import Fifo

__all__ = ["ADDRESS_WIDTH", "BURST_BYTES", "DmaRead", "DmaWrite", "ReadBeat", "Request", "WriteBeat"]

ADDRESS_WIDTH = 64
OUTSTANDING = 64  # bursts out at a time, each way
BURST_BYTES = 512  # no burst crosses a multiple of it, so none crosses a 4 KiB boundary


class Request(data.StructLayout):
    """A burst: first byte's address (beat-aligned) and beats - 1, as AXI counts them."""

    def __init__(self) -> None:
        super().__init__({"address": ADDRESS_WIDTH, "len": 8})


class ReadBeat(data.StructLayout):
    """A beat of read data; `error` is DECERR or SLVERR."""

    def __init__(self, width: int) -> None:
        super().__init__({"data": width, "last": 1, "error": 1})


class WriteBeat(data.StructLayout):
    """A beat of write data with its byte strobes."""

    def __init__(self, width: int) -> None:
        super().__init__({"data": width, "strb": width // 8, "last": 1})


def _choose(m: Module, requests: list[Any], free: Any) -> Signal:
    """Round robin: the index of the request taken in this clock, if `free`; readies are driven here."""
    chosen, after = Signal(range(len(requests))), Signal(range(len(requests)))
    count = len(requests)
    with m.Switch(after):
        for start in range(count):
            with m.Case(start):
                for index in reversed([(start + step) % count for step in range(count)]):
                    with m.If(requests[index].valid):
                        m.d.comb += chosen.eq(index)
    for index, request in enumerate(requests):
        m.d.comb += request.ready.eq(free & (chosen == index))
        with m.If(request.valid & request.ready):
            m.d.sync += after.eq((index + 1) % count)
    return chosen


def _issue(m: Module, bus: Any, channel: str, requests: list[Any], allowed: Any) -> tuple[Signal, Signal]:
    """The register of address channel `channel` (`ar` or `aw`), filled from the requests in turn while `allowed`.

    Gives whether one was taken in this clock, and whose.
    """
    size, burst, valid, ready, number, address, length = (
        getattr(bus, channel + name) for name in ("size", "burst", "valid", "ready", "id", "addr", "len")
    )
    started, taken = Signal(), Array(requests)
    free = (~valid | ready) & allowed
    chosen = _choose(m, requests, free)
    m.d.comb += [
        size.eq((bus.signature.data_width // 8).bit_length() - 1),
        burst.eq(AXI_INCR),
        started.eq(free & Cat(request.valid for request in requests).any()),
    ]
    with m.If(started):
        m.d.sync += [
            valid.eq(1),
            number.eq(chosen),
            address.eq(taken[chosen].payload.address),
            length.eq(taken[chosen].payload.len),
        ]
    with m.Elif(ready):
        m.d.sync += valid.eq(0)
    return started, chosen


def _count(m: Module, started: Any, ended: Any) -> Signal:
    """Bursts asked for and not yet ended."""
    outstanding = Signal(range(OUTSTANDING + 1))
    m.d.sync += outstanding.eq(outstanding + started - ended)
    return outstanding


class _Master(wiring.Component):
    """What both ways have: the bus, a stream of requests for each source, and when to start no more bursts."""

    def __init__(self, sources: int, width: int, id_width: int, own: dict[str, Any]) -> None:
        self.sources, self.width = sources, width
        super().__init__({
            "bus": Out(Axi4(ADDRESS_WIDTH, width, id_width)),
            "request": In(stream.Signature(Request())).array(sources),
            "halt": In(1), "busy": Out(1),
        } | own)  # fmt: skip


class DmaRead(_Master):
    """AR and R. Latency: one clock for a request, none for data.

    RREADY does not depend on RID, since AXI has no path from an input to an output of the same clock (IHI 0022,
    A3.2.1): a beat whose source is not ready waits here, and the next one outside.

    Members
    -------
    bus : AXI4 master; this block drives AR and R
    request : streams of Request, one a source; its index is the AXI id
    beat : streams of ReadBeat, one a source
    halt : In(1): start no new burst
    busy : Out(1): bursts are out
    """

    def __init__(self, sources: int, width: int, id_width: int = 4) -> None:
        super().__init__(sources, width, id_width, {"beat": Out(stream.Signature(ReadBeat(width))).array(sources)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus, room = self.bus, Signal()
        started, _ = _issue(m, bus, "ar", list(self.request), room & ~self.halt)
        offered, taken, here = self._data(m)
        outstanding = _count(m, started, offered & taken & here.beat.last)
        m.d.comb += [room.eq(outstanding < OUTSTANDING), self.busy.eq(outstanding != 0)]
        return m

    def _data(self, m: Module) -> tuple[Signal, Signal, Any]:
        """Beats to their sources. Gives whether there is one, whether it is taken, and the beat with its id."""
        bus = self.bus
        shape = data.StructLayout({"id": len(bus.rid), "beat": ReadBeat(self.width)})
        arriving, kept, here = Signal(shape), Signal(shape), Signal(shape)
        waiting, offered, taken = Signal(), Signal(), Signal()  # waiting: `kept` has not been taken yet
        m.d.comb += [
            arriving.id.eq(bus.rid),
            arriving.beat.data.eq(bus.rdata),
            arriving.beat.last.eq(bus.rlast),
            arriving.beat.error.eq(bus.rresp[1]),
            here.eq(Mux(waiting, kept, arriving)),
            offered.eq(waiting | bus.rvalid),
            bus.rready.eq(~waiting),
        ]
        m.d.sync += waiting.eq(offered & ~taken)
        with m.If(~waiting):
            m.d.sync += kept.eq(arriving)
        for index, beat in enumerate(self.beat):
            mine = here.id == index
            m.d.comb += [beat.valid.eq(offered & mine), beat.payload.eq(here.beat)]
            with m.If(mine):
                m.d.comb += taken.eq(beat.ready)
        return offered, taken, here


class DmaWrite(_Master):
    """AW, W and B. Data goes out in the order of the requests; latency one clock each.

    Members
    -------
    bus : AXI4 master; this block drives AW, W and B
    request : streams of Request, one a source; its index is the AXI id
    beat : streams of WriteBeat, one a source, in the order of that source's requests
    done, failed : Out(1) a source: a burst's response arrived in this clock; `failed` with it: DECERR or SLVERR
    halt : In(1): start no new burst
    busy : Out(1): bursts are out
    """

    def __init__(self, sources: int, width: int, id_width: int = 4) -> None:
        own = {
            "beat": In(stream.Signature(WriteBeat(width))).array(sources),
            "done": Out(1).array(sources), "failed": Out(1).array(sources),
        }  # fmt: skip
        super().__init__(sources, width, id_width, own)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus, room = self.bus, Signal()
        m.submodules.order = order = Fifo(range(self.sources), 8)
        started, chosen = _issue(m, bus, "aw", list(self.request), room & order.i.ready & ~self.halt)
        outstanding = _count(m, started, bus.bvalid & bus.bready)
        m.d.comb += [
            order.i.valid.eq(started),
            order.i.payload.eq(chosen),
            room.eq(outstanding < OUTSTANDING),
            bus.bready.eq(1),
            self.busy.eq(outstanding != 0),
        ]
        self._data(m, order)
        for index in range(self.sources):
            m.d.comb += [
                self.done[index].eq(bus.bvalid & (bus.bid == index)),
                self.failed[index].eq(self.done[index] & bus.bresp[1]),
            ]
        return m

    def _data(self, m: Module, order: Fifo) -> None:
        """One register on W, filled from the source whose request is the oldest with data still to come."""
        bus, free = self.bus, Signal()
        m.d.comb += free.eq(~bus.wvalid | bus.wready)
        with m.If(bus.wready):
            m.d.sync += bus.wvalid.eq(0)
        for index, beat in enumerate(self.beat):
            mine = order.o.valid & (order.o.payload == index)
            m.d.comb += beat.ready.eq(mine & free)
            with m.If(beat.valid & beat.ready):
                m.d.sync += [
                    bus.wvalid.eq(1),
                    bus.wdata.eq(beat.payload.data),
                    bus.wstrb.eq(beat.payload.strb),
                    bus.wlast.eq(beat.payload.last),
                ]
                m.d.comb += order.o.ready.eq(beat.payload.last)
