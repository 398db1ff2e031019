from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringbed.conformance.blocks.case import Case
from ringbed.conformance.blocks.run import Amount
from ringbed.conformance.blocks.segment import KINDS, cases
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract

# What a segment of its kind cannot have otherwise: version with IHL, the low byte of the offset, protocol; next header.
WITH_MESSAGES = [kind for kind in KINDS if kind != "plain frames"]
FIXED = {"IPv4": {0, 7, 9}, "IPv6": {6}}


def messages(kind: str, sums: str = "kept") -> Iterator[Case]:
    setup = Setup(contract("segment"), options={"sums": sums})
    return (case for case in cases(kind, 1, setup) if case.ask.command["enable"])


def headers(case: Case) -> dict[str, bytes]:
    """The headers by name, each as long as it is without options."""
    frame, command = case.ask.frame, case.ask.command
    l3, l4 = command["l3_offset"], command["l4_offset"]
    return {
        "link": frame[:12],
        "IPv6" if command["is_ipv6"] else "IPv4": frame[l3 : l3 + (40 if command["is_ipv6"] else 20)],
        "UDP" if command["is_udp"] else "TCP": frame[l4 : l4 + (8 if command["is_udp"] else 20)],
    }


@pytest.mark.parametrize("kind", WITH_MESSAGES)
def test_every_byte_of_every_header_varies(kind: str) -> None:
    """A segmenter that clears a field, or takes it from another message, is found in whatever kind is asked."""
    seen: dict[tuple[str, int], set[int]] = {}
    for case in messages(kind):
        for name, header in headers(case).items():
            for at, byte in enumerate(header):
                seen.setdefault((name, at), set()).add(byte)
    assert seen
    constant = {key for key, values in seen.items() if len(values) == 1}
    assert constant <= {(name, at) for name, places in FIXED.items() for at in places}


@pytest.mark.parametrize("kind", WITH_MESSAGES)
def test_every_byte_of_every_header_is_seldom_0(kind: str) -> None:
    seen: dict[tuple[str, int], list[int]] = {}
    for case in messages(kind):
        for name, header in headers(case).items():
            for at, byte in enumerate(header):
                seen.setdefault((name, at), []).append(byte)
    assert {key for key, values in seen.items() if not any(values)} <= {("IPv4", 7)}


def test_flags_of_ipv4_and_all_bits_beside_the_data_offset_are_there() -> None:
    four = [case for case in messages("mixed messages") if not case.ask.command["is_ipv6"]]
    assert {headers(case)["IPv4"][6] for case in four} == {0x00, 0x40, 0x80, 0xC0}
    beside = {headers(case)["TCP"][12] & 0xF for case in messages("mixed messages") if "TCP" in headers(case)}
    for bit in range(4):
        assert {byte >> bit & 1 for byte in beside} == {0, 1}


def test_the_sum_of_an_ipv4_header_comes_as_0_where_the_block_is_to_make_it() -> None:
    def sums(option: str) -> set[bytes]:
        return {headers(case)["IPv4"][10:12] for case in messages("identifications", option)}

    assert sums("full") == {bytes(2)}
    assert len(sums("kept")) == len(sums("pseudo")) == 20


def test_a_segment_of_the_longest_jumbo_frames_is_asked() -> None:
    lengths = {len(frame) for case in messages("jumbo") for (frame,) in case.frames}
    assert max(lengths) > 16300
    assert {length for length in lengths if 2048 < length < 2200}


def test_plain_frames_are_as_short_as_a_host_has_them() -> None:
    setup = Setup(contract("segment"))
    lengths = {kind: {len(case.ask.frame) for case in cases(kind, 1, setup) if not case.ask.command["enable"]}
               for kind in KINDS}  # fmt: skip
    assert lengths["plain frames"] >= {14, 15, 42, 49, 54, 60}
    assert min(lengths["mixed messages"]) < 60 < max(lengths["mixed messages"])


def test_headers_begin_and_end_on_both_sides_of_every_limit() -> None:
    commands = [case.ask.command for case in messages("offset limits")]
    for name in ("header_length", "l4_offset"):
        values = {command[name] for command in commands}
        for limit in (128, 256, 512, 1024, 2048):
            assert {value for value in values if limit - 30 <= value < limit}
            assert {value for value in values if limit <= value < limit + 30}
    assert {22, 34, 66, 130, 258, 514} <= {command["l3_offset"] for command in commands}


@pytest.mark.parametrize("kind", ["offset limits", "MSS limits"])
def test_each_limit_is_asked_in_the_quick_amount(kind: str) -> None:
    setup = Setup(contract("segment"))
    assert max(len(list(cases(kind, seed, setup))) for seed in range(1, 9)) <= Amount.QUICK.value


def test_segments_are_as_long_as_ip_has_them_and_mss_is_up_to_its_end() -> None:
    found = list(messages("MSS limits"))
    values = {case.ask.command["mss"] for case in found}
    assert 0xFFFF in values
    assert {value.bit_length() for value in values} >= set(range(8, 17))
    cut = [len(frame) for case in found if len(case.frames) > 1 for (frame,) in case.frames]
    assert max(cut) > 40_000


def test_messages_are_as_long_as_the_block_takes() -> None:
    lengths = {}
    for longest in (10_000, 65_535, 300_000):
        setup = Setup(contract("segment"), options={"longest": longest})
        lengths[longest] = max(len(case.ask.frame) for case in cases("long messages", 1, setup))
    assert 9000 < lengths[10_000] <= 10_000
    assert 65_000 < lengths[65_535] < 65_536
    assert lengths[300_000] > 1 << 18


def test_no_two_segments_of_a_long_message_are_alike() -> None:
    setup = Setup(contract("segment"), options={"longest": 300_000})
    long_ones = [case for case in cases("long messages", 1, setup) if len(case.ask.frame) > 65_535]
    assert len(long_ones) == 3
    for case in long_ones:
        size = case.ask.command["header_length"]
        assert len({right[size:] for (right,) in case.frames}) == len(case.frames)
