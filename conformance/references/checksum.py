"""What a block that puts sums into frames must do: start and offset, seeds, zero sums.

The sums themselves are scapy's, as the oracle's are: no code of ours or of the thing under test computes one here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbed.conformance.references.anatomy import MALFORMED_L4, TCP, UDP, Anatomy, dissect
from ringbed.conformance.references.oracle import packet_checksum

__all__ = ["SUM_AT", "Place", "inserted", "pseudo_header", "pseudo_sum", "raw_sum", "sum_place", "with_seed"]

SUM_AT = {TCP: 16, UDP: 6}  # byte of the sum in the header (RFC 9293 3.1, RFC 768)

raw_sum = packet_checksum  # one's complement sum of big-endian words from a byte on; 0 only when all bytes are


@dataclass(frozen=True, slots=True)
class Place:
    """Where software would have a sum put: of the bytes from `start` on, at `offset`; `udp`: a 0 leaves as 0xFFFF."""

    start: int
    offset: int
    udp: bool


def sum_place(frame: bytes, parts: Anatomy | None = None) -> Place | None:
    """Where the sum of TCP or UDP belongs; None where no host would ask for it: fragments, lies, others."""
    parts = parts or dissect(frame)
    begin, end = parts.l4
    if parts.protocol not in SUM_AT or "fragment" in parts.kind or "segments left" in parts.kind:
        return None
    if parts.kind == MALFORMED_L4 or "beyond" in parts.kind or "longer" in parts.kind:
        return None
    offset = begin + SUM_AT[parts.protocol]
    return Place(begin, offset, parts.protocol == UDP) if offset + 2 <= end else None


def pseudo_header(frame: bytes, parts: Anatomy, length: int | None = None) -> bytes:
    """The pseudo-header of a frame's TCP or UDP with its own length, or another (RFC 9293 3.1, RFC 8200 8.1)."""
    at, size = parts.ip[0], parts.l4[1] - parts.l4[0] if length is None else length
    if parts.version == 4:
        return frame[at + 12 : at + 20] + bytes([0, parts.protocol]) + size.to_bytes(4, "big")[2:]
    return frame[at + 8 : at + 40] + size.to_bytes(4, "big") + bytes([0, 0, 0, parts.protocol])


def pseudo_sum(frame: bytes, parts: Anatomy, length: int | None = None) -> int:
    """Its sum, as a host puts it into the field for a card (Linux checksum-offloads, CHECKSUM_PARTIAL)."""
    return raw_sum(pseudo_header(frame, parts, length), 0)


def with_seed(frame: bytes, place: Place, seed: int) -> bytes:
    """`frame` with `seed` in the field at `place`."""
    return frame[: place.offset] + seed.to_bytes(2, "big") + frame[place.offset + 2 :]


def inserted(frame: bytes, place: Place, knows_udp: bool = True) -> Iterator[bytes]:
    """The frames that may leave: a sum of `place.start` to the last byte, the field among them, at `place.offset`.

    More than one where the sum comes out as 0 and the block is not told the protocol (`knows_udp` false) and it is not
    UDP: 0x0000 and 0xFFFF are the same to a receiver then. Of UDP none may leave as 0x0000.
    """
    value = 0xFFFF ^ raw_sum(frame[place.start :], 0)
    values = [0xFFFF] if not value and place.udp else [value]
    if not value and not place.udp and not knows_udp:
        values.append(0xFFFF)
    yield from (with_seed(frame, place, each) for each in values)
