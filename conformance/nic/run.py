"""Cuts the table into batches and asks them: many cases through one open card, and each that fails once more alone.

A batch depends on the table and the seed, on nothing else: what a filter or a profile leaves out is left out of its
batch, and the others stay in their order. So a run gives the same for any order of its batches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ringbed.conformance.nic.case import Case, Difference, rng_of
from ringbed.conformance.nic.claims import Claims
from ringbed.conformance.nic.compare import received, sent
from ringbed.conformance.nic.found import Finding, Outcome
from ringbed.conformance.nic.target import NicUnderTest, Opener
from ringbed.sim.testbed.offer import AttachError

__all__ = ["BATCH", "Batch", "Suite", "batches"]

BATCH = 192  # cases of frames in one open card
SCRIPTS = 24  # of such that act step by step

Told = list[tuple[int, Difference]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases of one suite and one Setup, in the order in which they are asked."""

    number: int
    cases: tuple[Case, ...]


def batches(table: Sequence[Case], seed: int) -> list[Batch]:
    """The whole table, shuffled within each suite and Setup, so that neighbours are of different kinds."""
    groups = dict[tuple[object, ...], list[Case]]()
    for case in table:
        groups.setdefault((case.suite, case.scripted, case.setup), []).append(case)
    found = list[Batch]()
    for (suite, scripted, _), cases in groups.items():
        rng_of(f"batches {suite} {cases[0].setup.key}", seed).shuffle(cases)
        size = SCRIPTS if scripted else BATCH
        for first in range(0, len(cases), size):
            found.append(Batch(len(found), tuple(cases[first : first + size])))
    return found


@dataclass(frozen=True)
class Suite:
    """Asks a NIC. Raises BrokenSuite, and what the opener raises but for AttachError, which is a finding."""

    opened: Opener
    claims: Claims
    seed: int

    def run(
        self, table: Sequence[Case], chosen: Collection[str], progress: Callable[[int], object] = lambda count: None
    ) -> Iterator[Outcome]:  # fmt: skip
        """Of each chosen case of `table`, batch by batch."""
        for batch in batches(table, self.seed):
            cases = [case for case in batch.cases if case.id in chosen]
            for outcome in self.ask(batch.number, cases) if cases else ():
                progress(1)
                yield outcome

    def ask(self, number: int, cases: Sequence[Case]) -> Iterator[Outcome]:
        """The cases of one batch, in their order."""
        reasons = {case.id: self.claims.why_not(case.needs) for case in cases}
        applicable = [case for case in cases if not reasons[case.id]]
        found = self._findings(applicable) if applicable else {}
        for case in cases:
            yield Outcome(case, tuple(found.get(case.id, ())), reasons[case.id], number if not reasons[case.id] else -1)

    def _findings(self, cases: Sequence[Case]) -> dict[str, list[Finding]]:
        """By the case's id; see decision 0026, 4."""
        told, wrongs = self._asked(cases)
        if not told and not wrongs:
            return {}
        suspects = range(len(cases)) if wrongs else sorted({at for at, _ in told})
        found = dict[str, list[Finding]]()
        for at in suspects:
            if own := self._alone(cases[at]):
                found[cases[at].id] = own
        rest = [case for case in cases if case.id not in found]
        if found:
            told, wrongs = self._asked(rest) if rest else ([], [])
        for at, difference in told:
            found.setdefault(rest[at].id, []).append(Finding(difference, self._company(rest, at)))
        if wrongs and not told:
            of_batch = [Finding(_wrong(text), _in_batch(rest)) for text in wrongs]
            found.setdefault(rest[0].id, []).extend(of_batch)
        return found

    def _alone(self, case: Case) -> list[Finding]:
        told, wrongs = self._asked([case])
        return [*(Finding(difference) for _, difference in told), *(Finding(_wrong(text)) for text in wrongs)]

    def _company(self, cases: Sequence[Case], at: int) -> str:
        """Whether the one case before it is enough to make it fail."""
        if at and any(index == 1 for index, _ in self._asked(cases[at - 1 : at + 1])[0]):
            return f"behind {cases[at - 1].id}"
        return _in_batch(cases)

    def _asked(self, cases: Sequence[Case]) -> tuple[Told, list[str]]:
        """Behind a fresh card: the differences, each with the index of its case, and what no NIC may do at all."""
        try:
            nic = self.opened(cases[0].setup)
        except AttachError as error:
            return [(0, Difference("the NIC", "open", f"not there: {error}"))], []
        try:
            return self._through(nic, cases)
        finally:
            nic.close()

    def _through(self, nic: NicUnderTest, cases: Sequence[Case]) -> tuple[Told, list[str]]:
        plans = [case.plan(self.seed) for case in cases]
        told: Told = []
        for at, plan in enumerate(plans):
            if plan.script is not None:
                told += ((at, each) for each in plan.script(nic))
                told += ((at, _wrong(text)) for text in nic.wrongs())
        left = nic.send([offer for plan in plans for offer in plan.offers])
        came = nic.receive([arrival for plan in plans for arrival in plan.arrivals])
        told += sent(plans, left + nic.send(()))
        told += received(plans, came)
        return sorted(told, key=lambda each: each[0]), nic.wrongs()


def _wrong(text: str) -> Difference:
    return Difference("what no NIC may do", text, "")


def _in_batch(cases: Sequence[Case]) -> str:
    return f"in its batch of {len(cases)}, which begins with {cases[0].id},"
