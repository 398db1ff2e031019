"""`ringbed mutate`: how many faults in a block its own tests find."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringbed.cli.errors import Exit
from ringbed.cli.files import must_be_writable
from ringbed.cli.synth_output import LIMIT_MOST

__all__ = ["mutate"]


def mutate(
    block: Annotated[
        list[str], typer.Option(metavar="BLOCK", help="A block of the NIC, such as parse; may be repeated.")
    ],
    nic: Annotated[str, typer.Option(metavar="NAME", help="A NIC, as `ringbed nic list` names it.")] = "em",
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Mutants of each block.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Which mutants.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Tests, and proofs, at once.")] = 2,
    limit: Annotated[
        int,
        typer.Option(min=1, max=LIMIT_MOST, metavar="SECONDS", help="Of processor time, for the proof of one mutant."),
    ] = 60,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JSON; - is stdout.")] = None,
) -> None:
    """Put faults into a block, one at a time, and see which of them the block's own tests find.

    A fault is one bit of one gate's pin that is wrong, chosen by Yosys. The tests of the block run with each, until one
    fails. Of those that no test fails for a solver is asked whether the block can be told from its mutant at all; where
    it cannot, in a number of clocks, the mutant is equivalent and does not count. What is left has survived, and is
    listed with the line of the source that it is in. docs/mutants.md tells how to read it.

    The tests are those of ringbed's checkout, and it has to be one that this runs from.

    Ends with 1 when fewer than 97 % of a block's mutants were found.
    """
    from rich.console import Console

    from ringbed.cli.mutate.results import BAR, row_of, show, write_json
    from ringbed.cli.mutate.run import Wanted, run_block, subjects

    if json is not None:
        must_be_writable(json)
    console = Console(stderr=str(json) == "-", highlight=False)  # JSON alone on standard output
    wanted = Wanted(nic, count, seed, jobs, limit)
    reports = []
    for subject in subjects(nic, block):
        reports.append(run_block(subject, wanted, console))
        show(reports[-1], console)
    if json is not None:
        write_json(json, reports)
    if not all(row_of(report, BAR).ok for report in reports):
        raise typer.Exit(Exit.FINDING)
