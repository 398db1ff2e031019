from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.frames.made import captured
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.checksum import Place, inserted, pseudo_sum, raw_sum, sum_place, with_seed
from tests.conformance.naive_card import add_up


@given(st.binary(min_size=0, max_size=80), st.integers(0, 20))
def test_a_raw_sum_is_what_a_loop_adds_up(data: bytes, start: int) -> None:
    assert raw_sum(data, start) == add_up(data[start:])


def test_a_raw_sum_is_0_of_zeros_alone() -> None:
    assert raw_sum(bytes(61), 14) == 0
    assert raw_sum(bytes(60) + b"\xff\xff", 14) == 0xFFFF


@given(st.binary(min_size=4, max_size=80), st.integers(0, 40), st.integers(0, 20), st.booleans(), st.booleans())
def test_what_was_inserted_adds_up_with_the_rest(
    data: bytes, start: int, words: int, udp: bool, knows_udp: bool
) -> None:
    place = Place(start, start + 2 * words, udp)
    if place.offset + 2 > len(data):
        return
    seed = data[place.offset : place.offset + 2]
    for frame in inserted(data, place, knows_udp):
        value = int.from_bytes(frame[place.offset : place.offset + 2], "big")
        total = add_up(data[start:])
        assert add_up(value.to_bytes(2, "big"), total) == 0xFFFF
        assert value or not udp
        assert with_seed(frame, place, int.from_bytes(seed, "big")) == data


def test_a_block_that_is_not_told_the_protocol_may_send_either_zero_but_not_for_udp() -> None:
    zero = bytes(14) + b"\xff\xff" + bytes(4)
    assert [frame[16:18].hex() for frame in inserted(zero, Place(14, 16, False), knows_udp=False)] == ["0000", "ffff"]
    assert [frame[16:18].hex() for frame in inserted(zero, Place(14, 16, False))] == ["0000"]
    assert [frame[16:18].hex() for frame in inserted(zero, Place(14, 16, True), knows_udp=False)] == ["ffff"]


@pytest.mark.parametrize("kind", ["lengths", "sums of 0", "offset limits", "runs of ff and 00"])
def test_a_seed_of_the_pseudo_header_makes_the_sum_that_scapy_put_there(kind: str) -> None:
    for frame in frames_of(kind, 2):
        parts = dissect(frame, LONGEST_HEADERS)
        place = sum_place(frame, parts)
        assert place is not None
        assert next(inserted(with_seed(frame, place, pseudo_sum(frame, parts)), place)) == frame


def test_the_capture_has_places_for_sums_and_frames_without() -> None:
    places = [sum_place(frame) for frame in captured()]
    assert sum(place is not None for place in places) > 100
    assert all(place is None for frame, place in zip(captured(), places, strict=True)
               if "fragment" in dissect(frame).kind)  # fmt: skip
