"""What `ringbed drivers check` ends with: a table and sentences on the terminal, and the same as JSON and as JUnit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ringbed.cli.report import xml_text
from ringbed.hw.formats.number import several

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ringbed.conformance.drivers.found import Found, Outcome

__all__ = ["Report", "json_text", "junit_xml", "show", "summary", "table"]

SHOWN = 5  # findings of a case that are printed


@dataclass(frozen=True, slots=True)
class Report:
    """`again` runs every case; with `--case NAME` behind it, one. `chosen` are the names that this run was told."""

    driver: str
    nic: str
    engine: str
    seed: int
    again: str
    outcomes: Sequence[Outcome]
    chosen: Sequence[str] = ()

    @property
    def whole(self) -> str:
        """What runs all of this once more."""
        return "".join((self.again, *(f" --case {name}" for name in self.chosen)))

    def rerun(self, outcome: Outcome) -> str:
        return f"{self.again} --case {outcome.case.name}"

    def counts(self) -> dict[str, int]:
        """Of cases, by their end; all ends are there."""
        from ringbed.conformance.drivers.found import End

        seen = Counter(outcome.end for outcome in self.outcomes)
        return {end.value: seen[end] for end in End}


def summary(report: Report) -> str:
    cases, counts = several(len(report.outcomes), "case"), report.counts()
    return (
        f"{cases}: {counts['holds']} hold, findings in {counts['findings']}, {counts['not applicable']} not applicable"
    )


def table(report: Report) -> Table:
    """A row a case."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from ringbed.conformance.drivers.found import End

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("case", no_wrap=True)
    shown.add_column("ends in", no_wrap=True)
    shown.add_column("what it asks, or why not")
    for each in report.outcomes:
        end = {
            End.HOLDS: "[green]holds[/]", End.FINDINGS: f"[bold red]{several(len(each.found), 'finding')}[/]",
            End.NOT_APPLICABLE: "[dim]not applicable[/]",
        }[each.end]  # fmt: skip
        shown.add_row(each.case.name, end, escape(each.why or each.case.asks))
    return shown


def show(console: Console, report: Report) -> None:
    """Each case that failed: its findings, and the command that runs it alone."""
    for outcome in report.outcomes:
        if not outcome.found:
            continue
        _line(console, f"{outcome.case.name}: {outcome.case.asks}", "bold")
        for found in outcome.found[:SHOWN]:
            _line(console, f"  {found}", "red")
        if (more := len(outcome.found) - SHOWN) > 0:
            _line(console, f"  ... and {more} more", "")
        _line(console, f"  again: {report.rerun(outcome)}", "")


def _line(console: Console, text: str, style: str) -> None:
    from rich.text import Text

    console.print(Text(text, style=style), soft_wrap=True, highlight=False)


def json_text(report: Report) -> str:
    """The same for the same driver and seed, on any machine."""
    shown = {
        "driver": report.driver, "nic": report.nic, "engine": report.engine, "seed": report.seed,
        "counts": report.counts(), "cases": [_case(report, outcome) for outcome in report.outcomes],
    }  # fmt: skip
    return json.dumps(shown, indent=2) + "\n"


def _case(report: Report, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.case.name, "asks": outcome.case.asks, "end": outcome.end.value, "why": outcome.why,
        "frames": outcome.frames, "clocks": outcome.clocks, "again": report.rerun(outcome),
        "findings": [_finding(found) for found in outcome.found],
    }  # fmt: skip


def _finding(found: Found) -> dict[str, Any]:
    return {
        "rule": found.rule, "section": found.section, "sentence": found.sentence, "text": found.text,
        "places": list(found.places), "clock": found.clock, "count": found.count,
    }  # fmt: skip


def junit_xml(report: Report) -> str:
    """A test case of each case; a failure's text is its findings, one a line, and the command that runs it again."""
    counts = report.counts()
    suite = ElementTree.Element("testsuite", {
        "name": xml_text(report.driver), "tests": str(len(report.outcomes)), "failures": str(counts["findings"]),
        "errors": "0", "skipped": str(counts["not applicable"]),
    })  # fmt: skip
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("nic", report.nic), ("engine", report.engine), ("seed", str(report.seed))):
        ElementTree.SubElement(properties, "property", name=name, value=xml_text(value))
    for outcome in report.outcomes:
        case = ElementTree.SubElement(suite, "testcase", classname=xml_text(report.driver), name=outcome.case.name)
        if outcome.found:
            failure = ElementTree.SubElement(case, "failure", message=xml_text(str(outcome.found[0])))
            failure.text = xml_text("\n".join([*map(str, outcome.found), f"again: {report.rerun(outcome)}"]))
        elif outcome.why:
            ElementTree.SubElement(case, "skipped", message=xml_text(outcome.why))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
