"""A host on somebody's own card: their Verilog by its port map, their driver, and a stack above or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.sim.checker.wanted import check_without_rules
from ringbed.sim.dut.card import dut_card
from ringbed.sim.dut.pci import least_bar
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory, memory_for
from ringbed.sim.processor.model import Processor
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.testbed.host import DriverMaker, Host, U

__all__ = ["open_dut", "pci_of"]


def pci_of(portmap: PortMap) -> PciIdentity:
    """Of a card whose map has no `[pci]`: class Ethernet, BAR 0 as large as the registers' addresses reach."""
    size = 0 if portmap.registers is None else least_bar(1 << portmap.registers.addr_width)
    return PciIdentity(0, 0, 0, 0x020000, (size,), "intx")


def open_dut(
    portmap: Path | str, make_driver: DriverMaker, upper: U, *, name: str = "nic0", engine: str = "native",
    pci: PciIdentity | None = None, memory: HostMemory | None = None, processor: Processor | None = None,
    **settings: Any,
) -> Host[U]:  # fmt: skip
    """The card of a map file on an engine, `make_driver(device, dma, sink)` attached but not up.

    `pci` is what the driver sees of a configuration space: the map's `[pci]`, or `pci_of`, if nothing is said.
    `memory` must lie where the card's DMA reaches; `memory_for` makes one that does if nothing is said.
    `processor` may be weak (`sim/processor/weak.py`); that its work takes time is for cards with rules.
    Raises PortMapError for a map that does not fit, BuildError when the Verilog does not compile, ValueError for a bad
    setting (`sim/seam/settings.py`) or memory out of reach, and what the driver raises.
    """
    check = check_without_rules(processor)
    spec, named = dut_card(Path(portmap))
    memory = memory_for(spec.portmap) if memory is None else memory
    _must_reach(spec.portmap, memory)
    opened = open_engine(engine, spec, memory, **settings)
    try:
        seen = pci or named or pci_of(spec.portmap)
        return Host(name, opened, memory, seen, make_driver, upper, opened.frequency, check)
    except BaseException:
        opened.close()
        raise


def _must_reach(portmap: PortMap, memory: HostMemory) -> None:
    end = max(region.iova + region.length for region in memory.regions)
    if portmap.dma is not None and end > 1 << portmap.dma.addr_width:
        raise ValueError(f"memory up to {end:#x}: the card's DMA has {portmap.dma.addr_width} bits of address")
