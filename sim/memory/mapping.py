"""What a driver has of host memory: a mapping, coherent memory, a leak; and how sentences name each.

Addresses are hexadecimal, lengths decimal. The line of the driver that made a thing, and the one that ended it, are
kept as code and number and worded when somebody asks.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Hashable
from dataclasses import dataclass
from types import CodeType
from typing import NamedTuple

__all__ = [
    "CoherentMemory", "Leak", "MappedBuffer", "MappingError", "Origin", "Place", "WrittenLate", "ended_when",
    "foreign", "line_of", "made_at", "origin", "stands_between",
]  # fmt: skip

Origin = tuple[CodeType, int] | None  # a line of code; worded only when it is asked for


def line_of(origin: Origin) -> str:
    return "" if origin is None else f"{origin[0].co_filename}:{origin[1]}"


def _name(kind: str, length: int, iova: int, line: str) -> str:
    return f"the {kind} of {length} bytes at {iova:#x}" + (f" ({line})" if line else "")


def _named(kind: str, length: int, iova: int, origin: Origin) -> str:
    return _name(kind, length, iova, line_of(origin))


def made_at(origin: Origin) -> str:
    return "" if origin is None else f" at {line_of(origin)}"


def foreign(given: object) -> str:
    """What is not of this memory: an address, when it has one, and never a repr of Python's own."""
    if isinstance(given, MappedBuffer | CoherentMemory):
        return repr(given)
    iova = getattr(given, "iova", None)
    return f"what is at {iova:#x}" if isinstance(iova, int) else f"a {type(given).__name__}"


class Place(NamedTuple):
    """Where an access lies among what is mapped: in words, what it is about, and how many bytes beyond that it went."""

    text: str
    about: Hashable = None
    reach: int = 0


class MappingError(Exception):
    """A driver's misuse of the mapping layer; the sentence says which mapping."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Memory never given back. `origin` is the driver's file:line, or "" without `trace_origins`."""

    kind: str
    iova: int
    length: int
    origin: str

    def __str__(self) -> str:
        return _name(self.kind, self.length, self.iova, self.origin)


class CoherentMemory:
    """Shared memory. `view` is released by `free`, so a later use of it raises ValueError.

    Views made of it, by a cast or a slice, outlive that: Python has no way to take them back. What they read from then
    on is POISON, and what they write is found: by `leaks`, and by the next that would have got the same bytes. A driver
    whose casts are to fail at the line of the use releases them before it frees, as our rings do.
    """

    __slots__ = ("freed", "iova", "key", "length", "origin", "slot", "view")
    kind = "coherent memory"

    def __init__(self, iova: int, view: memoryview, key: tuple[int, int], slot: int, origin: Origin) -> None:
        self.iova, self.view, self.length, self.key, self.slot, self.origin = iova, view, len(view), key, slot, origin
        self.freed: Origin = None  # by whom

    def __repr__(self) -> str:
        return _named(self.kind, self.length, self.iova, self.origin)


class WrittenLate(NamedTuple):
    """Coherent memory that its driver went on writing to: its bytes from `first` on, to before `end`, at least."""

    memory: CoherentMemory
    first: int
    end: int

    def leak(self) -> Leak:
        lines = f"{line_of(self.memory.origin)}, freed{made_at(self.memory.freed)}" if self.memory.origin else ""
        return Leak(
            "coherent memory written after its free", self.memory.iova + self.first, self.end - self.first, lines
        )

    def __str__(self) -> str:
        where = f"byte {self.first} to {self.end - 1}"
        return f"{self.memory!r} was written ({where}) after it was freed{made_at(self.memory.freed)}"


class MappedBuffer:
    """A slot of the arena that the device owns."""

    __slots__ = ("_data", "at", "freed", "iova", "length", "live", "origin", "shelf", "slot")
    kind = "mapping"

    def __init__(self, iova: int, length: int, data: mmap.mmap, at: int, slot: int, shelf: list[int]) -> None:
        self.iova, self.length, self._data, self.at = iova, length, data, at
        self.slot, self.shelf, self.live = slot, shelf, True
        self.origin: Origin = None
        self.freed: Origin = None  # by whom

    def read(self, length: int) -> bytes:
        if not self.live:
            raise MappingError(f"read of {length} bytes of {self!r}, which is unmapped{made_at(self.freed)}")
        if not 0 <= length <= self.length:
            raise MappingError(f"read of {length} bytes of {self!r}")
        return self._data[self.at : self.at + length]

    def __repr__(self) -> str:
        return _named(self.kind, self.length, self.iova, self.origin)


def ended_when(gone: MappedBuffer | CoherentMemory, ended: int | None, clock: int | None) -> str:
    word = "unmapped" if isinstance(gone, MappedBuffer) else "freed"
    text = f" that was {word}{made_at(gone.freed)}"
    if ended is None or clock is None:
        return text
    return f"{text} {clock - ended} clocks before" if clock >= ended else ""


_IN_BETWEEN: set[str] = set()


def stands_between(file: str) -> None:
    """This file calls the mapping layer for a driver: what it maps is the driver's line's."""
    _IN_BETWEEN.add(file)


def origin(file: str) -> tuple[CodeType, int]:
    """The nearest frame outside `file`, whose function calls this one, and of those that stand between."""
    frame = sys._getframe(2)
    while frame.f_back is not None and (frame.f_code.co_filename == file or frame.f_code.co_filename in _IN_BETWEEN):
        frame = frame.f_back
    return frame.f_code, frame.f_lineno
