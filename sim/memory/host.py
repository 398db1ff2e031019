"""Host memory as a card sees it: a table of regions, an arena the driver maps buffers in, and the IOMMU before it.

What the device may read and write is a region's (`sim/memory/regions.py`). `map` copies: the arena is a bounce pool, so
what a driver does to its own buffer while the device owns it is not seen by the device (nor by us). Slots are followed
by a red zone that is never mapped. Misuse by the driver raises `MappingError` at the driver's line; misuse by the
device is the engine's finding, worded with `locate`. What was unmapped is remembered for that, the last `REMEMBERED`
of it and until its slot is mapped again.

The arena is above 4 GiB where a card's addresses go there, and the upper half of what a narrower card can address.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

from ringbed.drivers.world import Buffer, Coherent, Direction, Mapping
from ringbed.hw.formats.number import several
from ringbed.sim.memory.arena import shared_pages
from ringbed.sim.memory.mapping import (
    CoherentMemory,
    Leak,
    MappedBuffer,
    MappingError,
    Place,
    WrittenLate,
    ended_when,
    foreign,
    line_of,
    made_at,
    origin,
)
from ringbed.sim.memory.regions import (
    FAULTY,
    POISON,
    READ,
    REMEMBERED,
    WRITE,
    DeviceMemory,
    Region,
    RegionTable,
    Response,
)
from ringbed.sim.seam.portmap import PortMap, PortMapError

__all__ = [
    "ARENA_BASE", "LEAST_ADDR_WIDTH", "REMEMBERED", "DeviceMemory", "HostMemory", "Leak", "MappingError", "POISON",
    "Place", "Region", "Response", "memory_for", "too_narrow",
]  # fmt: skip

ARENA_BASE = 0x1_2000_0000  # above 4 GiB, so that the high halves of addresses are exercised
ARENA_SIZE = 64 << 20  # virtual; pages are taken when touched
LEAST_ADDR_WIDTH = 20  # half of its 1 MiB is room for rings and some 230 buffers of a full frame
PAGE = 4096
RED_ZONE = 64  # also the alignment of a slot
SMALLEST, LARGEST = 6, 16  # slot size classes, as powers of two


def address_of(known: MappedBuffer | CoherentMemory) -> int:
    return known.iova


class HostMemory(RegionTable):
    """The `Dma` of one host.

    `trace_origins` notes the driver's file and line that mapped a buffer and that unmapped it, and the clock then, for
    every sentence about it; what that costs is the figure `sim.em.checks_cost.origins` of `ringbed bench sim`.
    """

    def __init__(self, size: int = ARENA_SIZE, base: int = ARENA_BASE, trace_origins: bool = True) -> None:
        if base % PAGE or size % PAGE or size <= 0 or not 0 <= base <= (1 << 64) - size:
            raise ValueError(f"an arena of {size:#x} bytes at {base:#x} is not made of whole pages of 64-bit addresses")
        (file, self._data), (shadow_file, self._shadow) = (shared_pages(size, self) for _ in range(2))
        self._base, self._size, self._trace = base, size, trace_origins
        self._arena = Region(base, self._data, self._shadow, file, shadow_file)
        super().__init__([self._arena])
        self._top = PAGE  # arena bytes carved so far; nothing is ever mapped at its very start
        self._shelves: list[list[int]] = [[] for _ in range(LARGEST + 1)]  # free slots by size class
        self._pages: dict[int, list[int]] = {}  # free page-aligned slots by size, for `offset`
        self._rings: dict[tuple[int, int], list[int]] = {}  # free coherent slots by (size, align)
        self._live: dict[int, MappedBuffer] = {}
        self._coherent: dict[int, CoherentMemory] = {}
        self._poisoned: dict[int, CoherentMemory] = {}  # by slot: freed, and not given out again
        # by slot, and the clock it ended at
        self._ended: dict[int, tuple[MappedBuffer | CoherentMemory, int | None]] = {}
        # all of these by address, made when somebody asks
        self._known: list[MappedBuffer | CoherentMemory] | None = None

    # The driver's side ------------------------------------------------------------------------------------------

    def map(self, data: Buffer, direction: Direction, offset: int | None = None) -> Mapping:
        """As `Dma.map`; with `offset` the buffer's iova modulo 4096 is that. MappingError when empty or arena full."""
        length = len(data)
        if not length:
            raise MappingError("a mapping of 0 bytes")
        if offset is None:
            size = SMALLEST if length <= 64 else (length - 1).bit_length()
            if size > LARGEST:
                return self.map(data, direction, 0)
            shelf = self._shelves[size]
            at = slot = shelf.pop() if shelf else self._carve((1 << size) + RED_ZONE, RED_ZONE)
        else:
            at, slot, shelf = self._page_slot(length, offset)
        end = at + length
        if direction is Direction.TO_DEVICE:
            self._data[at:end] = data
            self._shadow[at:end] = b"\x01" * length
        else:
            self._shadow[at:end] = b"\x02" * length
        iova = self._base + at
        mapping = self._live[iova] = MappedBuffer(iova, length, self._data, at, slot, shelf)
        self._ended.pop(slot, None)
        self._known = None
        if self._trace:
            mapping.origin = origin(__file__)
        return mapping

    def unmap(self, mapping: Mapping) -> None:
        if type(mapping) is not MappedBuffer or mapping._data is not self._data:
            raise MappingError(f"unmap of {foreign(mapping)}, which was not mapped here")
        if not mapping.live:
            first = f", the first{made_at(mapping.freed)}" if mapping.freed else ""
            raise MappingError(f"second unmap of {mapping!r}{first}")
        mapping.live = False
        if self._trace:
            mapping.freed = origin(__file__)
        at = mapping.at
        self._shadow[at : at + mapping.length] = bytes(mapping.length)
        del self._live[mapping.iova]
        mapping.shelf.append(mapping.slot)
        self._remember(mapping)

    def coherent(self, size: int, align: int = 128) -> Coherent:
        """Zeroed memory for both sides; `align` is a power of two. MappingError when the arena is full, and when what
        was freed and would be given out again was written since: those bytes stay with whoever writes them.
        """
        if size <= 0 or align <= 0 or align & (align - 1):
            raise MappingError(f"coherent memory of {size} bytes aligned to {align}")
        key = (size, max(align, RED_ZONE))
        shelf = self._rings.setdefault(key, [])
        slot = shelf.pop() if shelf else self._carve(size + RED_ZONE, key[1])
        if late := self._written_late(slot):
            raise MappingError(str(late))
        self._poisoned.pop(slot, None)
        self._data[slot : slot + size] = bytes(size)
        self._shadow[slot : slot + size] = bytes([READ | WRITE]) * size
        view = memoryview(self._data)[slot : slot + size]
        memory = CoherentMemory(self._base + slot, view, key, slot, origin(__file__) if self._trace else None)
        self._coherent[memory.iova] = memory
        self._ended.pop(slot, None)
        self._known = None
        return memory

    def free(self, memory: Coherent) -> None:
        if not isinstance(memory, CoherentMemory) or self._coherent.get(memory.iova) is not memory:
            freed = memory.freed if isinstance(memory, CoherentMemory) else None
            first = f"second free of {memory!r}, the first" if freed else f"free of {foreign(memory)}, which is not"
            raise MappingError(f"{first}{made_at(freed) if freed else ' allocated here'}")
        del self._coherent[memory.iova]
        if self._trace:
            memory.freed = origin(__file__)
        memory.view.release()
        self._data[memory.slot : memory.slot + memory.length] = bytes([POISON]) * memory.length
        self._poisoned[memory.slot] = memory
        self._shadow[memory.slot : memory.slot + memory.length] = bytes(memory.length)
        self._rings[memory.key].append(memory.slot)
        self._remember(memory)

    def sync(self) -> None:
        """As `Dma.sync`: stores are in memory in the order in which Python makes them. `sim/processor` has others."""

    def leaks(self) -> list[Leak]:
        """What is still mapped or allocated, and coherent memory that was written after its `free`, by address. After a
        driver's `down` it must be empty.
        """
        held: list[MappedBuffer | CoherentMemory] = [*self._live.values(), *self._coherent.values()]
        found = [Leak(each.kind, each.iova, each.length, line_of(each.origin)) for each in held]
        found += [late.leak() for late in map(self._written_late, self._poisoned) if late]
        return sorted(found, key=lambda leak: leak.iova)

    def _written_late(self, slot: int) -> WrittenLate | None:
        """Whether somebody wrote to what was freed here. No device can: it would be a stray access."""
        memory = self._poisoned.get(slot)
        if memory is None:
            return None
        data = self._data[slot : slot + memory.length]
        if data == bytes([POISON]) * memory.length:
            return None
        mark = bytes([POISON])
        return WrittenLate(memory, len(data) - len(data.lstrip(mark)), len(data.rstrip(mark)))

    def _remember(self, ended: MappedBuffer | CoherentMemory) -> None:
        self._ended[ended.slot] = ended, self._clock() if self._trace else None
        self._known = None
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]

    # The testbed's side -----------------------------------------------------------------------------------------

    def remove_region(self, region: Region) -> None:
        """As `RegionTable.remove_region`; the arena stays."""
        if region is self._arena:
            raise ValueError(f"the region of {region.length} bytes at {region.iova:#x} was not added here")
        super().remove_region(region)

    def set_faulty(self, iova: int, length: int, faulty: bool = True) -> None:
        """Make bytes answer SLVERR, as broken memory would, until their mapping ends or `faulty` is False."""
        at = iova - self._base
        if not 0 <= at <= at + length <= self._size:
            raise ValueError(f"{length} bytes at {iova:#x} are not in the arena")
        bits = self._shadow[at : at + length]
        self._shadow[at : at + length] = bytes(b | FAULTY if faulty else b & ~FAULTY for b in bits)

    def locate(self, iova: int, end: int | None = None, clock: int | None = None, write: bool | None = None) -> Place:
        """Where an access from `iova` to before `end` lies among what is mapped, or was; `clock` is the finding's. With
        `write` said, a mapping of the other direction is told as one.

        What it says is true as long as nothing is mapped or unmapped: a finding is worded before a driver goes on.
        """
        if removed := self.removed_at(iova, clock):
            return removed
        near = self._nearest(iova)
        if near is None:
            return Place("nothing is mapped")
        name, reach = str(near), (iova + 1 if end is None else end) - (near.iova + near.length)
        ended = self._ended_at(near)
        if ended:
            name += ended_when(near, *ended, clock)
        inside = near.iova <= iova < near.iova + near.length and (reach <= 0 or bool(ended))
        if not ended and (only := self._other_way(near, iova, write)):
            name, inside = name + only, True
        about = near.iova, near.length, ended, iova < near.iova, inside
        if iova < near.iova:
            return Place(f"before, by {several(near.iova - iova, 'byte')}, {name}", about)
        if inside:
            return Place(f"inside {name}", about)
        return Place(f"beyond, by {several(reach, 'byte')}, {name}", about, reach)

    def _other_way(self, near: MappedBuffer | CoherentMemory, iova: int, write: bool | None) -> str:
        """That what is at `iova` is mapped for reading alone and is written, or the other way round; else ""."""
        if write is None or not near.iova <= iova < near.iova + near.length:
            return ""
        way = self._shadow[iova - self._base] & (READ | WRITE)
        if (way, write) == (READ, True):
            return ", which is mapped to the device: it may only be read"
        return ", which is mapped from the device: it may only be written" if (way, write) == (WRITE, False) else ""

    def _nearest(self, iova: int) -> MappedBuffer | CoherentMemory | None:
        """What is mapped, or was, at `iova` or with fewest bytes between; of two that are as near, one that is."""
        if self._known is None:  # no two share a byte: a slot has one that lives or one that ended
            ended = (gone for gone, _ in self._ended.values())
            self._known = sorted([*self._live.values(), *self._coherent.values(), *ended], key=address_of)
        at = bisect_right(self._known, iova, key=address_of)
        sides = self._known[max(0, at - 1) : at + 1]
        far = [max(each.iova - iova, iova - (each.iova + each.length - 1), 0) for each in sides]
        ranked = [(bytes_off, bool(self._ended_at(each))) for bytes_off, each in zip(far, sides, strict=True)]
        return sides[ranked.index(min(ranked))] if sides else None

    def _ended_at(self, known: MappedBuffer | CoherentMemory) -> tuple[int | None] | tuple[()]:
        """The clock at which it ended, in a tuple; () while it lives."""
        gone, clock = self._ended.get(known.slot, (None, None))
        return (clock,) if gone is known else ()

    # ------------------------------------------------------------------------------------------------------------

    def _carve(self, size: int, align: int) -> int:
        at = -(-self._top // align) * align
        if at + size > self._size:
            raise MappingError(f"the arena of {self._size} bytes is full: {self._held()}")
        self._top = at + -(-size // RED_ZONE) * RED_ZONE
        return at

    def _held(self) -> str:
        """How much is live, and whose line made most of it."""
        held: list[MappedBuffer | CoherentMemory] = [*self._live.values(), *self._coherent.values()]
        lines = Counter(each.origin for each in held if each.origin)
        most = "".join(f", {count} of them made at {line_of(line)}" for line, count in lines.most_common(1))
        return f"{several(len(held), 'mapping')} {'is' if len(held) == 1 else 'are'} live{most}"

    def _page_slot(self, length: int, offset: int) -> tuple[int, int, list[int]]:
        if not 0 <= offset < PAGE:
            raise MappingError(f"offset {offset} is not within a page of {PAGE} bytes")
        size = -(-(offset + length + RED_ZONE) // PAGE) * PAGE
        shelf = self._pages.setdefault(size, [])
        slot = shelf.pop() if shelf else self._carve(size, PAGE)
        return slot + offset, slot, shelf


def memory_for(portmap: PortMap) -> HostMemory:
    """Host memory where the card of this map can reach it. Raises PortMapError for one that could reach too little."""
    dma = portmap.dma
    if dma is None or ARENA_BASE + ARENA_SIZE <= 1 << dma.addr_width:
        return HostMemory()
    if sentence := too_narrow(dma.addr_width):
        raise PortMapError(sentence)
    half = 1 << (dma.addr_width - 1)
    return HostMemory(min(ARENA_SIZE, half - PAGE), half)  # the last page is free, so that no end is at 0


def too_narrow(addr_width: int) -> str:
    """A sentence for a DMA that reaches too little, or ""."""
    if addr_width >= LEAST_ADDR_WIDTH:
        return ""
    reach = f"dma.addr_width {addr_width} reaches {1 << addr_width} bytes, too few for host memory"
    return f"{reach}: {LEAST_ADDR_WIDTH} bits is the least"
