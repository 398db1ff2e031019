"""AXI4-Lite in, APB out: one access at a time, writes first (Arm IHI 0024, IHI 0022)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.axi import AxiLite

__all__ = ["ApbBridge"]

SLVERR = 2


class ApbBridge(wiring.Component):
    """PSLVERR becomes SLVERR.

    Members
    -------
    axil : AXI4-Lite slave
    psel, penable, pwrite, paddr, pwdata, pstrb : Out; prdata, pready, pslverr : In
    """

    def __init__(self, addr_width: int, data_width: int = 32) -> None:
        super().__init__({
            "axil": In(AxiLite(addr_width, data_width)),
            "psel": Out(1), "penable": Out(1), "pwrite": Out(1), "paddr": Out(addr_width), "pwdata": Out(data_width),
            "pstrb": Out(data_width // 8), "prdata": In(data_width), "pready": In(1), "pslverr": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus, answer = self.axil, Signal()  # answer: the response waits to be taken
        write, free = Signal(), Signal()
        m.d.comb += [
            free.eq(~self.psel & ~answer), write.eq(bus.awvalid & bus.wvalid),
            bus.awready.eq(free & write), bus.wready.eq(free & write), bus.arready.eq(free & ~write),
            bus.bvalid.eq(answer & self.pwrite), bus.rvalid.eq(answer & ~self.pwrite),
        ]  # fmt: skip
        with m.If(free & (write | bus.arvalid)):
            m.d.sync += [
                self.psel.eq(1), self.pwrite.eq(write), self.paddr.eq(Mux(write, bus.awaddr, bus.araddr)),
                self.pwdata.eq(bus.wdata), self.pstrb.eq(Mux(write, bus.wstrb, 0)),
            ]  # fmt: skip
        with m.If(self.psel & ~self.penable):
            m.d.sync += self.penable.eq(1)
        with m.If(self.psel & self.penable & self.pready):
            m.d.sync += [
                self.psel.eq(0), self.penable.eq(0), answer.eq(1), bus.rdata.eq(self.prdata),
                bus.bresp.eq(Mux(self.pslverr, SLVERR, 0)), bus.rresp.eq(Mux(self.pslverr, SLVERR, 0)),
            ]  # fmt: skip
        with m.If(answer & Mux(self.pwrite, bus.bready, bus.rready)):
            m.d.sync += answer.eq(0)
        return m
