"""A toy card for the engines' own tests: a frame from the wire goes to memory by DMA and back out of the card.

Registers (32 bits): 0 BUFFER low, 4 BUFFER high, 8 CONTROL (bit 0: on, bit 1: interrupt enable), 12 COUNT (frames
done; a read clears the interrupt), 16 SCRATCH, 20 TIMER (fires the interrupt when the timebase gets there; 0 is off).
A frame of at most 256 bytes: its words are written in single-beat bursts to BUFFER, then read back, then sent.

And a card of nothing but pins: every output port is what a pin of the test says, so that a test can break any rule of
any bus, clock by clock, in one compiled model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.spec import NicSpec

TOY_MAP = """
top = "toy"
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "axi4-lite"
prefix = "s_axil_"
addr_width = 6
[peek]
address = "peek_addr"
data = "peek_data"
[dma]
kind = "axi4"
prefix = "m_axi_"
addr_width = 64
data_width = 64
id_width = 4
[wire.rx]
prefix = "rx_"
data_width = 64
ready = false
[wire.tx]
prefix = "tx_"
data_width = 64
[interrupts]
port = "irq"
kind = "level"
[pins]
invert = { width = 8, dir = "in", init = 0 }
seen = { width = 16, dir = "out" }
[idle]
idle = "idle"
wake_in = "wake_in"
timebase = "timebase"
width = 32
"""


class Toy(Component):
    """See the module's docstring. One frame at a time; what arrives meanwhile is not seen."""

    def __init__(self) -> None:
        self.map = PortMap.parse(TOY_MAP)
        ours = [port for port in self.map.ports() if port.name not in ("clk", "rst")]
        super().__init__({port.name: (In if port.dir == "in" else Out)(port.width) for port in ours})

    def ports(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.signature.members}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._registers(m)
        m.submodules.words = words = Memory(shape=64, depth=32, init=[])
        self.wr, self.rd = words.write_port(), words.read_port(domain="comb")
        self.length, self.last_keep, self.at = Signal(6), Signal(8), Signal(6)
        self.asked, self.got = Signal(6), Signal(6)
        m.d.comb += [self.wr.addr.eq(self.length), self.wr.data.eq(self.rx_tdata ^ self.invert)]
        self._walk(m)
        return m

    def _registers(self, m: Module) -> None:
        self.buffer, self.control, self.count = Signal(64), Signal(2), Signal(32)
        self.scratch, self.timer, self.pending = Signal(32), Signal(32), Signal()
        both = Signal()
        values = [self.buffer[:32], self.buffer[32:], self.control, self.count, self.scratch, self.timer]
        m.d.comb += [
            both.eq(self.s_axil_awvalid & self.s_axil_wvalid & ~self.s_axil_bvalid),
            self.s_axil_awready.eq(both), self.s_axil_wready.eq(both), self.irq.eq(self.pending & self.control[1]),
            self.s_axil_arready.eq(~self.s_axil_rvalid), self.seen.eq(self.count),
        ]  # fmt: skip
        with m.If(both):
            m.d.sync += self.s_axil_bvalid.eq(1)
            with m.Switch(self.s_axil_awaddr[2:]):
                for index, value in enumerate(values):
                    with m.Case(index):
                        m.d.sync += value.eq(self.s_axil_wdata)
                with m.Case(15):
                    m.d.sync += self.s_axil_bresp.eq(2)
        with m.If(self.s_axil_bvalid & self.s_axil_bready):
            m.d.sync += [self.s_axil_bvalid.eq(0), self.s_axil_bresp.eq(0)]
        with m.If(self.s_axil_arvalid & self.s_axil_arready):
            m.d.sync += self.s_axil_rvalid.eq(1)
            with m.Switch(self.s_axil_araddr[2:]):
                for index, value in enumerate(values):
                    with m.Case(index):
                        m.d.sync += self.s_axil_rdata.eq(value)
            with m.If(self.s_axil_araddr == 12):
                m.d.sync += self.pending.eq(0)
        with m.If(self.s_axil_rvalid & self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        with m.Switch(self.peek_addr[2:]):
            for index, value in enumerate(values):
                with m.Case(index):
                    m.d.comb += self.peek_data.eq(value)
        with m.If((self.timer != 0) & (self.timebase >= self.timer)):
            m.d.sync += [self.timer.eq(0), self.pending.eq(1)]
        m.d.comb += self.wake_in.eq(~0)
        with m.If(self.timer != 0):
            m.d.comb += self.wake_in.eq(self.timer - self.timebase)

    def _walk(self, m: Module) -> None:
        """One frame: in, to memory word by word, back in one burst, out."""
        last_word = Signal()
        m.d.comb += [
            last_word.eq(self.at == self.length - 1), self.rd.addr.eq(self.at),
            self.m_axi_awsize.eq(3), self.m_axi_awburst.eq(1), self.m_axi_arsize.eq(3), self.m_axi_arburst.eq(1),
            self.m_axi_awaddr.eq(self.buffer + Cat([0, 0, 0], self.at)), self.m_axi_araddr.eq(self.buffer),
            self.m_axi_arlen.eq(self.length - 1), self.m_axi_awid.eq(self.at), self.m_axi_arid.eq(3),
            self.m_axi_wdata.eq(self.rd.data), self.m_axi_wlast.eq(1), self.m_axi_bready.eq(1),
            self.m_axi_wstrb.eq(0xFF), self.tx_tkeep.eq(0xFF), self.tx_tdata.eq(self.rd.data),
            self.tx_tlast.eq(last_word),
        ]  # fmt: skip
        with m.If(last_word):
            m.d.comb += [self.m_axi_wstrb.eq(self.last_keep), self.tx_tkeep.eq(self.last_keep)]
        self.sent, self.w_sent, self.answers = Signal(6), Signal(6), Signal(6)
        with m.FSM():
            with m.State("in"):
                m.d.comb += self.idle.eq((self.length == 0) & ~self.rx_tvalid)
                with m.If(self.rx_tvalid & self.control[0] & (self.length != 32)):
                    m.d.comb += self.wr.en.eq(1)
                    m.d.sync += self.length.eq(self.length + 1)
                    with m.If(self.rx_tlast):
                        m.d.sync += [self.last_keep.eq(self.rx_tkeep), self.at.eq(0)]
                        m.next = "request"
            with m.State("request"):
                m.d.comb += self.m_axi_awvalid.eq(1)
                with m.If(self.m_axi_awready):
                    m.next = "data"
            with m.State("data"):
                m.d.comb += self.m_axi_wvalid.eq(1)
                with m.If(self.m_axi_wready):
                    m.d.sync += self.at.eq(self.at + 1)
                    m.next = "request"
                    with m.If(last_word):
                        m.next = "written"
            with m.State("written"):
                with m.If(self.answers == self.length):
                    m.next = "ask"
            with m.State("ask"):
                m.d.sync += self.at.eq(0)
                m.d.comb += self.m_axi_arvalid.eq(1)
                with m.If(self.m_axi_arready):
                    m.next = "back"
            with m.State("back"):
                m.d.comb += [self.m_axi_rready.eq(1), self.wr.addr.eq(self.at), self.wr.data.eq(self.m_axi_rdata)]
                with m.If(self.m_axi_rvalid):
                    m.d.comb += self.wr.en.eq(1)
                    m.d.sync += self.at.eq(self.at + 1)
                    with m.If(self.m_axi_rlast):
                        m.d.sync += self.at.eq(0)
                        m.next = "out"
            with m.State("out"):
                m.d.comb += self.tx_tvalid.eq(1)
                with m.If(self.tx_tready):
                    m.d.sync += self.at.eq(self.at + 1)
                    with m.If(last_word):
                        m.d.sync += [self.length.eq(0), self.at.eq(0), self.answers.eq(0)]
                        m.d.sync += [self.count.eq(self.count + 1), self.pending.eq(1)]
                        m.next = "in"
        with m.If(self.m_axi_bvalid):
            m.d.sync += self.answers.eq(self.answers + 1)


def toy_spec() -> NicSpec:
    return NicSpec("toy", Toy, PortMap.parse(TOY_MAP), sources=(Path(__file__),))


def pins_map() -> PortMap:
    """The buses of the toy without peek, interrupt and idle; for each port of the card, a pin of the test: `p_...`."""
    text = TOY_MAP[: TOY_MAP.index("[interrupts]")].replace("toy", "pins")
    text = text.replace('[peek]\naddress = "peek_addr"\ndata = "peek_data"\n', "")
    lines = [
        f'p_{port.name} = {{ width = {port.width}, dir = "{"in" if port.dir == "out" else "out"}" }}'
        for port in PortMap.parse(text).ports()
        if port.name not in ("clk", "rst")
    ]
    return PortMap.parse("\n".join([text, "[pins]", *lines]))


class Pins(Component):
    def __init__(self) -> None:
        ours = [port for port in pins_map().ports() if port.name not in ("clk", "rst")]
        super().__init__({port.name: (In if port.dir == "in" else Out)(port.width) for port in ours})

    def ports(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.signature.members}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for pin in pins_map().pins:
            port, mine = getattr(self, pin.name.removeprefix("p_")), getattr(self, pin.name)
            m.d.comb += port.eq(mine) if pin.dir == "in" else mine.eq(port)
        return m


def pins_spec() -> NicSpec:
    return NicSpec("pins", Pins, pins_map(), sources=(Path(__file__),))
