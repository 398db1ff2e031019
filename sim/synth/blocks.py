"""The blocks of a card, found by elaborating it: every component of `hw/`, with the parameters the card gives it.

A list written by hand would forget a block, or show it with parameters that nobody uses. A block is called after its
class, `MacTx` is `mac_tx`. Where a card has several of one class, the one with the most port bits is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Block", "CARDS", "blocks_of", "bridges", "card", "components"]


def _em(width: int) -> Any:
    from ringbed.hw.nics.em.card import Em

    return Em(width=width)


CARDS: dict[str, Callable[[int], Any]] = {"em": _em}  # clean: what a saboteur is made of is no block of a card


@dataclass(frozen=True)
class Block:
    """`places` are all that its class has in the card, this one's first; `inside` are the blocks this one contains."""

    name: str
    width: int
    component: Any
    places: tuple[str, ...] = ()
    inside: int = 0


def card(name: str, width: int) -> Block:
    """The card whole; raises KeyError for one there is not."""
    return Block(name, width, CARDS[name](width))


def blocks_of(name: str, width: int) -> dict[str, Block]:
    """Every block of the card but the card itself, by name in the order of the walk; raises KeyError as `card`."""
    found: dict[str, list[tuple[str, Any]]] = {}
    (_, _), *parts = components(CARDS[name](width))
    for path, component in parts:
        found.setdefault(_snake(type(component).__name__), []).append((path, component))
    made = {}
    for block, places in found.items():
        places.sort(key=lambda place: -_port_bits(place[1]))  # stable: the first of equals
        shown, component = places[0]
        inside = sum(path.startswith(shown + ".") for path, _ in parts)
        made[block] = Block(block, width, component, tuple(path for path, _ in places), inside)
    return made


def bridges() -> list[Block]:
    """What a port map puts before somebody's buses, at usual widths; both clocks of a crossing are one here."""
    from ringbed.hw.dut.apb import ApbBridge
    from ringbed.hw.dut.crossing import Crossing
    from ringbed.hw.dut.request import RequestBridge
    from ringbed.hw.dut.wishbone import WishboneBridge
    from ringbed.hw.formats.dut import Bus, BusKind, signals

    def crossing(bus: Bus) -> Crossing:
        return Crossing(signals(bus), "sync")

    stream = Bus(BusKind.STREAM, 64, into=True, ready=True)
    return [
        Block("apb_bridge", 32, ApbBridge(16)),
        Block("wishbone_bridge", 32, WishboneBridge(16)),
        Block("request_bridge", 64, RequestBridge(64, 64)),
        Block("crossing_registers", 32, crossing(Bus(BusKind.AXI_LITE, 32, 16))),
        Block("crossing_dma", 64, crossing(Bus(BusKind.AXI, 64, 64, id_width=1))),
        Block("crossing_stream", 64, crossing(stream)),
    ]


def components(top: Any) -> Iterator[tuple[str, Any]]:
    """Components of ours with their path, from the top down."""
    from amaranth.hdl import Fragment
    from amaranth.lib import wiring

    def walk(fragment: Any, path: str) -> Iterator[tuple[str, Any]]:
        # a component inside a ResetInserter is within what the fragment comes from
        for origin in fragment.origins or ():
            while hasattr(origin, "_elaboratable_"):
                origin = origin._elaboratable_
            if isinstance(origin, wiring.Component) and type(origin).__module__.startswith("ringbed."):
                yield path, origin
                break
        for child, name, _ in fragment.subfragments:
            yield from walk(child, f"{path}.{name}".lstrip("."))

    get: Any = Fragment.get
    yield from walk(get(top, None), "")


def _port_bits(component: Any) -> int:
    from amaranth.hdl import Value

    return sum(len(Value.cast(wire)) for _, _, wire in component.signature.flatten(component))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
