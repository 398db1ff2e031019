"""Run a block's ready test: kind by kind, in batches, then all kinds mixed; what it found, and how much was asked.

The same seed, amount and kinds ask the same, in the same order and the same batches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from ringbed.conformance.blocks import rss_hash, rx_checksum, segment, tx_checksum
from ringbed.conformance.blocks.case import BlockUnderTest, Case, Finding, PausingBlock
from ringbed.conformance.blocks.compare import Reader, compare
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import NOISE_BITS

__all__ = [
    "BATCH", "MIXED", "PAUSED", "ROUNDS", "WAYS", "Amount", "ReadyTest", "Report", "ask", "ask_twice", "begin_as",
    "check_block", "questions", "ready_test",
]  # fmt: skip

MIXED = "all kinds, mixed"  # stale context of one shows in the next
PAUSED = ", with pauses"
WAYS = {"pauses in": (True, False), "pauses out": (False, True), "pauses in and out": (True, True)}
ROUNDS = 1 + len(WAYS)
BATCH = 128  # asks at once
CUT_FROM, CUT = 20, 200  # clocks in which a frame is on its way, of a few short ones
AGAIN = 20  # findings whose cases are asked once more


class Amount(Enum):
    """How many cases of each kind are asked, or one of each sort of frame, if that is more."""

    QUICK = 40
    FULL = 1 << 30


@dataclass(frozen=True)
class ReadyTest:
    """The questions for one contract: names of kinds, the cases of each, and how a result reads."""

    kinds: tuple[str, ...]
    cases: Callable[[str, int, Setup], Iterator[Case]]
    read: Reader


@dataclass
class Report:
    """`asked`: cases of each kind, in the order they were asked; `findings` in the same order."""

    seed: int
    asked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, kind: str) -> int:
        """How many cases of `kind` went wrong."""
        return len({finding.index for finding in self.findings if finding.kind == kind})


def ready_test(setup: Setup) -> ReadyTest:
    """The ready test for a block of the setup's contract."""
    return {
        "tx-checksum": ReadyTest(tx_checksum.KINDS, tx_checksum.cases, lambda result: {}),
        "rx-checksum/sum": ReadyTest(rx_checksum.KINDS, rx_checksum.sum_cases, rx_checksum.read_sum),
        "rx-checksum/verdict": ReadyTest(rx_checksum.KINDS, rx_checksum.verdict_cases, rx_checksum.read_verdict),
        "rss-hash/fields": ReadyTest(rss_hash.FIELD_KINDS, rss_hash.field_cases, rss_hash.reader(setup)),
        "rss-hash/stream": ReadyTest(rss_hash.STREAM_KINDS, rss_hash.stream_cases, rss_hash.reader(setup)),
        "segment": ReadyTest(segment.KINDS, segment.cases, lambda result: {}),
    }[setup.contract.name]


def check_block(
    block: BlockUnderTest, setup: Setup, seed: int = 1, amount: Amount = Amount.QUICK, kinds: Sequence[str] = ()
) -> Report:
    """Ask `block` all of its ready test, or only `kinds`. Raises ValueError for a kind that the ready test has not."""
    return ask(block, setup, questions(setup, seed, amount, kinds), seed)


def questions(
    setup: Setup, seed: int = 1, amount: Amount = Amount.QUICK, kinds: Sequence[str] = ()
) -> dict[str, list[Case]]:
    """The cases to ask, by kind; of one that is not in `kinds` there may be none.

    Raises ValueError for a kind that the ready test does not have, and where nothing that was wanted fits the block.
    """
    test = ready_test(setup)
    wanted = tuple(kinds) or (*test.kinds, MIXED)
    if unknown := [kind for kind in wanted if kind not in (*test.kinds, MIXED)]:
        raise ValueError(f"there is no kind {unknown[0]!r}; there is {', '.join(map(repr, (*test.kinds, MIXED)))}")
    made = test.kinds if MIXED in wanted else wanted
    every = {kind: [case for case in test.cases(kind, seed, setup) if len(case.ask.frame) <= setup.longest]
             for kind in made}  # fmt: skip
    every[MIXED] = _mix(every, seed, amount)
    asked = {kind: every[kind] if kind == MIXED else _choose(every[kind], kind, seed, amount) for kind in wanted}
    empty = [kind for kind in kinds if not asked[kind]] or ([] if any(asked.values()) else ["any kind"])
    if empty:
        longest = f" and its longest frame of {setup.longest:,} bytes" if setup.longest else ""
        raise ValueError(f"no case of {empty[0]} fits this block: its ports{longest} leave none")
    return asked


def ask(
    block: BlockUnderTest, setup: Setup, cases: Mapping[str, Sequence[Case]], seed: int,
    progress: Callable[[str, int], None] = lambda kind, done: None, restart: Callable[[], None] = lambda: None,
) -> Report:  # fmt: skip
    """Ask `block` these cases, made with `seed`; `progress` is told of every batch that is done.

    `restart` is called behind a batch of which more or less came than must: what is late is nobody else's answer.
    """
    report, read = Report(seed), ready_test(setup).read
    for kind, of_kind in cases.items():
        report.asked[kind] = len(of_kind)
        for first in range(0, len(of_kind), BATCH):
            batch = of_kind[first : first + BATCH]
            answers = block([case.ask for case in batch])
            found = compare(kind, seed, first, batch, answers, read)
            report.findings += found
            if any(finding.unsettled for finding in found):
                restart()
            progress(kind, len(batch))
    return report


def ask_twice(
    block: PausingBlock, setup: Setup, cases: Mapping[str, Sequence[Case]], seed: int,
    progress: Callable[[str, int], None] = lambda kind, done: None,
) -> Report:  # fmt: skip
    """Ask at full speed, then the same with pauses: in the stream in, in that out, in both.

    Each kind begins behind a reset, some behind one in the middle of a frame, so that it asks the same whatever was
    asked before. Kinds with pauses have `PAUSED` behind their names; what went wrong in the same way before is said
    once, with the first pauses that show it.
    """
    report = Report(seed, {kind + paused: len(of_kind) for paused in ("", PAUSED) for kind, of_kind in cases.items()})
    found = dict[tuple[object, ...], Finding]()
    for ways in ("", *WAYS):
        for kind, of_kind in cases.items():
            for finding in _ask_anew(block, setup, kind, of_kind, seed, ways, progress):
                told = bool(ways), kind, finding.index, finding.what, finding.expected, finding.got, finding.came
                found.setdefault(told, finding)
    order = {kind: number for number, kind in enumerate(report.asked)}
    report.findings = sorted(found.values(), key=lambda finding: (order[finding.kind], finding.index))
    report.findings = list(_again(block, setup, cases, report.findings))
    return report


def begin_as(block: PausingBlock, finding: Finding, cases: Sequence[Case] = ()) -> None:
    """As it was when the finding's kind began; `cases` are the kind's, where a reset in mid-frame is to be repeated."""
    _begin(block, finding.kind.removesuffix(PAUSED), finding.seed, finding.pauses, cases if finding.cut else ())


def _begin(block: PausingBlock, kind: str, seed: int, ways: str, cases: Sequence[Case]) -> bool:
    """Begin anew; behind a reset in the middle of the first of `cases`, in one of four kinds."""
    noise, (into, out) = _noise(kind, seed, ways), WAYS.get(ways, (False, False))
    block.begin(into, out, noise)
    cut = bool(cases) and noise % 4 == 0
    return cut and block.interrupt([case.ask for case in cases[:3]], CUT_FROM + noise // 4 % CUT)


def _ask_anew(
    block: PausingBlock, setup: Setup, kind: str, cases: Sequence[Case], seed: int, ways: str,
    progress: Callable[[str, int], None],
) -> Iterator[Finding]:  # fmt: skip
    cut = _begin(block, kind, seed, ways, cases)
    for finding in ask(block, setup, {kind: cases}, seed, progress, block.restart).findings:
        yield replace(finding, kind=kind + PAUSED * bool(ways), pauses=ways, cut=cut and finding.index < BATCH)


def _noise(kind: str, seed: int, ways: str) -> int:
    return random.Random(f"pauses {kind} {seed} {ways}").getrandbits(NOISE_BITS)


def _again(
    block: PausingBlock, setup: Setup, cases: Mapping[str, Sequence[Case]], findings: Sequence[Finding]
) -> Iterator[Finding]:
    """The findings; of the first of a sort the case is asked alone: is it this case, or what the last left behind?"""
    asked = set[tuple[str, str]]()
    for finding in findings:
        sort = finding.kind, finding.what
        if finding.of_batch or finding.pauses or sort in asked or len(asked) == AGAIN:
            yield finding
            continue
        asked.add(sort)
        begin_as(block, finding)
        case = cases[finding.kind][finding.index]
        found = compare(finding.kind, finding.seed, finding.index, [case], block([case.ask]), ready_test(setup).read)
        yield replace(finding, alone=not found)


def _choose(cases: list[Case], kind: str, seed: int, amount: Amount) -> list[Case]:
    """As many as the amount says, in their order: of what is rare as many as of what is frequent."""
    if len(cases) <= amount.value:
        return cases
    rng, about = random.Random(f"choose {kind} {seed}"), dict[str, list[int]]()
    for index in rng.sample(range(len(cases)), len(cases)):
        about.setdefault(cases[index].about, []).append(index)
    rounds = max(map(len, about.values()))
    turns = [stock[turn] for turn in range(rounds) for stock in about.values() if turn < len(stock)]
    return [cases[index] for index in sorted(turns[: max(amount.value, len(about))])]


def _mix(every: dict[str, list[Case]], seed: int, amount: Amount) -> list[Case]:
    """Cases of all kinds in any order; twice as many as of one kind."""
    rng, stock = random.Random(f"mix {seed}"), [case for cases in every.values() for case in cases]
    return rng.sample(stock, min(len(stock), 2 * amount.value, 1000))
