"""Records to bytes by the page (docs/recordings.md), the naive way, beside the C++ that does it in a run."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from ringbed.sim.record.header import Header
from ringbed.sim.record.records import Kind, Record
from ringbed.sim.seam.settings import Settings

__all__ = ["HEADER", "SAMPLE", "encoded", "fnv1a", "recording", "write_recording"]

HEADER = Header("0.0", "toy", "[]", "12" * 32, "34" * 32, ("invert", "seen"), Settings())
SAMPLE = [  # one of each kind, and more of those whose places follow one another
    Record(0, Kind.PIN, 0, 7),
    Record(0, Kind.HOLD, value=(1 << 64) - 1),
    Record(3, Kind.NOTE, data="client 1 is h\u00e9re".encode()),
    Record(3, Kind.STORE, 0x3818, 0xFFFF_FFFF),
    Record(10, Kind.READ, 0x1_2000_1000, 0, 24, bytes(range(24))),
    Record(20, Kind.READ, 0x1_2000_1018, 3, 8),
    Record(21, Kind.WRITE, 0x2000, 0, 8, b"8 bytes!"),
    Record(22, Kind.WRITE, 0x1000, 2, 1500, bytes(range(8)), exact=False),
    Record(23, Kind.LINE, value=1),
    Record(1000, Kind.ASK, 0xC0),
    Record(1000, Kind.LINE, value=0),
    Record(1007, Kind.ANSWER, value=0x8000_0000),
    Record(1007, Kind.ASK, 0xC4),
    Record(9000, Kind.ANSWER, exact=False),
    Record(9000, Kind.FRAME, 9500, 1, 60, bytes(60)),
    Record(9600, Kind.FRAME, 9599, 0, 3, b"abc"),
    Record(9600, Kind.SENT, length=64, data=b"digested"),
    Record(9601, Kind.PEEK, 8, 0x201),
    Record(9602, Kind.SHUT, 0x1000, 0x1FFF),
    Record(9602, Kind.SHUT, 1, 0),
    Record(9603, Kind.FAULTS, 0, 0),
    Record(9604, Kind.RESET),
    Record(9605, Kind.WAIT, value=1),
    Record(1 << 40, Kind.HOLD),
    Record(1 << 40, Kind.TIME),
]


def number(value: int) -> bytes:
    """Seven bits a byte, the lowest first, the highest bit in all but the last."""
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def signed(value: int) -> bytes:
    """A difference modulo 2**64, from -2**63 to 2**63 - 1: 0, -1, 1, -2 ... as 0, 1, 2, 3 ..."""
    value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return number(2 * value if value >= 0 else -2 * value - 1)


def fnv1a(data: bytes) -> bytes:
    """64 bits (Fowler, Noll, Vo), as they lie in a file."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value.to_bytes(8, "little")


def encoded(records: Iterable[Record]) -> bytes:
    out, clock, ends = b"", 0, {Kind.READ: 0, Kind.WRITE: 0}
    for each in records:
        out += number((each.clock - clock) * 32 + each.kind)
        clock = each.clock
        if each.kind in ends:
            out += signed(each.place - ends[each.kind])
            ends[each.kind] = each.place + each.length
        out += body(each)
    return out


def body(each: Record) -> bytes:
    place, value, count, data = each.place, each.value, each.length, each.data
    match each.kind:
        case Kind.TIME | Kind.RESET:
            return b""
        case Kind.READ:
            return number(count * 4 + value) + data
        case Kind.WRITE:
            return number(count * 8 + 4 * (not each.exact) + value) + data
        case Kind.LINE | Kind.WAIT:
            return number(value)
        case Kind.SENT:
            return number(count) + data
        case Kind.ASK:
            return number(place)
        case Kind.ANSWER:
            return number(value + 1 if each.exact else 0)
        case Kind.FRAME:
            return signed(place - each.clock) + number(2 * count + value) + data
        case Kind.HOLD:
            return number((value + 1) % (1 << 64))
        case Kind.NOTE:
            return number(len(data)) + data
        case _:
            return number(place) + number(value) + data


def recording(pieces: Iterable[bytes], header: Header = HEADER) -> bytes:
    """A whole file, each piece a block."""
    out, stream = b"ringbed recording 2\n", zlib.compressobj(1)
    for piece in (header.text().encode(), *pieces):
        packed = stream.compress(piece) + stream.flush(zlib.Z_SYNC_FLUSH)
        out += struct.pack("<II", len(packed), zlib.crc32(packed)) + packed
    return out


def write_recording(path: Path, records: Iterable[Record], header: Header = HEADER) -> Path:
    path.write_bytes(recording([encoded(records)], header))
    return path
