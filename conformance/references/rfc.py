"""The second opinion: what the RFCs say of a frame, read straight from its bytes, and the sums that belong in it.

It is slow, plain and on its own: nothing of `anatomy`, of scapy, or of what is tested is used here. Only the words for
kinds of frames are RX_TABLE's, so that the two opinions can be compared.

One's complement sums are integers modulo 65535 (RFC 1071 2): a sum is right when the whole is a multiple of that.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reading", "crc32c", "filled", "ones_field", "read", "words"]

NOT_IPV4 = "ipv4 header cut short, IHL below 5 or another version"
LYING_IPV4 = "ipv4, total length beyond the frame or below its header"
NOT_IPV6 = "ipv6 cut short, another version, or payload length beyond the frame"
LYING_L4 = "udp length other than the ip payload's, tcp below 20 bytes, udp below 8"
HOP, ROUTE, FRAGMENT, DESTINATION = 0, 43, 44, 60
TCP, UDP, IN_IPV4, IN_IPV6 = 6, 17, 4, 41


@dataclass(frozen=True, slots=True)
class Reading:
    """The kind of a frame; whether the IPv4 header's sum, and that of TCP or UDP, add up. None: it has no such sum."""

    kind: str
    l3: bool | None = None
    l4: bool | None = None


def words(data: bytes) -> int:
    """The plain sum of big-endian 16-bit words, an odd last byte being a high half."""
    return 256 * sum(data[0::2]) + sum(data[1::2])


def ones_field(total: int) -> int:
    """What the sum's field must hold where everything else adds up to `total`: 0xFFFF only of nothing but zeros."""
    return -total % 65535 if total else 0xFFFF


def filled(frame: bytes, start: int, at: int, *, udp: bool, end: int | None = None) -> bytes:
    """`frame` with the inverted sum of its bytes from `start` to `end` put in at `at`; what the field held is part of
    the sum, as a card takes it. Of UDP a computed 0 is sent as 0xFFFF (RFC 768).
    """
    value = ones_field(words(frame[start:end]))
    if udp and value == 0:
        value = 0xFFFF
    return frame[:at] + bytes((value >> 8, value & 0xFF)) + frame[at + 2 :]


def crc32c(data: bytes) -> bytes:
    """SCTP's sum of a packet whose field is 0, as it stands there (RFC 9260 6.8 and appendix A)."""
    value = 0xFFFF_FFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F6_3B78 if value & 1 else 0)
    return (value ^ 0xFFFF_FFFF).to_bytes(4, "little")


def read(frame: bytes, longest: int = 64) -> Reading:
    """`frame` as it is on the wire, without FCS; extension headers of more than `longest` bytes are not followed."""
    rest = frame[12:]
    if rest[:2] == b"\x81\0":  # IEEE 802.1Q: one tag
        rest = rest[4:]
    if len(rest) >= 10 and rest[0] * 256 + rest[1] <= 1500 and rest[2:8] == b"\xaa\xaa\x03\0\0\0":  # RFC 1042
        rest = rest[8:]
    if rest[:2] == b"\x08\0":
        return _four(rest[2:])
    if rest[:2] == b"\x86\xdd":
        return _six(rest[2:], longest)
    return Reading("other EtherType")


def _four(packet: bytes) -> Reading:
    """RFC 791 3.1."""
    if not packet or packet[0] >> 4 != 4:
        return Reading(NOT_IPV4)
    size = (packet[0] & 15) * 4
    if size < 20 or len(packet) < size:
        return Reading(NOT_IPV4)
    right = words(packet[:size]) % 65535 == 0
    total = packet[2] * 256 + packet[3]
    if total < size or total > len(packet):
        return Reading(LYING_IPV4, right)
    if packet[6] & 0x20 or packet[6] & 0x1F or packet[7]:
        return Reading("ipv4 fragment", right)
    protocol, body = packet[9], packet[size:total]
    if protocol in (TCP, UDP):
        plain = "ipv4 options tcp or udp" if size > 20 else f"ipv4 {'tcp' if protocol == TCP else 'udp'}"
        kind, good = _l4(plain, 4, protocol, body, packet[12:20])
        return Reading(kind, right, good)
    inside = {IN_IPV4: "ipv4 in ipv4", IN_IPV6: "ipv6 in ipv4"}
    return Reading(inside.get(protocol, "ipv4 other protocol"), right)


def _six(packet: bytes, longest: int) -> Reading:
    """RFC 8200 3 and 4: the chain of extension headers is walked by eating it up."""
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return Reading(NOT_IPV6)
    length = packet[4] * 256 + packet[5]
    if length > len(packet) - 40:
        return Reading(NOT_IPV6)
    body, following, kind = packet[40 : 40 + length], packet[6], ""
    while following in (HOP, ROUTE, DESTINATION):
        size = body[1] * 8 + 8 if len(body) >= 8 else 8
        if size > len(body):
            return Reading(NOT_IPV6)
        if size > longest:
            return Reading("ipv6 longer extension header")
        if following == ROUTE:
            if body[3]:
                return Reading("ipv6 routing header with segments left")
            kind = "ipv6 routing header, tcp or udp"
        elif not kind:
            kind = "ipv6 hop-by-hop, destination options, tcp or udp"
        following, body = body[0], body[size:]
    if following in (TCP, UDP):
        plain = kind or f"ipv6 {'tcp' if following == TCP else 'udp'}"
        return Reading(*_six_l4(plain, following, body, packet[8:40]))
    if following == FRAGMENT:
        return Reading("ipv6 fragment header")
    return Reading("ipv4 or ipv6 in ipv6" if following in (IN_IPV4, IN_IPV6) else "ipv6 other protocol")


def _six_l4(kind: str, protocol: int, body: bytes, addresses: bytes) -> tuple[str, None, bool | None]:
    found, good = _l4(kind, 6, protocol, body, addresses)
    return found, None, good


def _l4(kind: str, version: int, protocol: int, body: bytes, addresses: bytes) -> tuple[str, bool | None]:
    """RFC 9293 3.1, RFC 768: the kind, and whether the sum over pseudo-header and segment adds up."""
    if len(body) < (20 if protocol == TCP else 8):
        return LYING_L4, None
    if protocol == UDP:
        if body[4] * 256 + body[5] != len(body):
            return LYING_L4, None
        if body[6:8] == b"\0\0":
            return f"ipv{version} udp without a sum", None
    total = words(addresses) + protocol + (len(body) & 0xFFFF) + (len(body) >> 16) + words(body)
    return kind, total % 65535 == 0
