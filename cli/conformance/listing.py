"""What `ringbed conformance list` shows: cases and rules of each suite, on the terminal and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringbed.cli.conformance.results import BARS
from ringbed.cli.report import Row, as_object

if TYPE_CHECKING:
    from ringbed.conformance.nic.case import Case, Rule
    from ringbed.conformance.nic.claims import Claims

__all__ = ["Listing", "listing", "listing_text", "show_listing"]


@dataclass(frozen=True, slots=True)
class Listing:
    """`why` has for each case why it does not apply, or nothing."""

    nic: str
    cases: Sequence[Case]
    why: Sequence[str]

    @property
    def suites(self) -> list[str]:
        return list(dict.fromkeys(case.suite for case in self.cases))

    def applying(self, suite: str = "") -> list[Case]:
        return [case for case, why in zip(self.cases, self.why, strict=True)
                if not why and suite in ("", case.suite)]  # fmt: skip

    def rules(self, suite: str = "") -> list[Rule]:
        """Of cases that apply, in the order of the table."""
        return list(dict.fromkeys(case.rule for case in self.applying(suite)))

    def longest_sweep(self, suite: str) -> tuple[str, int]:
        """The sweep with most cases, and how many."""
        counts = Counter(case.sweep for case in self.applying(suite) if case.sweep)
        return max(counts.items(), key=lambda each: each[1], default=("", 0))


def listing(claims: Claims, cases: Sequence[Case]) -> Listing:
    return Listing(claims.name, cases, [claims.why_not(case.needs) for case in cases])


def show_listing(listed: Listing, rules: bool, cases: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if rules or cases:
        for line in [*(_rule_lines(listed) if rules else ()), *(_case_lines(listed) if cases else ())]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("suite", "cases", "apply", "rules", "longest sweep"):
        shown.add_column(name, justify="left" if name in ("suite", "longest sweep") else "right")
    for suite in listed.suites:
        sweep, count = listed.longest_sweep(suite)
        total = sum(case.suite == suite for case in listed.cases)
        shown.add_row(suite, f"{total:,}", f"{len(listed.applying(suite)):,}", f"{len(listed.rules(suite)):,}",
                      f"{sweep}, {count:,}" if count else "")  # fmt: skip
    shown.add_section()
    shown.add_row("all", f"{len(listed.cases):,}", f"{len(listed.applying()):,}", f"{len(listed.rules()):,}", "")
    console.print(shown)


def _rule_lines(listed: Listing) -> list[str]:
    counts = Counter(case.rule.id for case in listed.applying())
    return [f"{rule.id}: {rule.sentence} ({rule.source}), {counts[rule.id]:,}" for rule in listed.rules()]


def _case_lines(listed: Listing) -> list[str]:
    return [f"{case.id}  {case.rule.id}{f'  not applicable: {why}' if why else ''}"
            for case, why in zip(listed.cases, listed.why, strict=True)]  # fmt: skip


def listing_text(listed: Listing) -> str:
    shown: dict[str, Any] = {
        "nic": listed.nic,
        "suites": {suite: {"cases": sum(case.suite == suite for case in listed.cases),
                           "apply": len(listed.applying(suite)), "rules": len(listed.rules(suite))}
                   for suite in listed.suites},
        "rules": [{"id": rule.id, "sentence": rule.sentence, "source": rule.source} for rule in listed.rules()],
        "cases": [{"id": case.id, "rule": case.rule.id, **({"why": why} if why else {})}
                  for case, why in zip(listed.cases, listed.why, strict=True)],
    }  # fmt: skip
    rows = [Row("conf.cases", len(listed.applying()), "cases", BARS["conf.cases"]),
            Row("conf.rules", len(listed.rules()), "rules", BARS["conf.rules"])]  # fmt: skip
    return json.dumps(shown | as_object(rows), indent=1) + "\n"
