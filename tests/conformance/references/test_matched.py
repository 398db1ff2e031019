"""Which of what came is which of what must."""

from __future__ import annotations

from ringbed.conformance.references.matched import matched


def test_all_right_is_nothing_to_say() -> None:
    assert list(matched([(b"a", b"A"), (b"b",)], [b"A", b"b"])) == []


def test_lost_extra_and_any_of_what_is_right() -> None:
    assert list(matched([(b"a",), (b"b", b"B"), (b"c",)], [b"a", b"c"])) == [(0, 0, 0), (1, 1, None), (2, 2, 1)]
    assert list(matched([(b"a",), (b"b", b"B")], [b"a", b"x", b"B"])) == [(0, 0, 0), (1, None, 1), (1, 1, 2)]
