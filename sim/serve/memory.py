"""A client's memory as the card sees it: what was mapped with a file is the card's to read and write, page by page.

Each file is mapped once, however many descriptors of it come, since a client with an IOMMU brings one for every page.
What was mapped without a file is far: its bytes come and go by messages (asked.py). Without the bus master bit the card
reaches nothing at all.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
import weakref
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from ringbed.sim.checker.guest.memory import MapPiece
from ringbed.sim.memory.mapping import Place
from ringbed.sim.memory.regions import READ, WRITE, Region, RegionTable
from ringbed.sim.serve.messages import DmaMap, Refusal

__all__ = ["MOST_MAPS", "OFF", "ClientMemory"]

OFF = "the bus master bit of the card's command register is off (PCI 2.2, 6.2.2)"
MOST_MAPS = 65535  # what the protocol says when nobody says anything
GUARDED = 1 << 28  # bytes of one map that may be read only or written only: each needs a byte of permissions


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A map of the client's; without a region it has no file."""

    address: int
    size: int
    region: Region | None
    allowed: int = 0  # READ, WRITE or both: what the card may do


def _allowed(wanted: DmaMap) -> int:
    return READ * wanted.readable | WRITE * wanted.writable


def address_of(window: Window) -> int:
    return window.address


class ClientMemory(RegionTable):
    """`master`: whether the card may read and write at all; off until the client's driver says so.

    `trouble`: why the last burst to memory without a file has ended as an error, for the words of the finding.
    """

    def __init__(self) -> None:
        super().__init__([])
        self._windows: list[Window] = []  # by address
        self._files: weakref.WeakValueDictionary[tuple[int, int], mmap.mmap] = weakref.WeakValueDictionary()
        self._guards: dict[int, mmap.mmap] = {}  # bytes of permissions, by permission: every region has the same
        self._master = False
        self.trouble = "nobody has been asked for them"
        self.closing: tuple[int, int, str] | None = None  # address, length and why: going, while bursts to it end

    @property
    def windows(self) -> int:
        """How many maps there are, those without a file too."""
        return len(self._windows)

    @property
    def master(self) -> bool:
        return self._master

    @master.setter
    def master(self, on: bool) -> None:
        if on == self._master:
            return
        self._master = on
        shown = self._windows if on else []
        self.regions = [window.region for window in shown if window.region is not None]
        self.far = [(window.address, window.size) for window in shown if window.region is None]
        self.version += 1

    def map(self, wanted: DmaMap, file: int | None) -> Refusal | None:
        """`file` stays the caller's to close. A refusal has changed nothing."""
        if self._overlaps(wanted):
            return Refusal(errno.EEXIST, f"{wanted.size:#x} bytes at {wanted.address:#x} are mapped already")
        if len(self._windows) >= MOST_MAPS:
            return Refusal(errno.ENOSPC, f"there are {MOST_MAPS} maps already")
        try:
            region = None if file is None else self._region(wanted, file)
        except OSError as error:
            return Refusal(error.errno or errno.EINVAL, f"the file of {wanted.address:#x} cannot be mapped: {error}")
        window = Window(wanted.address, wanted.size, region, _allowed(wanted))
        self._windows.insert(bisect_left(self._windows, window.address, key=address_of), window)
        if self._master and region is not None:
            self.add_region(region)
        elif self._master:
            self.add_far(window.address, window.size)
        return None

    def reach(self, address: int, most: int) -> list[MapPiece]:
        """What the card reaches from `address` on without a gap, `most` bytes of it."""
        found: list[MapPiece] = []
        at = bisect_right(self._windows, address, key=address_of) - 1
        begin, end = address, address + most
        for window in self._windows[max(0, at) :]:
            inside = window.address <= begin < min(end, window.address + window.size)
            if not inside or window.region is None:
                break
            stop = min(end, window.address + window.size)
            piece = memoryview(window.region.data)[begin - window.address : stop - window.address]
            found.append(MapPiece(piece, window.allowed))
            begin = stop
        return found

    def within(self, address: int, size: int) -> list[Window] | None:
        """The maps that lie in this range; None when it would cut one in two."""
        end = address + size
        begin, stop = (bisect_left(self._windows, at, key=address_of) for at in (address, end))
        before = self._windows[begin - 1] if begin else None
        inside = self._windows[begin:stop]
        at_begin = before is not None and before.address + before.size > address
        at_end = bool(inside) and inside[-1].address + inside[-1].size > end
        return None if at_begin or at_end else inside

    def unmap(self, window: Window) -> None:
        """One of what `within` gave. The engine lets go of the bytes when it next runs."""
        del self._windows[bisect_left(self._windows, window.address, key=address_of)]
        if self._master and window.region is not None:
            self.remove_region(window.region)
        elif self._master:
            self.remove_far(window.address, window.size)

    def lets(self, address: int, size: int, write: bool) -> bool:
        """Whether the client lets the card read, or write, all these bytes of maps without a file."""
        while size > 0:
            window = self._window(address)
            if window is None or window.region is not None or not window.allowed & (WRITE if write else READ):
                return False
            there = window.address + window.size - address
            address, size = address + there, size - there
        return True

    def clear(self) -> None:
        """All maps are gone."""
        for window in reversed(list(self._windows)):  # from the end, which moves nothing
            self.unmap(window)

    def locate(self, iova: int, end: int | None = None, clock: int | None = None, write: bool | None = None) -> Place:
        if self.closing is not None and self.closing[0] <= iova < sum(self.closing[:2]):
            address, size, why = self.closing
            text = why if why is OFF else f"inside {size} bytes at {address:#x} that {why}"
            return Place(text, (address, why))
        if not self._master:
            return Place(OFF, (0, OFF))
        if (near := self._window(iova)) is not None and near.region is None:
            place = f"in the {near.size} bytes at {near.address:#x} that the client mapped without a file"
            return Place(f"{place}: {self.trouble}", (near.address, self.trouble))
        if removed := self.removed_at(iova, clock):
            return removed
        return super().locate(iova, end, clock, write) if self.regions else Place("nothing is mapped")

    def _window(self, address: int) -> Window | None:
        """The map that holds this byte."""
        at = bisect_right(self._windows, address, key=address_of) - 1
        near = self._windows[at] if at >= 0 else None
        return near if near is not None and address < near.address + near.size else None

    def _overlaps(self, wanted: DmaMap) -> bool:
        at = bisect_right(self._windows, wanted.address, key=address_of)
        before, behind = self._windows[max(0, at - 1) : at], self._windows[at : at + 1]
        return any(w.address + w.size > wanted.address for w in before) or any(
            w.address < wanted.address + wanted.size for w in behind
        )

    def _region(self, wanted: DmaMap, file: int) -> Region:
        """Raises OSError."""
        allowed = _allowed(wanted)
        if allowed != READ | WRITE and wanted.size > GUARDED:
            raise OSError(errno.ENOMEM, f"{wanted.size} bytes with permissions of their own")
        view = memoryview(self._mapped(wanted, file))[wanted.offset : wanted.offset + wanted.size]
        guard = None if allowed == READ | WRITE else self._guard(allowed, wanted.size)
        return Region(wanted.address, view, guard)

    def _mapped(self, wanted: DmaMap, file: int) -> mmap.mmap:
        """The whole file, or what there was of it when it was last looked at."""
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no file of bytes")
        if found.st_size < wanted.offset + wanted.size:
            raise OSError(errno.EINVAL, f"it has {found.st_size} bytes")
        if not wanted.writable:  # it may be closed to writing: a copy that nobody writes to is the file itself
            return mmap.mmap(file, found.st_size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        key = found.st_dev, found.st_ino
        known = self._files.get(key)
        if known is None or len(known) < wanted.offset + wanted.size:
            known = self._files[key] = mmap.mmap(file, found.st_size)
        return known

    def _guard(self, allowed: int, size: int) -> memoryview:
        guard = self._guards.get(allowed)
        if guard is None or len(guard) < size:
            guard = self._guards[allowed] = mmap.mmap(-1, size)
            guard.write(bytes([allowed]) * size)
        return memoryview(guard)[:size]
