"""The memory that a kernel lends by vhost-user: the card's, to reach by DMA, and ours, for the queues of messages."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

from ringbed.sim.lockstep.vhost import Bad, MemRegion, MemTable
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.serve.messages import DmaMap

__all__ = ["LentMemory"]


class LentMemory:
    """`card` is the same bytes as the card sees them, once its driver lets it."""

    def __init__(self, card: ClientMemory) -> None:
        self.card = card
        self._regions: list[tuple[MemRegion, memoryview]] = []

    def replace(self, table: MemTable, files: Sequence[int]) -> None:
        """All that was lent before is given back. `files` stay the caller's. Raises Bad, and nothing is lent."""
        self.clear()
        try:
            for region, file in zip(table.regions, files, strict=True):
                self._add(region, file)
        except Bad:
            self.clear()
            raise

    def clear(self) -> None:
        self.card.clear()
        self._regions.clear()

    def at(self, address: int, size: int) -> memoryview:
        """Guest memory, by its physical address. Raises Bad for what is not lent."""
        return self._found(address, size, [each.address for each, _ in self._regions])

    def own(self, address: int, size: int) -> memoryview:
        """The same by the address that the kernel itself has it at, as queues are named."""
        return self._found(address, size, [each.own for each, _ in self._regions])

    def _found(self, address: int, size: int, begins: list[int]) -> memoryview:
        for begin, (_, view) in zip(begins, self._regions, strict=True):
            if begin <= address and address + size <= begin + len(view):
                return view[address - begin : address - begin + size]
        raise Bad(f"{size} bytes at {address:#x} are in no memory that was lent")

    def _add(self, region: MemRegion, file: int) -> None:
        refusal = self.card.map(DmaMap(region.address, region.size, region.offset, True, True), file)
        if refusal is not None:
            raise Bad(refusal.why)
        whole = mmap.mmap(file, os.fstat(file).st_size)  # ClientMemory has looked that it is long enough
        self._regions.append((region, memoryview(whole)[region.offset : region.offset + region.size]))
