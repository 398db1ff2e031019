"""The cards that come with ringbed, as specs an engine can be opened with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ringbed.hw.formats.em import OFFLOADS
from ringbed.sim.portmap import Pin, PortMap
from ringbed.sim.spec import NicSpec

__all__ = ["CARDS", "OFFLOADS", "em", "em_lab"]


def _sources() -> tuple[Path, ...]:
    """Everything under `hw/`: what the RTL of a card can depend on."""
    return (Path(str(files("ringbed.hw") / "__init__.py")).parent,)


def _portmap() -> PortMap:
    return PortMap.load(Path(str(files("ringbed.hw.nics") / "em.toml")))


def em(offloads: Collection[str] = OFFLOADS) -> NicSpec:
    """The clean `em`; `offloads=()` is the card without checksum engines."""

    def elaborate() -> Any:
        from ringbed.hw.nics.em import Em  # Amaranth is slow to import, and a cached model needs none of it

        return Em(offloads=offloads)

    return NicSpec("em", elaborate, _portmap(), {"offloads": tuple(sorted(offloads))}, _sources())


def em_lab() -> NicSpec:
    """The `em` with every erratum of the lab in place, switched by the pin `errata` (`hw.errata.lab.errata_mask`)."""
    from ringbed.hw.errata.lab import EM_ERRATA, lab_em

    clean = _portmap()
    portmap = replace(clean, pins=(*clean.pins, Pin("errata", len(EM_ERRATA))))
    return NicSpec("em_lab", lab_em, portmap, {}, _sources())


CARDS = {"em": em, "em_lab": em_lab}
