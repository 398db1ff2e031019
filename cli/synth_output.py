"""What the commands that run Yosys share: its set-up in a sentence, a bar of progress, a table, JSON."""

from __future__ import annotations

import json as json_module
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ringbed.cli.files import write_text

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.sim.synth.flow import Design, Limits, Synthesis

__all__ = ["LIMIT_MOST", "run_designs", "set_up_told", "show", "write_json"]

LIMIT_MOST = 7 * 24 * 3600  # seconds that a tool may be given: what the system cannot count to is nobody's wish


def run_designs(designs: Sequence[Design], limits: Limits, jobs: int, console: Console) -> list[Synthesis]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ringbed.sim.synth.flow import synthesize_all

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with set_up_told(console), Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("Yosys and nextpnr", total=len(designs))

        def done(result: Synthesis) -> None:
            bars.update(task, advance=1, description=f"{result.name} is done")

        return list(synthesize_all(designs, limits, jobs, done))


@contextmanager
def set_up_told(console: Console) -> Iterator[None]:
    """A tool that is set up meanwhile, for the first time on this machine, is a line: it would be a minute of silence.

    On stderr where `console` is no terminal, so that what is read by a program has nothing else in it.
    """
    from ringbed.sim.yosys.tools import LOG

    handler = _Told(console)
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)


class _Told(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        if self.console.is_terminal:
            self.console.print(record.getMessage(), highlight=False)
        else:
            print(record.getMessage(), file=sys.stderr, flush=True)


def show(results: Sequence[Synthesis], console: Console) -> None:
    from rich import box
    from rich.table import Table

    from ringbed.benchmarks.synth_page import COLUMNS, slowest_path

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("block", "slowest path") else "right", overflow="fold")
    for result in results:
        cells = result.cells
        counts = [f"{n:,}" for n in (cells.lut, cells.ff, cells.ram, cells.dsp)] if cells else ["-"] * 4
        mhz = "-" if result.fmax is None else f"{result.fmax:.1f}"
        table.add_row(result.name, str(result.width), *counts, mhz, slowest_path(result).replace("`", ""))
    console.print(table, markup=False)


def write_json(path: Path, results: Sequence[Synthesis]) -> None:
    from ringbed.sim.yosys.tools import versions

    text = json_module.dumps({"tools": versions(), "rows": [each.as_object() for each in results]}, indent=2) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write_text(path, text)
