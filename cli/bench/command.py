"""`ringbed bench`: figures against their bars, with where the time went. No figure here is ever asserted by a test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.bench.parts import PARTS, Figures, Part
from ringbed.cli.errors import Exit
from ringbed.cli.files import must_be_writable
from ringbed.cli.report import Row, machine, table, write_json

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["bench"]


def bench(
    part: Annotated[
        Part,
        typer.Argument(help="sim: frames per second through driver and RTL, on every engine, and the build. hosts: "
                       "what a frame costs among eight hosts on a switch, and an idle second. hw: clocks per frame of "
                       "the card alone. stack: UDP echoes per second of the stack alone, on a TAP device, and its "
                       "route table. soak: 100,000 frames with one in a hundred of every fault, each frame accounted "
                       "for. drivers: what the checker of drivers costs, which planted faults it notices, and what "
                       "it says of clean drivers. guest: Linux's driver on the card, under QEMU, and twice in "
                       "lock step; what is not there of them is fetched, and built."),
    ],
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON; - is stdout.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the frames: to see that it runs.")] = False,
) -> None:  # fmt: skip
    """Measure ringbed on this machine and compare with what it must reach.

    `hosts`, `soak` and `guest` take about a minute each, `drivers` two, `hw` and `stack` some seconds. `sim` takes four
    or five: it builds the model from nothing, and once more without its assertions, and runs simulators that need
    seconds for some frames. Ends with 1 when a bar is missed; a figure that this machine lacks something for is left
    out with a word, and with 3 when there is none at all. Figures are of this machine and this moment: close what else
    is running.
    """
    from rich.console import Console

    if json is not None:
        must_be_writable(json)
    console = Console(stderr=str(json) == "-")  # figures alone on standard output
    about = machine()
    console.print(f"{about['cpu']}, {about['cores']} cores, {about['os']}, Python {about['python']}", highlight=False)
    rows = [row for figures in PARTS[part] for row in _rows(figures, console, 10 if quick else 1)]
    console.print(table(f"ringbed bench {part.value}", rows))
    if json is not None:
        write_json(json, rows)
    if all(row.left_out for row in rows):
        raise typer.Exit(Exit.ENVIRONMENT)
    if not all(row.ok for row in rows):
        raise typer.Exit(Exit.FINDING)


def _rows(figures: Figures, console: Console, divisor: int) -> list[Row]:
    """Every figure is a row: those that cannot be had here say what is missing."""
    from ringbed.sim.needs import Missing

    try:
        return figures.measure(console, divisor)
    except Missing as why:
        console.print(f"left out: {why}", highlight=False)
        return [Row(name, None, left_out=str(why)) for name in figures.names()]
