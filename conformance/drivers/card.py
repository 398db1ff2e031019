"""The cards that a driver can be checked on, and what is known of each beyond moving frames."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringbed.conformance.drivers.packets import STATION
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.dut import open_dut
from ringbed.sim.testbed.host import Collector, Host

__all__ = ["KNOWN", "Card", "Maker", "em_card", "map_card"]

Maker = Callable[..., Any]  # of a driver: (device, dma, sink)
KNOWN = {
    "rules": "what its manual asks of a driver",
    "identity": "its PCI ids, and that its EEPROM has its address",
    "filter": "which frames it filters",
    "link": "how its link goes down",
    "flow": "what it does with pause frames",
    "sums": "how it says what it checked",
    "rest": "when it is at rest ([idle] of a map), so that each clock of a second would be run",
}


@dataclass(frozen=True, slots=True)
class Card:
    """`opened(make, upper, settings)` gives a host that is not up. `knows` are keys of KNOWN."""

    name: str
    knows: frozenset[str]
    opened: Callable[[Maker, Collector, dict[str, Any]], Host[Collector]]


def em_card(engine: str) -> Card:
    """`em` with the checker of drivers. Raises what `open_host` does."""

    def opened(make: Maker, upper: Collector, settings: dict[str, Any]) -> Host[Collector]:
        return open_host("em0", upper, engine=engine, mac=STATION, driver=make, checker=True, **settings)

    return Card("em", frozenset(KNOWN), opened)


def map_card(path: Path, engine: str) -> Card:
    """Somebody's own, of a port map: its driver is told its address, and no manual of it is known here."""

    def opened(make: Maker, upper: Collector, settings: dict[str, Any]) -> Host[Collector]:
        def told(device: Any, dma: Any, sink: Any) -> Any:
            return make(device, dma, sink, lladdr=STATION)

        return open_dut(path, told, upper, name="nic0", engine=engine, **settings)

    return Card(str(path), frozenset({"rest"} if "idle" in _tables(path) else ()), opened)


def _tables(path: Path) -> dict[str, Any]:
    """Of the map, as far as it is TOML: what is wrong with it is told when the card is opened."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
