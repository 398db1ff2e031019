"""L3 demultiplexing: which service queue takes a packet for this host (seed 004, 'Processing Locally Received').

The key is `<destination><source><protocol><first 4 bytes of L4>`. Everything but the protocol may be wild; the 4
bytes bit by bit, so that a UDP port is 16 of them. An entry with everything wild is its protocol's catch-all.

**Best match**: among the entries that match, the one with the most bits given. Ties are broken by more bits of the
destination, then of the source, then by the higher mask of the 4 bytes. Entries with the same bits given cannot both
match, so the answer is always one.

The masks of a protocol are few, and for each there is a persistent tree, as a map (table/tree.py): a change shares all
but the way to it, whatever the number of sockets, and a reader sees the structure before it or after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.table.tree import PrefixTree
from ringbed.stack.wire.family import Family

_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Match:
    """What an entry asks of a packet. None: any. `word`, under `mask`, are the first 4 bytes of L4."""

    proto: int
    dst: int | None = None
    src: int | None = None
    word: int = 0
    mask: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.proto <= 255 or self.word & ~self.mask or self.mask & ~_WORD:
            raise ValueError(f"{self} cannot match: protocol, or bits outside of the mask")

    def key(self, width: int) -> int:
        """For addresses of `width` bits."""
        return ((self.dst or 0) << width | (self.src or 0)) << 32 | self.word

    def key_mask(self, width: int) -> int:
        ones = (1 << width) - 1
        dst = 0 if self.dst is None else ones
        src = 0 if self.src is None else ones
        return (dst << width | src) << 32 | self.mask


def _rank(mask: int) -> tuple[int, int]:
    """Order of the masks, best first: bits given, then the mask itself, where the destination is on top."""
    return -mask.bit_count(), -mask


_Masks = tuple[tuple[int, PrefixTree[ServiceQueue]], ...]


class L3Demux:
    """One for each family in each routing instance."""

    __slots__ = ("_bits", "_family", "_protocols", "_width")

    def __init__(self, family: Family) -> None:
        self._family = family
        self._width = family.bits
        self._bits = 2 * family.bits + 32
        self._protocols: dict[int, _Masks] = {}

    def text(self, match: Match) -> str:
        """As an error shows it."""
        dst, src = ("*" if a is None else self._family.text(a) for a in (match.dst, match.src))
        return f"proto {match.proto} to {dst} from {src} word {match.word:#010x}/{match.mask:#010x}"

    def lookup(self, dst: int, src: int, proto: int, word: int) -> ServiceQueue | None:
        """The best match, or None when nobody here wants the protocol."""
        masks = self._protocols.get(proto)
        if masks is not None:
            key, bits = (dst << self._width | src) << 32 | word, self._bits
            for mask, queues in masks:
                if (queue := queues.lookup(key & mask, bits)) is not None:
                    return queue
        return None

    def __contains__(self, match: Match) -> bool:
        return self._tree(match).get(match.key(self._width), self._bits) is not None

    def add(self, match: Match, queue: ServiceQueue) -> None:
        """Raises ValueError when the very same entry exists."""
        if match in self:
            raise ValueError(f"L3 entry {self.text(match)} is taken")
        self._publish(match, self._tree(match).set(match.key(self._width), self._bits, queue))

    def remove(self, match: Match) -> None:
        """Raises ValueError when there is no such entry."""
        if match not in self:
            raise ValueError(f"L3 entry {self.text(match)} is not there")
        self._publish(match, self._tree(match).without(match.key(self._width), self._bits))

    def _tree(self, match: Match) -> PrefixTree[ServiceQueue]:
        return dict(self._protocols.get(match.proto, ())).get(match.key_mask(self._width), PrefixTree())

    def _publish(self, match: Match, tree: PrefixTree[ServiceQueue]) -> None:
        masks = {**dict(self._protocols.get(match.proto, ())), match.key_mask(self._width): tree}
        ordered = tuple((mask, masks[mask]) for mask in sorted(masks, key=_rank) if masks[mask])
        self._protocols = {**self._protocols, match.proto: ordered}
