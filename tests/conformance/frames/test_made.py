from __future__ import annotations

import random

import pytest

from ringbed.conformance.frames.made import FRAGMENT_OFFSETS, STATION, Build, captured, ip_options, made
from ringbed.conformance.references.anatomy import TCP, dissect


def test_the_capture_is_the_hosts() -> None:
    frames = captured()
    assert len(frames) == 433
    assert max(map(len, frames)) == 1514


def test_the_same_seed_is_the_same_frames_and_another_is_not() -> None:
    assert made(7) == made(7)
    assert made(7) != made(8)


def test_all_made_frames_fit_a_wire_and_go_to_the_station() -> None:
    frames = made(1)
    assert len(frames) > 400
    assert {60 <= len(frame) <= 1518 for frame in frames} == {True}
    assert {frame[:6] for frame in frames} == {STATION}


def test_pad_bytes_are_not_zero_and_there_are_some_beyond_60_bytes() -> None:
    pads = [frame[dissect(frame).end :] for frame in made(1) if dissect(frame).version]
    assert sum(map(any, pads)) > 100
    assert sum(any(pad) and len(frame) > 60 for pad, frame in zip(pads, made(1), strict=False)) > 50


def test_options_of_every_length() -> None:
    lengths = {parts.ip[1] - parts.ip[0] for parts in map(dissect, made(1)) if parts.kind == "ipv4 options tcp or udp"}
    assert set(range(24, 64, 4)) <= lengths


def test_every_bit_of_a_fragments_offset_is_there_alone() -> None:
    words = {
        int.from_bytes(frame[20:22], "big") & 0x3FFF for frame in made(1) if dissect(frame).name == "ipv4 fragment"
    }
    assert {1 << bit for bit in range(13)} <= set(FRAGMENT_OFFSETS) <= words


@pytest.mark.parametrize("words", range(11))
def test_options_fill_their_words_and_are_not_0(words: int) -> None:
    build = Build(random.Random(words))
    tcp = build.l4(TCP, 0)
    tcp.options = build.tcp_options(words)
    four, six = bytes(build.ip4(options=ip_options(build, words)) / tcp), bytes(build.ip6() / tcp)
    assert (len(four), len(six)) == (40 + 8 * words, 60 + 4 * words)
    assert (four[0] & 0xF, six[52] >> 4) == (5 + words, 5 + words)
    for each in (four[20 : 20 + 4 * words], six[60:]):
        assert not words or (any(each) and set(each) != {1})


@pytest.mark.parametrize("size", [6, 14, 22, 126, 254, 262, 510, 518])
def test_ipv6_options_fill_their_bytes_and_are_not_0(size: int) -> None:
    build = Build(random.Random(size))
    header = bytes(build.inet6.IPv6ExtHdrDestOpt(options=build.options6(size)))
    assert (len(header), 8 * (header[1] + 1)) == (size + 2, size + 2)
    assert sum(map(bool, header[4:])) >= (size - 4) // 2
