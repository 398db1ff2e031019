"""Options of the IPv4 header: read from one that came, and turned into those of the answer to it.

RFC 791 section 3.1 has the formats, RFC 1122 3.2.1.8 and 3.2.2.6 what a host does with them: an answer goes back the
way a source route came, a record of the route and timestamps go on from where they were, all others are left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ringbed.stack.wire.ipv4 import MIN_LEN
from ringbed.stack.wire.view import Buffer

END = 0
NOP = 1
RECORD_ROUTE = 0x07
TIMESTAMP = 0x44
LSRR = 0x83
SSRR = 0x89
SOURCE_ROUTES = frozenset({LSRR, SSRR})

# What a timestamp option holds (its flag): times; addresses with times; times of the addresses that its sender put in.
TIMES, ADDRESSES, ASKED = 0, 1, 3
_ENTRY = {TIMES: 4, ADDRESSES: 8, ASKED: 8}
_NOT_UT = 0x80000000  # "any time may be inserted provided the high order bit is set", RFC 791


class BadOption(ValueError):
    """`at` is the octet of the header that is wrong: what a Parameter Problem points at."""

    def __init__(self, at: int) -> None:
        super().__init__(f"the option is wrong at octet {at} of the header")
        self.at = at


@dataclass(frozen=True, slots=True)
class Option:
    """`data` is all of it, type and length included; `at` its place in the header."""

    at: int
    data: bytes

    @property
    def kind(self) -> int:
        return self.data[0]

    @property
    def full(self) -> bool:
        """Its pointer is beyond its end: a record has no room left, a source route has been gone to its end."""
        return self.data[2] > len(self.data)


def options(header: Buffer) -> Iterator[Option]:
    """Those of a whole header, without END and NOP. Raises BadOption where one does not fit, or not its own pointer."""
    at, seen = MIN_LEN, False
    while at < len(header) and header[at] != END:
        if header[at] == NOP:
            at += 1
            continue
        length = header[at + 1] if at + 1 < len(header) else 0
        if not 2 <= length <= len(header) - at:
            raise BadOption(at + 1)
        option = Option(at, bytes(header[at : at + length]))
        _check(option)
        if option.kind in SOURCE_ROUTES:
            if seen:  # RFC 1122: more than one must not be sent
                raise BadOption(at)
            seen = True
        yield option
        at += length


def _check(option: Option) -> None:
    """What this host must understand has a pointer, to room for one entry more or beyond the end."""
    data, at = option.data, option.at
    if option.kind in SOURCE_ROUTES or option.kind == RECORD_ROUTE:
        first, entry = 4, 4
    elif option.kind == TIMESTAMP:
        if len(data) >= 4 and data[3] & 15 not in _ENTRY:
            raise BadOption(at + 3)
        first, entry = 5, _ENTRY[data[3] & 15] if len(data) >= 4 else 0
    else:
        return
    if len(data) < first - 1:
        raise BadOption(at + 1)
    left = len(data) + 1 - data[2]
    if data[2] < first or 0 < left < entry or (data[2] - first) % 4:
        raise BadOption(at + 2)
    if option.kind == TIMESTAMP and left <= 0 and data[3] >> 4 == 15:
        raise BadOption(at + 3)  # one more that had no room, and no room to count it


def answer(
    header: Buffer, source: int, ours: int, is_ours: Callable[[int], bool], milliseconds: int
) -> tuple[bytes, int]:
    """The options of an answer to a good `header` that came from `source` to `ours`, and where to send it first.

    `milliseconds` is the time for a timestamp, of no known relation to UT. The options are a multiple of 4 bytes.
    """
    made, first = [], source
    for option in options(header):
        if option.kind in SOURCE_ROUTES:
            first, *rest = _way_back(option, source)
            if rest:
                route = b"".join(address.to_bytes(4, "big") for address in rest)
                made.append(bytes([option.kind, 3 + len(route), 4]) + route)
        elif option.kind == RECORD_ROUTE:
            made.append(_recorded(option, ours.to_bytes(4, "big")))
        elif option.kind == TIMESTAMP:
            made.append(_stamped(option, ours, is_ours, milliseconds))
    joined = b"".join(made)
    return joined + bytes(-len(joined) % 4), first


def copied(header: Buffer) -> bytes:
    """Those of a good `header` that go into every fragment of it, by their first bit (RFC 791, 3.1), padded."""
    joined = b"".join(option.data for option in options(header) if option.kind & 0x80)
    return joined + bytes(-len(joined) % 4)


def passed_on(header: Buffer, ours: int, is_ours: Callable[[int], bool], milliseconds: int) -> bytes:
    """A good `header` with `ours` put into a record of the route, and a time into a timestamp (RFC 1812, 5.3.13)."""
    made = bytearray(header)
    for option in options(header):
        if option.kind == RECORD_ROUTE:
            made[option.at : option.at + len(option.data)] = _recorded(option, ours.to_bytes(4, "big"))
        elif option.kind == TIMESTAMP:
            made[option.at : option.at + len(option.data)] = _stamped(option, ours, is_ours, milliseconds)
    return bytes(made)


def _way_back(route: Option, source: int) -> list[int]:
    """Every stop of the way back, the last one `source`, which some hosts put at the head of the route as well."""
    data = route.data[3:]
    stops = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data) & ~3, 4)]
    if stops and stops[0] == source:
        del stops[0]
    return [*reversed(stops), source]


def _recorded(option: Option, entry: bytes) -> bytes:
    """With `entry` where the pointer is, and the pointer behind it; as it was when there is no room."""
    if option.full:
        return option.data
    at, data = option.data[2] - 1, option.data
    return data[:2] + bytes([data[2] + len(entry)]) + data[3:at] + entry + data[at + len(entry) :]


def _stamped(option: Option, ours: int, is_ours: Callable[[int], bool], milliseconds: int) -> bytes:
    """With our time in it, or one more counted that had no room."""
    data, time = option.data, (milliseconds & ~_NOT_UT | _NOT_UT).to_bytes(4, "big")
    if option.full:
        return data[:3] + bytes([data[3] + 0x10]) + data[4:]
    flag, at = data[3] & 15, data[2] - 1
    if flag == TIMES:
        return _recorded(option, time)
    if flag == ADDRESSES:
        return _recorded(option, ours.to_bytes(4, "big") + time)
    asked = data[at : at + 4]
    return _recorded(option, asked + time) if is_ours(int.from_bytes(asked, "big")) else data
