"""`ringbed errata`: the bugs of the lab, what each is, what triggers it, who wrote of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringbed.cli.errors import EPILOG, UserError
from ringbed.cli.files import must_be_writable, write_text

if TYPE_CHECKING:
    from ringbed.hw.errata.erratum import Erratum

__all__ = ["app"]

NICS = ("em",)

app = typer.Typer(
    help="The bug lab: documented bugs of real NICs, emulated in RTL, off until they are switched on.\n\n"
    "`ringbed errata list` names them, `ringbed errata show ID` says what one is and which conditions it has. They are "
    "switched on with `--erratum ID` of `demo`, `serve`, `guest` and `replay`, with `open_host(errata={ID: {}})` of "
    "`ringbed.lab`, or in a test with the marker `ringbed(errata={ID: {}})`. A condition is another number for what "
    "triggers it: `--erratum tx-stall-32-bytes:length=40,every=3`.",
    no_args_is_help=True,
)

Nic = Annotated[str, typer.Option("--nic", metavar="NAME", help="The NIC whose lab it is: em.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write all that is known as JSON; - is stdout.")
]


@app.command("list", epilog=EPILOG)
def list_errata(
    nic: Nic = "em",
    category: Annotated[
        str | None, typer.Option(metavar="CATEGORY", help="Only these, such as verdicts, tx_sums, dma or stall.")
    ] = None,
    json: Json = None,
) -> None:
    """The bugs by category: id, taps, and what triggers each."""
    from ringbed.hw.errata.erratum import CATEGORIES

    _must_have_a_lab(nic)
    if category is not None and category not in CATEGORIES:
        raise UserError(f"there is no category {category!r}; there are {', '.join(CATEGORIES)}")
    wanted = [each for each in _all() if category in (None, each.category)]
    if json is not None:
        _write(json, [each.facts() for each in wanted])
        if str(json) == "-":
            return
    for name, words in CATEGORIES.items():
        if group := [each for each in wanted if each.category == name]:
            typer.echo(f"{name}: {words}")
            for each in group:
                typer.echo(f"  {each.id}: {each.trigger}")


@app.command(epilog=EPILOG)
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="As `ringbed errata list` has it.")],
    json: Json = None,
) -> None:
    """What one bug is, what triggers it, its conditions, where it sits, and who wrote of it."""
    from ringbed.hw.errata.asked import erratum_of
    from ringbed.hw.errata.erratum import CATEGORIES, NATURES

    found = erratum_of(name)
    if json is not None:
        _write(json, found.facts())
        if str(json) == "-":
            return
    lines = [
        found.id, "", found.description, "",
        f"category   {found.category}: {CATEGORIES[found.category]}",
        f"trigger    {found.trigger}",
        f"source     {found.source}",
        f"nature     {found.nature}: {NATURES[found.nature]}",
        f"taps       {', '.join(found.taps)}",
    ]  # fmt: skip
    for each in found.conditions:
        lines.append(f"condition  {each.name}={each.default} ({each.unit}, {each.width} bits): {each.meaning}")
    typer.echo("\n".join([*lines, "", f"try it:    ringbed demo --erratum {found.id}"]))


def _all() -> tuple[Erratum, ...]:
    from ringbed.hw.errata.lab import EM_ERRATA

    return EM_ERRATA


def _must_have_a_lab(nic: str) -> None:
    if nic not in NICS:
        raise UserError(f"there is no lab of a NIC {nic!r}; there is {', '.join(NICS)}")


def _write(path: Path, value: Any) -> None:
    import json

    text = json.dumps(value, indent=2) + "\n"
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    must_be_writable(path)
    write_text(path, text)
