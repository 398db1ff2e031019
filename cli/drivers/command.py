"""`ringbed drivers`: a driver of one's own, begun from one that works."""

from __future__ import annotations

import keyword
import os
import re
import sys
from importlib import resources
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Annotated

import typer

from ringbed.cli.drivers.check import check
from ringbed.cli.errors import EPILOG, UserError
from ringbed.cli.files import must_be_writable, write_text

__all__ = ["app"]

TEMPLATE = "template_nic"
MEANT = ("conftest", "__init__", "__main__")  # names that pytest and Python give a meaning
FILES = (f"{TEMPLATE}.py", f"test_{TEMPLATE}.py")

app = typer.Typer(help="Drivers of your own for ringbed's NICs.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command(epilog=EPILOG)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A Python module's, such as my_nic; the class is MyNic.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the two files go.")] = Path("."),
) -> None:
    """Write NAME.py, a driver of `em` that works, and test_NAME.py, which runs it on the simulated card.

    The driver has a ring each way, interrupts, checksum offload and resets, in some 200 lines of your own; the tests
    send frames of every size, wrap the rings, and ping with a whole stack. `pytest test_NAME.py` runs them.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or keyword.iskeyword(name) or not name.strip("_"):
        raise UserError(f"{name!r} is no name of a Python module: take small letters, digits and _, such as my_nic")
    if name in sys.stdlib_module_names or name in packages_distributions() or name in MEANT:
        raise UserError(f"{name!r} is the name of a module that Python has already: the file would stand before it")
    if name.startswith("test_"):
        raise UserError(f"pytest would take {name}.py for tests: a driver's name begins otherwise")
    targets = [out / file.replace(TEMPLATE, name) for file in FILES]
    for target in targets:
        if os.path.exists(target):
            raise UserError(f"{target} is there already; nothing was written")
        must_be_writable(target)
    for file, target in zip(FILES, targets, strict=True):
        write_text(target, _renamed((resources.files(__package__) / "template" / file).read_text("utf-8"), name))
        typer.echo(f"wrote {target}")
    typer.echo(f"run it: pytest {targets[1]}")


def _renamed(text: str, name: str) -> str:
    return text.replace(TEMPLATE, name).replace(_camel(TEMPLATE), _camel(name))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


app.command(epilog=EPILOG)(check)
