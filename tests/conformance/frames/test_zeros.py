from __future__ import annotations

from ringbed.conformance.frames.kinds import frames_of
from ringbed.conformance.references.anatomy import TCP, UDP, dissect
from ringbed.conformance.references.oracle import l3_right, l4_right

ZEROS = {b"\0\0", b"\xff\xff"}


def test_both_zeros_are_in_headers_of_ipv4_right_and_wrong() -> None:
    seen = set()
    for frame in frames_of("0x0000 and 0xffff", 1):
        parts = dissect(frame)
        if parts.version == 4 and frame[24:26] in ZEROS:
            seen.add((parts.ip[1] - parts.ip[0], parts.protocol, frame[24:26], l3_right(frame, parts)))
    assert seen == {
        (size, protocol, zero, right)
        for size in (20, 32) for protocol in (TCP, UDP) for zero in ZEROS for right in (False, True)
    }  # fmt: skip


def test_where_the_sum_of_tcp_is_0_both_zeros_are_right() -> None:
    seen = set()
    for frame in frames_of("0x0000 and 0xffff", 1):
        parts = dissect(frame)
        at = parts.l4[0] + (16 if parts.protocol == TCP else 6)
        if frame[at : at + 2] in ZEROS:
            assert parts.kind.endswith("udp without a sum") or l4_right(frame, parts)
            seen.add((parts.version, parts.protocol, frame[at : at + 2]))
    assert seen == {(version, protocol, zero) for version in (4, 6) for protocol in (TCP, UDP) for zero in ZEROS}


def test_there_are_frames_of_nothing_but_zeros_from_the_shortest_on() -> None:
    frames = frames_of("nothing but 00 and ff", 1)
    assert len(frames) <= 40
    assert {len(frame) for frame in frames if not any(frame)} >= {14, 15, 16, 60, 61, 1514}
    assert {len(frame) for frame in frames if set(frame[14:]) == {0xFF}} >= {15, 60, 61, 1514}
