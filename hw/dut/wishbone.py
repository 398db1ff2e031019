"""AXI4-Lite in, Wishbone out: one access at a time, writes first (OpenCores Wishbone B4, 3.2 and 3.1.3.2)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.axi import AxiLite

__all__ = ["WishboneBridge"]

SLVERR = 2


class WishboneBridge(wiring.Component):
    """Standard cycles: STB until ACK. `pipelined`: STB until it is not stalled, then CYC alone until ACK.

    ERR becomes SLVERR. `word_addressed`: ADR counts words of the data width.

    Members
    -------
    axil : AXI4-Lite slave
    cyc, stb, we, adr, sel, dat_i : Out, to the card; dat_o, ack, err, stall : In, from it
    """

    def __init__(
        self, addr_width: int, data_width: int = 32, *, pipelined: bool = False, word_addressed: bool = False
    ) -> None:
        self.pipelined = pipelined
        self.shift = (data_width // 8).bit_length() - 1 if word_addressed else 0
        super().__init__({
            "axil": In(AxiLite(addr_width + self.shift, data_width)),
            "cyc": Out(1), "stb": Out(1), "we": Out(1), "adr": Out(addr_width), "sel": Out(data_width // 8),
            "dat_i": Out(data_width), "dat_o": In(data_width), "ack": In(1), "err": In(1), "stall": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus, answer, write, free, done = self.axil, Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            free.eq(~self.cyc & ~answer), write.eq(bus.awvalid & bus.wvalid), done.eq(self.cyc & (self.ack | self.err)),
            bus.awready.eq(free & write), bus.wready.eq(free & write), bus.arready.eq(free & ~write),
            bus.bvalid.eq(answer & self.we), bus.rvalid.eq(answer & ~self.we),
        ]  # fmt: skip
        with m.If(free & (write | bus.arvalid)):
            m.d.sync += [
                self.cyc.eq(1), self.stb.eq(1), self.we.eq(write), self.dat_i.eq(bus.wdata),
                self.adr.eq(Mux(write, bus.awaddr, bus.araddr) >> self.shift), self.sel.eq(Mux(write, bus.wstrb, ~0)),
            ]  # fmt: skip
        if self.pipelined:
            with m.If(self.stb & ~self.stall):
                m.d.sync += self.stb.eq(0)
        with m.If(done):
            m.d.sync += [
                self.cyc.eq(0), self.stb.eq(0), answer.eq(1), bus.rdata.eq(self.dat_o),
                bus.bresp.eq(Mux(self.err, SLVERR, 0)), bus.rresp.eq(Mux(self.err, SLVERR, 0)),
            ]  # fmt: skip
        with m.If(answer & Mux(self.we, bus.bready, bus.rready)):
            m.d.sync += answer.eq(0)
        return m
