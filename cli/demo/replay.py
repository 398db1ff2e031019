"""The demo with a capture on the wire: run, and shown."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ringbed.cli.demo.common import SHOWN, DemoOptions, facts, findings, open_card, result_rows, sampled, write_traces
from ringbed.cli.demo.journey import StageBook
from ringbed.cli.demo.pcap import FaultyReplayCard, ReplayCard
from ringbed.cli.demo.show import account_table, facts_table, verdict_text
from ringbed.cli.demo.waveform import record_disagreement
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.report import Row
from ringbed.conformance.frames import made as stock
from ringbed.conformance.frames.damage import damaged_copies
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.oracle import Oracle, require_scapy
from ringbed.conformance.references.replay import check_replay
from ringbed.drivers.em.setup import LONGEST_RX, mtu_for
from ringbed.hw.formats import em
from ringbed.sim.testbed.account import lost
from ringbed.sim.testbed.assembly import account
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.replay import read_capture

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_pcap"]

ORACLE_SEEDS = 5  # damaged copies of each kind and place
HEADER = 14  # bytes, of Ethernet


@dataclass(frozen=True, slots=True)
class _Round:
    """Frames sent together; `names` say, for each, where a person finds it."""

    title: str
    frames: list[bytes]
    names: list[str]


def run_pcap(options: DemoOptions, faults: Faults, stack: ExitStack, console: Console) -> list[Row]:
    numbered = _frames(options, console)
    longest = max(len(frame) for _, frame in numbered)
    host = open_card(options, faults, Collector(), stack, console, driver={"mtu": mtu_for(longest)})
    book = StageBook(host)
    host.driver.set_promiscuous(True)
    few = sampled(options, host, console, f"one frame of each kind is sampled, of {len(numbered)}")
    if few:
        numbered = _one_of_each(numbered)
    capture = stack.enter_context(CaptureWriter(options.out / "demo.pcapng"))
    clocks, begin = host.engine.now, time.monotonic()
    card = ReplayCard(host, capture) if options.faults is None else FaultyReplayCard(host, capture, faults)
    found, rounds, bad = _replays(options, card, numbered, console, 1 if few else ORACLE_SEEDS)
    sent = [frame for frames in rounds for frame in frames]
    faults.stop()
    took, clocks = time.monotonic() - begin, host.engine.now - clocks
    rows = [*facts(host, len(sent), sum(map(len, sent)), clocks, took), *verdict_text(card.verdicts)]
    console.print(facts_table("What it took", rows))
    legs = [*account(host), *faults.legs()]
    console.print(account_table(legs))
    for line in found[:SHOWN]:
        console.print(f"[red]{line}[/]", highlight=False)
    console.print(
        f"{card.verdicts.total():,} verdicts and packet checksums compared with scapy's, {len(found)} disagree"
    )
    console.print(f"capture: {options.out / 'demo.pcapng'} ({capture.frames:,} frames; Wireshark opens it)")
    write_traces(options, book, [], console)
    if bad is not None and options.waveform and options.faults is None:
        record_disagreement(options, rounds[: bad + 1], _oracle(card), mtu_for(longest), console)
    return result_rows(len(sent), len(found) + findings(host, console), lost(legs), took)


def _frames(options: DemoOptions, console: Console) -> list[tuple[int, bytes]]:
    """The capture to replay, each frame with its number in the file from 1 on; what is left out is said."""
    try:
        require_scapy()
    except ImportError as error:
        raise UserError(str(error), Exit.ENVIRONMENT) from error
    if options.pcap is None:
        return list(enumerate(stock.captured(), 1))
    capture = read_capture(options.pcap)
    if capture.broken:
        console.print(f"{capture.broken}; the {len(capture.frames)} frames before are used")
    numbered = [(number, frame.frame) for number, frame in enumerate(capture.frames, 1) if frame.whole]
    usable = [(number, frame) for number, frame in numbered if HEADER <= len(frame) <= LONGEST_RX]
    if cut := len(capture.frames) - len(numbered):
        console.print(f"left out: {cut} frames that the capture holds only in part")
    if other := len(numbered) - len(usable):
        console.print(f"left out: {other} frames not of {HEADER} to {LONGEST_RX} bytes, which no card like this takes")
    if not usable:
        raise UserError(f"{options.pcap} holds no whole Ethernet frame of {HEADER} to {LONGEST_RX} bytes")
    return usable


def _one_of_each(numbered: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return list({dissect(frame).name: (number, frame) for number, frame in reversed(numbered)}.values())[::-1]


def _damaged(numbered: list[tuple[int, bytes]], seed: int, each: int) -> _Round:
    """Copies of each kind with a byte changed in each place that kind has; the FCS is right in all of them."""
    number_of = {frame: number for number, frame in reversed(numbered)}
    frames, names = [], []
    for bad in damaged_copies([frame for _, frame in numbered], seed, each):
        whole = bytearray(bad.frame)
        whole[bad.offset] ^= bad.mask
        frames.append(bad.frame)
        names.append(f"frame {number_of[bytes(whole)]} with byte {bad.offset} changed by {bad.mask:#04x}")
    return _Round(f"damaged frames, seed {seed}", frames, names)


def _replays(
    options: DemoOptions, card: ReplayCard, numbered: list[tuple[int, bytes]], console: Console, each: int
) -> tuple[list[str], list[list[bytes]], int | None]:
    """What disagreed, a line each; frames sent, by round: the capture as it is, then damaged while there is time; and
    the first round in which something disagreed.
    """
    from rich.progress import Progress

    oracle, end = _oracle(card), time.monotonic() + options.seconds
    clean = _Round("clean frames", [frame for _, frame in numbered], [f"frame {number}" for number, _ in numbered])
    rounds = [clean, _damaged(numbered, options.seed, each)]
    found: list[str] = []
    sent: list[list[bytes]] = []
    first: int | None = None
    with Progress(console=console) as bars:
        while rounds:
            now = rounds.pop(0)
            task = bars.add_task(now.title, total=len(now.frames))
            card.progress = partial(bars.advance, task)
            if isinstance(card, FaultyReplayCard):
                found += card.check(now.frames, oracle)
            for bad in [] if isinstance(card, FaultyReplayCard) else check_replay(card, now.frames, oracle):
                name = now.names[bad.index] if bad.index < len(now.names) else "behind the last frame"
                found.append(f"{name} ({bad.kind}): {bad.words}")
            if found and first is None:
                first = len(sent)
            sent.append(now.frames)
            if not rounds and time.monotonic() < end:
                rounds.append(_damaged(numbered, options.seed + sum(map(len, sent)), each))
    return found, sent, first


def _oracle(card: ReplayCard) -> Oracle:
    """Scapy's opinion for the card as its driver has set it up."""
    rxcsum = em.REGISTERS["RXCSUM"]
    return Oracle(pcss=rxcsum["PCSS"].get(card.host.engine.peek(rxcsum.offset)))
