from __future__ import annotations

import pytest

from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.frames.lies import KINDS
from ringbed.conformance.references.anatomy import TCP, UDP, Anatomy, data_offset_lies, dissect
from ringbed.conformance.references.oracle import l3_right, l4_right

QUICK = 40


def of_kind(kind: str) -> list[tuple[bytes, Anatomy]]:
    return [(frame, dissect(frame, LONGEST_HEADERS)) for frame in frames_of(kind, 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_than_the_quick_amount_and_the_ip_header_adds_up(kind: str) -> None:
    frames = of_kind(kind)
    assert 30 <= len(frames) <= QUICK
    for frame, parts in frames:
        assert parts.version != 4 or l3_right(frame, parts)


@pytest.mark.parametrize(
    "kind", ["lengths that lie", "ip headers that lie", "udp lengths that lie", "short udp lengths"]
)
def test_all_frames_are_malformed(kind: str) -> None:
    words = ("beyond the frame", "udp length other than", "IHL below 5")
    assert all(any(word in parts.kind for word in words) for _, parts in of_kind(kind))


def test_every_ihl_below_5_and_other_versions() -> None:
    frames = [frame for frame, _ in of_kind("ip headers that lie") if frame[12:14] == b"\x08\0"]
    assert {frame[14] & 0xF for frame in frames if frame[14] >> 4 == 4} >= {0, 1, 2, 3, 4, 6, 10, 15}
    assert {frame[14] >> 4 for frame in frames} == {0, 4, 5, 6}


def test_headers_longer_than_the_total_length() -> None:
    frames = [(frame, parts) for frame, parts in of_kind("ip headers that lie") if parts.kind.startswith("ipv4, total")]
    sizes = {(parts.ip[1] - parts.ip[0], int.from_bytes(frame[16:18], "big")) for frame, parts in frames}
    assert {(40, 20), (40, 39), (60, 59), (24, 20)} <= sizes
    assert {parts.protocol for _, parts in frames} == {TCP, UDP}


def test_data_offsets_below_5_and_beyond_the_segment_have_right_sums() -> None:
    offsets = set()
    for frame, parts in of_kind("tcp headers that lie"):
        if data_offset_lies(frame, parts):
            offsets.add(frame[parts.l4[0] + 12] >> 4)
            assert l4_right(frame, parts)
    assert offsets == {0, 1, 4, 15}


def test_segments_of_no_header_or_a_part() -> None:
    sizes = {parts.l4[1] - parts.l4[0] for frame, parts in of_kind("tcp headers that lie") if "below" in parts.kind}
    assert sizes == {0, 1, 8, 12, 18, 19}


def test_udp_lengths_that_agree_with_ip_and_are_below_8() -> None:
    agreed = set()
    for frame, parts in of_kind("udp lengths that lie"):
        begin, end = parts.l4
        if int.from_bytes(frame[begin + 4 : begin + 6], "big") == end - begin:
            agreed.add(end - begin)
    assert agreed == {6, 7, 0, 1}
