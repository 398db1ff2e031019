"""The IPv4 header (RFC 791): 20 bytes and up to 40 of options."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ringbed.stack.wire.checksum import checksum, octets_sum
from ringbed.stack.wire.view import U8, U16, U32, Buffer, View

MIN_LEN = 20
PROTO_ICMP = 1
PROTO_TCP = 6

DF = 0x4000
MF = 0x2000
OFFSET_MASK = 0x1FFF

# version and header length, tos, total length, id, flags and offset, ttl, protocol, checksum, source, destination
HEADER = Struct("!BBHHHBBHII")
CHECKSUM_AT = 10


class Ipv4View(View):
    """The fixed part; `header_len` and `total` are as the sender claims, not checked against the bytes."""

    __slots__ = ()
    MIN = MIN_LEN
    version_ihl = U8(0)
    tos = U8(1)
    total = U16(2)
    ident = U16(4)
    fragment = U16(6)
    ttl = U8(8)
    proto = U8(9)
    checksum = U16(10)
    src = U32(12)
    dst = U32(16)

    @property
    def header_len(self) -> int:
        return (self.version_ihl & 15) * 4


@dataclass(frozen=True, slots=True)
class Ipv4:
    """A header without options. `length` is the payload's; `emit` writes the checksum."""

    src: int
    dst: int
    proto: int
    length: int
    ttl: int = 64
    tos: int = 0
    ident: int = 0
    fragment: int = 0

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Ipv4:
        """Raises `Truncated`, or ValueError for another version or impossible lengths. Options are stepped over."""
        view = Ipv4View(data, offset)
        header_len = view.header_len
        if view.version_ihl >> 4 != 4 or header_len < MIN_LEN or view.total < header_len:
            raise ValueError(f"IPv4 header says version/length {view.version_ihl:#04x} and total {view.total}")
        return cls(
            view.src, view.dst, view.proto, view.total - header_len, view.ttl, view.tos, view.ident, view.fragment
        )

    def emit(self) -> bytes:
        total = MIN_LEN + self.length
        head = HEADER.pack(
            0x45, self.tos, total, self.ident, self.fragment, self.ttl, self.proto, 0, self.src, self.dst
        )
        return head[:CHECKSUM_AT] + checksum(octets_sum(head)).to_bytes(2, "big") + head[CHECKSUM_AT + 2 :]
