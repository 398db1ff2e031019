from __future__ import annotations

import pytest

from ringbed.conformance.frames.damage import damaged_copies
from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.oracle import Oracle
from ringbed.conformance.references.replay import Answer, Disagreement, check_replay
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.wire.frame import pad
from tests.conformance.naive_card import NaiveCard

FRAMES = captured() + made(1)
DAMAGED = [copy.frame for copy in damaged_copies([pad(frame) for frame in FRAMES], seed=2, each=3)]


def whats(found: list[Disagreement]) -> set[str]:
    return {disagreement.what for disagreement in found}


def test_an_independent_card_agrees_on_every_frame() -> None:
    assert check_replay(NaiveCard(), FRAMES, Oracle()) == []


def test_an_independent_card_agrees_on_every_damaged_copy() -> None:
    assert len(DAMAGED) > 500
    assert check_replay(NaiveCard(pcss=14), DAMAGED, Oracle(pcss=14)) == []


@pytest.mark.parametrize(
    ("spoil", "what", "kind"),
    [
        ("no tags", "l3", "802.1Q, ipv4 udp"),
        ("sums the pad", "l4", "ipv4 tcp"),
        ("first fragment", "l4", "ipv4 fragment"),
        ("segments left", "l4", "ipv6 routing header with segments left"),
        ("zero sum", "l4", "ipv4 udp without a sum"),
    ],
)
def test_a_card_with_one_bug_is_caught_where_the_bug_is(spoil: str, what: str, kind: str) -> None:
    found = check_replay(NaiveCard(spoil=spoil), FRAMES, Oracle())
    assert (what, kind) in {(disagreement.what, disagreement.kind) for disagreement in found}


def test_a_card_that_calls_all_good_is_caught_by_damage_alone() -> None:
    lazy = NaiveCard(spoil="says good of all")
    assert check_replay(lazy, captured(), Oracle()) == []
    found = check_replay(lazy, DAMAGED, Oracle())
    assert whats(found) == {"l4"}
    assert {(disagreement.expected, disagreement.got) for disagreement in found} == {("bad", "good")}


def test_a_wrong_packet_checksum_is_caught() -> None:
    found = check_replay(NaiveCard(pcss=14), FRAMES[:50], Oracle(pcss=15))
    assert whats(found) == {"checksum"}
    assert check_replay(lambda frames: [Answer(frame, NaiveCard().verdict(frame)) for frame in frames],
                        FRAMES[:50], Oracle()) == []  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "index", "what"), [("loses one", 3, "lost"), ("doubles one", 3, "extra"), ("changes a byte", 5, "bytes")]
)
def test_one_frame_gone_wrong_is_named_and_the_others_still_compare(spoil: str, index: int, what: str) -> None:
    frames = sorted(set(made(3)))[:40]
    found = check_replay(NaiveCard(spoil=spoil), frames, Oracle())
    assert [(disagreement.index, disagreement.what) for disagreement in found] == [(index, what)]


def test_a_card_that_says_nothing_loses_all() -> None:
    found = check_replay(lambda frames: [], FRAMES[:7], Oracle())
    assert [(disagreement.index, disagreement.what) for disagreement in found] == [(n, "lost") for n in range(7)]


def test_a_disagreement_reads_as_a_sentence() -> None:
    found = check_replay(lambda frames: [Answer(frame, Verdict.L4_BAD) for frame in frames], [FRAMES[0]], Oracle())
    assert [str(disagreement) for disagreement in found] == [
        "frame 0 (ipv4 udp): l3 is not checked, must be good",
        "frame 0 (ipv4 udp): l4 is bad, must be good",
    ]
