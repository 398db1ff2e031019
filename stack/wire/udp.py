"""The UDP header (RFC 768). A checksum of 0 means that the sender made none; a computed 0 is sent as 0xFFFF."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ringbed.stack.wire.checksum import checksum, octets_sum, pseudo_sum
from ringbed.stack.wire.view import U16, Buffer, View

HEADER_LEN = 8
HEADER = Struct("!HHHH")  # source port, destination port, length, checksum
CHECKSUM_AT = 6
PROTO_UDP = 17


class UdpView(View):
    """The header; `length` is as the sender claims."""

    __slots__ = ()
    MIN = HEADER_LEN
    src = U16(0)
    dst = U16(2)
    length = U16(4)
    checksum = U16(6)


@dataclass(frozen=True, slots=True)
class Udp:
    """A datagram. `emit` needs the addresses, since the checksum covers them."""

    src: int
    dst: int
    payload: bytes

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Udp:
        """Raises `Truncated`, or ValueError when the length field does not fit the bytes. Looks at no checksum."""
        view = UdpView(data, offset)
        if not HEADER_LEN <= view.length <= len(data) - offset:
            raise ValueError(f"UDP length {view.length}, but {len(data) - offset} bytes are there")
        return cls(view.src, view.dst, bytes(data[offset + HEADER_LEN : offset + view.length]))

    def emit(self, src: int, dst: int) -> bytes:
        length = HEADER_LEN + len(self.payload)
        ports = self.src << 16 | self.dst
        total = pseudo_sum(src, dst, PROTO_UDP, length) + ports + length + octets_sum(self.payload)
        return HEADER.pack(self.src, self.dst, length, checksum(total) or 0xFFFF) + self.payload
