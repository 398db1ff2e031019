"""The demo with a Linux kernel on the wire: run, and shown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ringbed.cli.demo.common import DemoOptions, facts, findings, open_card, result_rows, sampled, write_traces
from ringbed.cli.demo.journey import StageBook
from ringbed.cli.demo.show import account_table, exchange_table, facts_table, journey_table, sums, verdict_text
from ringbed.cli.demo.tap import STACK, CountingUpper, TapDemo
from ringbed.cli.report import Row
from ringbed.sim.testbed.accounting import Leg, lost
from ringbed.sim.testbed.assembly import account
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.stack.ctl.ifconfig import attach_line, ifconfig
from ringbed.stack.ctl.kstat import kstat
from ringbed.stack.ctl.netstat import netstat_ss
from ringbed.stack.kern.ifq import Ifiq, Ifq
from ringbed.stack.stack import Stack

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.sim.kernel.netns import KernelHost

__all__ = ["run_tap"]

PASS = range(1473)  # UDP and ICMP payload bytes that fit a 1500-byte packet
FAULTY, FAULTY_PATIENCE = 100, 2.0  # sizes of a pass, seconds: a stopped queue takes one to be noticed
SETTLE_NS, REPAIR_NS = 300_000_000, 3_000_000_000
SAMPLE = (0, 1, 2, 17, 18, 19, 56, 255, 256, 1471, 1472)


def run_tap(options: DemoOptions, faults: Faults, kernel: KernelHost, stack: ExitStack, console: Console) -> list[Row]:
    upper = CountingUpper(Stack("ringbed"))
    upper.verdicts = Counter()
    host = open_card(options, faults, upper, stack, console)
    book = StageBook(host)
    upper.ifd.add_ifl().add_iff().add_ifa(f"{STACK}/24")
    few = sampled(options, host, console, f"{len(SAMPLE)} sizes of {len(PASS)} are sampled")
    sizes, patience = list(SAMPLE if few else PASS), 60.0 if few else 10.0
    if options.faults is not None:
        sizes, patience = sizes[:: -(-len(sizes) // FAULTY)], FAULTY_PATIENCE
        console.print(f"with faults: {len(sizes)} of the sizes, {patience:g} s for an answer to come")
    console.print(attach_line(upper.ifd), highlight=False, soft_wrap=True)
    capture = stack.enter_context(CaptureWriter(options.out / "demo.pcapng"))
    demo = TapDemo(host, kernel, capture, sizes, patience, faults, book)
    before = kernel.call("counters")
    clocks, begin = host.engine.now, time.monotonic()
    _passes(options, demo.one_pass, capture, console)
    faults.stop()
    demo.settle(REPAIR_NS if options.faults is not None else SETTLE_NS)
    took, clocks = time.monotonic() - begin, host.engine.now - clocks
    after = kernel.call("counters")
    bad_sums = sum(after[group]["InCsumErrors"] - before[group]["InCsumErrors"] for group in ("Icmp", "Udp", "Tcp"))
    queues: list[Ifiq | Ifq] = [*upper.ifd.ifiqs, *upper.ifd.ifqs]
    frames, size = sum(queue.packets for queue in queues), sum(queue.bytes for queue in queues)
    legs, results = [*account(host), *faults.legs()], list(demo.results.values())
    rows = [*facts(host, frames, size, clocks, took), *verdict_text(upper.verdicts), *sums(upper.stack),
            ("bad sums seen by the kernel", f"{bad_sums:,}")]  # fmt: skip
    _show(demo, rows, legs, console)
    console.print(f"capture: {options.out / 'demo.pcapng'} ({capture.frames:,} frames; Wireshark opens it)")
    write_traces(options, book, demo.follower.marks, console)
    disagreements, gone = findings(host, console), lost(legs)
    if options.faults is None:
        disagreements += bad_sums + sum(result.disagreements for result in results)
        gone += sum(len(result.lost) for result in results)
    else:  # what the faults did to answers is no fault of card, driver or stack; a wrong one would be
        disagreements += sum(len(result.wrong) for result in results)
    return result_rows(frames, disagreements, gone, took)


def _show(demo: TapDemo, rows: list[tuple[str, str]], legs: list[Leg], console: Console) -> None:
    upper = demo.host.upper
    console.print(ifconfig(upper.ifd.ifls[0]), highlight=False)
    console.print(exchange_table(demo.results.values()))
    console.print(facts_table("What it took", rows))
    console.print(account_table(legs))
    if demo.follower.marks:
        console.print(journey_table(demo.follower.marks))
    for command, text in (("netstat -ss", netstat_ss(upper.stack)), ("kstat", kstat(upper.stack))):
        console.print(f"[bold]{command}[/]")
        console.print(text, highlight=False, markup=False)


def _passes(
    options: DemoOptions, one_pass: Callable[[int, Any], bool], capture: CaptureWriter, console: Console
) -> None:  # fmt: skip
    """One pass, then more of them while there is time, each with payloads of its own; the first is captured."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    end = time.monotonic() + options.seconds
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, description=f"{name}, pass {number + 1}" if number else name)

        number = 0
        while one_pass(options.seed + number, progress) and time.monotonic() < end:
            number += 1
            capture.paused = True
