"""Host memory in which pieces of frames lie where a case wants them: at any address, across any boundary.

A piece that has no place goes where the arena has room, as always. One that has lies in a window of memory of its own
around its address; what follows it there is the case's to say, and a card may not read it: on the bus, bytes of a beat
beyond a mapping come as POISON (`sim/memory/regions.py`), which no right frame has.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Sequence

from ringbed.conformance.nic.target import Place
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.memory.regions import READ, Region
from ringbed.sim.testbed.offer import Direction, Mapping

__all__ = ["WINDOWS", "PlacedMemory"]

GIB, HALF = 1 << 30, 1 << 20
# The middles of the windows: a page's and 64 KiB's border are in each; 4 GiB, and beyond 32, 40 and 48 bits.
WINDOWS = (2 * GIB, 4 * GIB, 1 << 40, 1 << 48)


class _Placed:
    """What the driver gets for a piece in a window."""

    def __init__(self, iova: int, data: bytes) -> None:
        self.iova, self.length, self._data = iova, len(data), data

    def read(self, length: int) -> bytes:
        return self._data[:length]


class PlacedMemory(HostMemory):
    """See the head of the file. `place` says where the next pieces that are mapped to the device go, one by one."""

    def __init__(self, rx_offset: int | None = None) -> None:
        super().__init__()
        self.rx_offset = rx_offset  # of receive buffers, modulo 4096
        self._next = deque[Place | None]()
        self._windows: dict[int, Region] = {}
        self._owners: dict[int, _Placed] = {}  # by address: who was put there last

    def place(self, places: Sequence[Place | None]) -> None:
        self._next.extend(places)

    def forget(self) -> None:
        """Places of pieces that were never mapped."""
        self._next.clear()

    def map(self, data: bytes | bytearray | memoryview, direction: Direction, offset: int | None = None) -> Mapping:
        if direction is Direction.FROM_DEVICE:
            return super().map(data, direction, self.rx_offset if offset is None else offset)
        place = self._next.popleft() if self._next else None
        return super().map(data, direction, offset) if place is None else self._put(bytes(data), place)

    def unmap(self, mapping: Mapping) -> None:
        if isinstance(mapping, _Placed):
            if self._owners.get(mapping.iova) is not mapping:
                return  # another lies there by now
            region = self._window(mapping.iova)
            assert region.shadow is not None
            at = mapping.iova - region.iova
            region.shadow[at : at + mapping.length] = bytes(mapping.length)
        else:
            super().unmap(mapping)

    def _put(self, data: bytes, place: Place) -> Mapping:
        region = self._window(place.address)
        assert region.shadow is not None
        at, size = place.address - region.iova, len(data)
        region.data[at : at + size + len(place.behind)] = data + place.behind
        region.shadow[at : at + size] = bytes([READ]) * size
        made = self._owners[place.address] = _Placed(place.address, data)
        return made

    def _window(self, address: int) -> Region:
        """Raises ValueError for an address in none."""
        for middle in WINDOWS:
            if middle - HALF <= address < middle + HALF:
                if middle not in self._windows:
                    made = Region(middle - HALF, mmap.mmap(-1, 2 * HALF), mmap.mmap(-1, 2 * HALF))
                    self.add_region(made)
                    self._windows[middle] = made
                return self._windows[middle]
        raise ValueError(f"no window of memory is at {address:#x}")
