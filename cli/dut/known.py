"""Findings that somebody knows of: written by `--record`, and no longer a failure where `--expect` reads them.

A file of them is text: a line of what was asked, then each finding's sentence as it is shown. A finding is known when
all of its sentence is there: another answer to the same case is a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ringbed.cli.errors import UserError
from ringbed.cli.files import write_text

if TYPE_CHECKING:
    from ringbed.conformance.blocks.case import Finding
    from ringbed.conformance.blocks.run import Report

__all__ = ["Known", "asked_line", "read_known", "write_known"]

FIRST = "known findings of ringbed dut test"


def asked_line(contract: str, seed: int, full: bool) -> str:
    """What a file of known findings is of: the same numbers are the same cases."""
    return f"{FIRST}: {contract}, seed {seed}, {'full' if full else 'quick'}"


@dataclass(frozen=True)
class Known:
    """The sentences of a file that was recorded, and what had been asked."""

    path: Path
    line: str
    sentences: frozenset[str]

    def must_be_of(self, line: str) -> None:
        """Raises UserError where something else was asked: the same sentence would be about another case."""
        if self.line != line:
            had, has = (each.removeprefix(f"{FIRST}: ") for each in (self.line, line))
            raise UserError(f"{self.path} has the findings of {had}, and not of {has}")

    def unknown(self, report: Report) -> Report:
        """The same with the findings that are not known."""
        return replace(report, findings=[each for each in report.findings if str(each) not in self.sentences])

    def told(self, report: Report) -> list[str]:
        """How many of `report` are known, and which of the known ones did not come, of the kinds that were asked."""
        came = {str(finding) for finding in report.findings} & self.sentences
        asked = tuple(f"{kind}, seed " for kind, count in report.asked.items() if count)
        gone = sorted(each for each in self.sentences - came if each.startswith(asked))
        known = f"{self.path}: {len(came):,} of {len(self.sentences):,} known findings came again"
        return [known, *(f"{self.path}: did not come again: {sentence}" for sentence in gone)]


def read_known(path: Path) -> Known:
    """Raises UserError for a file that is none of known findings, OSError for what is no file."""
    from ringbed.sim.files import read_file

    try:
        first, *sentences = read_file(path).decode().splitlines() or [""]
    except UnicodeDecodeError:
        first, sentences = "", []
    if not first.startswith(f"{FIRST}: "):
        raise UserError(f"{path}: its first line is not that of a file which --record wrote")
    return Known(path, first, frozenset(filter(None, sentences)))


def write_known(path: Path, line: str, findings: Iterable[Finding]) -> None:
    """One sentence a line, each once, in their order."""
    write_text(path, "\n".join([line, *dict.fromkeys(map(str, findings))]) + "\n")
