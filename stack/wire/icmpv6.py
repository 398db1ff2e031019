"""ICMPv6 (RFC 4443): the header of ICMP, other types, and a sum that covers a pseudo-header."""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.stack.wire.checksum import checksum, octets_sum, pseudo_sum
from ringbed.stack.wire.icmpv4 import CHECKSUM_AT, HEADER, HEADER_LEN, IcmpView
from ringbed.stack.wire.ipv6 import PROTO_ICMPV6
from ringbed.stack.wire.view import Buffer

UNREACHABLE = 1
TOO_BIG = 2
TIME_EXCEEDED = 3
PARAMETER_PROBLEM = 4
FIRST_INFORMATIONAL = 128  # all below are errors (2.1)
ECHO_REQUEST = 128
ECHO_REPLY = 129
ROUTER_SOLICITATION = 133  # from here on RFC 4861
ROUTER_ADVERTISEMENT = 134
NEIGHBOUR_SOLICITATION = 135
NEIGHBOUR_ADVERTISEMENT = 136
REDIRECT = 137

UNREACHABLE_ROUTE = 0
UNREACHABLE_SCOPE = 2  # of the source
UNREACHABLE_ADDRESS = 3
UNREACHABLE_PORT = 4
IN_TRANSIT, IN_REASSEMBLY = 0, 1  # where the time was exceeded

NAMES = {
    UNREACHABLE: "unreach",
    TOO_BIG: "packet too big",
    TIME_EXCEEDED: "time exceed",
    PARAMETER_PROBLEM: "parameter problem",
    ECHO_REQUEST: "echo",
    ECHO_REPLY: "echo reply",
    ROUTER_SOLICITATION: "router solicitation",
    ROUTER_ADVERTISEMENT: "router advertisement",
    NEIGHBOUR_SOLICITATION: "neighbor solicitation",
    NEIGHBOUR_ADVERTISEMENT: "neighbor advertisement",
    REDIRECT: "redirect",
}


@dataclass(frozen=True, slots=True)
class Icmpv6:
    """A message; `rest` is the second word of the header. `emit` needs the addresses, since the sum covers them."""

    type: int
    code: int
    rest: int
    payload: bytes

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Icmpv6:
        """Raises `Truncated`. Looks at no checksum."""
        view = IcmpView(data, offset)
        return cls(view.type, view.code, view.rest, bytes(data[offset + HEADER_LEN :]))

    def emit(self, src: int, dst: int) -> bytes:
        body = HEADER.pack(self.type, self.code, 0, self.rest) + self.payload
        total = octets_sum(body) + pseudo_sum(src, dst, PROTO_ICMPV6, len(body))
        return body[:CHECKSUM_AT] + checksum(total).to_bytes(2, "big") + body[CHECKSUM_AT + 2 :]
