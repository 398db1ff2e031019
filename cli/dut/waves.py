"""The waveform of a finding of `ringbed dut test`: the case is asked again, of a block that has just been reset.

A case that goes wrong alone makes a short waveform. One that needs what was asked before it is asked behind more and
more of that, up to all of its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ringbed.cli.errors import UserError

if TYPE_CHECKING:
    from ringbed.conformance.blocks.case import Case, Finding
    from ringbed.conformance.blocks.device import EngineBlock

__all__ = ["check_format", "record"]

BEFORE = (0, 7)  # cases asked in front of the one that went wrong; then all of the batch


def check_format(path: Path, kind: str) -> None:
    """Raises UserError for a file that the engine does not write."""
    from ringbed.sim.engines import wave_formats

    formats = wave_formats(kind)
    if path.suffix not in (f".{each}" for each in formats):
        there = " or ".join(f".{each}" for each in formats) or "none"
        raise UserError(f"a waveform of {kind} is {there} on this machine, not {path.name}")


def record(opened: Callable[[], EngineBlock], cases: Sequence[Case], finding: Finding, path: Path) -> str:
    """Write `path`; `cases` are those of the finding's kind. Says what the waveform is of."""
    from ringbed.conformance.blocks.run import BATCH

    begin = finding.index if finding.cut else finding.index // BATCH * BATCH  # behind a reset each case is asked alone
    end = min(begin + BATCH, len(cases)) if finding.of_batch and not finding.cut else finding.index + 1
    own = f"number {finding.index} of {finding.kind}"
    for before in (end - begin - 1,) if finding.of_batch else (*BEFORE, end - begin - 1):
        first = max(begin, end - 1 - before)
        if clocks := _again(opened(), cases[first:end], first, finding, path):
            asked = "alone" if end - first == 1 else f"as the last of {end - first}"
            return f"{path}: {own}, {'with its batch' if finding.of_batch else asked}, {clocks:,} clocks"
    return f"{path}: the batch of {own}, which was not wrong again: it needs what was asked before"


def _again(block: EngineBlock, asked: Sequence[Case], first: int, finding: Finding, path: Path) -> int:
    """Clocks that it took; 0 where it did not go wrong in the same place."""
    from ringbed.conformance.blocks.compare import compare
    from ringbed.conformance.blocks.run import begin_as, ready_test

    try:
        block.engine.trace(path)
        begin_as(block, finding, asked)
        answers = block([case.ask for case in asked])
        found = compare(finding.kind, finding.seed, first, asked, answers, ready_test(block.setup).read)
        wrong = any((each.index, each.what) == (finding.index, finding.what) for each in found)
        return block.engine.now if wrong else 0
    finally:
        block.engine.close()
