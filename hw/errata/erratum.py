"""An erratum as data: what is emulated, what triggers it, where it sits, who wrote of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ringbed.hw.errata.saboteur import Act, Switch
from ringbed.hw.formats.errata_bus import VALUE_BITS
from ringbed.hw.stream.taps import TAPS

__all__ = ["CATEGORIES", "EVERY", "NATURES", "Condition", "Erratum"]

CATEGORIES = {
    "verdicts": "receive checksum verdicts, wrong either way",
    "tx_sums": "checksums put into frames that are sent",
    "tx_data": "header or payload changed on the way out",
    "segmentation": "messages cut into frames",
    "vlan": "tags put in, taken out, looked up",
    "dma": "addresses and lengths on the bus",
    "order": "what is told before it is true, or twice",
    "interrupts": "lost, early, spurious, stuck",
    "hang": "the transmit side stands still",
    "stall": "the receive side stands still",
    "stats": "statistics registers",
    "filters": "addresses and groups let in or kept out",
    "short_frames": "the shortest and the longest frames",
    "endian": "bytes in the wrong order",
    "station": "EEPROM and PHY",
    "pause": "flow control",
}
NATURES = {
    "device": "the silicon's or firmware's own",
    "driver": "a driver's bug, restated in RTL",
    "restated": "a virtual device's or a further source's, restated in RTL",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A number that a trigger compares, set at run time: `default` in `unit`, at most `width` bits."""

    name: str
    unit: str
    default: int
    width: int
    meaning: str

    def __post_init__(self) -> None:
        if not 0 < self.width <= VALUE_BITS or not 0 <= self.default < 1 << self.width:
            raise ValueError(f"condition {self.name} has no default {self.default} in {self.width} bits")


EVERY = Condition("every", "times", 1, 16, "1: each time that the trigger is there; n: each n-th time")


@dataclass(frozen=True, slots=True)
class Erratum:
    """A documented bug and the functions that emulate it, by tap; raises ValueError for a tap or word that is none.

    `id` is the catalogue's of documented NIC bugs, where it has one. `own` are its conditions beside `every`.
    """

    id: str
    category: str
    description: str
    trigger: str
    source: str
    parts: Mapping[str, Act]
    own: tuple[Condition, ...] = ()
    nature: str = "device"
    every: int = 1  # its default of the condition of that name

    def __post_init__(self) -> None:
        for tap in self.parts:
            if tap not in TAPS:
                raise ValueError(f"erratum {self.id} wants tap {tap!r}, which no card has")
        for word, known in ((self.category, CATEGORIES), (self.nature, NATURES)):
            if word not in known:
                raise ValueError(f"erratum {self.id} is of {word!r}, which is none of {', '.join(known)}")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """`every`, which all have, and its own."""
        return (replace(EVERY, default=self.every), *self.own)

    @property
    def taps(self) -> tuple[str, ...]:
        return tuple(self.parts)

    def facts(self) -> dict[str, Any]:
        """All that is known of it but its functions, as plain data."""
        names = ("id", "category", "description", "trigger", "source", "nature")
        conditions = [
            {"name": each.name, "unit": each.unit, "default": each.default, "bits": each.width, "meaning": each.meaning}
            for each in self.conditions
        ]
        return {name: getattr(self, name) for name in names} | {"taps": list(self.taps), "conditions": conditions}

    def sources(self) -> set[Path]:
        """The files that its functions are written in."""
        return {Path(act.__code__.co_filename) for act in self.parts.values()}

    def switch(self) -> Switch:
        """New registers for it."""
        return Switch(self.id.replace("-", "_"), {each.name: (each.width, each.default) for each in self.conditions})
