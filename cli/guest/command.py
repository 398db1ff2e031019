"""`ringbed guest`: a Linux with a card of ours in it, booted under QEMU: its own driver, a shell or a script."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringbed.cli.errors import UserError
from ringbed.cli.files import must_all_be_writable
from ringbed.cli.serve.options import (
    ADDRESS,
    CARD,
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

__all__ = ["GuestWire", "guest"]


class GuestWire(StrEnum):
    """What is on the other end of the card's wire."""

    PEER = "peer"
    KERNEL = "kernel"
    TAP = "tap"


def guest(
    nic: Annotated[str, typer.Option(metavar="NAME", help="A NIC, as `ringbed nic list` names it.")] = CARD,
    run: Annotated[
        Path | None, typer.Option(metavar="SCRIPT", help="Run it by the guest's sh instead of a shell; what it prints "
                                  "is printed, its exit status is the command's.")
    ] = None,
    kernel: Annotated[
        Path | None, typer.Option(metavar="VMLINUZ", help="A kernel of your own; --modules belongs to it.")
    ] = None,
    modules: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Its modules: /lib/modules/VERSION, or a build's.")
    ] = None,
    module: Annotated[
        Path | None, typer.Option(metavar="KO", help="A driver of your own for that kernel, in the place of its own.")
    ] = None,
    parameters: Annotated[str, typer.Option(metavar="WORDS", help="The driver's module gets them.")] = "",
    share: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of yours that the guest has at /share: build outside, "
                                  "load inside.")
    ] = None,
    uml: Annotated[
        bool, typer.Option("--uml", help="In lock step: a User Mode Linux whose clock is the card's, so that a run is "
                           "the same every time, to the nanosecond. Needs --run, and no QEMU.")
    ] = False,
    checker: Annotated[
        bool, typer.Option("--checker", help="Hold the driver to the rules of the card's manual, and tell what it "
                           "breaks.")
    ] = False,
    iommu: Annotated[
        bool, typer.Option("--iommu", help="Give the machine an IOMMU in strict mode, so that each map and unmap of "
                           "the driver is seen, and held to the rules too; implies --checker.")
    ] = False,
    gdb: Annotated[bool, typer.Option("--gdb", help="Wait for a debugger at port 1234 before the first instruction.")]
    = False,
    wire: Annotated[
        GuestWire,
        typer.Option(help="peer: a stack of ringbed's, which answers ARP and ping. kernel: this machine's, in "
                     "a network namespace of its own, which exchanges TCP and UDP too. tap: this machine's, by a TAP "
                     "device of its own network."),
    ] = GuestWire.PEER,
    address: Address = ADDRESS,
    tap: TapName = TAP,
    capture: Capture = None,
    trace: Trace = None,
    record: Record = None,
    perfetto: Perfetto = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hurt link and bus by this plan, or by a record of `demo`.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep what the kernel of a script's guest says.")
    ] = None,
    width: Width = 64,
    erratum: Errata = None,
    json: Account = None,
) -> None:  # fmt: skip
    """Boot a Linux with a NIC's RTL in it, on the driver that Linux has for that card: under QEMU, or as a program.

    A shell comes up on this terminal, and ends with `exit`; or a script is run. No root is needed and no KVM. QEMU from
    10.1 on is this machine's own where it has it. What is not there (QEMU, a kernel with its modules, busybox, ethtool)
    is fetched once by this machine's apt, from Debian 13, and kept in ringbed's cache: about 160 MB. With --uml that is
    Linux's source, from which a kernel is built, in some 7 minutes of processor time.

    At the end comes the account, as of `ringbed serve`.

    Ends with the script's status; with 1 when it is 0 and there was a finding.
    """
    from ringbed.cli.guest.errand import GuestOptions, addresses
    from ringbed.cli.guest.run import run_guest
    from ringbed.cli.serve.run import ServeOptions
    from ringbed.sim.files import kind_of_no_file

    if nic != CARD:
        raise UserError(f"there is no NIC {nic!r} that a guest can have; there is {CARD}")
    if (kernel is None) != (modules is None):
        raise UserError("--kernel and --modules belong together: a kernel loads no module of another")
    for read in (kernel, run, module, faults):
        if read is not None and (kind := kind_of_no_file(read)):
            raise UserError(f"{read}: it is {kind}, and no file")
    for folder in (modules, share):
        if folder is not None and not os.path.isdir(folder):
            raise UserError(f"{folder} is no folder")
    must_all_be_writable((capture, trace, record, perfetto, log, json), kernel, run, module, faults)
    if trace is not None and trace.suffix not in (".fst", ".vcd"):
        raise UserError(f"a waveform is .fst or .vcd, not {trace.name}")
    addresses(address)
    if uml:
        _must_be_repeatable(run, gdb, wire)
        if iommu:
            raise UserError("--iommu is QEMU's: it does not go with --uml, which has --checker")
    serve = ServeOptions(
        Path(), wire.value, address, tap, None, capture, trace, width, tuple(erratum or ()), json, record,
        checker=checker or iommu, iommu=iommu, perfetto=perfetto,
    )  # fmt: skip
    options = GuestOptions(kernel, modules, run, module, parameters, share, gdb, log, faults, serve, uml)
    if uml:
        from ringbed.cli.guest.uml import run_uml

        raise typer.Exit(run_uml(options))
    raise typer.Exit(run_guest(options))


def _must_be_repeatable(run: Path | None, gdb: bool, wire: GuestWire) -> None:
    """Nothing comes in that has this machine's time. Raises UserError."""
    if run is None:
        raise UserError("--uml runs a script, --run: keys that somebody types come at no time of the card's")
    if gdb:
        raise UserError("--gdb is QEMU's: it does not go with --uml")
    if wire is not GuestWire.PEER:
        raise UserError(
            f"--wire {wire.value} is this machine's kernel, which has its own time: it does not go with --uml"
        )
