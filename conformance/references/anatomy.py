"""Where a frame's parts are and which row of the verdict table it falls in: the card's view, by the rules alone.

The rules are RX_TABLE's, each with its source there: IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), at
most one 802.1Q tag and one LLC/SNAP header in front (IEEE 802.1Q, RFC 1042). Nothing here computes or judges a sum.
A frame has no FCS here, and is as long as it was on the wire: what lies beyond an IP packet's length is pad.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

__all__ = ["Anatomy", "count_kinds", "data_offset_lies", "dissect", "ether_at", "short_udp"]

TCP, UDP = 6, 17
HOP_BY_HOP, IPV4, IPV6, ROUTING, FRAGMENT, DESTINATION = 0, 4, 41, 43, 44, 60
LONGEST_EXTENSION = 64  # bytes of one header that the card skips (M 3.2.9.4)
_SNAP = bytes.fromhex("aaaa03000000")
_ETHER_IPV4, _ETHER_IPV6, _ETHER_VLAN = b"\x08\x00", b"\x86\xdd", b"\x81\x00"
MALFORMED_L4 = "udp length other than the ip payload's, tcp below 20 bytes, udp below 8"
MALFORMED_IPV6 = "ipv6 cut short, another version, or payload length beyond the frame"


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Offsets count from the frame's first byte; a part that is not there has `begin == end`.

    `ip` is the IP header with options or extension headers, `l4` the IP payload from the TCP or UDP header on (for
    other protocols, whatever follows `ip`), `end` the end of the IP packet: from there on it is pad.
    """

    kind: str
    tagged: bool = False
    snap: bool = False
    version: int = 0  # of an IP packet whose header is all there
    ip: tuple[int, int] = (0, 0)
    l4: tuple[int, int] = (0, 0)
    protocol: int = -1
    end: int = 0

    @property
    def name(self) -> str:
        """The kind, with what came before it."""
        before = ("802.1Q, " if self.tagged else "") + ("LLC/SNAP, " if self.snap else "")
        return before + self.kind


def dissect(frame: bytes, longest: int = LONGEST_EXTENSION) -> Anatomy:
    """The one row of RX_TABLE that `frame` falls in, and its parts; extension headers beyond `longest` bytes end it."""
    at, tagged, snap = ether_at(frame)
    ether, at = frame[at : at + 2], at + 2
    if ether == _ETHER_IPV4:
        found = _ipv4(frame, at)
    elif ether == _ETHER_IPV6:
        found = _ipv6(frame, at, longest)
    else:
        found = Anatomy("other EtherType", end=len(frame))
    return replace(found, tagged=tagged, snap=snap)


def ether_at(frame: bytes) -> tuple[int, bool, bool]:
    """Where the EtherType is that says what follows, and whether a tag and LLC/SNAP stand before it."""
    at, tagged, snap = 12, False, False
    if frame[at : at + 2] == _ETHER_VLAN:
        at, tagged = at + 4, True
    if len(frame) >= at + 10 and int.from_bytes(frame[at : at + 2], "big") <= 1500 and frame[at + 2 : at + 8] == _SNAP:
        at, snap = at + 8, True
    return at, tagged, snap


def data_offset_lies(frame: bytes, parts: Anatomy) -> bool:
    """Whether a whole TCP header says that it has less than 20 bytes, or more than the segment (RFC 9293 3.1)."""
    begin, end = parts.l4
    if parts.protocol != TCP or end - begin < 20:
        return False
    return not 20 <= 4 * (frame[begin + 12] >> 4) <= end - begin


def short_udp(frame: bytes, parts: Anatomy) -> Anatomy | None:
    """The same with the datagram as long as its own length says, where that is less than IP's and not below 8.

    RFC 768 does not say that both must agree, and receivers look at as much as UDP says. None for any other frame.
    """
    begin, end = parts.l4
    if parts.protocol != UDP or parts.kind != MALFORMED_L4 or end - begin < 8:
        return None
    length = int.from_bytes(frame[begin + 4 : begin + 6], "big")
    return replace(parts, l4=(begin, begin + length)) if 8 <= length < end - begin else None


def count_kinds(frames: Iterable[bytes]) -> dict[str, int]:
    """How many of `frames` are of each kind, most first."""
    return dict(Counter(dissect(frame).name for frame in frames).most_common())


def _ipv4(frame: bytes, at: int) -> Anatomy:
    header = 4 * (frame[at] & 0xF) if len(frame) > at else 0
    if header < 20 or frame[at] >> 4 != 4 or len(frame) < at + header:
        return Anatomy("ipv4 header cut short, IHL below 5 or another version", end=len(frame))
    length = int.from_bytes(frame[at + 2 : at + 4], "big")
    protocol, body = frame[at + 9], at + header
    parts = Anatomy("", False, False, 4, (at, body), (body, at + length), protocol, at + length)
    if not header <= length <= len(frame) - at:
        kind = "ipv4, total length beyond the frame or below its header"
        return replace(parts, kind=kind, l4=(body, len(frame)), end=len(frame))
    if int.from_bytes(frame[at + 6 : at + 8], "big") & 0x3FFF:  # more fragments, or an offset
        return replace(parts, kind="ipv4 fragment")
    others = {IPV4: "ipv4 in ipv4", IPV6: "ipv6 in ipv4"}
    if protocol not in (TCP, UDP):
        return replace(parts, kind=others.get(protocol, "ipv4 other protocol"))
    plain = "ipv4 tcp" if protocol == TCP else "ipv4 udp"
    return replace(parts, kind=_l4_kind(frame, parts, "ipv4 options tcp or udp" if header > 20 else plain))


def _ipv6(frame: bytes, at: int, longest: int) -> Anatomy:
    if len(frame) < at + 40 or frame[at] >> 4 != 6:
        return Anatomy(MALFORMED_IPV6, end=len(frame))
    end = at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big")
    if end > len(frame):
        return Anatomy(MALFORMED_IPV6, version=6, ip=(at, at + 40), l4=(at + 40, len(frame)), end=len(frame))
    kind, protocol, body = _extensions(frame, at, end, longest)
    parts = Anatomy(kind, False, False, 6, (at, body), (body, end), protocol, end)
    if protocol not in (TCP, UDP):
        return parts
    plain = "ipv6 tcp" if protocol == TCP else "ipv6 udp"
    return replace(parts, kind=_l4_kind(frame, parts, kind or plain))


def _extensions(frame: bytes, at: int, end: int, longest: int) -> tuple[str, int, int]:
    """Walk the extension headers: (kind, or nothing when there were none; last next header; where that begins)."""
    kind, protocol, here = "", frame[at + 6], at + 40
    while protocol in (HOP_BY_HOP, DESTINATION, ROUTING):
        size = 8 * (frame[here + 1] + 1) if here + 8 <= end else 8
        if here + size > end:
            return MALFORMED_IPV6, -1, here
        if size > longest:
            return "ipv6 longer extension header", -1, here
        if protocol == ROUTING and frame[here + 3]:
            return "ipv6 routing header with segments left", -1, here
        if protocol == ROUTING:
            kind = "ipv6 routing header, tcp or udp"
        kind = kind or "ipv6 hop-by-hop, destination options, tcp or udp"
        protocol, here = frame[here], here + size
    if protocol in (TCP, UDP):
        return kind, protocol, here
    others = {FRAGMENT: "ipv6 fragment header", IPV4: "ipv4 or ipv6 in ipv6", IPV6: "ipv4 or ipv6 in ipv6"}
    return others.get(protocol, "ipv6 other protocol"), protocol, here


def _l4_kind(frame: bytes, parts: Anatomy, kind: str) -> str:
    """`kind`, unless the TCP or UDP header is malformed or says that there is no sum."""
    begin, end = parts.l4
    if parts.protocol == TCP:
        return kind if end - begin >= 20 else MALFORMED_L4
    if end - begin < 8 or int.from_bytes(frame[begin + 4 : begin + 6], "big") != end - begin:
        return MALFORMED_L4
    if frame[begin + 6 : begin + 8] == b"\0\0":
        return f"ipv{parts.version} udp without a sum"
    return kind
