"""The cards that come with ringbed, as specs an engine can be opened with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringbed.drivers.world import PciCapability, PciIdentity
from ringbed.hw.formats.em import OFFLOADS, REGISTERS, pci
from ringbed.hw.formats.errata_bus import INDEX_BITS, VALUE_BITS
from ringbed.sim.seam.engine import Engine, Event
from ringbed.sim.seam.portmap import Pin, PortMap
from ringbed.sim.seam.spec import NicSpec

if TYPE_CHECKING:
    from ringbed.hw.errata.erratum import Erratum

__all__ = ["CARDS", "EM_PCI", "OFFLOADS", "WIDTHS", "em", "em_lab", "reset_em"]

WIDTHS = (64, 128, 256, 512)
RESET_LOOKS, RESET_STEP = 2_000, 100  # clocks of a step: in all, many of the longest frames on a link of 1 Gbit/s
_POWER = PciCapability(
    number=1,
    offset=pci.POWER_MANAGEMENT_AT,
    data=pci.POWER_MANAGEMENT.to_bytes(2, "little") + bytes(4),
    writable=bytes([0, 0, 0x03, 0]),  # the power state
)
EM_PCI = PciIdentity(
    pci.PCI_VENDOR, pci.PCI_DEVICE, pci.PCI_REVISION, pci.PCI_CLASS, pci.BARS, "intx",
    subsystem_vendor=pci.SUBSYSTEM_VENDOR, subsystem=pci.SUBSYSTEM, io_bar=pci.IO_BAR, capabilities=(_POWER,),
)  # fmt: skip


def _sources() -> tuple[Path, ...]:
    """Everything under `hw/`: what the RTL of a card can depend on."""
    return (Path(str(files("ringbed.hw") / "__init__.py")).parent,)


def _portmap() -> PortMap:
    return PortMap.load(Path(str(files("ringbed.hw.nics.em") / "em.toml")))


def em(offloads: Collection[str] = OFFLOADS, width: int = 64) -> NicSpec:
    """The clean `em`; `offloads=()` is the card without checksum engines, `width` the bits of its buses and wire.

    Raises ValueError for a width that is not 64, 128, 256 or 512.
    """
    if width not in WIDTHS:
        raise ValueError(f"em is made {', '.join(map(str, WIDTHS))} bits wide, not {width!r}")

    def elaborate() -> Any:
        from ringbed.hw.nics.em.card import Em  # Amaranth is slow to import, and a cached model needs none of it

        return Em(offloads=offloads, width=width)

    params = {"offloads": tuple(sorted(offloads)), "width": width}
    return NicSpec("em" if width == 64 else f"em{width}", elaborate, _widened(_portmap(), width), params, _sources())


def _widened(portmap: PortMap, width: int) -> PortMap:
    """The same ports with data `width` bits wide; registers stay as they are."""
    assert portmap.dma is not None
    assert portmap.rx is not None
    assert portmap.tx is not None
    return replace(
        portmap,
        dma=replace(portmap.dma, data_width=width),
        rx=replace(portmap.rx, data_width=width),
        tx=replace(portmap.tx, data_width=width),
    )


def em_lab(errata: Sequence[Erratum] | None = None) -> NicSpec:
    """The `em` with emulated bugs in place, switched on by its configuration bus (`sim/errata.py`).

    `errata` are bugs of your own (docs/write-a-saboteur.md); without them it is the lab, with all there are.
    """
    clean = _portmap()
    bus = Pin("errata_index", INDEX_BITS), Pin("errata_value", VALUE_BITS), Pin("errata_write", 1)

    def elaborate() -> Any:
        from ringbed.hw.errata.lab import EM_ERRATA, lab_em

        return lab_em(errata=EM_ERRATA if errata is None else tuple(errata))

    params = {} if errata is None else {"errata": [each.facts() for each in errata]}
    sources = () if errata is None else {source for each in errata for source in each.sources()}
    portmap = replace(clean, pins=(*clean.pins, *bus))
    return NicSpec("em_lab", elaborate, portmap, params, (*_sources(), *sorted(sources)))


def reset_em(engine: Engine) -> None:
    """By CTRL.RST: what is on bus and wire is finished, then all begins anew (M 13.4.1); else a finding."""
    control = REGISTERS["CTRL"]
    engine.write(control.offset, control["RST"].mask)
    for _ in range(RESET_LOOKS):
        engine.run(engine.now + RESET_STEP, Event.NONE)
        if not control["RST"].get(engine.peek(control.offset)):
            return
    engine.report("reset.hangs", f"CTRL.RST is 1 after {RESET_LOOKS * RESET_STEP} clocks")


CARDS: dict[str, Callable[[], NicSpec]] = {"em": em, "em_lab": em_lab, "em512": partial(em, width=512)}
