"""Where headers are, in frames of every kind that the checker judges, and of those that it leaves alone."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.checker.headers import TCP, UDP, Headers, parse

ETHER = bytes(12)
UDP_HEADER, TCP_HEADER = bytes(8), bytes(12) + b"\x50" + bytes(7)
OPTIONS = bytes(12) + b"\x80" + bytes(19)


def ipv4(protocol: int, body: bytes, options: int = 0, fragment: int = 0) -> bytes:
    header = struct.pack("!BBHHHBBH8x", 0x45 + options, 0, 20 + 4 * options + len(body), 1, fragment, 64, protocol, 0)
    return b"\x08\0" + header + bytes(4 * options) + body


def ipv6(kind: int, body: bytes) -> bytes:
    return b"\x86\xdd" + struct.pack("!IHBB32x", 6 << 28, len(body), kind, 64) + body


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (ipv4(UDP, UDP_HEADER), Headers(14, 4, 34, UDP, 42)),
        (ipv4(TCP, TCP_HEADER), Headers(14, 4, 34, TCP, 54)),
        (ipv4(TCP, OPTIONS, options=2), Headers(14, 4, 42, TCP, 74)),
        (b"\x81\0\0\x01" + ipv4(UDP, UDP_HEADER), Headers(18, 4, 38, UDP, 46)),
        (b"\x88\xa8\0\x01\x81\0\0\x02" + ipv4(UDP, UDP_HEADER), Headers(22, 4, 42, UDP, 50)),
        (b"\0\x40\xaa\xaa\x03\0\0\0" + ipv4(UDP, UDP_HEADER), Headers(22, 4, 42, UDP, 50)),
        (ipv6(UDP, UDP_HEADER), Headers(14, 6, 54, UDP, 62)),
        (ipv6(0, bytes([60, 0]) + bytes(6) + bytes([TCP, 1]) + bytes(14) + TCP_HEADER), Headers(14, 6, 78, TCP, 98)),
        (ipv4(UDP, UDP_HEADER, fragment=0x2000), Headers(14, 4)),
        (ipv4(UDP, UDP_HEADER, fragment=3), Headers(14, 4)),
        (ipv4(UDP, UDP_HEADER, fragment=0x4000), Headers(14, 4, 34, UDP, 42)),
        (ipv4(UDP, bytes(7)), Headers(14, 4)),
        (ipv4(TCP, bytes(20)), Headers(14, 4)),  # a header of no words
        (ipv4(1, bytes(20)), Headers(14, 4)),
        (ipv6(44, bytes(8) + UDP_HEADER), Headers(14, 6)),
        (b"\x08\0\x44" + bytes(40), None),
        (b"\x08\0\x65" + bytes(40), None),
        (b"\x86\xdd\x45" + bytes(60), None),
        (b"\x08\x06" + bytes(46), None),
        (b"", None),
    ],
)
def test_where_headers_are(frame: bytes, found: Headers | None) -> None:
    assert parse(ETHER + frame) == found


def test_where_a_sum_is() -> None:
    assert [Headers(14, 4, 34, protocol).l4_sum for protocol in (UDP, TCP)] == [40, 50]


@given(st.binary(max_size=100))
def test_any_bytes_are_read(data: bytes) -> None:
    """Nothing is raised, and nothing lies beyond the frame."""
    for kind in (b"\x08\0\x45", b"\x86\xdd\x60", b"\x81\0"):
        frame = ETHER + kind + data
        found = parse(frame)
        assert found is None or found.payload <= len(frame) or found.protocol == TCP
