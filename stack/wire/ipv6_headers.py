"""Extension headers of IPv6 (RFC 8200, 4): stepped over, from the IPv6 header to what is above it.

A host must look into each that is for it: an option it does not know says by its first bits what becomes of the packet
(4.2), a routing header with stops left is for somebody else (4.4), hop-by-hop options stand first or not at all (4.1).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ringbed.stack.wire.view import Buffer

HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
NO_NEXT = 59
DESTINATION = 60
EXTENSIONS = frozenset({HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION})

PAD1, PADN, ROUTER_ALERT = 0, 1, 5  # the options that are known here (RFC 8200, 4.2; RFC 2711)
_KNOWN = frozenset({PADN, ROUTER_ALERT})
_NEXT_AT = 6  # in the IPv6 header
_OFFSET_OR_MORE = 0xFFF9  # of a fragment header's second half: neither, and it is all of its packet (RFC 6946)

# Codes of a Parameter Problem (RFC 4443, 3.4; RFC 7112, 5).
ERRONEOUS, UNKNOWN_HEADER, UNKNOWN_OPTION, INCOMPLETE_CHAIN = 0, 1, 2, 3
_LEAST = {6: 20, 17: 8, 58: 4}  # bytes of a header above, by protocol; of one that is not known here: 1


class Tell(Enum):
    """Whether the sender of a bad header is told."""

    NOBODY = "nobody"
    ONE = "not when the packet was for a group"
    ANY = "for a group too"


class BadHeader(ValueError):
    """`at` is the octet of the packet that is wrong, counted from the IPv6 header, as a Parameter Problem does."""

    def __init__(self, at: int, code: int, tell: Tell = Tell.ONE) -> None:
        super().__init__(f"the packet is wrong at octet {at}, code {code}")
        self.at = at
        self.code = code
        self.tell = tell


class Upper(NamedTuple):
    """What is above: its protocol, where it starts, and the octet that names it, all counted from the IPv6 header.

    `fragment`: it is a part of something, and what protocol it says is that of the whole.
    """

    proto: int
    at: int
    named_at: int
    fragment: bool = False


def upper(packet: Buffer, only_first: bool = False, believe: bool = False) -> Upper:
    """Walk from the IPv6 header, with which `packet` begins, to its end. `only_first`: no further than hop-by-hop.

    `believe`: what the headers ask for does not matter, only where they end. Raises BadHeader. The IPv6 header itself
    must be there.
    """
    here = Upper(packet[_NEXT_AT], 40, _NEXT_AT)
    while here.proto in EXTENSIONS and not here.fragment:
        if only_first and here.proto != HOP_BY_HOP:
            break
        here = _step(packet, here, believe)
    return here


def fragment_at(packet: Buffer) -> tuple[int, int]:
    """The octet that names the fragment header of a packet that has one, and the place of that header."""
    here = Upper(packet[_NEXT_AT], 40, _NEXT_AT)
    while here.proto != FRAGMENT:
        here = _step(packet, here, believe=True)
    return here.named_at, here.at


def chain_is_whole(packet: Buffer) -> bool:
    """Whether all headers are there, that of what is above too: no part but the first has any (RFC 7112, 5)."""
    try:
        above = upper(packet, believe=True)
    except BadHeader:
        return False
    return above.proto == NO_NEXT or len(packet) - above.at >= _LEAST.get(above.proto, 1)


def _step(packet: Buffer, here: Upper, believe: bool) -> Upper:
    at, size = here.at, len(packet)
    if at + 8 > size:
        raise BadHeader(here.named_at, ERRONEOUS)
    if here.proto == HOP_BY_HOP and at != 40 and not believe:
        raise BadHeader(here.named_at, UNKNOWN_HEADER)
    if here.proto == FRAGMENT:
        part = bool(int.from_bytes(packet[at + 2 : at + 4], "big") & _OFFSET_OR_MORE)
        return Upper(packet[at], at + 8, at, part)
    end = at + 8 * (packet[at + 1] + 1)
    if end > size:
        raise BadHeader(at + 1, ERRONEOUS)
    if not believe:
        _check(packet, here.proto, at, end)
    return Upper(packet[at], end, at)


def _check(packet: Buffer, proto: int, at: int, end: int) -> None:
    if proto != ROUTING:
        _check_options(packet, at + 2, end)
    elif packet[at + 3]:  # stops left, of a type that is not known here: none is
        raise BadHeader(at + 2, ERRONEOUS)


def _check_options(packet: Buffer, at: int, end: int) -> None:
    while at < end:
        kind = packet[at]
        if kind == PAD1:
            at += 1
            continue
        if at + 1 >= end or at + 2 + packet[at + 1] > end:
            raise BadHeader(at, ERRONEOUS)
        if kind not in _KNOWN and kind >> 6:
            raise BadHeader(at, UNKNOWN_OPTION, (Tell.NOBODY, Tell.ANY, Tell.ONE)[(kind >> 6) - 1])
        at += 2 + packet[at + 1]
