"""What a reader who believes less than `dissect`, or more, finds in a frame: final destinations, and flows of liars.

Of a packet whose lengths lie, or that is cut short, nobody says what a hash covers; but what it covers must be in the
frame. Of a packet with segments left the destination is the last address of its routing header (RFC 8200 8.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ringbed.conformance.references.anatomy import (
    DESTINATION,
    HOP_BY_HOP,
    ROUTING,
    TCP,
    UDP,
    Anatomy,
    ether_at,
)
from ringbed.conformance.references.toeplitz import Flow
from ringbed.hw.formats.blocks import HashKind

__all__ = ["at_its_destination", "flows"]

_SOURCE_ROUTES = (0, 2)  # routing types whose last address is the packet's destination in the end (RFC 2460, RFC 6275)
_VERSIONS = {b"\x08\x00": 4, b"\x86\xdd": 6}


@dataclass(frozen=True, slots=True)
class _Chain:
    """What follows the extension headers of an IPv6 packet, and where; `to` is the final destination."""

    protocol: int
    begin: int
    to: bytes


def at_its_destination(frame: bytes, parts: Anatomy) -> tuple[bytes, Anatomy] | None:
    """A packet with segments left as it arrives, but for the routing header itself: its destination is the final one.

    None for any other, and for one that arrives as nothing whose sum could be judged.
    """
    if "segments left" not in parts.kind:
        return None
    at = parts.ip[0]
    chain = _chain(frame, at)
    arrived = frame[: at + 24] + chain.to + frame[at + 40 :]
    whole = chain.protocol in (TCP, UDP) and _is_whole(frame[chain.begin : parts.end], chain.protocol)
    return (arrived, replace(parts, l4=(chain.begin, parts.end), protocol=chain.protocol)) if whole else None


def _is_whole(segment: bytes, protocol: int) -> bool:
    """Whether it is TCP with a whole header, or UDP with its right length and a sum."""
    if protocol == TCP:
        return len(segment) >= 20
    return len(segment) >= 8 and int.from_bytes(segment[4:6], "big") == len(segment) and any(segment[6:8])


def flows(frame: bytes) -> Iterator[Flow]:
    """Every flow that may be read from a frame whose headers lie: of the EtherType's version and of the header's own,
    with ports behind the header as it says, or behind one without options. All of it is in the frame."""
    at = ether_at(frame)[0]
    ether, at = frame[at : at + 2], at + 2
    if ether not in _VERSIONS or len(frame) <= at:
        return
    for version in {_VERSIONS[ether], frame[at] >> 4}:
        if version == 4 and len(frame) >= at + 20:
            yield from _flows4(frame, at)
        if version == 6 and len(frame) >= at + 40:
            yield from _flows6(frame, at)


def _flows4(frame: bytes, at: int) -> Iterator[Flow]:
    fragment = int.from_bytes(frame[at + 6 : at + 8], "big") & 0x3FFF
    plain = Flow(HashKind.IPV4, frame[at + 12 : at + 16], frame[at + 16 : at + 20])
    yield plain
    for begin in {at + 4 * (frame[at] & 0xF), at + 20}:
        yield from _with_ports(plain, frame, -1 if fragment else frame[at + 9], begin)


def _flows6(frame: bytes, at: int) -> Iterator[Flow]:
    chain, src = _chain(frame, at), frame[at + 8 : at + 24]
    for to in {frame[at + 24 : at + 40], chain.to}:
        plain = Flow(HashKind.IPV6, src, to)
        yield plain
        yield from _with_ports(plain, frame, chain.protocol, chain.begin)


def _with_ports(plain: Flow, frame: bytes, protocol: int, begin: int) -> Iterator[Flow]:
    if protocol in (TCP, UDP) and begin + 4 <= len(frame):
        sport, dport = (int.from_bytes(frame[at : at + 2], "big") for at in (begin, begin + 2))
        yield replace(plain, kind=HashKind(plain.kind + (1 if protocol == TCP else 2)), sport=sport, dport=dport)


def _chain(frame: bytes, at: int) -> _Chain:
    """Follows extension headers as far as they begin in the frame, wherever they say that they end."""
    protocol, here, to = frame[at + 6], at + 40, frame[at + 24 : at + 40]
    while protocol in (HOP_BY_HOP, DESTINATION, ROUTING) and here + 8 <= len(frame):
        end = here + 8 * (frame[here + 1] + 1)
        if protocol == ROUTING and frame[here + 3] and frame[here + 2] in _SOURCE_ROUTES and here + 24 <= end:
            to = frame[end - 16 : end] if end <= len(frame) else to
        protocol, here = frame[here], end
    return _Chain(protocol, here, to)
