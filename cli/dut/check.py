"""`ringbed dut check MAP`: what a port map says, held against what the Verilog has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import Exit
from ringbed.cli.synth_output import LIMIT_MOST, set_up_told
from ringbed.hw.formats.number import several

if TYPE_CHECKING:
    from rich.table import Table

    from ringbed.sim.dut.map import Reader

__all__ = ["dut_check"]


def dut_check(
    portmap: Annotated[Path, typer.Argument(metavar="MAP", help="The port map, a TOML file; docs/port-map.md.")],
    limit: Annotated[
        float, typer.Option(min=0, max=LIMIT_MOST, metavar="SECONDS", help="For Yosys, which finds clocks and resets.")
    ] = 25,  # so that all of it is within half a minute
) -> None:
    """Show what a port map makes of your Verilog: buses, clocks, resets, pins, and every port with its use.

    Each mistake is one sentence: a port that is missing, has another width or direction, or is named twice; an input
    that nothing drives, or an output; a clock that flip-flops use and the map does not name; a bus whose flip-flops run
    on another clock than the map says; a reset the other way round. C beside it is compiled, and must have what the
    Verilog imports. The last line is the verdict: the map fits; it fits, and clocks and resets are not checked, with
    the reason; or it is incomplete, where an input has no use yet. Ends with 1 when there is a mistake, or the map is
    incomplete; with 2 when a tool does not take your Verilog or C.
    """
    from rich.console import Console

    from ringbed.sim.dut.block import reader_of
    from ringbed.sim.dut.findings import netlist_problems, silent_ties
    from ringbed.sim.yosys.netlist import NetlistUnknown

    reader = reader_of(portmap)
    console = Console()
    for table in (_buses(reader), _ports(reader)):
        console.print(table)
    problems, verdict = list(reader.problems), f"{portmap} fits {reader.top}"
    if not (problems or reader.dut.buses() or reader.block):
        problems = ["a map has one of registers, dma, wire.rx and wire.tx: of this card nothing could be asked"]
    open_inputs = list(silent_ties(reader)) if not problems else []
    if not problems and not open_inputs:
        verdict += _of_the_c(reader)
        try:
            with set_up_told(console), console.status("clocks and resets, by Yosys ..."):
                problems = netlist_problems(reader.dut, reader.rtl, limit, reader.block)
        except NetlistUnknown as error:
            verdict += f"; clocks and resets not checked, because {error}"
    for problem in (*problems, *open_inputs):
        console.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
    if open_inputs or (problems and reader.open_inputs == problems):
        verdict = f"{portmap} is incomplete"
    elif problems:
        raise typer.Exit(Exit.FINDING)
    console.print(verdict, markup=False, highlight=False, soft_wrap=True)
    if problems or open_inputs:
        raise typer.Exit(Exit.FINDING)


def _of_the_c(reader: Reader) -> str:
    """For the verdict, where it could not be looked at. Raises SourceError for C that does not do."""
    from ringbed.sim.native.c_sources import check_c
    from ringbed.sim.native.toolchain import ToolchainMissing

    try:
        check_c(reader.rtl, reader.foreign)
    except ToolchainMissing as error:
        return f"; C not checked, because {error}"
    return ""


def _buses(reader: Reader) -> Table:
    from rich.table import Table

    from ringbed.sim.dut.pci import told

    table = Table("part", "what", "clock", title=f"{reader.top}, as {reader.path.name} has it", title_justify="left")
    dut = reader.dut
    table.add_row("clock", dut.clock, "")
    for clock in dut.clocks:
        late = f", {clock.phase:g} of its period later" if clock.phase else ""
        edge = ", falling edges" if clock.falling else ""
        what = f"{clock.num}/{clock.den} of {dut.clock}{late}{edge}"
        table.add_row("clock", f"{clock.port}, {_if_clear(reader, f'clocks.{clock.port}', what)}", "")
    for reset in dut.resets:
        where = f"resets.{reset.port}" if f"resets.{reset.port}" in reader.unclear else "reset"
        what = _if_clear(reader, where, f"active {'high' if reset.active_high else 'low'}")
        table.add_row("reset", f"{reset.port}, {what}", reset.clock or dut.clock)
    for name, bus in dut.buses().items():
        widths = f"{bus.data_width} bits of data" + (f", {bus.addr_width} of address" if bus.addr_width else "")
        table.add_row(name, _if_clear(reader, name, f"{bus.kind}, {widths}"), bus.clock or dut.clock)
    if dut.line is not None:
        what = _if_clear(reader, "interrupts", several(dut.line.width, "bit"))
        table.add_row("interrupts", f"{dut.line.port}, {what}", dut.clock)
    for pin in dut.pins:
        what = _if_clear(reader, f"pins.{pin.name}", f"{several(pin.width, 'bit')} {pin.dir}")
        table.add_row("pin", f"{pin.name}, {what}", "")
    if "pci" in reader.data:
        table.add_row("pci", _if_clear(reader, "pci", "" if reader.pci is None else told(reader.pci)), "")
    for parameter, value in dut.parameters.items():
        table.add_row("parameter", f"{parameter} = {value!r}", "")
    return table


def _if_clear(reader: Reader, where: str, what: str) -> str:
    """What a table of the map says, unless a value of it is wrong: a default in its place would look meant."""
    return "not clear, see below" if where in reader.unclear else what


def _ports(reader: Reader) -> Table:
    from rich.table import Table

    table = Table("port", "bits", "", "use", title=f"ports of {reader.top}", title_justify="left")
    for port in reader.ports.values():
        without = "not clear yet" if reader.doubtful else "nothing" if port.dir == "in" else "left open"
        use = reader.used.get(port.name, without)
        table.add_row(port.name, str(port.width), port.dir, use)
    return table
