"""The demo's run: which wire, then the figures for a person and as rows."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from ringbed.cli.demo.common import RECORD, DemoOptions, say_faults
from ringbed.cli.errors import UserError
from ringbed.cli.files import must_all_be_writable, must_be_writable
from ringbed.cli.report import write_json

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.cli.report import Row
    from ringbed.sim.kernel.netns import KernelHost
    from ringbed.sim.testbed.faults import Faults

__all__ = ["DemoOptions", "run_demo"]


def run_demo(options: DemoOptions) -> bool:
    """Run, print, write; whether everything agreed and nothing was lost. Raises what `cli/errors.py` explains."""
    from rich.console import Console

    console = Console(stderr=str(options.json) == "-")  # figures alone on standard output
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{options.out} cannot be made a folder: {error.strerror}") from error
    must_all_be_writable((options.out / "demo.pcapng", options.json, options.perfetto), options.pcap)
    faults = _faults(options)
    if options.errata:
        from ringbed.hw.errata.asked import parse_errata

        parse_errata(options.errata)  # said before a card is built
    with ExitStack() as stack:
        try:
            rows = _run(options, faults, stack, console)
        except BaseException:
            if faults.records():  # what happened up to here can be played back
                faults.stop()
                say_faults(options, faults, console)
            raise
    if options.faults is not None:
        say_faults(options, faults, console)
    if options.json is not None:
        write_json(options.json, rows)
    good = all(row.ok for row in rows)
    console.print("[green]Everything agrees, nothing is lost.[/]" if good else "[bold red]Something disagrees.[/]")
    return good


def _run(options: DemoOptions, faults: Faults, stack: ExitStack, console: Console) -> list[Row]:
    kernel = _kernel(options, stack, console)
    if kernel is not None:
        from ringbed.cli.demo.live import run_tap

        return run_tap(options, faults, kernel, stack, console)
    from ringbed.cli.demo.replay import run_pcap

    return run_pcap(options, faults, stack, console)


def _faults(options: DemoOptions) -> Faults:
    """The faults asked for; none otherwise. Their record must be writable before they happen."""
    from ringbed.sim.faults.plan import FaultPlan, load_plan
    from ringbed.sim.testbed.faults import Faults

    if options.faults is None:
        return Faults(FaultPlan())
    must_be_writable(options.out / RECORD)
    return Faults(load_plan(options.faults))


def _kernel(options: DemoOptions, stack: ExitStack, console: Console) -> KernelHost | None:
    """A Linux kernel on a TAP device, unless asked otherwise or, with `auto`, not to be had."""
    from ringbed.sim.kernel.netns import KernelHost
    from ringbed.sim.kernel.tap import TapUnavailable

    if options.wire == "pcap":
        return None
    try:
        return stack.enter_context(KernelHost.create("10.77.0.1/24"))
    except TapUnavailable as why:
        if options.wire == "tap":
            raise
        console.print(f"wire pcap, not tap: {why}")
        return None
