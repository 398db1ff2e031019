"""What came against what was sent, by hand and against a count."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.conformance.drivers.compare import differences

A, B, C, D = (bytes([at]) * 60 for at in range(4))


@pytest.mark.parametrize(
    ("sent", "came", "told"),
    [
        ([A, B], [A, B], []),
        ([], [], []),
        ([A, B, C], [A, C], [("frame.lost", "1 of 3 never came; first number 1, of 60 bytes")]),
        ([A, B], [A, B, B], [("frame.extra", "1 beyond the 2 sent; first of 60 bytes")]),
        ([A, B], [A, D], [("frame.changed", "1 of 2; number 1, 60 bytes: byte 0 is 0x03, must be 0x01")]),
        ([A, B], [A, B[:50]], [("frame.changed", "1 of 2; number 1, 50 bytes came for 60")]),
        ([A, B, C], [A, C, B], [("frame.order", "of 3 the one at place 1 is another than was sent there")]),
        ([A, A, B], [A, C], [("frame.changed", "1 of 3; number 1, 60 bytes: byte 0 is 0x02, must be 0x00"),
                             ("frame.lost", "1 of 3 never came; first number 2, of 60 bytes")]),
    ],
)  # fmt: skip
def test_by_hand(sent: list[bytes], came: list[bytes], told: list[tuple[str, str]]) -> None:
    assert list(differences(sent, came)) == told


def test_what_is_changed_may_have_another_name() -> None:
    assert [rule for rule, _ in differences([A], [B], "sum.wrong")] == ["sum.wrong"]


FRAMES = st.lists(st.sampled_from([A, B, C, D]), max_size=8)


@given(FRAMES, FRAMES)
def test_against_a_count(sent: list[bytes], came: list[bytes]) -> None:
    """Something is told exactly where the lists differ, and of lost and extra not both."""
    rules = [rule for rule, _ in differences(sent, came)]
    lost, more = ((Counter(one) - Counter(other)).total() for one, other in ((sent, came), (came, sent)))
    wanted = ["frame.changed"] * (min(lost, more) > 0)
    wanted += ["frame.lost"] * (lost > more) + ["frame.extra"] * (more > lost)
    wanted = wanted or ["frame.order"] * (sent != came)
    assert rules == wanted
