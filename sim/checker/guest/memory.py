"""What a card may reach of a client's memory: buffers that descriptors point to, and the memory that a ring is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ringbed.drivers.world import Direction
from ringbed.sim.checker.buffers import UNIT, Buffers, Lent, LentTo, Shared
from ringbed.sim.checker.places import NOWHERE
from ringbed.sim.memory.regions import READ, WRITE

__all__ = ["ClientMaps", "Gathered", "GuestBuffers", "GuestLent", "MapPiece"]

MASKS = {Direction.TO_DEVICE: READ, Direction.FROM_DEVICE: WRITE}


class MapPiece(NamedTuple):
    """Bytes of one map of the client's; `allowed` is READ, WRITE or both, of the card's."""

    view: memoryview
    allowed: int


class ClientMaps(Protocol):
    """Memory that comes and goes."""

    def reach(self, address: int, most: int) -> Sequence[MapPiece]:
        """What the card reaches from `address` on without a gap, `most` bytes of it; empty where nothing is mapped."""
        ...


class Gathered:
    """Views that follow one another, as one."""

    def __init__(self, views: Sequence[memoryview]) -> None:
        self._views, self._length = views, sum(map(len, views))

    def __len__(self) -> int:
        return self._length

    def __bytes__(self) -> bytes:
        return b"".join(self._views)


@dataclass(slots=True)
class Reached:
    """A Mapping, and a Coherent of which nobody asks the view: from an address on, as far as was asked for."""

    iova: int
    length: int
    seen: Gathered
    view: memoryview = memoryview(b"")

    def read(self, length: int) -> bytes:
        return bytes(self.seen)[:length]

    def __repr__(self) -> str:
        return f"what is mapped at {self.iova:#x}"


class GuestLent(Lent):
    """A buffer from the address on that a descriptor has. How far its mapping goes nobody says: as far as there is
    memory without a gap, which may be another mapping's.
    """

    __slots__ = ("_allowed",)

    def __init__(self, inner: Reached, allowed: int, told: LentTo) -> None:
        super().__init__(inner, Direction.TO_DEVICE, None, told, NOWHERE)
        self._allowed = allowed

    def goes(self, way: Direction) -> bool:
        return bool(self._allowed & MASKS[way])


class GuestBuffers(Buffers):
    """Over the maps of a client; `told` is who a buffer belongs to."""

    def __init__(self, maps: ClientMaps, told: Callable[[], LentTo]) -> None:
        super().__init__()
        self._maps, self._told = maps, told

    def find(self, address: int, length: int) -> GuestLent | None:
        pieces = self._maps.reach(address, length)
        if not pieces:
            return None
        allowed = pieces[0].allowed  # what may be used otherwise is another mapping
        same = next((at for at, piece in enumerate(pieces) if piece.allowed != allowed), len(pieces))
        seen = Gathered([piece.view for piece in pieces[:same]])
        return GuestLent(Reached(address, len(seen), seen), allowed, self._told())

    def of_base(self, address: int, length: int) -> Shared | None:
        """As it is now: what is in it already was written by the driver."""
        seen = Gathered([piece.view for piece in self._maps.reach(address, length)])
        if not len(seen):
            return None
        shared = Shared(Reached(address, len(seen), seen), NOWHERE, seen)
        units = range(len(seen) // UNIT)
        shared.written.update(unit for unit in units if any(shared.mirror.unit(unit)))
        return shared
