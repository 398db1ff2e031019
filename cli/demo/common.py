"""What the demo's two wires share: its options, the card opened as asked, and the figures of a run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringbed.cli.demo.show import facts_table
from ringbed.cli.report import Bar, Row
from ringbed.sim.testbed.assembly import open_host

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.cli.demo.journey import StageBook
    from ringbed.sim.testbed.faults import Faults
    from ringbed.sim.testbed.host import Host
    from ringbed.sim.trace.journey import Mark

__all__ = [
    "RECORD", "SHOWN", "DemoOptions", "facts", "findings", "open_card", "result_rows", "sampled", "say_faults",
    "write_traces",
]  # fmt: skip

RECORD = "faults.jsonl"
SHOWN = 20  # disagreements or findings printed in full
INTERRUPT_NS = 2_000  # from the interrupt line to the driver: an ordinary host's latency


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
    faults: Path | None = None
    perfetto: Path | None = None
    waveform: bool = False  # of the first disagreement
    errata: tuple[str, ...] = ()  # as `parse_errata` takes them


def open_card(
    options: DemoOptions, faults: Faults, upper: Any, stack: ExitStack, console: Console, **settings: Any
) -> Host[Any]:
    """The card on its engine, driver attached and up; the first build of the model takes a while and says so."""
    from ringbed.sim.seam.clock import Frequency

    waves = _waves(options)
    if options.errata:
        from ringbed.hw.errata.asked import parse_errata

        settings["errata"] = parse_errata(options.errata)
    with console.status("building the card's model ...") as status:
        host = open_host(
            "em0", upper, engine=options.engine, irq_hold=Frequency().clocks(INTERRUPT_NS),
            say=console.print, progress=lambda text: status.update(f"{text} ..."), waves=waves, **settings,
        )  # fmt: skip
    stack.callback(host.engine.close)
    if waves:
        path = _waveform(options, host.engine.kind)
        host.engine.trace(path)
        stack.callback(host.engine.trace, None)
        console.print(f"waveform: {path}")
    faults.plan.require_hosts([host.name])
    faults.attach(host)
    host.up()
    return host


def write_traces(options: DemoOptions, book: StageBook, marks: list[Mark], console: Console) -> None:
    """What was asked for of the frames' journeys: a Chrome trace, and a save file beside a waveform."""
    if options.perfetto is not None:
        book.write_perfetto(options.perfetto, marks)
        console.print(f"trace: {options.perfetto} (Perfetto opens it)")
    if options.trace:
        path = _waveform(options, book.kind)
        book.write_save(path, marks)
        console.print(f"for GTKWave: {path.with_suffix('.gtkw')}")


def _waveform(options: DemoOptions, kind: str) -> Path:
    return options.out / (f"em0.{_waves(options)}" if kind == "native" else "em0.vcd")


def _waves(options: DemoOptions) -> str:
    """The waveform's format, "" for none."""
    from ringbed.sim.engines import wave_formats

    return wave_formats(options.engine)[0] if options.trace else ""


def sampled(options: DemoOptions, host: Host[Any], console: Console, what: str) -> bool:
    """A slow engine, or a waveform that would fill the disk, takes a sample, and says so."""
    if host.engine.kind == "pysim":
        console.print(f"engine pysim: {what}")
    elif options.trace:
        console.print(f"with a waveform: {what}")
    return host.engine.kind == "pysim" or options.trace


def facts(host: Host[Any], frames: int, size: int, clocks: int, took: float) -> list[tuple[str, str]]:
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


def say_faults(options: DemoOptions, faults: Faults, console: Console) -> None:
    """What happened, counted, and the record of it."""
    faults.save(options.out / RECORD)
    counts = [(kind, f"{count:,}") for kind, count in faults.counts().items()]
    console.print(facts_table("Faults that happened", counts))
    console.print(f"faults: {options.out / RECORD} (given back as --faults, it plays them again)")


def findings(host: Host[Any], console: Console) -> int:
    """What the bus checker and the memory saw the card do wrong."""
    found = host.engine.findings()
    for finding in found[:SHOWN]:
        console.print(str(finding), style="red", markup=False, highlight=False)
    return len(found)


def result_rows(frames: int, disagreements: int, gone: int, took: float) -> list[Row]:
    return [
        Row("demo.frames", frames, "frames", Bar(">=", 1)),
        Row("demo.disagreements", disagreements, "", Bar("==", 0)),
        Row("demo.lost", gone, "frames", Bar("==", 0)),
        Row("demo.seconds", round(took, 3), "s"),
    ]
