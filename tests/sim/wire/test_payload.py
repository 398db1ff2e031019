from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.wire.payload import LONGEST, payload


@given(st.integers(0, 50), st.integers(0, 9000))
def test_words_are_distinct_and_neither_all_zeros_nor_all_ones(seed: int, size: int) -> None:
    data = payload(seed, size)
    words = [data[index : index + 2] for index in range(0, size - 1, 2)]
    assert len(data) == size
    assert len(set(words)) == len(words)
    assert not {b"\x00\x00", b"\xff\xff"} & set(words)
    assert data == payload(seed, size)


def test_all_zeros_and_all_ones_are_in_no_long_payload() -> None:
    for seed in range(6):
        data = payload(seed, LONGEST)
        assert not {b"\x00\x00", b"\xff\xff"} & {data[index : index + 2] for index in range(0, LONGEST, 2)}


def test_another_size_or_seed_is_another_payload() -> None:
    assert payload(1, 100)[:50] != payload(1, 101)[:50]
    assert payload(1, 100) != payload(2, 100)
    assert len(payload(1, LONGEST)) == LONGEST


def test_a_size_out_of_reach_is_refused() -> None:
    for size in (-1, LONGEST + 1):
        with pytest.raises(ValueError, match=f"not {size}"):
            payload(0, size)
