from __future__ import annotations

from typing import Any

import pytest

from ringbed.conformance.blocks.case import Answers, Ask, Behind, Case, Cut
from ringbed.conformance.blocks.resets import LATE, RESETS, reset_cases
from ringbed.conformance.blocks.run import PAUSED, Amount, ask_twice, questions
from ringbed.conformance.references.toeplitz import MICROSOFT_KEY
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract
from tests.conformance.blocks.models import RxSum


def cuts(cases: list[Case]) -> dict[bytes, list[Cut]]:
    """By the frame that is cut."""
    found = dict[bytes, list[Cut]]()
    for case in cases:
        assert case.behind is not None
        found.setdefault(case.behind.ask.frame, []).append(case.behind.cut)
    return found


@pytest.mark.parametrize("lanes", [1, 8, 64])
def test_a_frame_is_cut_behind_each_of_its_beats_at_any_width(lanes: int) -> None:
    setup = Setup(contract("tx-checksum"), lanes=lanes)
    found = cuts(questions(setup, kinds=[RESETS])[RESETS])
    assert len(found) == 2
    for frame, of_frame in found.items():
        beats = -(-len(frame) // lanes)
        assert beats >= 6
        assert [cut.beats for cut in of_frame if not cut.out and not cut.late] == list(range(1, beats + 1))
        assert [(cut.beats, cut.late) for cut in of_frame if cut.late] == [(beats, late) for late in LATE]
        out = [cut.beats for cut in of_frame if cut.out]
        assert out[0] == 1
        assert out == list(range(1, beats + 1)) if beats <= 24 else 12 <= len(out) <= 24


def test_only_what_asks_for_something_is_cut_or_asked_behind_a_cut() -> None:
    cases = questions(Setup(contract("segment")), kinds=[RESETS])[RESETS]
    assert all(case.ask.command["enable"] for case in cases)
    assert all(case.behind is not None and case.behind.ask.command["enable"] for case in cases)


def test_without_frames_a_command_is_cut_while_it_is_worked_on() -> None:
    setup = Setup(contract("rss-hash", "fields"), key=MICROSOFT_KEY)
    [late, again] = [
        [cut for case in cases if case.behind is not None for cut in [case.behind.cut]]
        for cases in (questions(setup, seed, Amount.QUICK, [RESETS])[RESETS][: 1 + len(LATE)] for seed in (1, 2))
    ]
    assert late == again == [Cut(1), *(Cut(1, late=clocks) for clocks in LATE)]


def test_of_nothing_that_fits_there_is_none() -> None:
    assert reset_cases({"pad": []}, 1, Setup(contract("rx-checksum", "sum")), 2) == []


class Forgetful:
    """A model that keeps the sum of what it was in the middle of over a reset, if that came `before` so many beats."""

    setup = Setup(contract("rx-checksum", "sum"))

    def __init__(self, before: int, resets: bool = True, comes: bool = True) -> None:
        self.before, self.resets, self.comes, self.kept, self.cuts = before, resets, comes, 0, list[Cut]()

    def begin(self, into: bool, out: bool, noise: int) -> None:
        self.kept = 0

    def restart(self) -> None:
        self.kept = 0

    def interrupt(self, asks: list[Ask], cut: Cut) -> bool:
        self.cuts.append(cut)
        self.kept = 1 if cut.beats < self.before else 0
        return self.comes

    def __call__(self, asks: list[Ask]) -> Answers:
        right = RxSum()(asks)
        kept, self.kept = self.kept, 0
        return Answers(right.frames, [{"sum": result["sum"] ^ kept * (at == 0)} for at, result in
                                      enumerate(right.results)])  # fmt: skip


def found_in(block: Any) -> list[str]:
    report = ask_twice(block, block.setup, questions(block.setup, kinds=[RESETS]), 1)
    assert set(report.asked) == {RESETS, RESETS + PAUSED}
    return [finding.cut for finding in report.findings]


def test_what_is_kept_over_a_reset_is_found_and_where_it_was_is_said() -> None:
    block = Forgetful(4)
    words = found_in(block)
    assert {word.partition(" of ")[0] for word in words} == {f"behind a reset after {beats}" for beats in (1, 2, 3)}
    assert len(block.cuts) == 2 * sum(map(len, questions(block.setup, kinds=[RESETS]).values()))
    assert found_in(Forgetful(0)) == []


def test_of_a_reset_that_did_not_happen_nothing_is_said() -> None:
    assert set(found_in(Forgetful(4, comes=False))) == {""}


def test_a_block_without_a_reset_is_not_asked() -> None:
    block: Any = Forgetful(4, resets=False)
    report = ask_twice(block, block.setup, questions(block.setup, kinds=[RESETS]), 1)
    assert report.asked == {RESETS: 0, RESETS + PAUSED: 0}
    assert block.cuts == []


def test_the_words_of_a_cut() -> None:
    assert Behind(Ask(b""), Cut(3), 9).words == "behind a reset after 3 of 9 beats in"
    assert Behind(Ask(b""), Cut(9, late=4), 9).words == "behind a reset after 9 of 9 beats in and 4 clocks"
    assert Behind(Ask(b""), Cut(3, out=True), 9).words == "behind a reset after 3 of 9 beats out"
