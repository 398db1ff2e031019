"""`ringbed dut synth MAP`: what somebody's Verilog takes of an FPGA, and how fast its clock may be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import Exit
from ringbed.cli.files import must_be_writable
from ringbed.cli.synth_output import LIMIT_MOST, run_designs, show, write_json

if TYPE_CHECKING:
    from ringbed.sim.synth.flow import Design

__all__ = ["dut_synth"]

DIALECT = "Yosys reads Verilog and part of SystemVerilog"


def dut_synth(
    maps: Annotated[list[Path], typer.Argument(metavar="MAP...", help="Port maps, TOML files; docs/port-map.md.")],
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once; each may take 4 GiB.")] = 2,
    limit: Annotated[
        int,
        typer.Option(
            min=0, max=LIMIT_MOST, metavar="SECONDS", help="For each tool and design; 0: only what the cache has."
        ),
    ] = 1800,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON; - is stdout.")] = None,
) -> None:
    """Look-up tables, flip-flops, block RAM, DSPs and f_max of your own NIC or block on an ECP5.

    It is the top module of the map with its parameters and ties, and nothing of ringbed's but a register at each port,
    which is not counted. All clocks of a map are one here. Ends with 1 when a design has no frequency: a sentence says
    why.
    """
    from rich.console import Console

    from ringbed.sim.synth.dut import design_of_map
    from ringbed.sim.synth.flow import Limits

    if json is not None:
        must_be_writable(json)
    console = Console(stderr=str(json) == "-")
    designs = [design_of_map(path) for path in maps]
    results = run_designs(designs, Limits(limit, limit), jobs, console)
    show(results, console)
    if json is not None:
        write_json(json, results)
    for result in results:
        if result.cells is None:  # whole, where a table folds it
            console.print(f"{result.name}: {result.why} ({DIALECT})", soft_wrap=True, highlight=False, markup=False)
    for design in designs:
        if design.clocks[1:]:
            console.print(f"{design.name}: {_one_clock(design)}", soft_wrap=True, highlight=False, markup=False)
    if any(result.fmax is None for result in results):
        raise typer.Exit(Exit.FINDING)


def _one_clock(design: Design) -> str:
    *others, last = map(repr, design.clocks)
    return (
        f"{', '.join(others)} and {last} are one clock here, so the slowest path may go from one to another, "
        "where your card has a crossing"
    )
