"""What was stored into shared memory since it was last looked at.

Rings are written through memoryviews, so stores cannot be watched one by one. But the card moves only while its clock
runs, and a driver only while it does not: what changed between two looks with no clock between them is the driver's,
and what changed in a look around running clocks is the card's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Change", "Mirror", "Snapshots"]


@dataclass(frozen=True, slots=True)
class Change:
    """One unit that is not what it was: its number, and what it holds now."""

    index: int
    now: bytes
    before: bytes


class Snapshots(Protocol):
    """Memory that can be looked at as a whole; a memoryview is."""

    def __len__(self) -> int: ...

    def __bytes__(self) -> bytes: ...


class Mirror:
    """Of `view`, in units of `unit` bytes that divide it; a rest shorter than a unit is one too."""

    def __init__(self, view: Snapshots | memoryview, unit: int) -> None:
        self._view, self._unit = view, unit
        self._last = bytes(view)
        self._next = 0  # the unit behind the last that changed: a driver fills a ring in order

    def unit(self, index: int) -> bytes:
        """As it was at the last look."""
        at = index * self._unit
        return self._last[at : at + self._unit]

    def take(self) -> list[Change]:
        """What changed since the last call, in order."""
        now, before = bytes(self._view), self._last
        if now == before:
            return []
        self._last = now
        changes: list[Change] = []
        if not self._only_next(now, before, changes):
            self._differences(now, before, 0, -(-len(now) // self._unit), changes)
        self._next = changes[-1].index + 1
        return changes

    def _only_next(self, now: bytes, before: bytes, changes: list[Change]) -> bool:
        """Whether it is the unit that was expected, and no other."""
        at, end = self._next * self._unit, (self._next + 1) * self._unit
        if now[:at] != before[:at] or now[end:] != before[end:]:
            return False
        changes.append(Change(self._next, now[at:end], before[at:end]))
        return True

    def _differences(self, now: bytes, before: bytes, first: int, end: int, changes: list[Change]) -> None:
        """Units `first` up to `end`, which differ somewhere: halved until a unit is left."""
        unit = self._unit
        while end - first > 1:
            middle = (first + end) // 2
            lower = now[first * unit : middle * unit] != before[first * unit : middle * unit]
            upper = now[middle * unit : end * unit] != before[middle * unit : end * unit]
            if lower and upper:
                self._differences(now, before, first, middle, changes)
                first = middle
            elif lower:
                end = middle
            else:
                first = middle
        changes.append(Change(first, now[first * unit : end * unit], before[first * unit : end * unit]))
