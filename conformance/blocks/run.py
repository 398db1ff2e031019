"""Run a block's ready test: kind by kind, in batches, then all kinds mixed; what it found, and how much was asked.

The same seed, amount and kinds ask the same, in the same order and the same batches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from ringbed.conformance.blocks import pass_through, rss_hash, rx_checksum, segment, tx_checksum
from ringbed.conformance.blocks.case import BlockUnderTest, Case, Finding, PausingBlock
from ringbed.conformance.blocks.compare import Reader, compare
from ringbed.conformance.blocks.resets import RESETS, reset_cases
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import NOISE_BITS

__all__ = [
    "BATCH", "MIXED", "PAUSED", "RESETS", "ROUNDS", "WAYS", "Amount", "ReadyTest", "Report", "ask", "ask_twice",
    "begin_as", "check_block", "questions", "ready_test",
]  # fmt: skip

MIXED = "all kinds, mixed"  # stale context of one shows in the next
PAUSED = ", with pauses"
WAYS = {"pauses in": (True, False), "pauses out": (False, True), "pauses in and out": (True, True)}
ROUNDS = 1 + len(WAYS)
BATCH = 128  # asks at once
CUT_FRAMES = {"QUICK": 2, "FULL": 12}  # frames that are cut by a reset at each of their beats
CUT_WAYS = ("", "pauses in and out")
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
        "pass-through": ReadyTest(pass_through.KINDS, pass_through.cases, lambda result: {}),
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
    known = (*test.kinds, MIXED, RESETS)
    wanted = tuple(kinds) or known
    if unknown := [kind for kind in wanted if kind not in known]:
        raise ValueError(f"there is no kind {unknown[0]!r}; there is {', '.join(map(repr, known))}")
    made = test.kinds if MIXED in wanted or RESETS in wanted else wanted
    every = {kind: [case for case in test.cases(kind, seed, setup)
                    if setup.shortest <= len(case.ask.frame) <= setup.longest] for kind in made}  # fmt: skip
    of_all = {MIXED: _mix(every, seed, amount), RESETS: reset_cases(every, seed, setup, CUT_FRAMES[amount.name])}
    asked = {kind: of_all[kind] if kind in of_all else _choose(every[kind], kind, seed, amount) for kind in wanted}
    empty = [kind for kind in kinds if not asked[kind]] or ([] if any(asked.values()) else ["any kind"])
    if empty:
        shortest = f", its shortest frame of {setup.shortest:,} bytes" if setup.shortest else ""
        longest = f" and its longest frame of {setup.longest:,} bytes" if setup.longest else ""
        raise ValueError(f"no case of {empty[0]} fits this block: its ports{shortest}{longest} leave none")
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

    Each kind begins behind a reset, so that it asks the same whatever was asked before, and each case of RESETS behind
    one in the middle of a frame. Kinds with pauses have `PAUSED` behind their names; what went wrong in the same way
    before is said once, with the first pauses that show it.
    """
    if not block.resets:
        cases = {kind: [] if kind == RESETS else of_kind for kind, of_kind in cases.items()}
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
    """As it was when the finding's kind began; behind the reset in mid-frame that was in front of its case, when that
    is the last of `cases`."""
    _begin(block, finding.kind.removesuffix(PAUSED), finding.seed, finding.pauses)
    if finding.cut and cases and (behind := cases[-1].behind):
        block.interrupt([behind.ask], behind.cut)


def _begin(block: PausingBlock, kind: str, seed: int, ways: str) -> None:
    into, out = WAYS.get(ways, (False, False))
    block.begin(into, out, _noise(kind, seed, ways))


def _ask_anew(
    block: PausingBlock, setup: Setup, kind: str, cases: Sequence[Case], seed: int, ways: str,
    progress: Callable[[str, int], None],
) -> Iterator[Finding]:  # fmt: skip
    _begin(block, kind, seed, ways)
    asked = _ask_behind_resets if kind == RESETS else _ask_batches
    for finding in asked(block, setup, kind, cases, seed, ways, progress):
        yield replace(finding, kind=kind + PAUSED * bool(ways), pauses=ways)


def _ask_batches(
    block: PausingBlock, setup: Setup, kind: str, cases: Sequence[Case], seed: int, ways: str,
    progress: Callable[[str, int], None],
) -> Iterator[Finding]:  # fmt: skip
    yield from ask(block, setup, {kind: cases}, seed, progress, block.restart).findings


def _ask_behind_resets(
    block: PausingBlock, setup: Setup, kind: str, cases: Sequence[Case], seed: int, ways: str,
    progress: Callable[[str, int], None],
) -> Iterator[Finding]:  # fmt: skip
    """Each alone, at full speed and with pauses everywhere; what is said of a reset is that it happened."""
    for index, case in enumerate(cases if ways in CUT_WAYS else ()):
        behind = case.behind
        happened = behind is not None and block.interrupt([behind.ask], behind.cut)
        found = compare(kind, seed, index, [case], block([case.ask]), ready_test(setup).read)
        yield from (replace(finding, cut=behind.words if behind and happened else "") for finding in found)
        if found:
            block.restart()
    progress(kind, len(cases))


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
