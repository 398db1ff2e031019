"""What a driver shares with the card: mappings it lent, what was received in them, and coherent memory that a mirror
watches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Protocol

from ringbed.drivers.world import Buffer, Coherent, Direction, Mapping, Verdict
from ringbed.sim.checker.places import NOWHERE, Chain, Stretch
from ringbed.sim.checker.scene import Scene
from ringbed.sim.processor.mirror import Change, Mirror, Snapshots

__all__ = ["Buffers", "Frame", "Lent", "LentTo", "Part", "Ringlike", "Shared", "UNIT"]

UNIT = 16  # bytes: a descriptor


class Part:
    """What one descriptor received. `taken`: the driver read it, or wrote its descriptor anew."""

    __slots__ = ("data", "frame", "index", "place", "taken")

    def __init__(self, index: int, frame: Frame) -> None:
        self.index, self.frame, self.taken = index, frame, False
        self.data: bytes | None = None  # as the driver read it
        self.place: Chain = NOWHERE  # at which it did

    def read(self, data: bytes, place: Chain) -> None:
        self.data, self.place, self.taken = data, place, True


class Frame:
    """One received frame, whole once there is a verdict."""

    __slots__ = ("parts", "verdict")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.verdict: Verdict | None = None

    @property
    def data(self) -> bytes:
        return b"".join(part.data or b"" for part in self.parts)


class LentTo(Protocol):
    """Who is told of reads, before they are done."""

    scene: Scene

    def before_read(self, lent: Lent) -> None: ...


class Lent:
    """A mapping as the driver has it; `owned` descriptors that the card has point into it.

    `data` is what the driver mapped, if it could change meanwhile.
    """

    __slots__ = ("_told", "data", "direction", "inner", "iova", "length", "made", "owned", "part")

    def __init__(self, inner: Mapping, direction: Direction, data: Buffer | None, told: LentTo, made: Chain) -> None:
        self.inner, self.direction, self.data, self._told, self.made = inner, direction, data, told, made
        self.iova, self.length = inner.iova, inner.length
        self.owned = 0
        self.part: Part | None = None  # of a received frame: what the card wrote here last

    def goes(self, way: Direction) -> bool:
        """Whether the card may use it this way."""
        return self.direction is way

    def read(self, length: int) -> bytes:
        self._told.before_read(self)
        data = self.inner.read(length)
        if self.part is not None:
            self.part.read(data, self._told.scene.begin)
        return data

    def changed(self) -> int | None:
        """The first byte of what the driver mapped that is not what the card was given, which `map` has copied."""
        try:
            now = b"" if self.data is None else bytes(self.data)
        except ValueError:  # a view that was released meanwhile
            return None
        given = self.inner.read(self.length) if now else now
        if now == given:
            return None
        pairs = enumerate(zip(now, given, strict=False))  # a bytearray may have another length by now
        return next((at for at, (left, right) in pairs if left != right), min(len(now), len(given)))

    def __repr__(self) -> str:
        return repr(self.inner)


class Ringlike(Protocol):
    """A ring in shared memory: `index` counts its descriptors."""

    def stored(self, index: int, change: Change, where: Stretch) -> None:
        """By the driver."""
        ...

    def written_back(self, indices: list[int]) -> None:
        """By the card."""
        ...

    def freed(self) -> None:
        """Its memory is about to go."""
        ...


class Shared:
    """Coherent memory, and the rings in it, each from a unit on for so many."""

    def __init__(self, memory: Coherent, made: Chain, seen: Snapshots | None = None) -> None:
        """`seen` is what is compared, where that is more than one view."""
        self.memory, self.iova, self.made = memory, memory.iova, made
        self.mirror = Mirror(memory.view if seen is None else seen, UNIT)
        self.length = len(memory.view if seen is None else seen)
        self.written: set[int] = set()  # units, by the driver, ever
        self.unseen: set[int] = set()  # and those since the last barrier, where stores are weak
        self.rings: list[tuple[int, int, Ringlike]] = []

    def __repr__(self) -> str:
        return repr(self.memory)

    def stored(self, changes: list[Change], where: Stretch) -> None:
        """By the driver."""
        for change in changes:
            self.written.add(change.index)
            for first, count, ring in self.rings:
                if 0 <= change.index - first < count:
                    ring.stored(change.index - first, change, where)

    def written_back(self) -> None:
        """Take what the card wrote since the last look."""
        changes = self.mirror.take()
        for first, count, ring in self.rings if changes else ():
            indices = [each.index - first for each in changes if 0 <= each.index - first < count]
            if indices:
                ring.written_back(indices)


class Buffers:
    """Everything that is mapped or allocated now."""

    def __init__(self) -> None:
        self.lent: dict[int, Lent] = {}
        self.shared: dict[int, Shared] = {}
        self._sorted: list[int] | None = None
        self._last: Lent | None = None

    def lend(self, lent: Lent) -> None:
        self.lent[lent.iova] = lent
        self._sorted = None

    def take_back(self, lent: Lent) -> None:
        self.lent.pop(lent.iova, None)
        self._sorted = None

    def find(self, address: int, length: int) -> Lent | Shared | None:
        """What `address` is in, all of it whatever the `length` that is asked for."""
        found = self.lent.get(address)
        if found is not None:
            return found
        last = self._last
        if last is None or not last.iova <= address < last.iova + last.length or self.lent.get(last.iova) is not last:
            if self._sorted is None:
                self._sorted = sorted(self.lent)
            at = bisect_right(self._sorted, address) - 1
            last = self.lent[self._sorted[at]] if at >= 0 else None
        if last is not None and last.iova <= address < last.iova + last.length:
            self._last = last
            return last
        return self.shared_at(address)

    def shared_at(self, address: int) -> Shared | None:
        return next((each for each in self.shared.values() if 0 <= address - each.iova < each.length), None)

    def of_base(self, address: int, length: int) -> Shared | None:
        """What a ring is in that begins at `address`, all of it whatever its `length` in bytes."""
        return self.shared_at(address)

    def of_ring(self, ring: Ringlike) -> Iterator[Shared]:
        """Memory that `ring` is in."""
        return (each for each in self.shared.values() if any(ring is other for _, _, other in each.rings))
