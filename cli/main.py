"""The `ringbed` command. Every sub-command is registered here and lives in a file of its own.

Files of commands import what is heavy (Amaranth, the engines, scapy) inside their functions: `--help` stays quick.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer

from ringbed.cli.bench.command import bench
from ringbed.cli.conformance import command as conformance
from ringbed.cli.demo.command import demo
from ringbed.cli.drivers import command as drivers
from ringbed.cli.dut import command as dut
from ringbed.cli.errata import command as errata
from ringbed.cli.errors import EPILOG, Exit, UserError, explain
from ringbed.cli.guest.command import guest
from ringbed.cli.mutate.command import mutate
from ringbed.cli.nic import command as nic
from ringbed.cli.replay.command import replay
from ringbed.cli.serve.command import serve

__all__ = ["app", "main"]

INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(
    name="ringbed",
    help="Emulated hardware NICs as real RTL, their drivers, and a BSD-style network stack above them.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # paragraphs of a docstring are paragraphs
    pretty_exceptions_enable=False,
)
app.add_typer(nic.app, name="nic")
app.add_typer(dut.app, name="dut")
app.add_typer(drivers.app, name="drivers")
app.add_typer(conformance.app, name="conformance")
app.add_typer(errata.app, name="errata")
app.command(epilog=EPILOG)(demo)
app.command(epilog=EPILOG)(serve)
app.command(epilog=EPILOG)(guest)
app.command(epilog=EPILOG)(replay)
app.command(epilog=EPILOG)(mutate)
app.command(epilog=EPILOG)(bench)


def _version(asked: bool) -> None:
    if asked:
        print(f"ringbed {metadata.version('ringbed')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run one command line (that of the process when None) and exit; only a defect of ringbed shows a traceback."""
    try:
        _run(arguments)
    except SystemExit as end:  # typer takes a Ctrl-C and leaves without a word
        if end.code == INTERRUPTED:
            print("ringbed: interrupted", file=sys.stderr)
        raise
    except Exception as error:
        known = explain(error)
        if known is None:
            raise
        sentence, code = known
        print(f"ringbed: {sentence}", file=sys.stderr)
        sys.exit(code)


def _run(arguments: list[str] | None) -> None:
    """What is printed is out when it ends: a full disk is told of here, not by the interpreter on its way out."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UserError("the folder that this was started in is there no more") from None
    try:
        app(args=arguments)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would be tried again
            if isinstance(error, BrokenPipeError):  # who reads has read enough: ended as typer does where it sees it
                sys.exit(Exit.FINDING)
            raise


if __name__ == "__main__":
    main()
