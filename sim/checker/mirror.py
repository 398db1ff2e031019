"""What was stored into shared memory since it was last looked at.

Rings are written through memoryviews, so stores cannot be watched one by one. But the card moves only while its clock
runs, and a driver only while it does not: what changed between two looks with no clock between them is the driver's,
and what changed in a look around running clocks is the card's.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Change", "Mirror"]


@dataclass(frozen=True, slots=True)
class Change:
    """One unit that is not what it was: its number, and what it holds now."""

    index: int
    now: bytes
    before: bytes


class Mirror:
    """Of `view`, in units of `unit` bytes that divide it; a rest shorter than a unit is one too."""

    def __init__(self, view: memoryview, unit: int) -> None:
        self._view, self._unit = view, unit
        self._last = bytes(view)

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
        unit = self._unit
        changes: list[Change] = []
        self._differences(now, before, 0, -(-len(now) // unit), changes)
        return changes

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
