from __future__ import annotations

import pytest

from ringbed.conformance.blocks.rx_checksum import verdict_cases
from ringbed.conformance.frames.kinds import LONGEST_HEADERS
from ringbed.conformance.references.anatomy import data_offset_lies, dissect
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract

VERDICT = Setup(contract("rx-checksum", "verdict"))
NOT, GOOD, BAD = "not checked", "good", "bad"


def answers(kind: str) -> list[tuple[bytes, set[tuple[str, str]]]]:
    """Each frame of the kind, and the pairs of answers for IPv4 and for TCP or UDP that are right."""
    return [(case.ask.frame, {(each["l3"], each["l4"]) for each in case.results})
            for case in verdict_cases(kind, 1, VERDICT)]  # fmt: skip


def test_of_stacked_tags_the_packets_verdict_is_right_and_not_checked_is_too() -> None:
    for frame, right in answers("stacked tags"):
        four = frame.find(b"\x08\0", 16, 26) > 0
        assert right == {(NOT, NOT), (GOOD if four else NOT, GOOD)}


def test_of_tunnels_only_the_outer_headers_are_judged() -> None:
    for frame, right in answers("packets in tunnels"):
        parts = dissect(frame)
        l3 = GOOD if parts.version == 4 else NOT
        without, other = "without a sum" in parts.kind, "other protocol" in parts.kind
        allowed = {(l3, NOT)} if without or other else {(l3, GOOD)}
        assert right - {(NOT, BAD)} == allowed
        assert (NOT, BAD) not in right or (without and parts.version == 6)


def test_sctp_and_udp_lite_are_not_checked_whether_right_or_wrong() -> None:
    assert {frozenset(right) for _, right in answers("sctp and udp-lite")} == {
        frozenset({(GOOD, NOT)}), frozenset({(NOT, NOT)})
    }  # fmt: skip


def test_no_fragment_is_checked() -> None:
    assert all(l4 == NOT for _, right in answers("fragments") for _, l4 in right)


@pytest.mark.parametrize("kind", ["lengths that lie", "ip headers that lie"])
def test_where_lengths_lie_nothing_behind_the_ip_header_is_checked(kind: str) -> None:
    assert all(l4 == NOT for _, right in answers(kind) for _, l4 in right)


def test_udp_that_is_shorter_than_ip_says_may_be_judged_by_its_own_length() -> None:
    """Of a stack right and one off, of four lengths; the ninth has no sum, of which there is no verdict."""
    frames = answers("short udp lengths")
    assert len(frames) % 9 == 0
    for number, (frame, right) in enumerate(frames):
        judged = (*(GOOD, BAD) * 4, NOT)[number % 9]
        assert {l4 for _, l4 in right} == {NOT, judged}
        assert {l3 for l3, _ in right} == {GOOD if dissect(frame).version == 4 else NOT}


def test_udp_whose_length_is_beyond_ips_or_no_length_is_not_checked() -> None:
    for frame, right in answers("udp lengths that lie"):
        begin, end = dissect(frame, LONGEST_HEADERS).l4
        length = int.from_bytes(frame[begin + 4 : begin + 6], "big")
        assert {l4 for _, l4 in right} == ({NOT, BAD} if 8 <= length < end - begin else {NOT})


def test_tcp_whose_data_offset_lies_may_be_judged() -> None:
    lying = 0
    for frame, right in answers("tcp headers that lie"):
        if data_offset_lies(frame, dissect(frame, LONGEST_HEADERS)):
            assert {l4 for _, l4 in right} == {GOOD, NOT}
            lying += 1
        else:
            assert {l4 for _, l4 in right} == {NOT}
    assert lying == 16


def test_with_segments_left_a_block_may_judge_with_the_final_destination() -> None:
    frames = [(frame, right) for frame, right in answers("every protocol")
              if "segments left" in dissect(frame, LONGEST_HEADERS).kind]  # fmt: skip
    assert frames
    assert all(right == {(NOT, NOT), (NOT, GOOD)} for _, right in frames)


def test_atomic_fragments_and_other_versions_are_not_checked_and_the_reserved_flag_is_no_reason() -> None:
    atomic = [right for frame, right in answers("fragments") if frame[12:14] == b"\x86\xdd" and not any(frame[56:58])]
    assert atomic
    assert all(right == {(NOT, NOT)} for right in atomic)
    versions = [right for frame, right in answers("ip headers that lie") if frame[14] >> 4 not in (4, 6)]
    assert versions
    assert all(right == {(NOT, NOT)} for right in versions)
    reserved = [right for frame, right in answers("every protocol")
                if dissect(frame).name == "ipv4 tcp" and frame[20] & 0x80]  # fmt: skip
    assert reserved
    assert all(right == {(GOOD, GOOD)} for right in reserved)
