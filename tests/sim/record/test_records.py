"""Bytes to records, against an encoder that shares nothing with them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.record.records import INPUTS, Broken, Decoder, Kind, Record
from tests.sim.record.encode import SAMPLE, encoded, number, signed

WORD = (1 << 64) - 1
words, places = st.integers(0, WORD), st.integers(0, WORD)
bytes8 = st.binary(min_size=8, max_size=8)


def made(kind: Kind) -> st.SearchStrategy[Record]:
    """Records of a kind, at clock 0."""
    if kind in (Kind.READ, Kind.WRITE):
        return st.builds(burst, st.just(kind), places, st.integers(0, 3), st.binary(min_size=1, max_size=40), bytes8)
    if kind is Kind.FRAME:
        return st.builds(
            lambda data, error: Record(0, kind, 77, error, len(data), data), st.binary(min_size=1), st.integers(0, 1)
        )
    fields: dict[Kind, dict[str, st.SearchStrategy[Any]]] = {
        Kind.TIME: {}, Kind.RESET: {}, Kind.LINE: {"value": words},
        Kind.WAIT: {"value": st.integers(0, 1)}, Kind.SENT: {"length": words, "data": bytes8},
        Kind.ASK: {"place": places}, Kind.ANSWER: {"value": st.integers(0, 0xFFFF_FFFF)}, Kind.HOLD: {"value": words},
        Kind.NOTE: {"data": st.binary()},
    }  # fmt: skip
    drawn = st.fixed_dictionaries(fields.get(kind, {"place": places, "value": words}))
    return drawn.map(lambda values: Record(0, kind, **values))


def burst(kind: Kind, place: int, resp: int, data: bytes, digest: bytes) -> Record:
    if kind is Kind.READ:
        return Record(0, kind, place, resp, len(data), b"" if resp else data)
    exact = len(data) <= 16
    return Record(0, kind, place, resp, len(data), data if exact else digest, exact)


anything = st.sampled_from([kind for kind in Kind if kind is not Kind.FAULTS]).flatmap(made)


def test_every_kind_is_read_as_the_page_says() -> None:
    assert {record.kind for record in SAMPLE} == set(Kind)
    assert list(Decoder().records(encoded(SAMPLE))) == SAMPLE


@given(st.lists(st.tuples(anything, st.integers(0, 1 << 50)), max_size=20))
def test_whatever_is_written_is_read(parts: list[tuple[Record, int]]) -> None:
    clocks = itertools.accumulate(step for _, step in parts)
    records = [
        each._replace(clock=clock, place=clock + each.place if each.kind is Kind.FRAME else each.place)
        for (each, _), clock in zip(parts, clocks, strict=True)
    ]
    assert list(Decoder().records(encoded(records))) == records


def test_a_stream_comes_in_pieces_that_end_with_a_record() -> None:
    decoder, whole = Decoder(), encoded(SAMPLE)
    cuts = [0, *(len(encoded(SAMPLE[:count])) for count in range(1, len(SAMPLE) + 1))]
    pieces = [whole[begin:end] for begin, end in itertools.pairwise(cuts)]
    assert [record for piece in pieces for record in decoder.records(piece)] == SAMPLE


def test_a_piece_that_breaks_off_within_a_record_is_none() -> None:
    whole = encoded(SAMPLE)
    ends = {len(encoded(SAMPLE[:count])) for count in range(len(SAMPLE) + 1)}
    for cut in range(len(whole)):
        if cut in ends:
            assert list(Decoder().records(whole[:cut])) == SAMPLE[: sorted(ends).index(cut)]
        else:
            with pytest.raises(Broken, match="breaks off"):
                list(Decoder().records(whole[:cut]))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (33 * number((1 << 64) - 32), "beyond all that can be"),
        (number(17), "there is no kind 17"),
        (number(Kind.WAIT) + number(2), "no read and no write"),
        (b"\xff" * 11, "breaks off"),
        (number(Kind.READ) + signed(0) + number(0), "impossible length"),
        (number(Kind.READ) + signed(0) + number((1 << 14) + 1 << 2 | 3), "impossible length"),
        (number(Kind.WRITE) + signed(0) + number(17 << 3) + bytes(17), "impossible length"),
        (number(Kind.FRAME) + signed(-1) + number(2) + b"x", "impossible clock"),
        (number(Kind.FRAME) + signed(0) + number(1), "impossible clock or length"),
        (number(Kind.NOTE) + number((1 << 20) + 1) + bytes((1 << 20) + 1), "breaks off"),
        (number(Kind.FAULTS) + number(1 << 40) + number(0), "breaks off"),
    ],
)
def test_what_cannot_be_a_record_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Broken, match=why):
        list(Decoder().records(data))


def test_what_is_done_to_a_card_is_told_from_what_it_does() -> None:
    done = {Kind.READ, Kind.WRITE, Kind.LINE, Kind.SENT, Kind.ANSWER, Kind.TIME, Kind.WAIT}
    assert set(Kind) - INPUTS == done
