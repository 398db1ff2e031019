"""`ringbed nic`: the NICs there are, their registers and descriptors, their Verilog, and a look at a running one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import EPILOG, UserError
from ringbed.cli.files import must_be_writable, write_text
from ringbed.cli.nic.live import registers, self_test, stats
from ringbed.cli.nic.synth import block_of, must_be_a_width, synth

if TYPE_CHECKING:
    from ringbed.hw.formats.page import Card

__all__ = ["app"]

app = typer.Typer(
    help="The NICs: what there is, what is in them, their Verilog, and a look at one that runs.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A NIC, as `ringbed nic list` names it.")]


@app.command("list", epilog=EPILOG)
def list_nics() -> None:
    """One line for each NIC, and which have a lab of emulated bugs."""
    from ringbed.hw.errata.lab import EM_ERRATA
    from ringbed.hw.formats.page import CARDS

    for card in CARDS.values():
        typer.echo(f"{card.name}  {card.pci['vendor']}:{card.pci['device']}  {card.title}")
    typer.echo(f"em_lab  em with {len(EM_ERRATA)} documented bugs, each to be switched on: ringbed errata list")


@app.command(epilog=EPILOG)
def info(name: Name) -> None:
    """PCI identity, registers with their fields, descriptors, and which checksums it checks in which frames."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ringbed.hw.formats.page import tables

    card = _card(name)
    console = Console(highlight=False)
    console.print(f"[bold]{card.name}[/]: {escape(card.title)}")
    for each in tables(card):
        shown = Table(title=each.title, caption=each.note or None, box=box.SIMPLE_HEAD, pad_edge=False)
        shown.title_justify = shown.caption_justify = "left"
        for column in each.columns:
            shown.add_column(column, overflow="fold")
        for row in each.rows:
            shown.add_row(*map(escape, row))
        console.print(shown)


@app.command(epilog=EPILOG)
def verilog(
    name: Name,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; - is standard output.")],
    block: Annotated[str | None, typer.Option(metavar="BLOCK", help="One block of it, such as mac_tx.")] = None,
    width: Annotated[int, typer.Option(metavar="BITS", help="Of the data path: 64, 128, 256 or 512.")] = 64,
    icarus: Annotated[
        bool, typer.Option("--icarus", help="For Icarus Verilog: variables begin at 0, not at X.")
    ] = False,
) -> None:
    """Write the NIC, or a block of it, as Verilog; the NIC has the ports that the port map in hw/nics names."""
    card = _card(name)
    to_stdout = str(output) == "-"
    if not to_stdout:
        must_be_writable(output)

    from rich.console import Console

    with Console(stderr=True).status("") as status:
        if block is None:
            text = _card_verilog(card.name, width, status.update)
        else:
            text = _block_verilog(card.name, block, width)
    if icarus:
        from ringbed.sim.cocotb.build import from_zero

        text = from_zero(text)
    if to_stdout:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        typer.echo(f"{output}: module {block or card.name}, {text.count(chr(10)):,} lines of Verilog")


app.command(epilog=EPILOG)(synth)
app.command("test", epilog=EPILOG)(self_test)
app.command(epilog=EPILOG)(stats)
app.command(epilog=EPILOG)(registers)


def _card_verilog(name: str, width: int, progress: Callable[[str], None]) -> str:
    from ringbed.sim.cards import CARDS, em
    from ringbed.sim.native.build import verilog_of

    must_be_a_width(name, width)
    return verilog_of(CARDS[name]() if width == 64 else em(width=width), progress=progress)


def _block_verilog(name: str, block: str, width: int) -> str:
    from ringbed.sim.synth.collar import verilog_of_block

    return verilog_of_block(block_of(name, block, width).component, block)


def _card(name: str) -> Card:
    from ringbed.hw.formats.page import CARDS

    try:
        return CARDS[name]
    except KeyError:
        raise UserError(f"there is no NIC {name!r}; there is {', '.join(CARDS)}") from None
