"""`ringbed serve`: a card of ours as a PCI device of a virtual machine, for the driver of its operating system."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringbed.cli.errors import Exit, UserError
from ringbed.cli.files import must_all_be_writable
from ringbed.cli.serve.options import (
    ADDRESS,
    TAP,
    Account,
    Address,
    Capture,
    Errata,
    Perfetto,
    Record,
    TapName,
    Trace,
    Width,
)

__all__ = ["FarEnd", "serve"]


class FarEnd(StrEnum):
    """What is on the other end of the card's wire."""

    PEER = "peer"
    TAP = "tap"
    PCAP = "pcap"


def serve(
    name: Annotated[
        str, typer.Argument(metavar="NIC", help="A name, as `ringbed nic list` has it, or a port map with a [pci], a "
                            ".toml file.")
    ],
    vfio_user: Annotated[
        Path, typer.Option("--vfio-user", metavar="SOCKET", help="The Unix socket to be served at; it is made, for its "
                           "owner alone.")
    ],
    wire: Annotated[
        FarEnd,
        typer.Option(help="peer: a stack of ringbed's, which answers ARP and ping. tap: this machine's kernel, by a TAP"
                     " device (root, or in a namespace of your own). pcap: nobody; --pcap is played, --capture keeps."),
    ] = FarEnd.PEER,
    address: Address = ADDRESS,
    tap: TapName = TAP,
    pcap: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play its frames into the card once the card has sent one, some "
                                  "20 us apart; implies --wire pcap.")
    ] = None,
    capture: Capture = None,
    trace: Trace = None,
    record: Record = None,
    perfetto: Perfetto = None,
    width: Width = 64,
    erratum: Errata = None,
    json: Account = None,
) -> None:  # fmt: skip
    """Serve a NIC's RTL as a PCI device, by the vfio-user protocol, until Ctrl-C: ringbed's, or yours by its port map.

    QEMU from 10.1 on takes it as a device of a virtual machine, and the driver of the operating system in there drives
    it: every register access comes to the RTL, every DMA of the RTL goes to the machine's memory. The line for QEMU is
    printed. A client that leaves, or is killed, makes room for the next; the card is reset then, its record goes on.

    Time in the card is simulated: it follows the wall's while the card is idle and lags behind while it works.

    At the end comes the account: clients, frames, interrupts, accesses, and what the checkers on the card's bus found.

    Ends with 1 when there was a finding.
    """
    from ringbed.cli.serve.card import is_map
    from ringbed.cli.serve.run import ServeOptions, run_serve

    if pcap is not None:
        if wire is FarEnd.TAP:
            raise UserError("--pcap plays a file; it does not go with --wire tap")
        wire = FarEnd.PCAP
    must_all_be_writable(
        (vfio_user, capture, trace, record, perfetto, json), pcap, Path(name) if is_map(name) else None
    )
    if trace is not None and trace.suffix not in (".fst", ".vcd"):
        raise UserError(f"a waveform is .fst or .vcd, not {trace.name}")
    options = ServeOptions(
        vfio_user, wire.value, address, tap, pcap, capture, trace, width, tuple(erratum or ()), json, record, name,
        perfetto=perfetto,
    )  # fmt: skip
    if not run_serve(options):
        raise typer.Exit(Exit.FINDING)
