from __future__ import annotations

from collections.abc import Callable

import pytest

from ringbed.conformance.blocks.case import BlockUnderTest
from ringbed.conformance.blocks.run import MIXED, RESETS, Amount, Report, ask, check_block, questions, ready_test
from ringbed.conformance.references.toeplitz import MICROSOFT_KEY
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import CONTRACTS, contract
from tests.conformance.blocks.models import BUGS, PassThrough, RssHash, RxSum, RxVerdict, Segment, TxChecksum

MODELS: dict[str, Callable[[str], BlockUnderTest]] = {
    "tx-checksum": TxChecksum,
    "rx-checksum/sum": RxSum,
    "rx-checksum/verdict": RxVerdict,
    "rss-hash/fields": lambda spoil: RssHash(MICROSOFT_KEY, spoil),
    "rss-hash/stream": lambda spoil: RssHash(MICROSOFT_KEY, spoil),
    "segment": Segment,
    "pass-through": PassThrough,
}


def setup_of(name: str) -> Setup:
    found = contract(*name.split("/"))
    return Setup(found, key=MICROSOFT_KEY if found.key else b"")


def test_there_is_a_ready_test_for_every_contract() -> None:
    assert set(MODELS) == {each.name for each in CONTRACTS}
    assert all(ready_test(setup_of(name)).kinds for name in MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_right_block_has_no_findings(name: str) -> None:
    report = check_block(MODELS[name](""), setup_of(name), seed=2)
    assert [str(finding) for finding in report.findings] == []
    assert list(report.asked) == [*ready_test(setup_of(name)).kinds, MIXED, RESETS]
    assert all(report.asked.values())


@pytest.mark.full
@pytest.mark.parametrize("name", MODELS)
def test_a_right_block_has_no_findings_however_much_it_is_asked(name: str) -> None:
    report = check_block(MODELS[name](""), setup_of(name), seed=1, amount=Amount.FULL)
    assert [str(finding) for finding in report.findings] == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_that_a_nic_had_is_found_in_the_quick_amount(bug: str) -> None:
    name = BUGS[bug][1]
    report = check_block(MODELS[name](bug), setup_of(name))
    assert report.findings, f"{BUGS[bug][0]}: nothing found"


def test_a_finding_comes_again_with_its_seed_and_its_kind_alone() -> None:
    def found(kinds: tuple[str, ...] = ()) -> Report:
        return check_block(TxChecksum("stores 0 for UDP"), setup_of("tx-checksum"), 5, kinds=kinds)

    every = found()
    of_kind = [finding for finding in every.findings if finding.kind == "sums of 0"]
    assert of_kind
    assert found(("sums of 0",)).findings == of_kind
    assert every.wrong("sums of 0") == len(of_kind)


def test_progress_adds_up_to_what_was_asked() -> None:
    done: dict[str, int] = {}

    def progress(kind: str, count: int) -> None:
        done[kind] = done.get(kind, 0) + count

    setup = setup_of("rx-checksum/sum")
    report = ask(RxSum(), setup, questions(setup, kinds=("tiny payloads", "carries")), 1, progress)
    assert done == report.asked == {"tiny payloads": 40, "carries": 40}


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no kind 'fog'; there is 'two hosts', 'every protocol"):
        check_block(RxSum(), setup_of("rx-checksum/sum"), kinds=("fog",))


def test_frames_longer_than_the_block_takes_are_not_asked() -> None:
    found = contract("rx-checksum", "sum")
    lengths = {}
    for longest in (2048, 65_535):
        setup = Setup(found, options={"longest": longest})
        lengths[longest] = {len(case.ask.frame) for case in questions(setup, 1, Amount.FULL)["jumbo"]}
    assert lengths[2048] == {2047, 2048}
    assert max(lengths[65_535]) == 16384
    assert questions(setup_of("rss-hash/fields"), 1)["single bits"]


def test_frames_shorter_than_the_block_takes_are_not_asked() -> None:
    found = contract("rx-checksum", "sum")
    for least, shortest in ((0, 14), (60, 60), (64, 64)):
        asked = questions(Setup(found, options={"shortest": least}))
        assert min(len(case.ask.frame) for cases in asked.values() for case in cases) == shortest
    with pytest.raises(
        ValueError, match=r"its ports, its shortest frame of 70,000 bytes and its longest frame of 65,5"
    ):
        questions(Setup(found, options={"shortest": 70_000}))


def test_narrow_ports_are_not_asked_what_does_not_fit() -> None:
    narrow = Setup(contract("tx-checksum"), {"start": 7, "offset": 8, "enable": 1})
    cases = list(ready_test(narrow).cases("offset limits", 1, narrow))
    wide = list(ready_test(setup_of("tx-checksum")).cases("offset limits", 1, setup_of("tx-checksum")))
    enabled = [case.ask.command for case in cases if case.ask.command["enable"]]
    assert enabled
    assert all(command["start"] < 128 for command in enabled)
    assert len(cases) < len(wide)


def test_nothing_to_ask_is_refused() -> None:
    short = Setup(contract("rx-checksum", "sum"), options={"longest": 13})
    with pytest.raises(ValueError, match="no case of any kind fits this block: its ports and its longest frame of 13 "):
        questions(short)
    with pytest.raises(ValueError, match="no case of jumbo fits this block"):
        questions(Setup(contract("rx-checksum", "sum"), options={"longest": 1500}), kinds=("pad", "jumbo"))
    assert questions(Setup(contract("rx-checksum", "sum"), options={"longest": 1500}))["jumbo"] == []
