"""Options that `ringbed serve` and `ringbed guest` both have: of the card, its wire and what is kept of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ADDRESS",
    "CARD",
    "TAP",
    "Account",
    "Address",
    "Capture",
    "Errata",
    "Perfetto",
    "Record",
    "TapName",
    "Trace",
    "Width",
]

CARD = "em"  # the only one that comes along with a PCI identity
ADDRESS, TAP = "10.77.0.1/24", "ringbed0"

Address = Annotated[
    str, typer.Option(metavar="ADDRESS/BITS", help="Of the far end; the guest takes another of that network.")
]
TapName = Annotated[str, typer.Option(metavar="NAME", help="Of the TAP device.")]
Capture = Annotated[Path | None, typer.Option(metavar="FILE", help="Write what passes the wire, both ways, as pcapng.")]
Trace = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Record a waveform of the card, .fst or .vcd (a second build of the model)."),
]
Perfetto = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the last frames' stages in the card, and the driver's register accesses "
                 "beside them, as a Chrome trace for Perfetto."),
]  # fmt: skip
Record = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write all that enters and leaves the card, for `ringbed replay`."),
]
Width = Annotated[int, typer.Option(metavar="BITS", help="Of the data path: 64, 128, 256 or 512.")]
Errata = Annotated[  # fmt: skip
    list[str] | None,
    typer.Option(
        metavar="ID[:name=value,...]",
        help="Switch a bug of the lab on, with other conditions than its own; may "
        "be given more than once. `ringbed errata list` has them.",
    ),
]
Account = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the account as JSON; - is stdout.")]
