"""A split virtqueue from the device's side: chains of buffers out of it, and back.

Source: Virtual I/O Device (VIRTIO) 1.1, 2.6. Neither indirect descriptors nor event indices were offered.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ringbed.sim.lockstep.memory import LentMemory
from ringbed.sim.lockstep.vhost import Bad, VringAddress

__all__ = ["Chain", "Queue"]

DESCRIPTOR, INDEX, USED = struct.Struct("<QIHH"), struct.Struct("<H"), struct.Struct("<II")
NEXT, WRITE = 1, 2  # flags of a descriptor
MOST_BYTES = 1 << 17  # of a chain: no message of virt-pci is longer
HEAD = 4  # bytes before the entries of both rings: flags, index


@dataclass(frozen=True, slots=True)
class Chain:
    """`said` is what the driver wrote; `room` the buffers for an answer."""

    head: int
    said: bytes
    room: tuple[memoryview, ...]

    def answer(self, data: bytes) -> int:
        """How many bytes of it there was room for."""
        written = 0
        for buffer in self.room:
            piece = data[written : written + len(buffer)]
            buffer[: len(piece)] = piece
            written += len(piece)
        return written


class Queue:
    """`size` entries whose parts lie where `address` says. Raises Bad for parts outside of what is lent."""

    def __init__(self, memory: LentMemory, size: int, address: VringAddress, base: int = 0) -> None:
        self._memory, self._size, self._next = memory, size, base & 0xFFFF
        self._descriptors = memory.own(address.descriptors, DESCRIPTOR.size * size)
        self._available = memory.own(address.available, HEAD + INDEX.size * size)
        self._used = memory.own(address.used, HEAD + USED.size * size)

    def take(self) -> Chain | None:
        """The next chain, in order. Raises Bad for a ring or a chain that cannot be."""
        ahead = (self._index(self._available) - self._next) & 0xFFFF
        if ahead > self._size:
            raise Bad(f"a queue of {self._size} entries says that {ahead} are available")
        if not ahead:
            return None
        (head,) = INDEX.unpack_from(self._available, HEAD + INDEX.size * (self._next % self._size))
        chain = self._chain(head)
        self._next = (self._next + 1) & 0xFFFF
        return chain

    def give(self, chain: Chain, written: int) -> None:
        """Back to the driver, with so many bytes of an answer in it."""
        index = self._index(self._used)
        USED.pack_into(self._used, HEAD + USED.size * (index % self._size), chain.head, written)
        INDEX.pack_into(self._used, 2, (index + 1) & 0xFFFF)

    def _chain(self, head: int) -> Chain:
        said, room, at, total = [], list[memoryview](), head, 0
        for _ in range(self._size):
            if at >= self._size:
                raise Bad(f"descriptor {at} of a queue of {self._size}")
            address, length, flags, behind = DESCRIPTOR.unpack_from(self._descriptors, DESCRIPTOR.size * at)
            total += length
            if flags & ~(NEXT | WRITE) or total > MOST_BYTES or (room and not flags & WRITE):
                raise Bad(f"descriptor {at} of {length} bytes has flags {flags:#x}")
            buffer = self._memory.at(address, length)
            if flags & WRITE:
                room.append(buffer)
            else:
                said.append(bytes(buffer))
            if not flags & NEXT:
                return Chain(head, b"".join(said), tuple(room))
            at = behind
        raise Bad(f"the chain from descriptor {head} on has no end")

    def _index(self, ring: memoryview) -> int:
        return int(INDEX.unpack_from(ring, 2)[0])
