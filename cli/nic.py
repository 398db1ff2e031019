"""`ringbed nic`: the NICs there are, their registers and descriptors, and their Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import EPILOG, UserError

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


def _card(name: str) -> Card:
    from ringbed.hw.formats.page import CARDS

    try:
        return CARDS[name]
    except KeyError:
        raise UserError(f"there is no NIC {name!r}; there is {', '.join(CARDS)}") from None
