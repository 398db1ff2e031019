from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.checksum import Place, pseudo_sum, with_seed
from ringbed.conformance.references.oracle import l3_right, l4_right
from ringbed.conformance.references.segmentation import Message, segments
from ringbed.sim.wire.payload import payload
from tests.hw.segment_reference import Message as NaiveMessage
from tests.hw.segment_reference import segments as naive_segments


def message(size: int, mss: int, ipv6: bool = False, udp: bool = False, flags: str = "A", ident: int = 0) -> Message:
    below = IPv6(src="2001:db8::1", dst="2001:db8::2") if ipv6 else IP(src="10.0.0.1", dst="10.0.0.2", id=ident)
    l4: Any = UDP(sport=1, dport=2) if udp else TCP(sport=1, dport=2, seq=2**32 - 100, flags=flags)
    header = bytes(Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b") / below / l4)
    return Message(header, payload(1, size), mss, 14, 54 if ipv6 else 34, ipv6, udp)


messages = st.builds(message, st.integers(0, 300), st.integers(1, 120), st.booleans(), st.booleans(),
                     st.sampled_from(["A", "PA", "FA", "FPA", "SA", "PAU"]), st.integers(0, 65535))  # fmt: skip


@given(messages)
def test_against_the_segmenter_of_the_cards_tests_which_knows_no_cwr(given_message: Message) -> None:
    each = given_message
    naive = NaiveMessage(each.header, each.payload, each.mss, "ipv6" if each.ipv6 else "ipv4", 14,
                         "udp" if each.udp else "tcp", each.l4)  # fmt: skip
    if each.payload:
        assert segments(each) == naive_segments(naive)


@given(messages)
def test_every_sum_is_right_when_all_are_asked_for(given_message: Message) -> None:
    for frame in segments(given_message, "full"):
        parts = dissect(frame)
        assert l4_right(frame, parts)
        assert parts.version == 6 or l3_right(frame, parts)
        assert len(frame) == parts.end


@given(messages)
def test_a_seed_without_length_becomes_the_pseudo_headers_sum(given_message: Message) -> None:
    each = given_message
    place = Place(each.l4, each.l4 + (6 if each.udp else 16), each.udp)
    seeded = replace(each, header=with_seed(each.header, place, pseudo_sum(each.header, each.parts(0), length=0)))
    for frame in segments(seeded, "pseudo"):
        parts = dissect(frame)
        assert int.from_bytes(frame[place.offset : place.offset + 2], "big") == pseudo_sum(frame, parts)


def test_sequence_numbers_and_flags_as_scapy_reads_them() -> None:
    frames = [Ether(frame) for frame in segments(message(250, 100, flags="FPACE", ident=0xFFFF))]
    assert [frame[TCP].seq for frame in frames] == [2**32 - 100, 0, 100]
    assert [str(frame[TCP].flags) for frame in frames] == ["AEC", "AE", "FPAE"]
    assert [frame[IP].id for frame in frames] == [0xFFFF, 0, 1]
    assert [frame[IP].len for frame in frames] == [140, 140, 90]


@pytest.mark.parametrize(("size", "lengths"), [(0, [0]), (1, [1]), (100, [100]), (101, [100, 1]), (200, [100, 100])])
def test_the_last_segment_has_the_rest(size: int, lengths: list[int]) -> None:
    frames = segments(message(size, 100, udp=True))
    assert [len(frame) - 42 for frame in frames] == lengths
    assert [Ether(frame)[UDP].len for frame in frames] == [8 + length for length in lengths]
    assert b"".join(frame[42:] for frame in frames) == payload(1, size)
