"""Somebody's Verilog as a card that an engine can be opened with: `dut_spec(Path("my_nic.toml"))`.

The spec is of the wrapper (hw/dut/wrapper.py); drivers see its canonical buses, and the pins under their own names.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from ringbed.hw.formats.dut import Bus, Dut
from ringbed.hw.formats.dut import Clock as DutClock
from ringbed.sim.dut_map import read
from ringbed.sim.portmap import Clock, Dma, Interrupts, Pin, PortMap, Registers, Reset, Wire
from ringbed.sim.spec import NicSpec, Rtl

__all__ = ["dut_spec", "spec_of"]

ID_BITS = 1  # of a master without ids


def dut_spec(path: Path) -> NicSpec:
    """Of a map file. Raises OSError, PortMapError, and BuildError when Verilator does not take the sources."""
    return spec_of(*read(path))


def spec_of(dut: Dut, rtl: Rtl) -> NicSpec:
    """Of a map that is read."""

    def elaborate() -> Any:
        from ringbed.hw.dut.wrapper import Wrapper  # Amaranth is slow to import, and a cached model needs none of it

        return Wrapper(dut)

    sources = (Path(str(files("ringbed.hw") / "__init__.py")).parent,)
    return NicSpec(f"dut_{dut.top}", elaborate, _portmap(dut), {"dut": repr(dut)}, sources, rtl)


def _portmap(dut: Dut) -> PortMap:
    """The canonical ports of a wrapped card."""
    registers, dma = dut.registers, dut.dma
    return PortMap(
        f"dut_{dut.top}", dut.clock, Reset("rst"),
        registers=None if registers is None else Registers("s_axil_", _byte_bits(dut), registers.data_width),
        dma=None if dma is None else Dma("m_axi_", dma.addr_width, dma.data_width, dma.id_width or ID_BITS),
        rx=None if dut.rx is None else Wire("rx_", dut.rx.data_width, True, _stops(dut, dut.rx), dut.rx.fcs),
        tx=None if dut.tx is None else Wire("tx_", dut.tx.data_width, False, dut.tx.ready, dut.tx.fcs),
        interrupts=None if dut.line is None else Interrupts("irq", dut.line.width),
        pins=tuple(Pin(pin.name, pin.width, pin.dir, pin.init) for pin in dut.pins),
        clocks=tuple(Clock(clock.port, clock.num, clock.den, _phase(clock)) for clock in dut.clocks),
    )  # fmt: skip


def _stops(dut: Dut, rx: Bus) -> bool:
    """A crossing on the way in has a ready, whatever the card has."""
    return rx.ready or dut.crosses(rx)


def _phase(clock: DutClock) -> float:
    """Of the rising edge: half a period from the falling one."""
    return (clock.phase + 0.5) % 1 if clock.falling else clock.phase


def _byte_bits(dut: Dut) -> int:
    """Of a register's byte address."""
    assert dut.registers is not None
    words = (dut.registers.data_width // 8).bit_length() - 1 if dut.registers.word_addressed else 0
    return dut.registers.addr_width + words
