from __future__ import annotations

from ringbed.conformance.frames.damage import PLACES, damaged_copies, places
from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.anatomy import dissect
from ringbed.sim.wire.frame import pad

FRAMES = [pad(frame) for frame in captured()] + made(1)


def test_each_copy_differs_from_a_frame_of_its_kind_in_one_byte() -> None:
    stock = set(FRAMES)
    for copy in damaged_copies(FRAMES, seed=1):
        frame = bytearray(copy.frame)
        frame[copy.offset] ^= copy.mask
        assert bytes(frame) in stock
        assert dissect(bytes(frame)).name == copy.kind
        assert copy.offset in places(bytes(frame))[copy.place]
        assert copy.offset >= 14
        assert copy.mask


def test_every_kind_is_damaged_in_every_place_it_has() -> None:
    wanted = {(dissect(frame).name, place) for frame in FRAMES for place in places(frame)}
    copies = list(damaged_copies(FRAMES, seed=1, each=2))
    assert {(copy.kind, copy.place) for copy in copies} == wanted
    assert len(copies) == 2 * len(wanted)
    assert {copy.place for copy in copies} == set(PLACES)


def test_seeds_repeat_and_differ() -> None:
    assert list(damaged_copies(FRAMES, seed=4)) == list(damaged_copies(FRAMES, seed=4))
    assert list(damaged_copies(FRAMES, seed=4)) != list(damaged_copies(FRAMES, seed=5))


def test_places_do_not_overlap_and_reach_the_frames_end() -> None:
    for frame in FRAMES:
        offsets = [offset for where in places(frame).values() for offset in where]
        assert len(offsets) == len(set(offsets))
        assert max(offsets) == len(frame) - 1
