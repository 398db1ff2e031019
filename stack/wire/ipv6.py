"""The IPv6 header (RFC 8200, 3): 40 bytes, no sum, no options; those are headers of their own (ipv6_headers.py)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ringbed.stack.wire.view import U8, U16, U32, U128, Buffer, View

HEADER_LEN = 40
PROTO_ICMPV6 = 58

# version, traffic class and flow label; payload length, next header, hop limit, source, destination
HEADER = Struct("!IHBB16s16s")

LINK_LOCAL = 0xFE80 << 112  # the prefix fe80::/10, of which hosts use fe80::/64 (RFC 4291, 2.5.6)
GROUPS = 0xFF << 120  # ff00::/8 (RFC 4291, 2.7)
ALL_NODES = 0xFF02 << 112 | 1
ALL_ROUTERS = 0xFF02 << 112 | 2
LOOPBACK = 1
MAPPED = 0xFFFF << 32  # ::ffff:0:0/96, IPv4 addresses in a program's clothes (RFC 4291, 2.5.5.2)
_SOLICITED = 0xFF02 << 112 | 0x1FF000000
LINK_LOCAL_AT, LINK_LOCAL_IS = 118, LINK_LOCAL >> 118  # the question in two numbers, for who asks for every packet


def is_link_local(address: int) -> bool:
    """Whether it means something on one link only. No number of 32 bits does."""
    return address >> LINK_LOCAL_AT == LINK_LOCAL_IS


def solicited_node(address: int) -> int:
    """The group in which whoever has the address listens for questions about it (RFC 4291, 2.7.1)."""
    return _SOLICITED | address & 0xFFFFFF


def group_lladdr(group: int) -> bytes:
    """The Ethernet group of an IPv6 group (RFC 2464, 7)."""
    return b"\x33\x33" + (group & 0xFFFFFFFF).to_bytes(4, "big")


def interface_id(lladdr: bytes) -> int:
    """Modified EUI-64 of an Ethernet address (RFC 4291, appendix A): the low 64 bits of a link-local address."""
    return int.from_bytes(bytes([lladdr[0] ^ 2]) + lladdr[1:3] + b"\xff\xfe" + lladdr[3:], "big")


class Ipv6View(View):
    """The header; `length` is as the sender claims, not checked against the bytes."""

    __slots__ = ()
    MIN = HEADER_LEN
    first = U32(0)
    length = U16(4)
    next_header = U8(6)
    hop_limit = U8(7)
    src = U128(8)
    dst = U128(24)


@dataclass(frozen=True, slots=True)
class Ipv6:
    """`length` is that of all that follows the header."""

    src: int
    dst: int
    next_header: int
    length: int
    hop_limit: int = 64
    traffic_class: int = 0
    flow: int = 0

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Ipv6:
        """Raises `Truncated`, or ValueError for another version."""
        view = Ipv6View(data, offset)
        first = view.first
        if first >> 28 != 6:
            raise ValueError(f"IPv6 header says version {first >> 28}")
        return cls(
            view.src, view.dst, view.next_header, view.length, view.hop_limit, first >> 20 & 0xFF, first & 0xFFFFF
        )

    def emit(self) -> bytes:
        first = 6 << 28 | self.traffic_class << 20 | self.flow
        addresses = (address.to_bytes(16, "big") for address in (self.src, self.dst))
        return HEADER.pack(first, self.length, self.next_header, self.hop_limit, *addresses)
