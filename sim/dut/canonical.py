"""The port map of a wrapped card: what an engine drives, whatever buses the card inside has."""

from __future__ import annotations

from dataclasses import replace

from ringbed.hw.formats.dut import Bus, Dut
from ringbed.hw.formats.dut import Clock as DutClock
from ringbed.sim.seam.portmap import Clock, Dma, Interrupts, Pin, PortMap, Registers, Reset, Wire

__all__ = ["byte_bits", "canonical", "clash"]

ID_BITS = 1  # of a master without ids


def canonical(dut: Dut) -> PortMap:
    """The ports of the wrapper around it."""
    registers, dma = dut.registers, dut.dma
    return PortMap(
        f"dut_{dut.top}", dut.clock, Reset("rst"),
        registers=None if registers is None else Registers("s_axil_", byte_bits(registers), registers.data_width),
        dma=None if dma is None else Dma("m_axi_", dma.addr_width, dma.data_width, dma.id_width or ID_BITS),
        rx=None if dut.rx is None else _rx(dut, dut.rx),
        tx=None if dut.tx is None else Wire("tx_", dut.tx.data_width, False, dut.tx.ready, dut.tx.fcs),
        interrupts=None if dut.line is None else Interrupts("irq", dut.line.width),
        pins=tuple(Pin(pin.name, pin.width, pin.dir, pin.init) for pin in dut.pins),
        clocks=tuple(Clock(clock.port, clock.num, clock.den, _phase(clock)) for clock in dut.clocks),
    )  # fmt: skip


def _rx(dut: Dut, rx: Bus) -> Wire:
    return Wire("rx_", rx.data_width, True, _stops(dut, rx), rx.fcs, rx.error)


def _stops(dut: Dut, rx: Bus) -> bool:
    """A crossing on the way in has a ready, whatever the card has."""
    return rx.ready or dut.crosses(rx)


def _phase(clock: DutClock) -> float:
    """Of the rising edge: half a period from the falling one."""
    return (clock.phase + 0.5) % 1 if clock.falling else clock.phase


def byte_bits(registers: Bus) -> int:
    """Of a register's byte address."""
    words = (registers.data_width // 8).bit_length() - 1 if registers.word_addressed else 0
    return registers.addr_width + words


def clash(dut: Dut) -> str:
    """A sentence where a pin or another clock has the name of one of the wrapper's own ports, or ""."""
    seen, names = canonical(dut), [*(pin.name for pin in dut.pins), *(clock.port for clock in dut.clocks)]
    own = {port.name for port in replace(seen, pins=(), clocks=()).ports()} - {dut.clock}
    taken = [name for name in names if name in own]
    if not taken:
        return ""
    return f"port {taken[0]!r} has the name of a port of the wrapper: give it another in a module around yours"
