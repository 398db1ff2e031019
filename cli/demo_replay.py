"""The demo with a capture on the wire: run, and shown."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ringbed.cli.demo_common import SHOWN, DemoOptions, facts, findings, open_card, result_rows, sampled
from ringbed.cli.demo_pcap import ReplayCard
from ringbed.cli.demo_show import account_table, facts_table, verdict_text
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.report import Row
from ringbed.conformance import frames as stock
from ringbed.conformance.anatomy import dissect
from ringbed.conformance.damage import damaged_copies
from ringbed.conformance.oracle import Oracle, require_scapy
from ringbed.conformance.replay import Disagreement, check_replay
from ringbed.hw.formats import em
from ringbed.sim.account import lost
from ringbed.sim.capture import CaptureWriter
from ringbed.sim.host import Collector, Host
from ringbed.sim.replay import read_capture
from ringbed.sim.testbed import account

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_pcap"]

ORACLE_SEEDS = 5  # damaged copies of each kind and place


def run_pcap(options: DemoOptions, stack: ExitStack, console: Console) -> list[Row]:
    frames = _frames(options, console)
    host = open_card(options, Collector(), stack, console)
    host.driver.set_promiscuous(True)
    few = sampled(options, host, console, f"one frame of each kind is sampled, of {len(frames)}")
    if few:
        frames = _one_of_each(frames)
    capture = stack.enter_context(CaptureWriter(options.out / "demo.pcapng"))
    clocks, begin = host.engine.now, time.monotonic()
    found, sent, card = _replays(options, host, capture, frames, console, 1 if few else ORACLE_SEEDS)
    took, clocks = time.monotonic() - begin, host.engine.now - clocks
    size = sum(len(frame) for frame in frames)
    console.print(facts_table("What it took", [*facts(host, sent, size, clocks, took), *verdict_text(card.verdicts)]))
    legs = account(host)
    console.print(account_table(legs))
    for disagreement in found[:SHOWN]:
        console.print(f"[red]{disagreement}[/]", highlight=False)
    console.print(f"{sent:,} verdicts and packet checksums compared with scapy's, {len(found)} disagree")
    console.print(f"capture: {options.out / 'demo.pcapng'} ({capture.frames:,} frames; Wireshark opens it)")
    return result_rows(sent, len(found) + findings(host, console), lost(legs), took)


def _frames(options: DemoOptions, console: Console) -> list[bytes]:
    """The capture to replay; what is broken in it is said and left out."""
    try:
        require_scapy()
    except ImportError as error:
        raise UserError(str(error), Exit.ENVIRONMENT) from error
    if options.pcap is None:
        return stock.captured()
    capture = read_capture(options.pcap)
    if capture.broken:
        console.print(f"{options.pcap}: {capture.broken}; the {len(capture.frames)} frames before are used")
    usable = [frame.frame for frame in capture.frames if frame.whole]
    if not usable:
        raise UserError(f"{options.pcap} holds no whole Ethernet frame")
    return usable


def _one_of_each(frames: list[bytes]) -> list[bytes]:
    return list({dissect(frame).name: frame for frame in reversed(frames)}.values())[::-1]


def _replays(
    options: DemoOptions, host: Host[Any], capture: Any, frames: list[bytes], console: Console, each: int
) -> tuple[list[Disagreement], int, Any]:
    """The frames as they are, then a damaged copy of each kind in each place; the FCS is right in all of them."""
    from rich.progress import Progress

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
            card = ReplayCard(host, capture, step) if card is None else card.again(step)
            found += check_replay(card, batch, oracle)
            sent += len(batch)
            if not rounds and time.monotonic() < end:
                seed += 1
                rounds.append((f"damaged, seed {seed}", [bad.frame for bad in damaged_copies(frames, seed, each)]))
    return found, sent, card
