"""`ringbed replay`, run: the card of a recording is opened again, given what it got, and compared."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ringbed.cli.errors import UserError
from ringbed.cli.report import Bar, Row, write_json
from ringbed.cli.serve.card import REGISTER_NAMES
from ringbed.sim.cards import WIDTHS, em, em_lab
from ringbed.sim.record.engine import ReplayEngine
from ringbed.sim.record.file import RecordingError, RecordingReader
from ringbed.sim.record.header import Header, header_of
from ringbed.sim.record.records import Broken, Kind, Record
from ringbed.sim.record.replay import Outcome, Replay
from ringbed.sim.record.words import difference_words, record_words
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.wire.capture import CaptureWriter, TappedEnd
from ringbed.sim.wire.frame import WireEnd

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ReplayOptions", "run_replay"]

COUNTED = {
    "register accesses": (Kind.STORE, Kind.ANSWER), "DMA reads": (Kind.READ,), "DMA writes": (Kind.WRITE,),
    "frames in": (Kind.FRAME,), "frames out": (Kind.SENT,), "interrupt edges": (Kind.LINE,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """The command line."""

    recording: Path
    trace: Path | None
    begin: int
    until: int | None
    capture: Path | None
    listing: Path | None
    errata: tuple[str, ...]
    map: Path | None
    json: Path | None

    @property
    def names(self) -> Mapping[int, str]:
        """Of registers, where they are known."""
        return REGISTER_NAMES if self.map is None else {}


def run_replay(options: ReplayOptions) -> bool:
    """Whether it was the same. Raises RecordingError, UserError, BuildError."""
    from rich.console import Console

    aside = "-" in (str(options.json), str(options.listing))
    console = Console(stderr=aside, highlight=False, soft_wrap=True)
    with ExitStack() as stack:
        source = stack.enter_context(RecordingReader(options.recording))
        spec, instead = _card(options, source.header)
        with console.status("building the card's model ...") as status:
            engine = _engine(options, spec, source.header, lambda text: status.update(f"{text} ..."))
            stack.callback(engine.close)
            told = header_of(spec, engine.settings).differences(source.header)
        for each in told:
            console.print(f"this is not the card of the recording: {each}", style="yellow", markup=False)
        replay = Replay(engine, source.header.pins, instead, _tap(options, engine, spec, stack))
        outcome = _run(options, source, replay, stack, console)
    return _judge(options, source, outcome, console)


def _card(options: ReplayOptions, header: Header) -> tuple[NicSpec, Sequence[Mapping[str, int]]]:
    """What is opened, and the pins of its first clocks that were not so.

    Raises UserError, UnknownErratum, and for a port map as `dut_card`.
    """
    if options.map is not None:
        from ringbed.sim.dut.card import dut_card

        return dut_card(options.map)[0], ()
    if options.errata:
        from ringbed.hw.errata.asked import parse_errata
        from ringbed.sim.errata import pin_steps

        steps = pin_steps(parse_errata(options.errata))
        if header.nic not in ("em", "em_lab"):
            raise UserError(f"the lab's card is em, 64 bits wide, and {options.recording} is of {header.nic!r}")
        return em_lab(), steps
    known: dict[str, Callable[[], NicSpec]] = {em(width=width).name: partial(em, width=width) for width in WIDTHS}
    known["em_lab"] = em_lab  # which is slow to import
    if header.nic not in known:
        raise UserError(
            f"{options.recording} is of a NIC {header.nic!r}, which is none of {', '.join(known)}: one with a port map "
            "is replayed by it, --map FILE"
        )
    return known[header.nic](), ()


def _engine(options: ReplayOptions, spec: NicSpec, header: Header, told: Callable[[str], None]) -> ReplayEngine:
    waves = "" if options.trace is None else options.trace.suffix[1:]
    settings: dict[str, Any] = {name: getattr(header.settings, name) for name in header.settings.__slots__}
    engine = ReplayEngine(spec, None, progress=told, waves=waves, **settings)
    if options.trace is not None:
        engine.trace_window(options.trace, options.begin, NEVER if options.until is None else options.until)
    return engine


def _tap(
    options: ReplayOptions, engine: ReplayEngine, spec: NicSpec, stack: ExitStack
) -> Callable[[WireEnd], WireEnd]:  # fmt: skip
    if options.capture is None:
        return lambda end: end
    capture = stack.enter_context(CaptureWriter(options.capture))
    interface = capture.interface(spec.name, f"{spec.name}, its wire")
    return lambda end: TappedEnd(end, capture, interface, engine.frequency.ns)


def _run(
    options: ReplayOptions, source: RecordingReader, replay: Replay, stack: ExitStack, console: Console
) -> Outcome:  # fmt: skip
    """Raises RecordingError."""
    records: Iterable[Record] = source.records()
    if options.listing is not None:
        records = _listed(options, records, stack)
    with console.status("replaying ...") as status:

        def told(clock: int) -> None:
            status.update(f"replaying: clock {clock:,}, {100 * source.position // max(1, source.size)} % of the file")

        try:
            return replay.run(records, NEVER if options.until is None else options.until, told)
        except Broken as error:
            raise RecordingError(f"{options.recording} makes no sense: {error}") from None


def _listed(options: ReplayOptions, records: Iterable[Record], stack: ExitStack) -> Iterator[Record]:
    """The same, each written on its way."""
    assert options.listing is not None
    file: IO[str] = sys.stdout
    if str(options.listing) != "-":
        file = stack.enter_context(options.listing.open("w", encoding="utf-8"))
    end = NEVER if options.until is None else options.until
    for record in records:
        if options.begin <= record.clock < end and record.kind is not Kind.TIME:
            print(f"{record.clock:>12}  {record_words(record, options.names)}", file=file)
        yield record


def _judge(options: ReplayOptions, source: RecordingReader, outcome: Outcome, console: Console) -> bool:
    """What is said at the end, and whether all was the same."""
    counts = {name: sum(outcome.same[kind] for kind in kinds) for name, kinds in COUNTED.items()}
    if source.cut:
        console.print(f"{options.recording} ends in the middle: all that is whole of it was replayed", markup=False)
    if options.trace is not None and outcome.clock <= options.begin:
        console.print(f"there is no waveform: it would begin at clock {options.begin}, and that is not there")
    same = outcome.difference is None
    if outcome.difference is None:
        ended = ", where the card ended itself" if outcome.ending else ""
        console.print(f"It is the same as the recording, up to clock {outcome.clock:,}{ended} ({_said(counts)}).")
    else:
        words = difference_words(outcome.difference, options.names)
        console.print(f"It is not the recording: {words}. The same before: {_said(counts)}.", style="red", markup=False)
    if options.json is not None:
        rows = [Row(f"replay.{name.replace(' ', '_')}", count) for name, count in counts.items()]
        rows += [Row("replay.clocks", outcome.clock), Row("replay.differences", int(not same), "", Bar("==", 0))]
        write_json(options.json, rows)
    return same


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items())
