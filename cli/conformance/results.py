"""What `ringbed conformance run` ends with: a table and findings on the terminal, and the same as JSON and as JUnit.

Cases stand in the order of their ids, so that the files are the same whatever order the batches ran in; what was
measured is in `rows` alone.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ringbed.cli.report import Bar, Row, as_object, xml_text
from ringbed.hw.formats.number import several

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ringbed.conformance.nic.found import Finding, Outcome

__all__ = ["Report", "json_text", "junit_xml", "rows_of", "show", "suites_table", "summary"]

SHOWN, OF_RULE, OF_CASE, FIELDS = 20, 3, 3, 6  # rules, cases of a rule, findings of a case, fields that are printed
BARS = {"conf.cases": Bar(">=", 4000), "conf.rules": Bar(">=", 150), "conf.rate": Bar(">=", 500),
        "conf.quick_s": Bar("<=", 60), "conf.full_s": Bar("<=", 600), "conf.false.em": Bar("==", 0)}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """`seconds` of each suite: of this process's own time, and of the clock's."""

    nic: str
    engine: str
    profile: str
    seed: int
    pattern: str
    suites: Sequence[str]
    outcomes: Sequence[Outcome]
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    errata: Sequence[str] = ()  # as they were asked for: then it is the lab's card

    def counts(self, suite: str = "") -> dict[str, int]:
        """Of cases, by their end; all ends are there."""
        from ringbed.conformance.nic.found import End

        seen = Counter(each.end for each in self.outcomes if suite in ("", each.case.suite))
        return {end.value: seen[end] for end in End}

    @property
    def failed(self) -> list[Outcome]:
        return sorted((each for each in self.outcomes if each.findings), key=lambda each: each.case.id)

    def again(self, outcome: Outcome) -> str:
        """What asks just that once more: the case, and the one that it fails behind."""
        behind = [each.behind.removeprefix("behind ") for each in outcome.findings if each.behind.startswith("behind ")]
        words = ["ringbed", "conformance", "run", "--nic", self.nic]
        words += [] if self.engine == "native" else ["--engine", self.engine]
        words += [word for each in self.errata for word in ("--erratum", each)]
        if any(each.behind and not each.behind.startswith("behind ") for each in outcome.findings):
            return shlex.join([*words, "--seed", str(self.seed), "--profile", "full", "--suite", outcome.case.suite])
        return shlex.join([*words, "--seed", str(self.seed), "--filter", ",".join([*behind[:1], outcome.case.id])])


def summary(report: Report) -> str:
    counts = report.counts()
    bugs = f" with {', '.join(report.errata)}" if report.errata else ""
    asked = len(report.outcomes)
    return (
        f"{report.nic}{bugs} on {report.engine}, profile {report.profile}, seed {report.seed}: "
        f"{asked:,} case{'s' * (asked != 1)}: {counts['holds']:,} hold, findings in {counts['findings']:,}, "
        f"{counts['not applicable']:,} not applicable"
    )


def suites_table(report: Report) -> Table:
    """A row a suite."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("suite", "cases", "rules", "hold", "findings", "not applicable"):
        shown.add_column(name, justify="left" if name == "suite" else "right")
    for suite in dict.fromkeys(each.case.suite for each in report.outcomes):
        of_suite = [each for each in report.outcomes if each.case.suite == suite]
        counts = report.counts(suite)
        red = f"[bold red]{counts['findings']:,}[/]" if counts["findings"] else "0"
        shown.add_row(suite, f"{len(of_suite):,}", f"{len({each.case.rule.id for each in of_suite}):,}",
                      f"{counts['holds']:,}", red, f"{counts['not applicable']:,}")  # fmt: skip
    return shown


def show(console: Console, report: Report) -> None:
    """Each rule that does not hold, with a few of its cases."""
    of_rule: dict[str, list[Outcome]] = {}
    for outcome in report.failed:
        of_rule.setdefault(outcome.case.rule.id, []).append(outcome)
    for cases in list(of_rule.values())[:SHOWN]:
        rule = cases[0].case.rule
        _line(console, f"{rule.id}: {rule.sentence} ({rule.source}): {several(len(cases), 'case')}", "bold")
        for outcome in cases[:OF_RULE]:
            _show_case(console, report, outcome)
        if len(cases) > OF_RULE:
            _line(console, f"  ... and {several(len(cases) - OF_RULE, 'case')} more", "")
    if len(of_rule) > SHOWN:
        _line(console, f"... and {several(len(of_rule) - SHOWN, 'rule')} more", "bold")


def _show_case(console: Console, report: Report, outcome: Outcome) -> None:
    for finding in outcome.findings[:OF_CASE]:
        _line(console, f"  {outcome.case.id}: {finding}", "red")
        for each in finding.fields[:FIELDS] if len(finding.fields) > 1 else ():
            _line(console, f"    {each}", "")
    _line(console, f"  again: {report.again(outcome)}", "")


def _line(console: Console, text: str, style: str) -> None:
    from rich.text import Text

    console.print(Text(text, style=style), soft_wrap=True, highlight=False)


def rows_of(report: Report) -> list[Row]:
    """Figures; each has its bar where the run was one that it is about."""
    whole = not report.pattern and not report.suites
    rows = [_row("conf.cases", sum(not each.why for each in report.outcomes), "cases", whole and _full(report)),
            _row("conf.rules", len({e.case.rule.id for e in report.outcomes if not e.why}), "rules",
                 whole and _full(report))]  # fmt: skip
    if "checksum" in report.seconds and not report.pattern:
        asked = sum(each.case.suite == "checksum" and not each.why for each in report.outcomes)
        rate = asked / max(report.seconds["checksum"][0], 1e-9)
        rows.append(_row("conf.rate", round(rate), "cases/s", _full(report) and report.engine == "native"))
    if whole:
        seconds = round(sum(wall for _, wall in report.seconds.values()), 1)
        rows.append(_row(f"conf.{report.profile}_s", seconds, "s", report.engine == "native"))
    if whole and _full(report) and not report.errata:
        rows.append(_row(f"conf.false.{report.nic}", len(report.failed), "cases", True))
    return rows


def _full(report: Report) -> bool:
    return report.profile == "full"


def _row(id_: str, value: float, unit: str, judged: bool) -> Row:
    return Row(id_, value, unit, BARS.get(id_) if judged else None)


def json_text(report: Report, rows: Sequence[Row]) -> str:
    """The detail, and `rows` beside it."""
    suites = dict.fromkeys(each.case.suite for each in report.outcomes)
    shown = {
        "nic": report.nic, "engine": report.engine, "profile": report.profile, "seed": report.seed,
        "filter": report.pattern, "errata": list(report.errata), "counts": report.counts(),
        "suites": {suite: report.counts(suite) for suite in suites},
        "rules": _rules(report),
        "cases": [_case(report, each) for each in sorted(report.outcomes, key=lambda each: each.case.id)],
    }  # fmt: skip
    return json.dumps(shown | as_object(rows), indent=1) + "\n"


def _rules(report: Report) -> dict[str, dict[str, str]]:
    rules = {each.case.rule.id: each.case.rule for each in report.outcomes}
    return {id_: {"sentence": rule.sentence, "source": rule.source} for id_, rule in sorted(rules.items())}


def _case(report: Report, outcome: Outcome) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": outcome.case.id, "rule": outcome.case.rule.id, "end": outcome.end.value}
    if outcome.why:
        shown["why"] = outcome.why
    if outcome.findings:
        shown["again"] = report.again(outcome)
        shown["findings"] = [_finding(each) for each in outcome.findings]
    return shown


def _finding(finding: Finding) -> dict[str, Any]:
    of = finding.difference
    return {
        "text": str(finding), "what": of.what, "expected": of.expected, "got": of.got, "behind": finding.behind,
        "right": of.right.hex(), "came": None if of.came is None else of.came.hex(),
        "fields": [{"name": each.name, "at": each.at, "expected": each.expected, "got": each.got}
                   for each in finding.fields],
    }  # fmt: skip


def junit_xml(report: Report) -> str:
    """A test suite of each suite, a test case of each case; a failure's text is its findings and the command."""
    whole = ElementTree.Element("testsuites", {"name": f"ringbed conformance, {report.nic}"})
    outcomes = sorted(report.outcomes, key=lambda each: each.case.id)
    for name in dict.fromkeys(each.case.suite for each in report.outcomes):
        counts = report.counts(name)
        suite = ElementTree.SubElement(whole, "testsuite", {
            "name": name, "tests": str(sum(counts.values())), "failures": str(counts["findings"]), "errors": "0",
            "skipped": str(counts["not applicable"]),
        })  # fmt: skip
        properties = ElementTree.SubElement(suite, "properties")
        for key, value in (("nic", report.nic), ("engine", report.engine), ("profile", report.profile),
                           ("seed", str(report.seed))):  # fmt: skip
            ElementTree.SubElement(properties, "property", name=key, value=value)
        for outcome in outcomes:
            if outcome.case.suite == name:
                _junit_case(suite, report, outcome)
    return ElementTree.tostring(whole, encoding="unicode", xml_declaration=True) + "\n"


def _junit_case(suite: ElementTree.Element, report: Report, outcome: Outcome) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=outcome.case.rule.id, name=outcome.case.id)
    if outcome.findings:
        failure = ElementTree.SubElement(case, "failure", message=xml_text(str(outcome.findings[0])))
        rule = outcome.case.rule
        failure.text = xml_text("\n".join([f"{rule.sentence} ({rule.source})", *map(str, outcome.findings),
                                           f"again: {report.again(outcome)}"]))  # fmt: skip
    elif outcome.why:
        ElementTree.SubElement(case, "skipped", message=xml_text(outcome.why))
