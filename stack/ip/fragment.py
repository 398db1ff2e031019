"""Cutting a packet that is too long for its link into fragments (RFC 791, 3.2; RFC 8200, 4.5).

A sum above IP covers the whole, and no card sees more than a piece of it: it is made here, before the cut. Each piece
is a packet of its own, with headroom and with a header that is its own; what follows lies where it lay.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from ringbed.stack.kern.packet import FRAGMENT, HEADROOM, IPV4_CSUM_OUT, OUT_MASK, Packet
from ringbed.stack.link.offload import ChecksumOutput
from ringbed.stack.wire import ipv4, ipv4_options
from ringbed.stack.wire.ipv6 import HEADER_LEN
from ringbed.stack.wire.ipv6_headers import FRAGMENT as FRAGMENT_HEADER

_NEXT_AT, _LENGTH_AT = 6, 4  # in the IPv6 header
_FRAGMENT = Struct("!BBHI")  # next header, reserved, offset and more, identification


def pieces4(packet: Packet, mtu: int, sums: ChecksumOutput) -> Iterator[Packet]:
    """Of a datagram of IPv4 that is whole or itself a fragment. `mtu` is at least 68."""
    body = _body(packet, packet.l4, sums)
    first = bytes(packet.octets(packet.l3, packet.l4))
    later = _header_of_later(first)
    field = int.from_bytes(first[6:8], "big")
    base, more = field & ipv4.OFFSET_MASK, field & ipv4.MF
    at = 0
    while at < len(body):
        header = bytearray(later if at else first)
        room = (mtu - len(header)) & ~7
        data = body[at : at + room]
        last = at + len(data) == len(body)
        header[2:4] = (len(header) + len(data)).to_bytes(2, "big")
        header[6:8] = (base + at // 8 | (more if last else ipv4.MF)).to_bytes(2, "big")
        header[ipv4.CHECKSUM_AT : ipv4.CHECKSUM_AT + 2] = b"\0\0"
        yield _piece(packet, header, len(header), data, IPV4_CSUM_OUT, not at)
        at += len(data)


def _header_of_later(first: bytes) -> bytes:
    """The header of all fragments but the first: with the options that say they go along."""
    options = ipv4_options.copied(first)
    return bytes([0x40 | (ipv4.MIN_LEN + len(options)) // 4]) + first[1 : ipv4.MIN_LEN] + options


def pieces6(packet: Packet, mtu: int, ident: int, sums: ChecksumOutput) -> Iterator[Packet]:
    """Of a packet of IPv6 that this host made, which has no headers that go into each piece. `mtu` is at least 1280."""
    l4 = packet.l3 + HEADER_LEN
    body = _body(packet, l4, sums)
    first = bytes(packet.octets(packet.l3, l4))
    room = (mtu - HEADER_LEN - _FRAGMENT.size) & ~7
    for at in range(0, len(body), room):
        data = body[at : at + room]
        more = at + len(data) < len(body)
        header = bytearray(first) + _FRAGMENT.pack(first[_NEXT_AT], 0, at | more, ident)
        header[_LENGTH_AT : _LENGTH_AT + 2] = (_FRAGMENT.size + len(data)).to_bytes(2, "big")
        header[_NEXT_AT] = FRAGMENT_HEADER
        yield _piece(packet, header, HEADER_LEN, data, 0, not at)


def _body(packet: Packet, l4: int, sums: ChecksumOutput) -> memoryview:
    """What follows the header, summed, in one piece."""
    packet.flags &= ~IPV4_CSUM_OUT  # each piece wants its own
    if packet.flags & OUT_MASK:
        sums.in_proto_cksum_out(packet)
    return memoryview(packet.octets(l4, packet.start + packet.length))


def _piece(whole: Packet, header: bytearray, l4: int, data: memoryview, flags: int, first: bool) -> Packet:
    kept = whole.flags & ~OUT_MASK
    journey = whole.journey if first else None
    made = Packet([bytearray(HEADROOM) + header, data], kept | flags | FRAGMENT, whole.tick, journey, HEADROOM)
    made.ifl_index, made.output_ifl = whole.ifl_index, whole.output_ifl
    made.src, made.dst, made.proto = whole.src, whole.dst, whole.proto
    made.l4 = HEADROOM + l4
    made.end = HEADROOM + made.length
    return made
