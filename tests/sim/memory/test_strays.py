"""Accesses that go on, against a naive list of all that ended."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.memory.strays import OPEN, Going

BEATS = st.tuples(st.sampled_from(["dma.read", "dma.write"]), st.sampled_from(["SLVERR", "DECERR"]), st.integers(0, 12))


@given(st.lists(BEATS, max_size=80))
def test_a_beat_goes_on_where_the_last_that_ended_there_did(beats: list[tuple[str, str, int]]) -> None:
    going = Going()
    ended: list[tuple[str, str, int, int]] = []  # rule, answer, end, and where it began
    for rule, answer, at in beats:
        here = [each for each in ended if each[:3] == (rule, answer, at)]
        start = here[-1][3] if here else at
        assert going.began(rule, answer, at, at + 1) == start
        ended = [each for each in ended if each[:3] not in ((rule, answer, at), (rule, answer, at + 1))]
        ended.append((rule, answer, at + 1, start))


def test_only_so_many_are_remembered() -> None:
    going = Going()
    for at in range(0, 1000 * (OPEN + 1), 1000):
        going.began("dma.read", "DECERR", at, at + 8)
    assert going.began("dma.read", "DECERR", 1008, 1016) == 1000
    assert going.began("dma.read", "DECERR", 8, 16) == 8, "the first is forgotten"
