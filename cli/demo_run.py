"""The demo's run: which wire, which engine, then the figures, for a person and as rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringbed.cli.demo_show import account_table, exchange_table, facts_table, journey_table, sums, verdict_text
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.report import Bar, Row, write_json
from ringbed.hw.formats import em
from ringbed.sim.account import lost
from ringbed.sim.testbed import account, open_host

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.conformance.replay import Disagreement
    from ringbed.sim.host import Host
    from ringbed.sim.netns import KernelHost
    from ringbed.stack.ifq import Ifiq, Ifq

__all__ = ["DemoOptions", "run_demo"]

PASS = range(1473)  # UDP and ICMP payload bytes that fit a 1500-byte packet
SAMPLE = (0, 1, 2, 17, 18, 19, 56, 255, 256, 1471, 1472)
SHOWN = 20  # disagreements printed in full
INTERRUPT_NS = 2_000  # from the interrupt line to the driver: an ordinary host's latency
ORACLE_SEEDS = 5  # damaged copies of each kind and place


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The command line."""

    engine: str
    wire: str
    pcap: Path | None
    seconds: int
    seed: int
    trace: bool
    json: Path | None
    out: Path


def run_demo(options: DemoOptions) -> bool:
    """Run, print, write; whether everything agreed and nothing was lost. Raises what `cli/errors.py` explains."""
    from rich.console import Console

    console = Console()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{options.out} cannot be made a folder: {error.strerror}") from error
    with ExitStack() as stack:
        kernel = _kernel(options, stack, console)
        rows = _tap(options, kernel, stack, console) if kernel else _pcap(options, stack, console)
    if options.json is not None:
        write_json(options.json, rows)
    good = all(row.ok for row in rows)
    console.print("[green]Everything agrees, nothing is lost.[/]" if good else "[bold red]Something disagrees.[/]")
    return good


def _kernel(options: DemoOptions, stack: ExitStack, console: Console) -> KernelHost | None:
    """A Linux kernel on a TAP device, unless asked otherwise or, with `auto`, not to be had."""
    from ringbed.sim.netns import KernelHost
    from ringbed.sim.tap import TapUnavailable

    if options.wire == "pcap":
        return None
    try:
        return stack.enter_context(KernelHost.create("10.77.0.1/24"))
    except TapUnavailable as why:
        if options.wire == "tap":
            raise
        console.print(f"wire pcap, not tap: {why}")
        return None


def _open(options: DemoOptions, upper: Any, stack: ExitStack, console: Console, **settings: Any) -> Host[Any]:
    """The card on its engine, driver attached and up; the first build of the model takes a while and says so."""
    from ringbed.sim.clock import Frequency

    with console.status("building the card's model ...") as status:
        host = open_host(
            "em0", upper, engine=options.engine, irq_hold=Frequency().clocks(INTERRUPT_NS),
            say=console.print, progress=lambda text: status.update(f"{text} ..."), **settings,
        )  # fmt: skip
    stack.callback(host.engine.close)
    if options.trace:
        path = options.out / ("em0.fst" if host.engine.kind == "native" else "em0.vcd")
        host.engine.trace(path)
        stack.callback(host.engine.trace, None)
    host.up()
    return host


def _tap(options: DemoOptions, kernel: KernelHost, stack: ExitStack, console: Console) -> list[Row]:
    from ringbed.cli.demo_tap import STACK, CountingUpper, TapDemo
    from ringbed.sim.capture import CaptureWriter
    from ringbed.stack.ifconfig import attach_line, ifconfig
    from ringbed.stack.netstat import netstat_ss
    from ringbed.stack.stack import Stack

    upper = CountingUpper(Stack("ringbed"))
    upper.verdicts = Counter()
    host = _open(options, upper, stack, console)
    upper.ifd.add_ifl().add_iff().add_ifa(f"{STACK}/24")
    slow = host.engine.kind == "pysim"
    if slow:
        console.print(f"engine pysim: {len(SAMPLE)} sizes of {len(PASS)} are sampled")
    console.print(attach_line(upper.ifd), highlight=False, soft_wrap=True)
    capture = stack.enter_context(CaptureWriter(options.out / "demo.pcapng"))
    demo = TapDemo(host, kernel, capture, list(SAMPLE if slow else PASS), 60.0 if slow else 10.0)
    before = kernel.call("counters")
    clocks, begin = host.engine.now, time.monotonic()
    _passes(options, demo.one_pass, console)
    demo.settle()
    took, clocks = time.monotonic() - begin, host.engine.now - clocks
    after = kernel.call("counters")
    bad_sums = sum(after[group]["InCsumErrors"] - before[group]["InCsumErrors"] for group in ("Icmp", "Udp", "Tcp"))
    console.print(ifconfig(upper.ifd.ifls[0]), highlight=False)
    console.print(exchange_table(demo.results.values()))
    queues: list[Ifiq | Ifq] = [*upper.ifd.ifiqs, *upper.ifd.ifqs]
    frames, size = sum(queue.packets for queue in queues), sum(queue.bytes for queue in queues)
    facts = [*_facts(host, frames, size, clocks, took),
             *verdict_text(upper.verdicts), *sums(upper.stack),
             ("bad sums seen by the kernel", f"{bad_sums:,}")]  # fmt: skip
    console.print(facts_table("What it took", facts))
    legs = account(host)
    console.print(account_table(legs))
    if demo.follower.journey is not None:
        console.print(journey_table(demo.follower.journey))
    console.print("netstat -ss")
    console.print(netstat_ss(upper.stack), highlight=False)
    console.print(f"capture: {options.out / 'demo.pcapng'} ({capture.frames:,} frames; Wireshark opens it)")
    results = demo.results.values()
    disagreements = sum(result.disagreements for result in results) + bad_sums + _findings(host, console)
    return _rows(frames, disagreements, lost(legs) + sum(len(r.lost) for r in results), took)


def _passes(options: DemoOptions, one_pass: Callable[[int, Any], bool], console: Console) -> None:
    """One pass, then more of them while there is time, each with payloads of its own."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    end = time.monotonic() + options.seconds
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        number = 0
        while one_pass(options.seed + number, progress) and time.monotonic() < end:
            number += 1


def _pcap(options: DemoOptions, stack: ExitStack, console: Console) -> list[Row]:
    from ringbed.cli.demo_pcap import ReplayCard
    from ringbed.sim.capture import CaptureWriter
    from ringbed.sim.host import Collector

    frames = _frames(options, console)
    host = _open(options, Collector(), stack, console)
    host.driver.set_promiscuous(True)
    if host.engine.kind == "pysim":
        console.print(f"engine pysim: one frame of each kind is sampled, of {len(frames)}")
        frames = _one_of_each(frames)
    capture = stack.enter_context(CaptureWriter(options.out / "demo.pcapng"))
    clocks, begin = host.engine.now, time.monotonic()
    found, sent, card = _replays(options, host, capture, frames, console, ReplayCard)
    took, clocks = time.monotonic() - begin, host.engine.now - clocks
    size = sum(len(frame) for frame in frames)
    console.print(facts_table("What it took", [*_facts(host, sent, size, clocks, took), *verdict_text(card.verdicts)]))
    legs = account(host)
    console.print(account_table(legs))
    for disagreement in found[:SHOWN]:
        console.print(f"[red]{disagreement}[/]", highlight=False)
    console.print(f"{sent:,} verdicts and packet checksums compared with scapy's, {len(found)} disagree")
    console.print(f"capture: {options.out / 'demo.pcapng'} ({capture.frames:,} frames; Wireshark opens it)")
    return _rows(sent, len(found) + _findings(host, console), lost(legs), took)


def _frames(options: DemoOptions, console: Console) -> list[bytes]:
    """The capture to replay; what is broken in it is said and left out."""
    from ringbed.conformance import frames
    from ringbed.conformance.oracle import require_scapy
    from ringbed.sim.replay import read_capture

    try:
        require_scapy()
    except ImportError as error:
        raise UserError(str(error), Exit.ENVIRONMENT) from error
    if options.pcap is None:
        return frames.captured()
    capture = read_capture(options.pcap)
    if capture.broken:
        console.print(f"{options.pcap}: {capture.broken}; the {len(capture.frames)} frames before are used")
    usable = [frame.frame for frame in capture.frames if frame.whole]
    if not usable:
        raise UserError(f"{options.pcap} holds no whole Ethernet frame")
    return usable


def _one_of_each(frames: list[bytes]) -> list[bytes]:
    from ringbed.conformance.anatomy import dissect

    return list({dissect(frame).name: frame for frame in reversed(frames)}.values())[::-1]


def _replays(
    options: DemoOptions, host: Host[Any], capture: Any, frames: list[bytes], console: Console, kind: Any
) -> tuple[list[Disagreement], int, Any]:
    """The frames as they are, then a damaged copy of each kind in each place; the FCS is right in all of them."""
    from rich.progress import Progress

    from ringbed.conformance.damage import damaged_copies
    from ringbed.conformance.oracle import Oracle
    from ringbed.conformance.replay import check_replay

    each = 1 if host.engine.kind == "pysim" else ORACLE_SEEDS
    rounds = [("clean", frames), ("damaged", [bad.frame for bad in damaged_copies(frames, options.seed, each)])]
    oracle = Oracle(pcss=host.engine.peek(em.REGISTERS["RXCSUM"].offset) & em.REGISTERS["RXCSUM"]["PCSS"].mask)
    found: list[Disagreement] = []
    sent, end, seed = 0, time.monotonic() + options.seconds, options.seed
    with Progress(console=console) as bars:
        card: Any = None
        while rounds:
            name, batch = rounds.pop(0)
            task = bars.add_task(f"{name} frames", total=len(batch))
            step = lambda count, task=task: bars.advance(task, count)  # noqa: E731
            card = kind(host, capture, step) if card is None else card.again(step)
            found += check_replay(card, batch, oracle)
            sent += len(batch)
            if not rounds and time.monotonic() < end:
                seed += 1
                rounds.append((f"damaged, seed {seed}", [bad.frame for bad in damaged_copies(frames, seed, each)]))
    return found, sent, card


def _facts(host: Host[Any], frames: int, size: int, clocks: int, took: float) -> list[tuple[str, str]]:
    stats = host.engine.stats()
    return [
        ("engine", host.engine.kind),
        ("frames", f"{frames:,}"),
        ("bytes", f"{size:,}"),
        ("wall time", f"{took:.2f} s"),
        ("frames per second", f"{frames / took:,.0f}"),
        ("clocks of the card (125 MHz)", f"{clocks:,}"),
        ("of them simulated one by one", f"{stats.clocks:,}"),
        ("interrupts", f"{host.interrupts:,}"),
    ]


def _findings(host: Host[Any], console: Console) -> int:
    """What the bus checker and the memory saw the card do wrong."""
    findings = host.engine.findings()
    for finding in findings[:SHOWN]:
        console.print(f"[red]clock {finding.clock}: {finding.rule}: {finding.text}[/]", highlight=False)
    return len(findings)


def _rows(frames: int, disagreements: int, gone: int, took: float) -> list[Row]:
    return [
        Row("demo.frames", frames, "frames", Bar(">=", 1)),
        Row("demo.disagreements", disagreements, "", Bar("==", 0)),
        Row("demo.lost", gone, "frames", Bar("==", 0)),
        Row("demo.seconds", round(took, 3), "s"),
    ]
