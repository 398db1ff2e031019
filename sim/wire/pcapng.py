"""The packets of a pcapng file (draft-ietf-opsawg-pcapng), and nothing of it that is not needed to have them.

What surrounds the packets cannot take them away: an option that is of another length than it should be, text that is no
text, a block of an unknown kind are passed over. What ends the reading is a file whose blocks do not fit one another.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["SECTION", "Broken", "Interface", "Packet", "packets"]

SECTION = b"\x0a\x0d\x0d\x0a"  # the same in both byte orders
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED = 1, 2, 3, 6
_COMMENT, _FLAGS, _RESOLUTION, _FCS_LENGTH, _OFFSET = 1, 2, 9, 13, 14
_NS = 10**9


class Broken(Exception):
    """From here on the file cannot be read."""


@dataclass(slots=True)
class Interface:
    """`per_second` time units make a second, `offset` seconds are added; `fcs` bytes of FCS end each packet, if known.

    It is announced before its packets, and may have none.
    """

    link: int
    snap: int
    per_second: int = 10**6
    offset: int = 0
    fcs: int = 0


class Packet(NamedTuple):
    """`length` is what it had on the wire, `flags` are those of epb_flags; without a time `at_ns` is 0."""

    interface: Interface
    number: int  # of the interface, within its section
    data: bytes
    length: int
    at_ns: int = 0
    flags: int = 0
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class _Section:
    order: str
    interfaces: list[Interface] = field(default_factory=list)

    def unpack(self, form: str, body: bytes, at: int = 0) -> tuple[int, ...]:
        if struct.calcsize(self.order + form) > len(body) - at:
            raise Broken("has a block that makes no sense")
        return struct.unpack_from(self.order + form, body, at)

    def options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """Code and value of each, up to one that does not fit."""
        while at + 4 <= len(body):
            code, size = struct.unpack_from(self.order + "2H", body, at)
            if not code or at + 4 + size > len(body):
                return
            yield code, body[at + 4 : at + 4 + size]
            at += 4 + size + (-size & 3)


def packets(data: bytes) -> Iterator[Packet | Interface]:
    """Every interface and every packet of a file, in its order. Raises Broken where it breaks off or makes no sense."""
    section = _Section("<")
    at = 0
    while at < len(data):
        kind, body, at = _block(data, at, section)
        if kind == _INTERFACE:
            section.interfaces.append(_interface(section, body))
            yield section.interfaces[-1]
        elif take := _TAKE.get(kind):
            yield take(section, body)


def _block(data: bytes, at: int, section: _Section) -> tuple[int, bytes, int]:
    """Kind and body of the block at `at`, and where the next one is. One that begins a section makes `section` anew."""
    begins = data[at : at + 4] == SECTION
    if len(data) - at < (16 if begins else 12):
        raise Broken("breaks off")
    if begins:
        order = _ORDERS.get(data[at + 8 : at + 12])
        if order is None:
            raise Broken("has a block that makes no sense")
        section.order, section.interfaces = order, []
    kind, size = struct.unpack_from(section.order + "2I", data, at)
    if size < 12 or size % 4:
        raise Broken("has a block that makes no sense")
    if size > len(data) - at:
        raise Broken("breaks off")
    if struct.unpack_from(section.order + "I", data, at + size - 4) != (size,):
        raise Broken("has a block that makes no sense")
    return kind, data[at + 8 : at + size - 4], at + size


def _interface(section: _Section, body: bytes) -> Interface:
    link, _, snap = section.unpack("2HI", body)
    made = Interface(link, snap)
    for code, value in section.options(body, 8):
        if code == _RESOLUTION and len(value) == 1:  # a power of 10, or of 2 with the top bit set
            made.per_second = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _OFFSET and len(value) == 8:
            (made.offset,) = section.unpack("q", value)
        elif code == _FCS_LENGTH and len(value) == 1:
            made.fcs = value[0]
    return made


def _enhanced(section: _Section, body: bytes) -> Packet:
    return _timed(section, body, *section.unpack("5I", body))


def _obsolete(section: _Section, body: bytes) -> Packet:
    number, _, *rest = section.unpack("2H4I", body)
    return _timed(section, body, number, *rest)


def _timed(section: _Section, body: bytes, number: int, high: int, low: int, size: int, length: int) -> Packet:
    if number >= len(section.interfaces) or size > len(body) - 20:
        raise Broken("has a block that makes no sense")
    interface, flags, comments = section.interfaces[number], 0, []
    for code, value in section.options(body, 20 + size + (-size & 3)):
        if code == _COMMENT:
            comments.append(value.decode(errors="replace"))
        elif code == _FLAGS and len(value) == 4:
            (flags,) = section.unpack("I", value)
    at_ns = (high << 32 | low) * _NS // interface.per_second + interface.offset * _NS
    return Packet(interface, number, body[20 : 20 + size], length, at_ns, flags, tuple(comments))


def _simple(section: _Section, body: bytes) -> Packet:
    """Of the first interface; how much of it was kept only the snap length says."""
    (length,) = section.unpack("I", body)
    if not section.interfaces:
        raise Broken("has a block that makes no sense")
    interface = section.interfaces[0]
    size = min(length, interface.snap or length)
    if size > len(body) - 4:
        raise Broken("has a block that makes no sense")
    return Packet(interface, 0, body[4 : 4 + size], length)


_TAKE: dict[int, Callable[[_Section, bytes], Packet]] = {
    _ENHANCED: _enhanced, _OBSOLETE: _obsolete, _SIMPLE: _simple,
}  # fmt: skip
