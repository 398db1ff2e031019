"""`ringbed replay`: a run that `serve` or `guest` recorded, once more, from its file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringbed.cli.errors import Exit, UserError
from ringbed.cli.files import must_all_be_writable
from ringbed.cli.serve.options import Account, Capture, Errata, Trace

__all__ = ["replay"]


def replay(
    recording: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `ringbed serve --record FILE` or `guest --record FILE` wrote.")
    ],
    trace: Trace = None,
    begin: Annotated[
        int, typer.Option("--from", metavar="CLOCK", min=0, help="Where waveform and list begin.")
    ] = 0,
    until: Annotated[
        int | None, typer.Option(metavar="CLOCK", min=1, help="Stop there, not where the recording ends.")
    ] = None,
    capture: Capture = None,
    listing: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Write every access, burst, frame and interrupt of the recording "
                     "with its clock, one a line; - is stdout.")
    ] = None,
    erratum: Errata = None,
    map: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The port map of the card that was recorded, if it has one.")
    ] = None,
    json: Account = None,
) -> None:  # fmt: skip
    """Run a recorded card once more, without the driver, the guest or the wire that it had.

    It gets what it got at the same clocks: register accesses, frames, and what its DMA read. What it does, answers of
    registers, DMA writes, frames and interrupts, is compared with the recording clock by clock, and at the first
    difference it ends. With --trace it leaves a waveform, of the clocks that you are interested in.

    The card is opened as it was. If its RTL has changed since, that is said, and the comparison tells from where on it
    matters; so it does with --erratum, on the lab's card.

    Ends with 1 when there was a difference.
    """
    from ringbed.cli.replay.run import ReplayOptions, run_replay

    if until is not None and until <= begin:
        raise UserError(f"there is no clock from {begin} on and before {until}")
    must_all_be_writable((trace, capture, listing, json), recording, map)
    if map is not None and erratum:
        raise UserError("--erratum is of em's lab, and --map names a card of its own")
    if trace is not None and trace.suffix not in (".fst", ".vcd"):
        raise UserError(f"a waveform is .fst or .vcd, not {trace.name}")
    options = ReplayOptions(recording, trace, begin, until, capture, listing, tuple(erratum or ()), map, json)
    if not run_replay(options):
        raise typer.Exit(Exit.FINDING)
