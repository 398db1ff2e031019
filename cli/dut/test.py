"""`ringbed dut test MAP`: the ready test of somebody's block, from its port map alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from xml.etree import ElementTree

import typer

from ringbed.cli.dut.waves import check_format, record
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.files import must_be_writable, write_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ringbed.conformance.blocks.case import Case, Finding, PausingBlock
    from ringbed.conformance.blocks.device import EngineBlock
    from ringbed.conformance.blocks.run import Report
    from ringbed.hw.formats.block_setup import Setup

__all__ = ["dut_test", "junit_xml", "write_capture"]

SHOWN = 20  # findings that are printed


def dut_test(
    portmap: Annotated[Path, typer.Argument(metavar="MAP", help="The block's port map, a TOML file with [block].")],
    engine: Annotated[str, typer.Option(help="native, cocotb-verilator or cocotb-icarus.")] = "native",
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks the same.")] = 1,
    full: Annotated[bool, typer.Option("--full", help="Every case, not about forty of each kind.")] = False,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Only this kind; may be repeated.")] = None,
    reset_clocks: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="Clocks of reset; else the map's reset.clocks."),
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
) -> None:
    """Test one block of a NIC: what its kind's contract asks, frames of every kind, a sentence for each finding.

    Blocks are of four kinds: transmit checksum, receive checksum, RSS hash, segmentation; docs/blocks.md has their
    contracts. Ends with 1 when there are findings; a finding comes again with its seed and its kind.
    """
    from rich.console import Console

    from ringbed.conformance.blocks.device import EngineBlock
    from ringbed.conformance.blocks.run import PAUSED, Amount, questions
    from ringbed.conformance.references.oracle import require_scapy
    from ringbed.sim.dut.block import block_spec, read_block
    from ringbed.sim.engines import FOR_VERILOG, open_engine
    from ringbed.sim.seam.settings import plusargs_of

    if engine not in FOR_VERILOG:
        raise UserError(f"there is no engine {engine!r} for Verilog; there is {', '.join(FOR_VERILOG)}")
    require_scapy()
    capture = pcap or Path(f"{portmap.stem}.pcapng")
    for path in filter(None, (capture, junit, waves)):
        must_be_writable(path, portmap)
    if waves is not None:
        check_format(waves, engine)
    console = Console()
    with console.status("reading the map ...") as status:
        dut, rtl, ports = read_block(portmap)
        dut = replace(
            dut, reset_clocks=dut.reset_clocks if reset_clocks is None else reset_clocks,
            reset_wait=dut.reset_wait if reset_wait is None else reset_wait,
        )  # fmt: skip
        try:
            words = plusargs_of(plusarg or ())
            kinds = [each.removesuffix(PAUSED) for each in kind or ()]
            cases = questions(ports.setup, seed, Amount.FULL if full else Amount.QUICK, kinds)
        except ValueError as error:
            raise UserError(str(error)) from None
        spec = block_spec(dut, rtl, ports)

        def opened() -> EngineBlock:
            return EngineBlock(open_engine(engine, spec, progress=status.update, plusargs=words), ports, dut)

        block = opened()
    try:
        report = _ask(console, block, ports.setup, cases, seed)
    finally:
        block.engine.close()
    named = f"{portmap}: {ports.setup.contract.name}, engine {engine}, seed {seed}"
    console.print(named, highlight=False, soft_wrap=True)
    console.print(_table(report))
    if junit is not None:
        write_text(junit, junit_xml(str(portmap), report))
    if report.findings:
        _show(console, report.findings, capture)
        _explain(console, opened, cases, report, waves)
        raise typer.Exit(Exit.FINDING)
    console.print(f"no findings in {sum(report.asked.values()):,} cases")


def _explain(
    console: Console, opened: Callable[[], EngineBlock], cases: dict[str, list[Case]], report: Report,
    waves: Path | None,
) -> None:  # fmt: skip
    """What the wrong cases have in common, and the waveform of the first."""
    from ringbed.conformance.blocks.common import in_common
    from ringbed.conformance.blocks.run import PAUSED

    told = [f"in common: {shared}" for shared in in_common(cases, report)]
    if waves is not None:
        first = report.findings[0]
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


def _table(report: Report) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ringbed.conformance.blocks.run import PAUSED

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("kind of case")
    shown.add_column("asked", justify="right")
    shown.add_column("wrong", justify="right")
    shown.add_column("with pauses", justify="right")
    for kind, asked in report.asked.items():
        if not kind.endswith(PAUSED):
            wrong = [report.wrong(each) for each in (kind, kind + PAUSED)]
            counts = [f"[bold red]{count:,}[/]" if count else "0" if asked else "-" for count in wrong]
            shown.add_row(kind, f"{asked:,}" if asked else "none fits", *counts)
    return shown


def _show(console: Console, findings: Sequence[Finding], capture: Path) -> None:
    from rich.markup import escape

    for finding in _some(findings):
        console.print(f"[red]{escape(str(finding))}[/]", highlight=False, soft_wrap=True)
    if len(findings) > SHOWN:
        console.print(f"... and {len(findings) - SHOWN:,} more")
    if any(finding.sent or finding.came for finding in findings):
        write_capture(capture, findings)
        console.print(f"{capture}: the frames of all {len(findings):,} findings", highlight=False, soft_wrap=True)


def _some(findings: Sequence[Finding]) -> list[Finding]:
    """As many as are shown: in front what no block may do, once each, which mostly explains the rest; of kinds some."""
    rules: dict[str, Finding] = {}
    for finding in findings:
        if finding.of_batch:
            rules.setdefault(finding.what.partition(" (")[0], finding)
    turns, seen = list[tuple[int, int]](), dict[str, int]()
    for number, finding in enumerate(findings):
        if not finding.of_batch:
            seen[finding.kind] = seen.get(finding.kind, 0) + 1
            turns.append((seen[finding.kind], number))
    chosen = sorted(number for _, number in sorted(turns)[: SHOWN - len(rules)])
    return [*rules.values(), *(findings[number] for number in chosen)]


def write_capture(path: Path, findings: Sequence[Finding]) -> None:
    """A pcapng of what went in and, where something did, what came out; each with the finding as its comment.

    Times only keep the order: a microsecond a finding.
    """
    from ringbed.sim.wire.capture import CaptureWriter, Direction

    with CaptureWriter(path, "ringbed dut test") as capture:
        block = capture.interface("block", "frames into and out of the block, without FCS", with_fcs=False)
        for number, finding in enumerate(findings):
            order = ", ".join(f"{name} {value}" for name, value in finding.command.items())
            comments = [str(finding)] + ([f"command: {order}"] if order else [])
            if finding.sent:
                capture.write(block, finding.sent, 1000 * number, Direction.IN, comments)
            if finding.came:
                capture.write(block, finding.came, 1000 * number + 500, Direction.OUT, comments)


def junit_xml(name: str, report: Report) -> str:
    """A test case of each kind; a failure's text is its findings, one a line."""
    wrong = {kind: [finding for finding in report.findings if finding.kind == kind] for kind in report.asked}
    counts = {"tests": len(wrong), "failures": sum(map(bool, wrong.values())), "errors": 0,
              "skipped": sum(not asked for asked in report.asked.values())}  # fmt: skip
    suite = ElementTree.Element("testsuite", {"name": name} | {word: str(count) for word, count in counts.items()})
    ElementTree.SubElement(ElementTree.SubElement(suite, "properties"), "property", name="seed", value=str(report.seed))
    for kind, findings in wrong.items():
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=kind)
        if not report.asked[kind]:
            ElementTree.SubElement(case, "skipped", message="no case of this kind fits the block")
        if findings:
            failure = ElementTree.SubElement(case, "failure", message=findings[0].words)
            failure.text = "\n".join(map(str, findings))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
