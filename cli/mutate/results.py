"""What `ringbed mutate` has found: a sentence and a list of survivors for a person, JSON for a program."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringbed.cli.files import write_text
from ringbed.cli.report import Bar, Row, as_object

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.cli.mutate.run import Report

__all__ = ["BAR", "row_of", "show", "write_json"]

BAR = Bar(">=", 97)


def row_of(report: Report, bar: Bar) -> Row:
    """Of the mutants that can be told from the block those that its tests found; no figure where there is none."""
    counted = report.count("killed") + report.count("survived") + report.count("undecided")
    value = round(100 * report.count("killed") / counted, 1) if counted else None
    return Row(f"mutate.{report.block}", value, "%", bar)


def show(report: Report, console: Console) -> None:
    """A line of figures, then each mutant that is left, with its place in the source."""
    from rich.markup import escape

    row, counts = row_of(report, BAR), {state: report.count(state) for state in ("killed", "equivalent", "survived")}
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    mark = "[green]ok[/]" if row.ok else "[bold red]missed[/]"
    console.print(
        f"{report.block}: {len(report.mutants)} mutants, {words}, {report.count('undecided')} undecided in "
        f"{report.clocks} clocks; {row.value} % found by {len(report.tests)} tests, bar {row.bar} {mark}",
        soft_wrap=True,
    )
    for mutant in report.mutants:
        verdict = report.verdicts[mutant.number]
        if verdict.state in ("survived", "undecided"):
            console.print(f"  {verdict.state}: mutant {mutant.number}, {escape(str(mutant))}", soft_wrap=True)


def write_json(path: Path, reports: Sequence[Report]) -> None:
    """The shape of cli/report.py; beside `rows`, of each block how it was made, its tests and its mutants."""
    shape = as_object([row_of(report, BAR) for report in reports])
    shape["blocks"] = [_detail(report) for report in reports]
    text = json_module.dumps(shape, indent=2) + "\n"
    if str(path) == "-":
        print(text, end="")
    else:
        write_text(path, text)


def _detail(report: Report) -> dict[str, Any]:
    mutants = [
        {
            "number": each.number, "mode": each.mode, "cell": each.cell, "pin": each.pin, "bit": each.bit,
            "net": each.net, "lines": list(each.lines), "state": report.verdicts[each.number].state,
            "by": report.verdicts[each.number].by,
        }
        for each in report.mutants
    ]  # fmt: skip
    return {
        "block": report.block, "arguments": report.arguments, "clocks": report.clocks, "tests": report.tests,
        "mutants": mutants,
    }  # fmt: skip
