"""`ringbed dut test MAP`: the ready test of somebody's block, from its port map alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.dut.known import asked_line, read_known, write_known
from ringbed.cli.dut.results import junit_xml, show, table
from ringbed.cli.dut.waves import check_format, record
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.files import must_all_be_writable, write_text

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.conformance.blocks.case import Case, PausingBlock
    from ringbed.conformance.blocks.device import EngineBlock
    from ringbed.conformance.blocks.run import Report
    from ringbed.hw.formats.block_setup import BlockPorts, Setup
    from ringbed.hw.formats.dut import Dut

__all__ = ["dut_test"]


def dut_test(
    portmap: Annotated[Path, typer.Argument(metavar="MAP", help="The block's port map, a TOML file with [block].")],
    engine: Annotated[str, typer.Option(help="native, cocotb-verilator or cocotb-icarus.")] = "native",
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks the same.")] = 1,
    full: Annotated[bool, typer.Option("--full", help="Every case, not about forty of each kind.")] = False,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Only this kind; may be repeated.")] = None,
    reset_clocks: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, metavar="N", help="Clocks of reset, 64 at least; else the map's reset.clocks."
        ),
    ] = None,
    reset_wait: Annotated[
        int | None, typer.Option(min=0, max=1_000_000, metavar="N", help="Clocks to wait behind it; else reset.wait.")
    ] = None,
    plusarg: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=TEXT]", help="For $test$plusargs and $value$plusargs; may be repeated."),
    ] = None,
    pcap: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the frames of findings go, as pcapng; MAP.pcapng here if not given."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit file, for CI.")] = None,
    waves: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a waveform of the first finding, .fst or .vcd.")
    ] = None,
    expect: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Known findings, of --record: only others end with 1.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write what is found as known, for --expect.")
    ] = None,
) -> None:
    """Test one block of a NIC: what its kind's contract asks, frames of every kind, a sentence for each finding.

    Blocks are of five kinds: transmit checksum, receive checksum, RSS hash, segmentation, pass-through; docs/blocks.md
    has their contracts. Ends with 1 when there are findings; a finding comes again with its seed and its kind.
    """
    from rich.console import Console

    from ringbed.conformance.blocks.types import own_codes
    from ringbed.conformance.references.oracle import require_scapy

    _check_engine(engine)
    require_scapy()
    capture = pcap or Path(f"{portmap.stem}.pcapng")
    must_all_be_writable((capture, junit, waves, save), portmap, expect)
    if waves is not None:
        check_format(waves, engine)
    known = None if expect is None else read_known(expect)
    console = Console()
    with console.status("reading the map ...") as status:
        ready = _ready(portmap, engine, status.update, _Times(reset_clocks, reset_wait), plusarg or ())
        contract = ready.ports.setup.contract.name
        if known is not None:
            known.must_be_of(asked_line(contract, seed, full))
        cases = _cases(ready.ports.setup, seed, full, kind or ())
        block = ready.opened()
    try:
        setup, own = own_codes(block, ready.ports.setup, seed)
        cases = cases if own is None else _cases(setup, seed, full, kind or ())
        report = _ask(console, block, setup, cases, seed)
    finally:
        block.engine.close()
    if own is not None:
        report = replace(report, asked={own.kind: 1} | report.asked, findings=[own, *report.findings])
    if save is not None:
        write_known(save, asked_line(contract, seed, full), report.findings)
    every, report = report, known.unknown(report) if known else report
    console.print(f"{portmap}: {contract}, engine {engine}, seed {seed}", highlight=False, soft_wrap=True)
    console.print(table(report))
    for line in known.told(every) if known else ():
        console.print(line, highlight=False, soft_wrap=True)
    if junit is not None:
        write_text(junit, junit_xml(str(portmap), report))
    if report.findings:
        show(console, report.findings, capture)
        _explain(console, partial(ready.opened, setup), cases, report, waves)
        raise typer.Exit(Exit.FINDING)
    console.print(f"no {'new ' if known else ''}findings in {sum(report.asked.values()):,} cases")


def _check_engine(name: str) -> None:
    from ringbed.sim.engines import FOR_VERILOG

    if name not in FOR_VERILOG:
        raise UserError(f"there is no engine {name!r} for Verilog; there is {', '.join(FOR_VERILOG)}")


@dataclass(frozen=True)
class _Times:
    """Clocks of reset and of waiting behind it; None: what the map says."""

    clocks: int | None
    wait: int | None

    def given(self, dut: Dut) -> Dut:
        return replace(
            dut, reset_clocks=dut.reset_clocks if self.clocks is None else self.clocks,
            reset_wait=dut.reset_wait if self.wait is None else self.wait,
        )  # fmt: skip


@dataclass(frozen=True)
class _Ready:
    """A block that was read, and how it is opened as often as it is needed."""

    ports: BlockPorts
    opened: Callable[..., EngineBlock]  # with its setup, where that is another than the map's


def _ready(
    portmap: Path, engine: str, progress: Callable[[str], None], times: _Times, plusargs: Sequence[str]
) -> _Ready:
    from ringbed.conformance.blocks.device import EngineBlock
    from ringbed.sim.dut.block import block_spec, read_block
    from ringbed.sim.engines import open_engine
    from ringbed.sim.seam.settings import plusargs_of

    dut, rtl, ports = read_block(portmap)
    dut = times.given(dut)
    try:
        words = plusargs_of(plusargs)
    except ValueError as error:
        raise UserError(str(error)) from None
    spec = block_spec(dut, rtl, ports)

    def opened(setup: Setup = ports.setup) -> EngineBlock:
        device = open_engine(engine, spec, progress=progress, plusargs=words)
        return EngineBlock(device, replace(ports, setup=setup), dut)

    return _Ready(ports, opened)


def _cases(setup: Setup, seed: int, full: bool, kinds: Sequence[str]) -> dict[str, list[Case]]:
    from ringbed.conformance.blocks.run import PAUSED, Amount, questions

    amount = Amount.FULL if full else Amount.QUICK
    try:
        return questions(setup, seed, amount, [kind.removesuffix(PAUSED) for kind in kinds])
    except ValueError as error:
        raise UserError(str(error)) from None


def _explain(
    console: Console, opened: Callable[[], EngineBlock], cases: dict[str, list[Case]], report: Report,
    waves: Path | None,
) -> None:  # fmt: skip
    """What the wrong cases have in common, and the waveform of the first."""
    from ringbed.conformance.blocks.common import in_common
    from ringbed.conformance.blocks.run import PAUSED

    told = [f"in common: {shared}" for shared in in_common(cases, report)]
    first = next((each for each in report.findings if each.kind.removesuffix(PAUSED) in cases), None)
    if waves is not None and first is not None:
        with console.status("recording the first finding ..."):
            told.append(record(opened, cases[first.kind.removesuffix(PAUSED)], first, waves))
    for line in told:
        console.print(line, highlight=False, soft_wrap=True)


def _ask(
    console: Console, block: PausingBlock, setup: Setup, cases: dict[str, list[Case]], seed: int
) -> Report:  # fmt: skip
    from rich.progress import Progress

    from ringbed.conformance.blocks.run import ROUNDS, ask_twice

    with Progress(console=console, transient=True) as bars:
        task = bars.add_task("", total=ROUNDS * sum(map(len, cases.values())))

        def progress(kind: str, done: int) -> None:
            bars.update(task, advance=done, description=kind)

        return ask_twice(block, setup, cases, seed, progress)
