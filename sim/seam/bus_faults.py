"""Faults of a card's bus as plain data: which bursts are to be hit and how, and what happened. `sim/faults/bus.py` has
what each kind does and how it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Access", "BusEvent", "BusFaults", "BusFixed", "BusKind", "BusRule"]

EVERYWHERE = (0, (1 << 64) - 1)


class BusKind(IntEnum):
    """What befalls a burst."""

    LATENCY = 0
    JITTER = 1
    BACKPRESSURE = 2
    REORDER = 3
    SLVERR = 4
    DECERR = 5


class Access(IntEnum):
    """What a burst is for, as far as memory can tell."""

    FETCH = 0
    READ = 1
    WRITE = 2
    WRITEBACK = 3


@dataclass(frozen=True, slots=True)
class BusRule:
    """By chance: `threshold` / 2**32 of the bursts of `accesses` whose address is in `span` (both ends within)."""

    kind: BusKind
    key: int
    threshold: int
    accesses: tuple[Access, ...] = tuple(Access)
    clocks: int = 0  # at least 1 for the kinds that take time
    span: tuple[int, int] = EVERYWHERE

    @property
    def mask(self) -> int:
        return sum(1 << access for access in set(self.accesses))


@dataclass(frozen=True, slots=True)
class BusFixed:
    """Burst number `ordinal` of `access`, if its address is in `span`. Its first bad beat: `beat` modulo its beats."""

    kind: BusKind
    access: Access
    ordinal: int
    clocks: int = 0
    beat: int = 0
    span: tuple[int, int] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class BusFaults:
    """All of one card's. Nothing in it: no faults."""

    rules: tuple[BusRule, ...] = ()
    fixed: tuple[BusFixed, ...] = ()

    def sorted_fixed(self) -> list[BusFixed]:
        return sorted(self.fixed, key=lambda fixed: (fixed.access, fixed.ordinal))


@dataclass(frozen=True, slots=True)
class BusEvent:
    """A fault that happened: at clock `clock` to burst number `ordinal` of `access`, which begins at `address`."""

    clock: int
    kind: BusKind
    access: Access
    ordinal: int
    clocks: int
    beat: int
    address: int
