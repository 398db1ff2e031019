"""Regions of memory as a card reads and writes them.

A region is an iova, a length, a pointer to its bytes and, beside it, one shadow byte per byte: may the device read it,
may it write it. The C++ harness uses both pointers directly; `device_read` and `device_write` are the same rules for
engines in Python:

* A write is checked byte by byte under its strobes: one byte outside is DECERR, and its beat is not written.
* A read beat has no strobes, so a beat with at least one byte inside a mapping is answered, and the bytes outside come
  back as `POISON`: a card that uses them is caught by the data. A beat wholly outside is DECERR.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Protocol

from ringbed.sim.memory.mapping import Place

__all__ = [
    "FAULTY", "POISON", "READ", "REMEMBERED", "WRITE", "Clocked", "DeviceMemory", "Region", "RegionTable", "Response",
    "iova_of",
]  # fmt: skip

POISON = 0xDB
ROW = Struct("=4Q")
READ, WRITE, FAULTY = 1, 2, 4  # bits of a shadow byte
REMEMBERED = 1024  # mappings or regions that ended: a driver that goes down ends those of a whole ring


class Response(IntEnum):
    """An AXI response (AMBA AXI, A3.4.4)."""

    OKAY = 0
    SLVERR = 2
    DECERR = 3


class Region:
    """`length` bytes at `iova`, held by `data`, permissions in `shadow`: both writable buffers kept alive here.

    Without a shadow the device may read and write all of it. `row` is address, length and the pointers to both buffers
    (the shadow's 0 where there is none), four words of 64 bits, made once: a table may have 65,535. The pointers stay
    valid while the region lives.
    `file` and `shadow_file` are descriptors of the files the bytes are those of, for an engine that is another process.
    """

    __slots__ = ("_anchors", "data", "file", "iova", "length", "row", "shadow", "shadow_file")

    def __init__(
        self, iova: int, data: memoryview | mmap.mmap, shadow: memoryview | mmap.mmap | None = None,
        file: int | None = None, shadow_file: int | None = None,
    ) -> None:  # fmt: skip
        self.iova, self.data, self.shadow, self.length = iova, data, shadow, len(data)
        self.file, self.shadow_file = file, shadow_file
        if shadow is not None and len(shadow) != len(data):
            raise ValueError(f"a region of {len(data)} bytes has a shadow of {len(shadow)}")
        self._anchors = [ctypes.c_char.from_buffer(buffer) for buffer in (data, shadow) if buffer is not None]
        pointers = [ctypes.addressof(anchor) for anchor in self._anchors]
        self.row = ROW.pack(iova, self.length, pointers[0], pointers[1] if shadow is not None else 0)


def iova_of(region: Region) -> int:
    return region.iova


class DeviceMemory:
    """Regions as a card reads and writes them, by the rules at the head of the file; `regions` is by address."""

    def __init__(self, regions: list[Region]) -> None:
        self.regions = regions

    def locate(self, iova: int, end: int | None = None, clock: int | None = None, write: bool | None = None) -> Place:
        """Where an access from `iova` to before `end`, at `clock`, lies among what is mapped, for a finding."""
        near = min(self.regions, key=lambda r: max(r.iova - iova, iova - (r.iova + r.length - 1), 0))
        return Place(f"the nearest region has {near.length} bytes at {near.iova:#x}", near.iova)

    def device_read(self, iova: int, length: int) -> tuple[bytes, Response]:
        """One beat's bytes, by the rule at the head of the file."""
        region = self.region(iova, length)
        if region is None:
            return bytes([POISON]) * length, Response.DECERR
        at = iova - region.iova
        data = bytes(region.data[at : at + length])
        if region.shadow is None:
            return data, Response.OKAY
        shadow = bytes(region.shadow[at : at + length])
        if any(bits & FAULTY for bits in shadow):
            return bytes([POISON]) * length, Response.SLVERR
        if all(bits & READ for bits in shadow):
            return data, Response.OKAY
        known = bytes(byte if bits & READ else POISON for byte, bits in zip(data, shadow, strict=True))
        return known, Response.OKAY if any(bits & READ for bits in shadow) else Response.DECERR

    def device_write(self, iova: int, data: bytes, strobe: int) -> Response:
        """One beat under its strobes (bit 0 is the byte at `iova`); nothing is written unless all of it may be."""
        if not strobe:
            return Response.OKAY
        region = self.region(iova, len(data))
        if region is None:
            return Response.DECERR
        at = iova - region.iova
        lanes = [lane for lane in range(len(data)) if strobe >> lane & 1]
        if region.shadow is not None:
            bits = [region.shadow[at + lane] for lane in lanes]
            if any(b & FAULTY for b in bits):
                return Response.SLVERR
            if not all(b & WRITE for b in bits):
                return Response.DECERR
        for lane in lanes:
            region.data[at + lane] = data[lane]
        return Response.OKAY

    def region(self, iova: int, length: int = 1) -> Region | None:
        """The region that holds all of `length` bytes at `iova`."""
        near = bisect_right(self.regions, iova, key=iova_of) - 1
        if near < 0:
            return None
        found = self.regions[near]
        return found if iova + length <= found.iova + found.length else None


class Clocked(Protocol):
    """An engine, of which memory knows only this."""

    @property
    def now(self) -> int: ...


class RegionTable(DeviceMemory):
    """Regions that come and go under a running card. `version` changes with them: engines then look again.

    `far` are places of whole pages, by address and length, whose bytes are not here: who runs the native engine brings
    and takes them. To every other engine they are no memory.
    """

    def __init__(self, regions: list[Region]) -> None:
        super().__init__(regions)
        self.version = 1
        self.far: list[tuple[int, int]] = []
        # address, length, and the clock they went at
        self._removed: deque[tuple[int, int, int | None]] = deque(maxlen=REMEMBERED)
        self._clocked: Callable[[], Clocked | None] = lambda: None

    def clocked_by(self, engine: Clocked) -> None:
        """Whose clock says when a region (and, with `trace_origins`, a mapping) ended. It is not kept alive by this."""
        self._clocked = weakref.ref(engine)

    def add_region(self, region: Region) -> None:
        """Memory of somebody else's. Raises ValueError on overlap."""
        at = bisect_right(self.regions, region.iova, key=iova_of)
        for other in self.regions[max(0, at - 1) : at + 1]:
            if region.iova < other.iova + other.length and other.iova < region.iova + region.length:
                raise ValueError(f"a region at {region.iova:#x} overlaps the one at {other.iova:#x}")
        self.regions.insert(at, region)
        self.version += 1

    def remove_region(self, region: Region) -> None:
        """Take away what `add_region` added: the device's accesses to it are DECERR from now on, those of a burst under
        way too. An engine lets go of the bytes when it next runs or is read. Raises ValueError for any other region.
        """
        at = bisect_left(self.regions, region.iova, key=iova_of)  # they do not overlap: it is there or nowhere
        if at == len(self.regions) or self.regions[at] is not region:
            raise ValueError(f"the region of {region.length} bytes at {region.iova:#x} was not added here")
        del self.regions[at]
        self._removed.append((region.iova, region.length, self._clock()))
        self.version += 1

    def add_far(self, iova: int, length: int) -> None:
        """Whole pages, where nothing else is."""
        insort(self.far, (iova, length))
        self.version += 1

    def remove_far(self, iova: int, length: int) -> None:
        """What `add_far` added. Raises ValueError for anything else."""
        self.far.remove((iova, length))
        self._removed.append((iova, length, self._clock()))
        self.version += 1

    def removed_at(self, iova: int, clock: int | None) -> Place | None:
        """The region that went last of those that had this address, unless there is memory again."""
        for base, length, ended in reversed(self._removed) if self.region(iova) is None else ():
            if base <= iova < base + length:
                when = "" if ended is None or clock is None else f" {clock - ended} clocks before"
                text = f"inside the region of {length} bytes at {base:#x} that was removed{when}"
                return Place(text, (base, length, ended))
        return None

    def _clock(self) -> int | None:
        engine = self._clocked()
        return None if engine is None else engine.now
