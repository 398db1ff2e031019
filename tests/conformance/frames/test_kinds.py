from __future__ import annotations

import random

import pytest

from ringbed.conformance.frames.kinds import KINDS, LONGEST_HEADERS, frames_of
from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.anatomy import TCP, UDP, dissect
from ringbed.conformance.references.checksum import inserted, pseudo_sum, sum_place, with_seed
from ringbed.conformance.references.oracle import l3_right, l4_right


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_is_the_same_frames_and_all_fit_a_wire(kind: str) -> None:
    frames = frames_of(kind, 3)
    assert frames == list(KINDS[kind](random.Random(f"{kind} 3"), 3))
    longest = 16384 if kind == "jumbo" else 8192 + 128 if kind.endswith("2^n beats") else 1518
    assert all(14 <= len(frame) <= longest for frame in frames)
    assert kind == "two hosts" or frames != frames_of(kind, 4)


def test_what_was_there_before_is_among_them() -> None:
    assert frames_of("two hosts", 1) == captured()
    assert frames_of("every protocol", 1) == made(1)


def test_every_header_stack_has_every_length_to_128() -> None:
    stacks: dict[tuple[int, int, bool], set[int]] = {}
    for frame in frames_of("lengths", 1):
        parts = dissect(frame)
        stacks.setdefault((parts.ip[1] - parts.ip[0], parts.protocol, parts.tagged), set()).add(len(frame))
    assert len(stacks) == 16
    for (ip, protocol, tagged), lengths in stacks.items():
        assert lengths == set(range(14 + 4 * tagged + ip + {TCP: 20, UDP: 8}[protocol], 129))


def test_no_pad_byte_is_zero() -> None:
    pads = [frame[dissect(frame, LONGEST_HEADERS).end :] for frame in frames_of("pad", 1)]
    assert all(pad and all(pad) for pad in pads)


def computed(frame: bytes) -> int:
    """The sum of TCP or UDP before a UDP sender's rule for 0."""
    parts = dissect(frame, LONGEST_HEADERS)
    place = sum_place(frame, parts)
    assert place is not None
    after = next(inserted(with_seed(frame, place, pseudo_sum(frame, parts)), place))
    value = int.from_bytes(after[place.offset : place.offset + 2], "big")
    return 0 if place.udp and value == 0xFFFF else value


def test_sums_of_0_are_0_when_computed_and_as_the_protocol_wants_them_in_the_frame() -> None:
    frames = frames_of("sums of 0", 1)
    assert {computed(frame) for frame in frames} == {0}
    for frame in frames:
        place = sum_place(frame)
        assert place is not None
        assert frame[place.offset : place.offset + 2] == (b"\xff\xff" if place.udp else b"\0\0")


def test_sums_that_carry_when_they_are_folded() -> None:
    carried = 0
    for frame in frames_of("carries", 1):
        parts = dissect(frame, LONGEST_HEADERS)
        place = sum_place(frame, parts)
        assert place is not None
        seeded = with_seed(frame, place, pseudo_sum(frame, parts))[place.start :]
        total = sum(byte << (0 if at % 2 else 8) for at, byte in enumerate(seeded))
        carried += (total & 0xFFFF) + (total >> 16) > 0xFFFF
    assert carried >= 60


def test_offsets_on_both_sides_of_every_limit() -> None:
    starts = {dissect(frame, LONGEST_HEADERS).l4[0] for frame in frames_of("offset limits", 1)}
    for limit in (128, 256, 512, 1024):
        assert {-2, 2} <= {start - limit for start in starts}
    assert all(l4_right(frame, dissect(frame, LONGEST_HEADERS)) for frame in frames_of("offset limits", 1))


@pytest.mark.parametrize(("kind", "ways"), [
    ("both sums wrong", {(4, False, False)}),
    ("one sum wrong", {(4, False, True), (4, True, False), (6, False, False)}),
])  # fmt: skip
@pytest.mark.parametrize("seed", range(1, 6))
def test_both_sums_are_wrong_or_one(kind: str, ways: set[tuple[int, bool, bool]], seed: int) -> None:
    seen = set()
    for frame in frames_of(kind, seed):
        parts = dissect(frame, LONGEST_HEADERS)
        seen.add((parts.version, parts.version == 4 and l3_right(frame, parts), l4_right(frame, parts)))
    assert seen == ways


def test_fragments_are_whole_tcp_and_udp_but_for_the_fragment_field() -> None:
    words = set()
    for frame in frames_of("fragments", 1):
        parts = dissect(frame)
        assert "fragment" in parts.kind
        if parts.version == 4:
            words.add(int.from_bytes(frame[20:22], "big") & 0x3FFF)
            whole = frame[:20] + b"\0\0" + frame[22:]
            assert l4_right(whole, dissect(whole))
    assert {1 << bit for bit in range(14)} <= words


def test_jumbo_frames_on_both_sides_of_every_limit_and_full_of_ff() -> None:
    frames = frames_of("jumbo", 1)
    assert len(frames) <= 40
    assert {len(frame) for frame in frames} >= {2047, 2048, 2049, 4095, 4096, 4097, 9000, 9018, 16384}
    assert {len(frame) for frame in frames if b"\xff" * (len(frame) - 200) in frame} >= {2049, 4097, 16384}
    assert {dissect(frame).version for frame in frames if len(frame) == 16384} == {4, 6}
