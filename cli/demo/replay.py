"""The demo with a capture on the wire: run, and shown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ringbed.cli.demo.common import SHOWN, DemoOptions, facts, findings, open_card, result_rows, sampled, write_traces
from ringbed.cli.demo.journey import StageBook
from ringbed.cli.demo.pcap import FaultyReplayCard, ReplayCard, Wire
from ringbed.cli.demo.show import account_table, facts_table, verdict_text
from ringbed.cli.demo.waveform import record_disagreement
from ringbed.cli.errors import UserError
from ringbed.cli.report import Row
from ringbed.conformance.frames.damage import damaged_copies
from ringbed.conformance.frames.made import captured
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.oracle import Oracle, require_scapy
from ringbed.conformance.references.replay import check_replay
from ringbed.drivers.em.setup import LONGEST_RX, mtu_for
from ringbed.hw.formats import em
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import account
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.frame import from_wire
from ringbed.sim.wire.replay import Capture, read_capture

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["run_pcap"]

ORACLE_SEEDS = 5  # damaged copies of each kind and place
HEADER = 14  # bytes, of Ethernet


@dataclass(frozen=True, slots=True)
class _Round:
    """Frames sent together; `names` say, for each, where a person finds it. `unsound`: see ReplayCard."""

    title: str
    frames: list[bytes]
    names: list[str]
    unsound: Mapping[int, list[Wire]] = field(default_factory=dict)

    @property
    def wires(self) -> list[Wire]:
        return [wire for wires in self.unsound.values() for wire in wires]


@dataclass(frozen=True, slots=True)
class _Stock:
    """What a capture gives: frames for a host with their numbers in the file, and between them those for none."""

    numbered: list[tuple[int, bytes]]
    unsound: Mapping[int, list[Wire]] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        return max((len(frame) for _, frame in self.numbered), default=0)

    def one_of_each(self) -> _Stock:
        kinds = {dissect(frame).name: (number, frame) for number, frame in reversed(self.numbered)}
        return _Stock(list(kinds.values())[::-1], {0: next(iter(self.unsound.values()), [])[:1]})

    def clean(self) -> _Round:
        names = [f"frame {number}" for number, _ in self.numbered]
        return _Round("clean frames", [frame for _, frame in self.numbered], names, self.unsound)


def run_pcap(options: DemoOptions, faults: Faults, stack: ExitStack, console: Console) -> list[Row]:
    stock = _stock(options, console)
    mtu = mtu_for(stock.longest)
    host = open_card(options, faults, Collector(), stack, console, driver_options={"mtu": mtu})
    book = StageBook(host)
    host.driver.set_promiscuous(True)
    few = sampled(options, host, console, f"one frame of each kind is sampled, of {len(stock.numbered)}")
    if few:
        stock = stock.one_of_each()
    capture = stack.enter_context(CaptureWriter(options.out / "demo.pcapng"))
    clocks, begin = host.engine.now, time.monotonic()
    card = ReplayCard(host, capture) if options.faults is None else FaultyReplayCard(host, capture, faults)
    found, rounds, bad = _replays(options, card, stock, console, 1 if few else ORACLE_SEEDS)
    sent = [frame for each in rounds for frame in (*each.frames, *(wire for wire, _ in each.wires))]
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
        played = [(each.frames, each.unsound) for each in rounds[: bad + 1]]
        record_disagreement(options, played, _oracle(card), mtu, console)
    return result_rows(len(sent), len(found) + findings(host, console), lost(legs), took)


def _stock(options: DemoOptions, console: Console) -> _Stock:
    """The capture to replay; what is left out of it is said."""
    require_scapy()
    if options.pcap is None:
        return _Stock(list(enumerate(captured(), 1)))
    capture = read_capture(options.pcap)
    if capture.broken:
        console.print(f"{capture.broken}; the {len(capture.frames)} frames before are used")
    usable = [frame for frame in capture.frames if frame.whole and HEADER <= len(frame.frame) <= LONGEST_RX]
    _say_what_is_left_out(capture, len(usable), console)
    if not usable:
        raise UserError(f"{options.pcap} holds no whole Ethernet frame of {HEADER} to {LONGEST_RX} bytes")
    numbered: list[tuple[int, bytes]] = []
    unsound: dict[int, list[Wire]] = {}
    for frame in usable:
        if frame.sound:
            numbered.append((frame.number, frame.frame))
        else:
            unsound.setdefault(len(numbered), []).append((frame.wire, frame.symbol_error))
    if bad := len(usable) - len(numbered):
        console.print(f"{bad} frames are bad on the wire (FCS, size or a symbol error): the card must drop them")
    return _Stock(numbered, unsound)


def _say_what_is_left_out(capture: Capture, usable: int, console: Console) -> None:
    whole = sum(frame.whole for frame in capture.frames)
    for link, count in capture.others.items():
        console.print(f"left out: {count} packets of link type {link}, which is not Ethernet")
    if cut := len(capture.frames) - whole:
        console.print(f"left out: {cut} frames that the capture holds only in part")
    if other := whole - usable:
        console.print(f"left out: {other} frames not of {HEADER} to {LONGEST_RX} bytes, which no card like this takes")


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
    options: DemoOptions, card: ReplayCard, stock: _Stock, console: Console, each: int
) -> tuple[list[str], list[_Round], int | None]:
    """What disagreed, a line each; the rounds: the capture as it is, then damaged while there is time; and the first
    round in which something disagreed.
    """
    from rich.progress import Progress

    oracle, end = _oracle(card), time.monotonic() + options.seconds
    rounds = [stock.clean()]
    if stock.numbered:
        rounds.append(_damaged(stock.numbered, options.seed, each))
    found: list[str] = []
    played: list[_Round] = []
    first: int | None = None
    with Progress(console=console) as bars:
        while rounds:
            now = rounds.pop(0)
            found += _round(card, now, oracle, bars)
            if found and first is None:
                first = len(played)
            played.append(now)
            if stock.numbered and not rounds and time.monotonic() < end:
                sent = sum(len(each.frames) for each in played)
                rounds.append(_damaged(stock.numbered, options.seed + sent, each))
    return found, played, first


def _round(card: ReplayCard, now: _Round, oracle: Oracle, bars: Progress) -> Iterator[str]:
    """Send and compare; a line for each disagreement."""
    card.unsound = now.unsound
    some = len(now.frames)  # none where all of a capture is bad on the wire: no bar for nothing to do
    titles = now.title, "compared with scapy's"
    sending, comparing = (bars.add_task(title, total=some, visible=some > 0) for title in titles)
    card.progress = partial(bars.advance, sending)
    compared = partial(bars.advance, comparing)
    if isinstance(card, FaultyReplayCard):
        yield from card.check(now.frames, oracle, compared)
        bars.update(comparing, completed=len(now.frames))  # with those that never came
        return
    refused = {from_wire(wire) for wire, _ in now.wires}
    for bad in check_replay(card, now.frames, oracle, compared):
        name = now.names[bad.index] if bad.index < len(now.names) else "behind the last frame"
        if bad.what == "extra" and bad.frame in refused:
            yield f"before {name}: {len(bad.frame)} bytes came out of the card that were bad on the wire"
        else:
            yield f"{name} ({bad.kind}): {bad.words}"


def _oracle(card: ReplayCard) -> Oracle:
    """Scapy's opinion for the card as its driver has set it up."""
    rxcsum = em.REGISTERS["RXCSUM"]
    return Oracle(pcss=rxcsum["PCSS"].get(card.host.engine.peek(rxcsum.offset)))
