"""Host memory for driver tests: every mapping at an address of its own, every misuse remembered.

Addresses are never used twice, so that a device that keeps one too long is always found out. `skew` makes streaming
buffers start at odd addresses.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from ringbed.drivers.world import Buffer, Coherent, Direction, Mapping

__all__ = ["FakeDma", "FakeFault"]

GAP = 512  # between regions: an overrun hits nothing


class FakeFault(Exception):
    """The bus's DECERR."""


class FakeRegion:
    """A Coherent (`direction` None) or a Mapping."""

    def __init__(self, iova: int, data: bytearray, direction: Direction | None) -> None:
        self.iova, self.length, self.data, self.direction = iova, len(data), data, direction
        self.view = memoryview(data)
        self.alive = True

    def read(self, length: int) -> bytes:
        assert self.alive, "read after unmap"
        assert self.direction is Direction.FROM_DEVICE
        assert length <= self.length
        return bytes(self.data[:length])


class FakeDma:
    """The Dma Protocol, and the device's side of it: `fetch` and `store`, which raise FakeFault outside a mapping."""

    def __init__(self, skew: int = 0) -> None:
        self.faults: list[str] = []
        self._skew = skew
        self._top = 0x1000
        self._starts: list[int] = []
        self._regions: dict[int, FakeRegion] = {}

    @property
    def live(self) -> int:
        return len(self._regions)

    def _add(self, data: bytearray, direction: Direction | None, iova: int) -> FakeRegion:
        region = FakeRegion(iova, data, direction)
        self._top = iova + len(data) + GAP
        insort(self._starts, iova)
        self._regions[iova] = region
        return region

    def _remove(self, region: FakeRegion) -> None:
        assert region.alive, f"{region.iova:#x} given back twice"
        region.alive = False
        del self._regions[region.iova]
        self._starts.remove(region.iova)

    def coherent(self, size: int, align: int = 128) -> FakeRegion:
        return self._add(bytearray(size), None, -(-self._top // align) * align)

    def free(self, memory: Coherent) -> None:
        assert isinstance(memory, FakeRegion)
        assert memory.direction is None
        self._remove(memory)

    def sync(self) -> None:
        """Stores are seen at once."""

    def map(self, data: Buffer, direction: Direction) -> FakeRegion:
        content = bytearray(data) if direction is Direction.TO_DEVICE else bytearray(b"\xee" * len(data))
        return self._add(content, direction, (self._top + 63 & ~63) + self._skew)

    def unmap(self, mapping: Mapping) -> None:
        assert isinstance(mapping, FakeRegion)
        assert mapping.direction is not None
        self._remove(mapping)

    def _find(self, iova: int, length: int, forbidden: Direction) -> tuple[FakeRegion, int]:
        index = bisect_right(self._starts, iova) - 1
        region = self._regions[self._starts[index]] if index >= 0 else None
        if region is None or iova + length > region.iova + region.length or region.direction is forbidden:
            self.faults.append(f"{length} bytes at {iova:#x}")
            raise FakeFault(self.faults[-1])
        return region, iova - region.iova

    def fetch(self, iova: int, length: int) -> bytes:
        region, at = self._find(iova, length, Direction.FROM_DEVICE)
        return bytes(region.data[at : at + length])

    def store(self, iova: int, data: bytes) -> None:
        region, at = self._find(iova, len(data), Direction.TO_DEVICE)
        region.data[at : at + len(data)] = data
