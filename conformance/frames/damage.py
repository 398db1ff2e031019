"""Damage a checksum is there to find: seeded byte flips at places that matter, the FCS being right.

Only copies of whole frames are touched, behind the link header, so the card still takes them. What a card must then say
is the oracle's to tell: a flip may turn a frame into another kind, or hit what no sum covers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringbed.conformance.references.anatomy import TCP, UDP, dissect

__all__ = ["PLACES", "Damaged", "damaged_copies", "places"]

PLACES = ("ip header", "l4 header", "payload", "pad")
LINK_HEADER = 14
_HEADERS = {TCP: 20, UDP: 8}


@dataclass(frozen=True, slots=True)
class Damaged:
    """`frame` is a copy of a frame of `kind` with byte `offset` XOR `mask`."""

    frame: bytes
    kind: str
    place: str
    offset: int
    mask: int


def places(frame: bytes) -> dict[str, range]:
    """The places `frame` has; a frame that is no IP packet is all payload."""
    parts = dissect(frame)
    if parts.ip == (0, 0):
        return {"payload": range(LINK_HEADER, len(frame))} if len(frame) > LINK_HEADER else {}
    begin, end = parts.l4
    middle = min(end, begin + _HEADERS.get(parts.protocol, 0))
    found = (range(*parts.ip), range(begin, middle), range(middle, end), range(parts.end, len(frame)))
    return {name: where for name, where in zip(PLACES, found, strict=True) if len(where)}


def damaged_copies(frames: Sequence[bytes], seed: int, each: int = 1) -> Iterator[Damaged]:
    """For every kind among `frames`, `each` flips in every place that kind has, in frames of it chosen by `seed`."""
    by_kind: dict[str, list[bytes]] = {}
    for frame in frames:
        by_kind.setdefault(dissect(frame).name, []).append(frame)
    rng = random.Random(seed)
    for kind, stock in sorted(by_kind.items()):
        for place in PLACES:
            fit = [frame for frame in stock if place in places(frame)]
            for _ in range(each if fit else 0):
                yield _flip(rng, rng.choice(fit), kind, place)


def _flip(rng: random.Random, frame: bytes, kind: str, place: str) -> Damaged:
    offset, mask = rng.choice(places(frame)[place]), rng.randrange(1, 256)
    spoilt = bytearray(frame)
    spoilt[offset] ^= mask
    return Damaged(bytes(spoilt), kind, place, offset, mask)
