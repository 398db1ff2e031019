"""`ringbed demo`: real traffic through the driver, the simulated card and the stack, with every frame accounted for."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringbed.cli.errors import Exit, UserError

__all__ = ["Engine", "Wire", "demo"]

YEAR = 366 * 24 * 3600


class Engine(StrEnum):
    """What runs the card's RTL; `auto` is native where a C++ compiler is there."""

    AUTO = "auto"
    NATIVE = "native"
    PYSIM = "pysim"


class Wire(StrEnum):
    """What is on the other end of the card's wire."""

    AUTO = "auto"
    TAP = "tap"
    PCAP = "pcap"


def demo(
    engine: Annotated[
        Engine, typer.Option(help="What runs the RTL: native (compiled, fast), pysim (no compiler needed), auto.")
    ] = Engine.AUTO,
    wire: Annotated[
        Wire,
        typer.Option(help="tap: the Linux kernel pings and exchanges UDP with the stack. pcap: a capture is replayed "
                     "into the card and every verdict compared with scapy's. auto: tap when the kernel allows it."),
    ] = Wire.AUTO,
    pcap: Annotated[
        Path | None, typer.Option(help="A pcap or pcapng to replay instead of the one that comes along; implies "
                                  "--wire pcap.")
    ] = None,
    seconds: Annotated[
        int,
        typer.Option(min=0, max=YEAR, help="Go on with new payloads for so many seconds; the first pass is captured."),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of payloads and damage; the same seed, the same bytes.")] = 1,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hurt link, bus and host as FILE says: a plan in TOML, or the "
                                  "faults.jsonl of a run, which plays the same faults back.")
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Record a waveform beside the capture (a second build of the model).")
    ] = False,
    perfetto: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every frame's stages in the card, and one packet's in "
                                  "the host, as a Chrome trace for Perfetto.")
    ] = None,
    waveform: Annotated[
        bool, typer.Option("--waveform/--no-waveform", help="When a replayed capture disagrees, play it again and "
                           "record a waveform of the frame.")
    ] = True,
    erratum: Annotated[
        list[str] | None, typer.Option(metavar="ID[:name=value,...]", help="Switch a bug of the lab on (`ringbed errata"
                                       "list`): what would you see of it? May be given more than once.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON; - is stdout.")] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the capture and the waveform go.")
    ] = Path("out"),
) -> None:  # fmt: skip
    """Watch real packets climb: wire, NIC in RTL, driver, stack, socket, and back.

    On the TAP device a Linux kernel in a network namespace of its own (root, or any user where user namespaces are
    allowed) pings the stack with payloads of 0 to 1472 bytes and is pinged back, and exchanges UDP datagrams of every
    size both ways; each payload is compared byte for byte. On the pcap wire a capture of two Linux hosts is replayed
    into the card, clean and damaged, and every checksum verdict is compared with scapy's.

    Takes some ten seconds, and at the first run half a minute to a minute more, in which the card's model is built.

    With --faults answers may stay away, and the card's link, bus and interrupts are as bad as the file says; what
    comes must be right all the same, and every frame is accounted for. What happened is written to faults.jsonl.

    Ends with 1 when anything disagreed or was lost.
    """
    from ringbed.cli.demo.run import DemoOptions, run_demo

    if pcap is not None:
        if wire is Wire.TAP:
            raise UserError("--pcap replays a file; it does not go with --wire tap")
        if not os.path.isfile(pcap):
            raise UserError(f"{pcap} is not a file")
        wire = Wire.PCAP
    good = run_demo(
        DemoOptions(
            engine.value,
            wire.value,
            pcap,
            seconds,
            seed,
            trace,
            json,
            out,
            faults,
            perfetto,
            waveform,
            tuple(erratum or ()),
        )  # fmt: skip
    )
    if not good:
        raise typer.Exit(Exit.FINDING)
