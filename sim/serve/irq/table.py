"""MSI-X's table and pending bits, as a client reads and writes them in their BAR (PCI 3.0, 6.8.2).

The server answers there, not the card's RTL. Addresses and data are kept and shown, but a message goes out by its
eventfd; a vector's mask bit is the same that SET_IRQS sets. What lies between and behind the two reads 0.
"""

from __future__ import annotations

from ringbed.drivers.world import MsixPlace
from ringbed.sim.serve.irq.vectors import Vectors

__all__ = ["ENTRY", "Table", "pba_bytes"]

ENTRY, CONTROL, WORD = 16, 12, 4  # bytes: of an entry, from its start to its vector control, of an access


def pba_bytes(vectors: int) -> int:
    """Of the pending bits, which are whole words of 64."""
    return -(-vectors // 64) * 8


class Table:
    """Words of 32 bits."""

    def __init__(self, place: MsixPlace, vectors: Vectors) -> None:
        self._place, self._vectors = place, vectors
        self._entries = bytearray(ENTRY * vectors.count)

    def holds(self, offset: int) -> bool:
        """Whether the word there is of the table or of the pending bits."""
        at, pending = offset - self._place.table, offset - self._place.pba
        return 0 <= at < len(self._entries) or 0 <= pending < pba_bytes(self._vectors.count)

    def read(self, offset: int) -> int:
        at, pending = offset - self._place.table, offset - self._place.pba
        if 0 <= at < len(self._entries):
            if at % ENTRY == CONTROL:
                return self._vectors.masked >> at // ENTRY & 1
            return int.from_bytes(self._entries[at : at + WORD], "little")
        if 0 <= pending < pba_bytes(self._vectors.count):
            return self._vectors.pending >> 8 * pending & 0xFFFF_FFFF
        return 0

    def write(self, offset: int, value: int) -> None:
        at = offset - self._place.table
        if not 0 <= at < len(self._entries):
            return
        if at % ENTRY == CONTROL:
            self._vectors.mask(1 << at // ENTRY, bool(value & 1))
        else:
            kept = value & ~3 if at % ENTRY == 0 else value  # an address of a word
            self._entries[at : at + WORD] = kept.to_bytes(WORD, "little")

    def reset(self) -> None:
        self._entries = bytearray(len(self._entries))
