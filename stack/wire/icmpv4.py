"""ICMP (RFC 792): type, code, checksum, four bytes that depend on the type, and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ringbed.stack.wire.checksum import checksum, octets_sum
from ringbed.stack.wire.view import U8, U16, U32, Buffer, View

HEADER_LEN = 8
HEADER = Struct("!BBHI")  # type, code, checksum, rest of header
CHECKSUM_AT = 2

ECHO_REPLY = 0
UNREACHABLE = 3
SOURCE_QUENCH = 4
REDIRECT = 5
ECHO_REQUEST = 8
TIME_EXCEEDED = 11
PARAMETER_PROBLEM = 12

UNREACHABLE_NET = 0
UNREACHABLE_HOST = 1
UNREACHABLE_PROTOCOL = 2
UNREACHABLE_PORT = 3
UNREACHABLE_NEEDFRAG = 4
REDIRECT_HOST = 1
IN_TRANSIT, IN_REASSEMBLY = 0, 1  # where the time was exceeded

ERRORS = frozenset({UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM})

NAMES = {
    ECHO_REPLY: "echo reply",
    UNREACHABLE: "destination unreachable",
    SOURCE_QUENCH: "source quench",
    REDIRECT: "routing redirect",
    ECHO_REQUEST: "echo",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
}


class IcmpView(View):
    """The header; `ident` and `sequence` mean something in echo messages only."""

    __slots__ = ()
    MIN = HEADER_LEN
    type = U8(0)
    code = U8(1)
    checksum = U16(2)
    rest = U32(4)
    ident = U16(4)
    sequence = U16(6)


@dataclass(frozen=True, slots=True)
class Icmp:
    """A message; `rest` is the second word of the header (identifier and sequence of an echo)."""

    type: int
    code: int
    rest: int
    payload: bytes

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Icmp:
        """Raises `Truncated`. Looks at no checksum."""
        view = IcmpView(data, offset)
        return cls(view.type, view.code, view.rest, bytes(data[offset + HEADER_LEN :]))

    def emit(self) -> bytes:
        body = HEADER.pack(self.type, self.code, 0, self.rest) + self.payload
        return body[:CHECKSUM_AT] + checksum(octets_sum(body)).to_bytes(2, "big") + body[CHECKSUM_AT + 2 :]
