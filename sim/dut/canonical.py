"""The port map of a wrapped card: what an engine drives, whatever buses the card inside has."""

from __future__ import annotations

from ringbed.hw.formats.dut import CANONICAL, Bus, Dut, outside
from ringbed.hw.formats.dut import Clock as DutClock
from ringbed.sim.seam.portmap import Clock, Dma, Interrupts, Pin, PortMap, Registers, Reset, Wire

__all__ = ["byte_bits", "canonical"]

ID_BITS = 1  # of a master without ids


def canonical(dut: Dut) -> PortMap:
    """The ports of the wrapper around it."""
    registers, dma, names = dut.registers, dut.dma, outside(dut)
    return PortMap(
        f"dut_{dut.plain_name}", names[dut.clock],
        Reset(CANONICAL["reset"], clocks=dut.reset_clocks, wait=dut.reset_wait),
        registers=_registers(registers) if registers is not None else None,
        dma=None if dma is None else Dma(CANONICAL["dma"], dma.addr_width, dma.data_width, dma.id_width or ID_BITS),
        rx=None if dut.rx is None else _rx(dut, dut.rx),
        tx=None if dut.tx is None else Wire(CANONICAL["tx"], dut.tx.data_width, False, dut.tx.ready, dut.tx.fcs),
        interrupts=None if dut.line is None else Interrupts(CANONICAL["line"], dut.line.width),
        pins=tuple(Pin(pin.name, pin.width, pin.dir, pin.init, names[pin.name]) for pin in dut.pins),
        clocks=tuple(Clock(names[clock.port], clock.num, clock.den, _phase(clock)) for clock in dut.clocks),
    )  # fmt: skip


def _registers(bus: Bus) -> Registers:
    return Registers(CANONICAL["registers"], byte_bits(bus), bus.data_width)


def _rx(dut: Dut, rx: Bus) -> Wire:
    return Wire(CANONICAL["rx"], rx.data_width, True, _stops(dut, rx), rx.fcs, rx.error)


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
