"""What `ringbed dut test` has found: a table, sentences, a capture, a JUnit file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ringbed.conformance.blocks.case import Finding
    from ringbed.conformance.blocks.run import Report

__all__ = ["SHOWN", "grouped", "junit_xml", "show", "some", "table", "write_capture"]

SHOWN = 20  # findings that are printed
KINDS = 3  # that are named of many with equal sentences


def table(report: Report) -> Table:
    """A row a kind of case: how many were asked, how many were wrong."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ringbed.conformance.blocks.run import PAUSED

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("kind of case")
    shown.add_column("asked", justify="right")
    shown.add_column("wrong", justify="right")
    shown.add_column("with pauses", justify="right")
    for kind, asked in report.asked.items():
        if not kind.endswith(PAUSED):
            wrong = [report.wrong(each) for each in (kind, kind + PAUSED)]
            counts = [f"[bold red]{count:,}[/]" if count else "0" if asked else "-" for count in wrong]
            shown.add_row(kind, f"{asked:,}" if asked else "none fits", *counts)
    return shown


def show(console: Console, findings: Sequence[Finding], capture: Path) -> None:
    """Prints some of the findings, equal sentences once, and writes the frames of all to `capture`."""
    from rich.markup import escape

    groups = grouped(findings)
    shown = some([group[0] for group in groups])
    for group in (group for finding in shown for group in groups if group[0] is finding):
        console.print(f"[red]{escape(str(group[0]))}[/]{escape(_more(group))}", highlight=False, soft_wrap=True)
    if left := [group for group in groups if group[0] not in shown]:
        console.print(f"... and {sum(map(len, left)):,} more, of {len(left):,} sorts")
    if any(finding.sent or finding.came for finding in findings):
        write_capture(capture, findings)
        console.print(f"{capture}: the frames of all {len(findings):,} findings", highlight=False, soft_wrap=True)


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Those of which the same is said, wherever it was, in the order of the first of each."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        sort = finding.what.partition(" (")[0] if finding.of_batch else finding.words
        groups.setdefault(sort, []).append(finding)
    return list(groups.values())


def _more(group: Sequence[Finding]) -> str:
    """How often else it was so, and where."""
    if len(group) == 1:
        return ""
    kinds = list(dict.fromkeys(finding.kind for finding in group))
    named = ", ".join(kinds[:KINDS]) + (f" and {len(kinds) - KINDS} other kinds" if len(kinds) > KINDS else "")
    return f" [{len(group):,} of these, in {named}]"


def some(findings: Sequence[Finding]) -> list[Finding]:
    """As many as are shown: in front what no block may do, which mostly explains the rest; of kinds some."""
    rules = [finding for finding in findings if finding.of_batch]
    turns, seen = list[tuple[int, int]](), dict[str, int]()
    for number, finding in enumerate(findings):
        if not finding.of_batch:
            seen[finding.kind] = seen.get(finding.kind, 0) + 1
            turns.append((seen[finding.kind], number))
    chosen = sorted(number for _, number in sorted(turns)[: max(0, SHOWN - len(rules))])
    return [*rules, *(findings[number] for number in chosen)]


def write_capture(path: Path, findings: Sequence[Finding]) -> None:
    """A pcapng of what went in and, where something did, what came out; each with the finding as its comment.

    Times only keep the order: a microsecond a finding.
    """
    from ringbed.sim.wire.capture import CaptureWriter, Direction

    with CaptureWriter(path, "ringbed dut test") as capture:
        block = capture.interface("block", "frames into and out of the block, without FCS", with_fcs=False)
        for number, finding in enumerate(findings):
            order = ", ".join(f"{name} {value}" for name, value in finding.command.items())
            comments = [str(finding)] + ([f"command: {order}"] if order else [])
            if finding.sent:
                capture.write(block, finding.sent, 1000 * number, Direction.IN, comments)
            if finding.came:
                capture.write(block, finding.came, 1000 * number + 500, Direction.OUT, comments)


def junit_xml(name: str, report: Report) -> str:
    """A test case of each kind; a failure's text is its findings, one a line."""
    wrong = {kind: [finding for finding in report.findings if finding.kind == kind] for kind in report.asked}
    counts = {"tests": len(wrong), "failures": sum(map(bool, wrong.values())), "errors": 0,
              "skipped": sum(not asked for asked in report.asked.values())}  # fmt: skip
    suite = ElementTree.Element("testsuite", {"name": name} | {word: str(count) for word, count in counts.items()})
    ElementTree.SubElement(ElementTree.SubElement(suite, "properties"), "property", name="seed", value=str(report.seed))
    for kind, findings in wrong.items():
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=kind)
        if not report.asked[kind]:
            ElementTree.SubElement(case, "skipped", message="no case of this kind fits the block")
        if findings:
            failure = ElementTree.SubElement(case, "failure", message=findings[0].words)
            failure.text = "\n".join(map(str, findings))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
