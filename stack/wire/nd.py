"""Neighbour solicitations and advertisements (RFC 4861, 4.3 and 4.4), and the options that may follow (4.6).

What both protocols call the rest of ICMP's header is the flags of an advertisement and nothing of a solicitation. Then
comes the target, then options, each 8 bytes or a multiple.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbed.stack.wire.icmpv4 import HEADER_LEN
from ringbed.stack.wire.icmpv6 import NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, Icmpv6
from ringbed.stack.wire.view import Buffer, Truncated

MIN_LEN = 24
HOP_LIMIT = 255  # so that it comes from the link: no router has let it through (7.1)
SOURCE_LLADDR = 1
TARGET_LLADDR = 2
REDIRECTED = 4
ROUTER, SOLICITED, OVERRIDE = 0x80000000, 0x40000000, 0x20000000


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Either message. `lladdr` is the link address option that goes with it, None: it has none.

    `flags` are those of an advertisement; a solicitation's are 0.
    """

    type: int
    target: int
    lladdr: bytes | None = None
    flags: int = 0

    @classmethod
    def parse(cls, data: Buffer) -> Neighbour:
        """A whole ICMP message. Raises `Truncated`, or ValueError for another message, or options that do not fit."""
        if len(data) < MIN_LEN:
            raise Truncated(f"a message of neighbour discovery needs {MIN_LEN} bytes, {len(data)} are left")
        kind = data[0]
        if kind not in (NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT) or data[1]:
            raise ValueError(f"ICMPv6 type {kind} code {data[1]} is neither solicitation nor advertisement")
        wanted = SOURCE_LLADDR if kind == NEIGHBOUR_SOLICITATION else TARGET_LLADDR
        flags = int.from_bytes(data[4:8], "big") & (ROUTER | SOLICITED | OVERRIDE)
        target = int.from_bytes(data[HEADER_LEN:MIN_LEN], "big")
        return cls(kind, target, lladdr_of(data, MIN_LEN, wanted), flags if kind == NEIGHBOUR_ADVERTISEMENT else 0)

    def emit(self, src: int, dst: int) -> bytes:
        option = b""
        if self.lladdr is not None:
            kind = SOURCE_LLADDR if self.type == NEIGHBOUR_SOLICITATION else TARGET_LLADDR
            option = bytes([kind, 1]) + self.lladdr
        return Icmpv6(self.type, 0, self.flags, self.target.to_bytes(16, "big") + option).emit(src, dst)


def redirect(target: int, destination: int, lladdr: bytes | None, packet: Buffer, room: int) -> bytes:
    """What follows the header of ICMP in a redirect (4.5): `packet` goes to `destination` better by `target`.

    `room` is how long the message may be, that header included; the packet is cut to fit (4.6.3).
    """
    made = target.to_bytes(16, "big") + destination.to_bytes(16, "big")
    if lladdr is not None:
        made += bytes([TARGET_LLADDR, 1]) + lladdr
    quote = bytes(packet[: max(0, room - HEADER_LEN - len(made) - 8) & ~7])
    quote += bytes(-len(quote) % 8)
    return made + bytes([REDIRECTED, 1 + len(quote) // 8]) + bytes(6) + quote


def options(data: Buffer, at: int) -> Iterator[tuple[int, Buffer]]:
    """Kind and octets of those from `at` on (4.6). Raises ValueError where one does not fit."""
    while at < len(data):
        size = 8 * data[at + 1] if at + 1 < len(data) else 0
        if not size or at + size > len(data):  # a length of 0 is the end of the whole message (7.1)
            raise ValueError(f"option {data[at]} at octet {at} does not fit its message")
        yield data[at], data[at : at + size]
        at += size


def lladdr_of(data: Buffer, at: int, wanted: int) -> bytes | None:
    """Of the first option of the kind `wanted`. Options of other kinds are stepped over. Raises ValueError."""
    found = [bytes(option[2:]) for kind, option in options(data, at) if kind == wanted and len(option) == 8]
    return found[0] if found else None
