"""A card's own count of frames as data: which counters there are, and where each stands in its direction's equation.

    begun + made = done + ended + still inside

The testbed's account is built from such a table (`sim/testbed/accounting.py`): a counter that is added is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain

from ringbed.hw.formats.field import Access, Field, Register

__all__ = ["Count", "Part", "Stop", "Window"]


class Part(Enum):
    """Where a counter stands in the equation."""

    BEGUN = "frames that the card began with"
    MADE = "frames that the card made of others"
    DONE = "frames that went the whole way"
    ENDED = "frames that ended before"
    APART = "frames of no equation"


@dataclass(frozen=True, slots=True)
class Count:
    """One exclusive counter: 32 bits, wraps, kept over a reset, not cleared by a read. `way` is `rx` or `tx`.

    `rx_wire` and `tx_wire` say what a frame of it adds to those that the link brought, and to those that it was given.
    """

    name: str
    index: int
    way: str
    part: Part
    doc: str
    rx_wire: int = 0
    tx_wire: int = 0

    def __post_init__(self) -> None:
        if self.way not in ("rx", "tx"):
            raise ValueError(f"counter {self.name} is of rx or tx, not of {self.way!r}")


@dataclass(frozen=True, slots=True)
class Stop:
    """The register that says why the queue of one way stands still: 0, or the number of one of `causes`."""

    name: str
    way: str
    offset: int
    causes: tuple[str, ...]
    doc: str

    def why(self, value: int) -> str:
        """The name of a cause other than 0."""
        return self.causes[value] if value < len(self.causes) else f"cause {value}"


@dataclass(frozen=True)
class Window:
    """All of them, `base` the byte offset of counter 0 in BAR 0. `cause` is the register of the interrupt causes that
    are there, `mask` that of those that may raise the line; `rings` are by the way of a queue what it stands still for.
    """

    base: int
    counts: tuple[Count, ...]
    stops: tuple[Stop, ...]
    cause: Register | None = None
    mask: Register | None = None
    rings: Mapping[str, tuple[Register, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for way in ("rx", "tx"):
            for part in (Part.BEGUN, Part.DONE):
                if len(names := [count.name for count in self.of(way, part)]) != 1:
                    raise ValueError(f"one counter says which {part.value} for {way}, not {', '.join(names) or 'none'}")

    def of(self, way: str, part: Part) -> tuple[Count, ...]:
        """The counters of one place."""
        return tuple(count for count in self.counts if count.way == way and count.part is part)

    def offset(self, name: str) -> int:
        """Of a counter in BAR 0; raises KeyError."""
        for count in self.counts:
            if count.name == name:
                return self.base + 4 * count.index
        raise KeyError(name)

    @property
    def last(self) -> int:
        """The highest byte offset of what is looked at."""
        registers = (*self.registers(), *filter(None, (self.cause, self.mask)), *chain(*self.rings.values()))
        return max(register.offset for register in registers) + 3

    def on_wire(self, counts: Mapping[str, int]) -> tuple[int, int]:
        """Frames that the link brought and frames that it was given, of every counter's value."""
        return (
            sum(count.rx_wire * counts[count.name] for count in self.counts),
            sum(count.tx_wire * counts[count.name] for count in self.counts),
        )

    def registers(self) -> tuple[Register, ...]:
        """As registers of the card."""
        counters = (
            Register(count.name, self.offset(count.name), Access.RO, (Field("COUNT", 0, 32, Access.RO),), count.doc)
            for count in self.counts
        )
        stops = (
            Register(stop.name, stop.offset, Access.RO, (Field("CAUSE", 0, 3, Access.RO),), stop.doc)
            for stop in self.stops
        )
        return (*counters, *stops)
