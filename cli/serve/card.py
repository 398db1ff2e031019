"""Which card `ringbed serve` and `ringbed guest` are to serve: one of ringbed's, or somebody's by its port map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringbed.cli.errors import UserError
from ringbed.cli.serve.options import CARD
from ringbed.drivers.world import PciIdentity
from ringbed.hw.formats.em import REGISTERS
from ringbed.sim.cards import EM_PCI, WIDTHS, em, em_lab, reset_em
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.spec import NicSpec

__all__ = ["REGISTER_NAMES", "CardToServe", "is_map", "own_card", "somebodys_card"]

REGISTER_NAMES = {  # of em, by offset
    register.at(index): register.name if register.count == 1 else f"{register.name}[{index}]"
    for register in REGISTERS
    for index in range(register.count)
}


@dataclass(frozen=True, slots=True)
class CardToServe:
    """Its model, who it is on PCI, how it is reset; `errata` are the bugs of a lab build that are on."""

    spec: NicSpec
    pci: PciIdentity
    reset: Callable[[NativeEngine], None]
    errata: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def is_map(name: str) -> bool:
    """Whether this is a port map and no NIC's name."""
    return name.endswith(".toml")


def own_card(width: int, errata: tuple[str, ...]) -> CardToServe:
    """`em`. Raises UserError, UnknownErratum."""
    if width not in WIDTHS:
        raise UserError(f"em is made {', '.join(map(str, WIDTHS))} bits wide, not {width}")
    if not errata:
        return CardToServe(em(width=width), EM_PCI, reset_em)
    if width != WIDTHS[0]:
        raise UserError(f"the lab's card is {WIDTHS[0]} bits wide: --erratum does not go with --width")
    from ringbed.hw.errata.asked import parse_errata

    return CardToServe(em_lab(), EM_PCI, reset_em, parse_errata(errata))


def somebodys_card(path: Path, width: int, errata: tuple[str, ...]) -> CardToServe:
    """By its map, which has a `[pci]`. Raises UserError, OSError, PortMapError, BuildError."""
    if errata or width != WIDTHS[0]:
        raise UserError(f"--{'erratum' if errata else 'width'} is for {CARD}, and {path} is a card of its own")
    from ringbed.sim.dut.card import dut_card

    spec, pci = dut_card(path)
    if pci is None:
        raise UserError(f"{path} has no [pci], so no operating system could find its card: docs/port-map.md")
    for way, wire in (("rx", spec.portmap.rx), ("tx", spec.portmap.tx)):
        if wire is None:
            raise UserError(f"{path} has no wire.{way}: a card that is served has both")
    return CardToServe(spec, pci, NativeEngine.reset)
