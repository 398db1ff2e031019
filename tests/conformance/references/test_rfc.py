"""The RFCs' reader: right of what two hosts sent, wrong of one changed bit, and sums by the RFCs' own examples."""

from __future__ import annotations

import pytest

from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.oracle import Oracle
from ringbed.conformance.references.rfc import crc32c, filled, ones_field, read, words
from ringbed.hw.formats.verdict import Verdict


def test_the_sum_of_the_example_of_rfc_1071() -> None:
    assert words(bytes.fromhex("0001f203f4f5f6f7")) == 0x2DDF0
    assert ones_field(0x2DDF0) == 0xFFFF ^ 0xDDF2


def test_an_odd_last_byte_is_a_high_half() -> None:
    assert words(b"\x12") == 0x1200


@pytest.mark.parametrize(("total", "field"), [(0, 0xFFFF), (65535, 0), (131070, 0), (1, 0xFFFE), (65534, 1)])
def test_both_zeros(total: int, field: int) -> None:
    assert ones_field(total) == field


def test_udp_has_no_zero_and_others_have() -> None:
    frame = b"\xff\xff" + bytes(4)
    assert filled(frame, 0, 4, udp=False)[4:] == b"\0\0"
    assert filled(frame, 0, 4, udp=True)[4:] == b"\xff\xff"


def test_a_sum_ends_where_it_shall() -> None:
    assert filled(b"\0\1\0\0\0\7", 0, 2, udp=False, end=4) == b"\0\1\xff\xfe\0\7"


def test_crc32c_of_rfc_3720() -> None:
    assert crc32c(bytes(32)) == bytes.fromhex("aa36918a")
    assert crc32c(b"\xff" * 32) == bytes.fromhex("43aba862")


def test_what_two_hosts_sent_is_right() -> None:
    readings = [read(frame) for frame in captured()]
    assert not any(each.l3 is False or each.l4 is False for each in readings)
    assert sum(each.l4 is True for each in readings) > 200


def test_both_readers_find_the_same_kinds_and_rights() -> None:
    for frame in made(5):
        expected, reading = Oracle()(frame), read(frame)
        assert dissect(frame).kind == reading.kind
        assert (Verdict.L3_BAD in expected.verdict) <= (reading.l3 is False)
        assert (Verdict.L4_GOOD in expected.verdict) <= (reading.l4 is True)


def test_one_changed_byte_is_seen() -> None:
    frame = next(each for each in captured() if read(each).kind == "ipv4 tcp" and len(each) > 80)
    for at in (24, 25, 30, 40, 50, 79):
        changed = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        reading = read(changed)
        assert (reading.l3, reading.l4) != (True, True), at
