"""What a run of the suite ends with: of each case that it holds, or its findings, or why it does not apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ringbed.conformance.nic.case import Case, Difference
from ringbed.conformance.nic.fields import FieldDifference, differing

__all__ = ["End", "Finding", "Outcome"]


class End(StrEnum):
    HOLDS = "holds"
    FINDINGS = "findings"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """`behind` says in whose company the case fails; empty: asked alone, behind a fresh card."""

    difference: Difference
    behind: str = ""

    @property
    def fields(self) -> list[FieldDifference]:
        """The fields of the frame that differ, where it is about one that came changed."""
        of = self.difference
        return differing(of.right, of.came) if of.right and of.came is not None and of.right != of.came else []

    def __str__(self) -> str:
        of = self.difference
        words = {"lost": f"{of.what} never came out"}.get(of.got, f"{of.what} is {of.got}, must be {of.expected}")
        words = of.expected if not of.got else words
        return words + (f"; asked alone it holds, {self.behind} it does not" if self.behind else "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`why`: of a case that does not apply. `batch` is the number of the batch it was asked in, -1 of none."""

    case: Case
    findings: Sequence[Finding] = ()
    why: str = ""
    batch: int = -1

    @property
    def end(self) -> End:
        return End.FINDINGS if self.findings else End.NOT_APPLICABLE if self.why else End.HOLDS
