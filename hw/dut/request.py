"""The request interface in, AXI4 out: each request a burst of one beat, several under way, answered in order."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.axi import AXI_INCR, Axi4

__all__ = ["RequestBridge"]

UNDER_WAY = 15


class RequestBridge(wiring.Component):
    """Reads and writes are answered in the order of requests: one kind waits until the other's answers are all there.

    A write is granted when both its address and its data have been taken.

    Members
    -------
    req, we : In(1), addr, be, wdata : In, stable while `req` waits for `gnt` : Out(1)
    rvalid : Out(1): an answer, to a write too; rdata, err : Out, with it
    axi : AXI4 master, one id
    """

    def __init__(self, addr_width: int, data_width: int) -> None:
        self.size = (data_width // 8).bit_length() - 1
        super().__init__({
            "req": In(1), "gnt": Out(1), "we": In(1), "addr": In(addr_width), "be": In(data_width // 8),
            "wdata": In(data_width), "rvalid": Out(1), "rdata": Out(data_width), "err": Out(1),
            "axi": Out(Axi4(addr_width, data_width, 1)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        axi, count, writing = self.axi, Signal(range(UNDER_WAY + 1)), Signal()
        may, addressed, given = Signal(), Signal(), Signal()  # of the write that waits: its address, its data is taken
        m.d.comb += [
            may.eq(self.req & (((count == 0) | (writing == self.we)) & (count != UNDER_WAY))),
            axi.awvalid.eq(may & self.we & ~addressed), axi.wvalid.eq(may & self.we & ~given),
            axi.arvalid.eq(may & ~self.we), axi.wlast.eq(1), axi.wdata.eq(self.wdata), axi.wstrb.eq(self.be),
            axi.awaddr.eq(self.addr), axi.araddr.eq(self.addr), axi.awburst.eq(AXI_INCR), axi.arburst.eq(AXI_INCR),
            axi.awsize.eq(self.size), axi.arsize.eq(self.size), axi.bready.eq(1), axi.rready.eq(1),
            self.rvalid.eq(axi.bvalid | axi.rvalid), self.rdata.eq(axi.rdata),
            self.err.eq(Mux(axi.bvalid, axi.bresp[1], axi.rresp[1])),
            self.gnt.eq(may & Mux(self.we, (addressed | axi.awready) & (given | axi.wready), axi.arready)),
        ]  # fmt: skip
        m.d.sync += [
            addressed.eq((addressed | axi.awvalid & axi.awready) & ~self.gnt),
            given.eq((given | axi.wvalid & axi.wready) & ~self.gnt),
            count.eq(count + self.gnt - self.rvalid),
        ]
        with m.If(self.req & (count == 0)):
            m.d.sync += writing.eq(self.we)
        return m
