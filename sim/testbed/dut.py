"""A host on somebody's own card: their Verilog by its port map, their driver, and a stack above or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.sim.dut.card import dut_spec
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import memory_for
from ringbed.sim.testbed.host import DriverMaker, Host, U

__all__ = ["NO_PCI", "open_dut"]

NO_PCI = PciIdentity(0, 0, 0, 0x020000, (1 << 16,), "intx")  # of a card without a configuration space: class Ethernet


def open_dut(
    portmap: Path | str, make_driver: DriverMaker, upper: U, *, name: str = "nic0", engine: str = "native",
    pci: PciIdentity = NO_PCI, **settings: Any,
) -> Host[U]:  # fmt: skip
    """The card of a map file on an engine, `make_driver(device, dma, sink)` attached but not up.

    Raises PortMapError for a map that does not fit, BuildError when the Verilog does not compile, ValueError for a bad
    setting (`sim/seam/settings.py`), and what the driver raises.
    """
    spec = dut_spec(Path(portmap))
    memory = memory_for(spec.portmap)
    opened = open_engine(engine, spec, memory, **settings)
    try:
        return Host(name, opened, memory, pci, make_driver, upper, opened.frequency)
    except BaseException:
        opened.close()
        raise
