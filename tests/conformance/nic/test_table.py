"""The whole table: what it promises of itself, and that each of its rules can fail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ringbed.conformance.nic.case import SUITES, Case
from ringbed.conformance.nic.claims import EM, KNOWN
from ringbed.conformance.nic.run import Suite
from ringbed.conformance.nic.table import QUICK, chosen, every_rule, matching, table
from ringbed.conformance.nic.target import Offer, Received
from ringbed.hw.formats.verdict import Verdict
from tests.conformance.nic.fake import FakeNic

TABLE = table(EM)
APPLY = [case for case in TABLE if not EM.why_not(case.needs)]
SOURCES = re.compile(r"RFC \d+( [\d.]+)?|M [\d.]+(-\d+)?|M Table [\d-]+|IEEE 802\.[\w.]+( [\d.]+)?|erratum [a-z0-9-]+")
STREAMED = [case for case in APPLY if not case.scripted]


def test_ids_are_their_own_and_rules_are_those_that_are_listed() -> None:
    assert [name for name, count in Counter(case.id for case in TABLE).items() if count > 1] == []
    rules = every_rule()
    assert [name for name, count in Counter(rule.id for rule in rules).items() if count > 1] == []
    assert {case.rule for case in TABLE} == set(rules)


def test_ids_are_stable_words_that_begin_with_their_suite() -> None:
    assert [case.id for case in TABLE if not re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", case.id)] == []
    assert {case.suite for case in TABLE} <= set(SUITES.values())
    assert all(case.id.partition(".")[0] == case.rule.id.partition(".")[0] for case in TABLE)


def test_every_rule_has_a_sentence_and_a_source() -> None:
    assert [rule.id for rule in every_rule() if not SOURCES.fullmatch(rule.source)] == []
    assert [rule.id for rule in every_rule() if not rule.sentence or rule.sentence.endswith(".")] == []


def test_what_a_case_needs_can_be_claimed() -> None:
    assert {need for case in TABLE for need in case.needs} <= set(KNOWN)


def test_there_are_enough_that_apply_to_em_and_no_sweep_is_more_than_a_third() -> None:
    assert len(APPLY) >= 4000
    for suite, count in Counter(case.suite for case in APPLY).items():
        assert count >= 100, suite
    sweeps = Counter((case.suite, case.sweep) for case in APPLY if case.sweep)
    assert all(3 * count <= len(APPLY) for count in sweeps.values()), sweeps


def test_frames_are_made_only_when_a_case_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from ringbed.conformance.frames.made import Build

    def never(self: Build, rng: object) -> None:
        raise AssertionError("scapy was asked")

    monkeypatch.setattr(Build, "__init__", never)
    assert len(table(EM)) == len(TABLE)


def every(number: int) -> list[Case]:
    """A case of each rule, the `number`-th from its begin or, negative, its end, of those that apply."""
    of_rule: dict[str, list[Case]] = {}
    for case in STREAMED:
        of_rule.setdefault(case.rule.id, []).append(case)
    return [cases[number] for cases in of_rule.values()]


@pytest.mark.parametrize("number", [0, -1])
def test_a_nic_that_is_right_has_no_findings(number: int) -> None:
    for case in every(number):
        (outcome,) = Suite(FakeNic(), EM, 3).ask(0, [case])
        assert not outcome.findings, f"{case.id}: {outcome.findings[0]}"


def last_byte(offer: Offer, frame: bytes) -> Sequence[bytes]:
    return (frame[:-1] + bytes([frame[-1] ^ 0x10]),)


def wrong_verdict(got: Received) -> Sequence[Received]:
    other = {Verdict.NONE: Verdict.L4_GOOD | Verdict.L3_GOOD}
    return (replace(got, verdict=other.get(got.verdict, Verdict.NONE)),)


def wrong_data(got: Received) -> Sequence[Received]:
    return (replace(got, data=got.data[:-1] + bytes([got.data[-1] ^ 0x10])),)


def test_each_rule_fails_where_a_byte_is_wrong() -> None:
    for case in every(0):
        (outcome,) = Suite(FakeNic(on_wire=last_byte, to_host=wrong_data), EM, 3).ask(0, [case])
        assert outcome.findings, f"{case.rule.id}: {case.id} holds on a NIC that is wrong"


def test_each_rule_on_verdicts_fails_where_a_verdict_is_wrong() -> None:
    asked = [case for case in every(0) if case.id.startswith("csum.rx.")]
    assert len(asked) > 50
    for case in asked:
        (outcome,) = Suite(FakeNic(to_host=wrong_verdict), EM, 3).ask(0, [case])
        assert outcome.findings, f"{case.rule.id}: {case.id} holds on a NIC that says the wrong thing"


def test_each_rule_fails_where_nothing_comes_out() -> None:
    for case in every(-1):
        (outcome,) = Suite(FakeNic(on_wire=lambda o, f: (), to_host=lambda g: ()), EM, 3).ask(0, [case])
        assert "never came out" in str(outcome.findings[0]), case.id


def test_quick_has_some_of_each_rule_the_first_and_the_last_among_them() -> None:
    ids = chosen(TABLE, (), "quick", "")
    counts = Counter(case.rule.id for case in TABLE if case.id in ids)
    assert set(counts) == {case.rule.id for case in TABLE}
    assert max(counts.values()) == QUICK
    assert TABLE[0].id in ids
    assert len(ids) < len(TABLE) / 2


def test_patterns_fit_ids_and_rules_and_leave_out() -> None:
    ids = {case.id for case in matching(TABLE, "csum.tx.*-zero, csum.rx.udp4.len-61, !csum.tx.tcp*")}
    assert "csum.rx.udp4.len-61" in ids
    assert "csum.tx.udp4.zero-sum.0" in ids  # by its rule
    assert not any(each.startswith("csum.tx.tcp") for each in ids)


@pytest.mark.parametrize(
    ("suites", "profile", "pattern", "sentence"),
    [(("sums",), "full", "", "there is no suite 'sums'"), ((), "slow", "", "there is no profile 'slow'"),
     ((), "full", "nothing.*", "no case is called 'nothing.*'")],
)  # fmt: skip
def test_what_fits_nothing_is_refused(suites: tuple[str, ...], profile: str, pattern: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        chosen(TABLE, suites, profile, pattern)
