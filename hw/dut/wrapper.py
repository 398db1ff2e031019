"""Someone's own card inside ours: an instance of their top module, and what turns each of its buses into one of ours.

For an engine a wrapped card has the ports of any card: `s_axil_` (AXI4-Lite), `m_axi_` (AXI4), `rx_` and `tx_`
(AXI4-Stream), `irq`, and the pins under their own names. A bus that is already like that is connected through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, ResetSignal, Signal, Value

from ringbed.hw.dut.apb import ApbBridge
from ringbed.hw.dut.request import RequestBridge
from ringbed.hw.dut.stream import inward, outward
from ringbed.hw.dut.wishbone import WishboneBridge
from ringbed.hw.formats.dut import IN, Bus, BusKind, Dut, DutReset, signals

__all__ = ["CANONICAL", "Wrapper"]

CANONICAL = {"registers": "s_axil_", "dma": "m_axi_", "rx": "rx_", "tx": "tx_", "line": "irq"}
NAME = "card"  # of the instance: the card's scope in a waveform


class Wrapper(Elaboratable):
    """`ports` has every port of the wrapped card but clock and reset; its members are made by `elaborate`'s rooms.

    Raises ValueError for a card with neither registers nor a stream: no engine could do anything with it.
    """

    def __init__(self, dut: Dut) -> None:
        if not dut.buses():
            raise ValueError(f"{dut.top} has no bus in its map: nothing could be asked of it")
        self.dut = dut
        self._ports: dict[str, Signal] = {}
        for bus, prefix, streams in (
            (dut.registers, CANONICAL["registers"], False), (dut.dma, CANONICAL["dma"], False),
            (dut.rx, CANONICAL["rx"], True), (dut.tx, CANONICAL["tx"], True),
        ):  # fmt: skip
            if bus is not None:
                like = _our_stream(bus) if streams else _ours(bus)
                for sig in signals(like):
                    if sig.name not in ("awprot", "arprot"):
                        self._port(prefix + sig.name, sig.width)
        if dut.line is not None:
            self._port(CANONICAL["line"], dut.line.width)
        for pin in dut.pins:
            self._port(pin.name, pin.width)
        for clock in dut.clocks:
            self._port(clock.port, 1)

    def _port(self, name: str, width: int) -> None:
        self._ports[name] = Signal(width, name=name)

    def ports(self) -> dict[str, Signal]:
        return dict(self._ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._given: dict[str, Any] = {"i_" + self.dut.clock: ClockSignal()}
        self._given |= {f"p_{name}": value for name, value in self.dut.parameters.items()}
        self._given |= {f"i_{name}": Const(value, bits) for name, (bits, value) in self.dut.ties.items()}
        for clock in self.dut.clocks:
            self._given["i_" + clock.port] = self._ports[clock.port]
        for reset in self.dut.resets:
            self._reset(m, reset)
        if self.dut.registers is not None:
            self._registers(m, self.dut.registers)
        if self.dut.dma is not None:
            self._dma(m, self.dut.dma)
        if self.dut.rx is not None:
            self._rx(m, self.dut.rx)
        if self.dut.tx is not None:
            self._tx(m, self.dut.tx)
        if self.dut.line is not None:
            self._given["o_" + self.dut.line.port] = self._ports[CANONICAL["line"]]
        for pin in self.dut.pins:
            self._given[f"{pin.dir[0]}_{pin.name}"] = self._ports[pin.name]
        setattr(m.submodules, NAME, Instance(self.dut.top, **self._given))
        return m

    # ---- clocks and resets ----

    def _reset(self, m: Module, reset: DutReset) -> None:
        """Of another clock: let go two of its edges after ours."""
        level: Value = ResetSignal()
        if reset.clock not in ("", self.dut.clock):
            name = f"reset_{reset.port}"
            domain = ClockDomain(name, reset_less=True, local=True)
            m.domains += domain
            m.d.comb += domain.clk.eq(self._ports[reset.clock])
            late, level = Signal(init=1, name=f"{name}_late"), Signal(init=1, name=name)
            m.d[name] += [late.eq(ResetSignal()), level.eq(late)]
        self._given["i_" + reset.port] = level if reset.active_high else ~level

    # ---- buses ----

    def _connect(self, bus: Bus, values: Mapping[str, Any]) -> dict[str, Signal]:
        """The user's ports of `bus`: inputs get `values`; outputs are new signals, by standard name, with defaults."""
        outputs: dict[str, Any] = {}
        for sig in bus.signals():
            port = bus.ports.get(sig.name)
            if sig.dir == IN:
                if port is not None:
                    self._given["i_" + port] = values[sig.name]
            elif port is None:
                outputs[sig.name] = Const(sig.default or 0, max(1, sig.width))
            else:
                outputs[sig.name] = self._given["o_" + port] = Signal(sig.width, name=f"card_{port}")
        return outputs

    def _through(self, m: Module, bus: Bus, prefix: str) -> None:
        """The same kind of bus on both sides."""
        ours = {sig.name: self._ports.get(prefix + sig.name, Const(0, max(1, sig.width))) for sig in bus.signals()}
        outputs = self._connect(bus, ours)
        m.d.comb += [self._ports[prefix + name].eq(value) for name, value in outputs.items()]

    def _registers(self, m: Module, bus: Bus) -> None:
        prefix = CANONICAL["registers"]
        if bus.kind == BusKind.AXI_LITE:
            self._through(m, bus, prefix)
            return
        m.submodules.registers = bridge = _register_bridge(bus)
        outputs = self._connect(bus, _members(bridge, bus, bus.signals()))
        m.d.comb += [getattr(bridge, name).eq(value) for name, value in outputs.items()]
        self._join(m, bridge.axil, prefix, [sig.name for sig in signals(_ours(bus)) if sig.name[2:] != "prot"], IN)

    def _dma(self, m: Module, bus: Bus) -> None:
        prefix = CANONICAL["dma"]
        if bus.kind == BusKind.AXI:
            self._through(m, bus, prefix)
            return
        m.submodules.dma = bridge = RequestBridge(bus.addr_width, bus.data_width)
        outputs = self._connect(bus, _members(bridge, bus, bus.signals()))
        m.d.comb += [getattr(bridge, name).eq(value) for name, value in outputs.items()]
        self._join(m, bridge.axi, prefix, [sig.name for sig in signals(_ours(bus))], IN)

    def _join(self, m: Module, bus: Any, prefix: str, names: Iterable[str], way: str) -> None:
        """Our ports to the bridge's bus; `way` is the direction of what the card's side takes."""
        like = {sig.name: sig.dir for sig in signals(_ours_of(prefix, self.dut))}
        for name in names:
            port, member = self._ports[prefix + name], getattr(bus, name)
            m.d.comb += member.eq(port) if like[name] == way else port.eq(member)

    def _rx(self, m: Module, bus: Bus) -> None:
        prefix = CANONICAL["rx"]
        names = ("tdata", "tkeep", "tlast", "tvalid", "tuser")
        ours = {name: self._ports.get(prefix + name, Const(0, 1)) for name in names}
        outputs = self._connect(bus, inward(m, bus, ours))
        if bus.ready:
            m.d.comb += self._ports[prefix + "tready"].eq(outputs["tready"])

    def _tx(self, m: Module, bus: Bus) -> None:
        prefix = CANONICAL["tx"]
        ready = self._ports.get(prefix + "tready")
        outputs = self._connect(bus, {"tready": ready})
        m.d.comb += [self._ports[prefix + name].eq(value) for name, value in outward(m, bus, outputs).items()]


def _ours(bus: Bus) -> Bus:
    """The canonical bus that stands for `bus`."""
    if bus.kind in BusKind.REGISTERS:
        shift = (bus.data_width // 8).bit_length() - 1 if bus.word_addressed else 0
        return Bus(BusKind.AXI_LITE, bus.data_width, bus.addr_width + shift)
    return Bus(BusKind.AXI, bus.data_width, bus.addr_width, bus.id_width or 1)


def _ours_of(prefix: str, dut: Dut) -> Bus:
    bus = dut.registers if prefix == CANONICAL["registers"] else dut.dma
    assert bus is not None
    return _ours(bus)


def _our_stream(bus: Bus) -> Bus:
    return Bus(BusKind.STREAM, bus.data_width, into=bus.into, ready=bus.ready, error=bus.into)


def _register_bridge(bus: Bus) -> ApbBridge | WishboneBridge:
    if bus.kind == BusKind.APB:
        return ApbBridge(bus.addr_width, bus.data_width)
    return WishboneBridge(
        bus.addr_width, bus.data_width, pipelined="stall" in bus.ports, word_addressed=bus.word_addressed
    )


def _members(bridge: Any, bus: Bus, all_of: Iterable[Any]) -> dict[str, Any]:
    """What the bridge gives the card's inputs."""
    return {sig.name: getattr(bridge, sig.name, Const(0, sig.width)) for sig in all_of if sig.dir == IN}
