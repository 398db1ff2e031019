"""`ringbed nic`: the NICs there are, their registers and descriptors, and their Verilog."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import EPILOG, UserError
from ringbed.cli.files import must_be_writable, write_text

if TYPE_CHECKING:
    from ringbed.hw.formats.page import Card

__all__ = ["app"]

app = typer.Typer(help="The NICs: what there is, what is in them, and their Verilog.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A NIC, as `ringbed nic list` names it.")]


@app.command("list", epilog=EPILOG)
def list_nics() -> None:
    """One line for each NIC."""
    from ringbed.hw.formats.page import CARDS

    for card in CARDS.values():
        typer.echo(f"{card.name}  {card.pci['vendor']}:{card.pci['device']}  {card.title}")


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
) -> None:
    """Write the NIC as Verilog; its top module has the ports that the port map in hw/nics names."""
    card = _card(name)
    to_stdout = str(output) == "-"
    if not to_stdout:
        must_be_writable(output)

    from rich.console import Console

    from ringbed.sim.build import verilog_of
    from ringbed.sim.cards import CARDS

    with Console(stderr=True).status("") as status:
        text = verilog_of(CARDS[card.name](), progress=status.update)
    if to_stdout:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        typer.echo(f"{output}: module {card.name}, {text.count(chr(10)):,} lines of Verilog")


def _card(name: str) -> Card:
    from ringbed.hw.formats.page import CARDS

    try:
        return CARDS[name]
    except KeyError:
        raise UserError(f"there is no NIC {name!r}; there is {', '.join(CARDS)}") from None
