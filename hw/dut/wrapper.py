"""Someone's own card inside ours: an instance of their top module, and what turns each of its buses into one of ours.

For an engine a wrapped card has the ports of any card: `s_axil_` (AXI4-Lite), `m_axi_` (AXI4), `rx_` and `tx_`
(AXI4-Stream), `irq`, the pins as `pin_NAME`, and clocks under their own names where that can be (`outside`). A bus that
is already like that is connected through. All of these ports are on the main clock: between them and a bus on another
clock is a crossing (hw/dut/crossing.py), and what turns that bus into ours is on its clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Elaboratable,
    Instance,
    Module,
    Mux,
    ResetSignal,
    Signal,
    Value,
)

from ringbed.hw.dut.apb import ApbBridge
from ringbed.hw.dut.crossing import Crossing
from ringbed.hw.dut.request import RequestBridge
from ringbed.hw.dut.stream import inward, outward
from ringbed.hw.dut.wishbone import WishboneBridge
from ringbed.hw.formats.dut import CANONICAL, CARD, IN, Bus, BusKind, Clock, Dut, DutReset, Sig, outside, signals

__all__ = ["Wrapper"]


class Wrapper(Elaboratable):
    """`ports` has every port of the wrapped card, under canonical names, but clock and reset.

    Raises ValueError for a card with neither registers nor a stream: no engine could do anything with it; and for one
    whose frames would outrun the main clock.
    """

    def __init__(self, dut: Dut) -> None:
        if not dut.buses():
            raise ValueError(f"{dut.top} has no bus in its map: nothing could be asked of it")
        if sentence := dut.outrun():
            raise ValueError(sentence)
        self.dut, self._names = dut, outside(dut)
        self._ports: dict[str, Signal] = {}
        for bus, prefix in self._buses():
            for sig in _ours(dut, bus):
                self._port(prefix + sig.name, sig.width)
        if dut.line is not None:
            self._port(CANONICAL["line"], dut.line.width)
        for pin in dut.pins:
            self._port(self._names[pin.name], pin.width)
        for clock in dut.clocks:
            self._port(self._names[clock.port], 1)

    def _buses(self) -> list[tuple[Bus, str]]:
        """Those that are there, with the prefix of our ports."""
        dut = self.dut
        buses = {"registers": dut.registers, "dma": dut.dma, "rx": dut.rx, "tx": dut.tx}
        return [(bus, CANONICAL[name]) for name, bus in buses.items() if bus is not None]

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
            self._clock(m, clock)
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
            self._given[f"{pin.dir[0]}_{pin.name}"] = self._ports[self._names[pin.name]]
        setattr(m.submodules, CARD, Instance(self.dut.top, **self._given))
        return m

    # ---- clocks and resets ----

    def _domain(self, clock: str) -> str:
        """Of what is ours on another clock; no port's name, so that it is no other signal's either."""
        return f"on_{self._names[clock]}"

    def _clock(self, m: Module, clock: Clock) -> None:
        """Another clock, with a domain for what is ours on it. Its reset ends two of its edges after the main one."""
        port, name = self._ports[self._names[clock.port]], self._domain(clock.port)
        self._given["i_" + clock.port] = port
        m.domains += (domain := ClockDomain(name, local=True))
        late, level = (Signal(init=1, reset_less=True, name=f"{name}_{stage}") for stage in ("late", "reset"))
        m.d.comb += [domain.clk.eq(~port if clock.falling else port), domain.rst.eq(level)]
        m.d[name] += [late.eq(ResetSignal()), level.eq(late)]

    def _reset(self, m: Module, reset: DutReset) -> None:
        level: Value = ResetSignal("sync" if reset.clock in ("", self.dut.clock) else self._domain(reset.clock))
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

    def _side(self, m: Module, bus: Bus, prefix: str) -> dict[str, Signal]:
        """Our signals for `bus`, on its clock, by standard name: the ports, or the far end of a crossing."""
        ports = {sig.name: self._ports[prefix + sig.name] for sig in _ours(self.dut, bus)}
        if not self.dut.crosses(bus):
            return ports
        sigs = tuple(sig for sig in _kind(bus, ready=True) if sig.name in ports or sig.name == "tready")
        m.submodules[prefix + "crossing"] = crossing = Crossing(sigs, self._domain(bus.clock))
        for sig in sigs:
            near, port = getattr(crossing.near, sig.name), ports.get(sig.name, Const(1))  # nobody stops our tx
            m.d.comb += near.eq(port) if sig.dir == IN else port.eq(near)
        return {sig.name: getattr(crossing.far, sig.name) for sig in sigs}

    def _on_clock_of(self, bus: Bus, bridge: Any) -> Any:
        return DomainRenamer(self._domain(bus.clock))(bridge) if self.dut.crosses(bus) else bridge

    def _through(self, m: Module, bus: Bus, side: Mapping[str, Signal]) -> None:
        """The same kind of bus on both sides."""
        outputs = self._connect(bus, {sig.name: side.get(sig.name, Const(0, sig.width)) for sig in bus.signals()})
        if bus.kind == BusKind.AXI_LITE:
            for channel in ("b", "r"):
                if channel + "ready" not in bus.ports:
                    outputs |= self._kept(m, bus, channel, outputs, side[channel + "ready"])
        m.d.comb += [side[name].eq(value) for name, value in outputs.items()]

    def _kept(
        self, m: Module, bus: Bus, channel: str, outputs: Mapping[str, Any], ready: Signal
    ) -> dict[str, Any]:  # fmt: skip
        """The response of a card that cannot be made to wait, until our side takes it."""
        domain = m.d[self._domain(bus.clock) if self.dut.crosses(bus) else "sync"]
        held, valid = Signal(name=f"{channel}_held"), outputs[channel + "valid"]
        domain += held.eq((held | valid) & ~ready)
        found: dict[str, Any] = {channel + "valid": held | valid}
        for name in (name for name in outputs if name[0] == channel and name != channel + "valid"):
            kept = Signal(len(outputs[name]), name=f"{name}_kept")
            domain += kept.eq(Mux(held, kept, outputs[name]))
            found[name] = Mux(held, kept, outputs[name])
        return found

    def _registers(self, m: Module, bus: Bus) -> None:
        side = self._side(m, bus, CANONICAL["registers"])
        if bus.kind == BusKind.AXI_LITE:
            self._through(m, bus, side)
            return
        bridge = _register_bridge(bus)
        m.submodules.registers = self._on_clock_of(bus, bridge)
        self._bridge(m, bus, bridge, bridge.axil, side)

    def _dma(self, m: Module, bus: Bus) -> None:
        side = self._side(m, bus, CANONICAL["dma"])
        if bus.kind == BusKind.AXI:
            self._through(m, bus, side)
            return
        bridge = RequestBridge(bus.addr_width, bus.data_width)
        m.submodules.dma = self._on_clock_of(bus, bridge)
        self._bridge(m, bus, bridge, bridge.axi, side)

    def _bridge(self, m: Module, bus: Bus, bridge: Any, inner: Any, side: Mapping[str, Signal]) -> None:
        """The card's bus to `bridge`, and our side to the bridge's `inner` bus."""
        inputs = {sig.name: getattr(bridge, sig.name, Const(0, sig.width)) for sig in bus.signals() if sig.dir == IN}
        outputs = self._connect(bus, inputs)
        m.d.comb += [getattr(bridge, name).eq(value) for name, value in outputs.items()]
        for sig in _ours(self.dut, bus):
            member = getattr(inner, sig.name)
            m.d.comb += member.eq(side[sig.name]) if sig.dir == IN else side[sig.name].eq(member)

    def _rx(self, m: Module, bus: Bus) -> None:
        side = self._side(m, bus, CANONICAL["rx"])
        outputs = self._connect(bus, inward(m, bus, side))
        if "tready" in side:
            m.d.comb += side["tready"].eq(outputs.get("tready", Const(1)))

    def _tx(self, m: Module, bus: Bus) -> None:
        side = self._side(m, bus, CANONICAL["tx"])
        outputs = self._connect(bus, {"tready": side.get("tready")})
        m.d.comb += [side[name].eq(value) for name, value in outward(m, bus, outputs).items()]


def _kind(bus: Bus, ready: bool) -> tuple[Sig, ...]:
    """The signals of our bus that stands for `bus`; a stream with ready or without."""
    if bus.kind == BusKind.STREAM:
        return signals(Bus(BusKind.STREAM, bus.data_width, into=bus.into, ready=ready, error=bus.into))
    if bus.kind in BusKind.REGISTERS:
        shift = (bus.data_width // 8).bit_length() - 1 if bus.word_addressed else 0
        return signals(Bus(BusKind.AXI_LITE, bus.data_width, bus.addr_width + shift))
    return signals(Bus(BusKind.AXI, bus.data_width, bus.addr_width, bus.id_width or 1))


def _ours(dut: Dut, bus: Bus) -> tuple[Sig, ...]:
    """What of them are ports of ours. A crossing can stop frames into it, whatever the card can."""
    ready = bus.ready or (bus.into and dut.crosses(bus))
    return tuple(sig for sig in _kind(bus, ready) if sig.name not in ("awprot", "arprot"))


def _register_bridge(bus: Bus) -> ApbBridge | WishboneBridge:
    if bus.kind == BusKind.APB:
        return ApbBridge(bus.addr_width, bus.data_width)
    return WishboneBridge(
        bus.addr_width, bus.data_width, pipelined="stall" in bus.ports, word_addressed=bus.word_addressed
    )
