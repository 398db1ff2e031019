"""Somebody's Verilog as a card that an engine can be opened with: `dut_spec(Path("my_nic.toml"))`.

The spec is of the wrapper (hw/dut/wrapper.py); drivers see its canonical buses, and the pins under their own names.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.hw.formats.dut import Dut
from ringbed.sim.dut.canonical import canonical
from ringbed.sim.dut.map import reader_of_card
from ringbed.sim.dut.words import DutWords
from ringbed.sim.seam.spec import NicSpec, Rtl

__all__ = ["dut_card", "dut_spec", "spec_of"]


def dut_spec(path: Path) -> NicSpec:
    """Of a map file. Raises OSError, PortMapError, and BuildError when Verilator does not take the sources."""
    return dut_card(path)[0]


def dut_card(path: Path) -> tuple[NicSpec, PciIdentity | None]:
    """Of a map file, with who the card is on PCI where the map says so. Raises as `dut_spec`."""
    reader = reader_of_card(path)
    return spec_of(reader.dut, reader.rtl), reader.pci


def spec_of(dut: Dut, rtl: Rtl) -> NicSpec:
    """Of a map that is read."""

    def elaborate() -> Any:
        from ringbed.hw.dut.wrapper import Wrapper  # Amaranth is slow to import, and a cached model needs none of it

        return Wrapper(dut)

    sources = (Path(str(files("ringbed.hw") / "__init__.py")).parent,)
    return NicSpec(f"dut_{dut.plain_name}", elaborate, canonical(dut), {"dut": repr(dut)}, sources, rtl, DutWords(dut))
