from __future__ import annotations

import pytest

from ringbed.conformance.blocks.pass_through import KINDS, cases
from ringbed.conformance.blocks.run import questions
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_in_comes_out_and_the_same_seed_asks_the_same(kind: str) -> None:
    setup = Setup(contract("pass-through"))
    made = list(cases(kind, 1, setup))
    assert made == list(cases(kind, 1, setup))
    assert all(case.frames == ((case.ask.frame,),) and not case.results for case in made)


@pytest.mark.parametrize("lanes", [1, 8, 64])
def test_a_frame_ends_in_every_byte_of_a_beat(lanes: int) -> None:
    asked = questions(Setup(contract("pass-through"), lanes=lanes), kinds=["around beats"])["around beats"]
    assert {len(case.ask.frame) % lanes for case in asked} == set(range(lanes))
    beats = {-(-len(case.ask.frame) // lanes) for case in asked}
    assert len(beats) >= 4


def test_of_a_wide_stream_single_beats_are_that_and_long_frames_fill_what_there_is() -> None:
    setup = Setup(contract("pass-through"), lanes=64)
    assert {-(-len(case.ask.frame) // 64) for case in cases("single beats", 1, setup)} == {1}
    lengths = [len(case.ask.frame) for case in cases("long and short", 1, setup)]
    assert max(lengths) >= 9018 // 2 > 64 * 64
    assert lengths.count(14) == 20
