from __future__ import annotations

from ringbed.conformance.frames.carried import SCTP, UDP_LITE, without_tags
from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.references.anatomy import TCP, dissect
from ringbed.conformance.references.oracle import l4_right
from tests.conformance.naive_card import add_up


def test_behind_stacked_tags_are_whole_packets() -> None:
    frames = frames_of("stacked tags", 1)
    assert {frame[12:14] + frame[16:18] for frame in frames} >= {b"\x88\xa8\x81\0", b"\x81\0\x81\0"}
    for frame in frames:
        assert dissect(frame).kind == "other EtherType"
        bare = without_tags(frame)
        assert bare[12:14] in (b"\x08\0", b"\x86\xdd")
        assert l4_right(bare, dissect(bare))


def test_without_tags_leaves_others_alone() -> None:
    frame = frames_of("tiny payloads", 1)[0]
    assert without_tags(frame) == frame


def test_inner_packets_are_whole_and_their_sums_right() -> None:
    inner = 0
    for frame in frames_of("packets in tunnels", 1):
        for at in range(24, len(frame) - 60):  # an inner frame begins with the station's address
            if frame[at : at + 6] == frame[:6]:
                whole = frame[at:]
                parts = dissect(whole, LONGEST_HEADERS)
                assert parts.protocol == TCP
                assert l4_right(whole, parts)
                inner += 1
    assert inner == 2 * (2 + 2 * 8)


def test_tunnels_are_of_all_sorts() -> None:
    frames = frames_of("packets in tunnels", 1)
    found = [(parts.version, parts.protocol, frame[parts.l4[0] + 2 : parts.l4[0] + 4].hex(), parts.kind)
             for frame in frames for parts in (dissect(frame),)]  # fmt: skip
    for version in (4, 6):
        assert (version, 47, "6558", f"ipv{version} other protocol") in found
        for port in ("12b5", "17c1"):
            assert (version, 17, port, f"ipv{version} udp") in found
            assert (version, 17, port, f"ipv{version} udp without a sum") in found


def crc32c(data: bytes) -> int:
    """RFC 9260, appendix A, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_one_in_three_of_sctp_has_the_right_crc() -> None:
    bodies = [frame[parts.l4[0] :] for frame in frames_of("sctp and udp-lite", 1)
              for parts in (dissect(frame),) if parts.protocol == SCTP]  # fmt: skip
    right = [crc32c(body[:8] + bytes(4) + body[12:]) == int.from_bytes(body[8:12], "little") for body in bodies]
    assert right == [True, False, False] * 10


def test_udp_lite_adds_up_over_what_it_covers() -> None:
    covered = set()
    for frame in frames_of("sctp and udp-lite", 1):
        parts = dissect(frame)
        if parts.protocol == UDP_LITE:
            (begin, end), at = parts.l4, parts.ip[0]
            size = int.from_bytes(frame[begin + 4 : begin + 6], "big")
            addresses = frame[at + 12 : at + 20] if parts.version == 4 else frame[at + 8 : at + 40]
            body = frame[begin : begin + (size or end - begin)]
            body += bytes(len(body) % 2)
            assert add_up(addresses + bytes([0, UDP_LITE]) + (end - begin).to_bytes(2, "big") + body) == 0xFFFF
            covered.add(size)
    assert covered == {0, 8, 9, 20, 48}
