"""`ringbed bench`: figures against their bars, with where the time went. No figure here is ever asserted by a test."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import Exit
from ringbed.cli.files import must_be_writable
from ringbed.cli.report import Bar, Row, machine, table, write_json

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Part", "bench"]

LOOP_FRAMES = {64: 20_000, 1514: 6_000}
LOOP_BARS = {64: 3_000, 1514: 1_000}
ECHO_BAR = 15_000


class Part(StrEnum):
    """What to measure."""

    SIM = "sim"
    HW = "hw"
    STACK = "stack"


def bench(
    part: Annotated[
        Part,
        typer.Argument(help="sim: frames per second through driver and RTL, and the build. hw: clocks per frame of the "
                       "card alone. stack: UDP echoes per second of the stack alone, on a TAP device."),
    ],
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON; - is stdout.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the frames: to see that it runs.")] = False,
) -> None:  # fmt: skip
    """Measure ringbed on this machine and compare with what it must reach.

    `sim` takes about a minute, most of it to build the model from nothing; `hw` and `stack` some seconds. Ends with 1
    when a bar is missed. Figures are of this machine and this moment: close what else is running.
    """
    from rich.console import Console

    if json is not None:
        must_be_writable(json)
    console = Console(stderr=str(json) == "-")  # figures alone on standard output
    about = machine()
    console.print(f"{about['cpu']}, {about['cores']} cores, {about['os']}, Python {about['python']}", highlight=False)
    rows = {Part.SIM: _sim, Part.HW: _hw, Part.STACK: _stack}[part](console, 10 if quick else 1)
    console.print(table(f"ringbed bench {part.value}", rows))
    if json is not None:
        write_json(json, rows)
    if not all(row.ok for row in rows):
        raise typer.Exit(Exit.FINDING)


def _sim(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.model_build import build
    from ringbed.benchmarks.sim_loop import loop

    rows = []
    with console.status("building the model from nothing ..."):
        built = build()
    console.print(f"model: {built.verilog:,} bytes of Verilog, {built.library:,} bytes of shared library")
    for size, frames in LOOP_FRAMES.items():
        with console.status(f"loopback, {size} bytes ..."):
            result = loop(size, frames // divisor)
        rows.append(Row(f"sim.em.loop.{size}", result.frames_per_s, "frames/s", Bar(">=", LOOP_BARS[size])))
        each = 1e6 / result.frames
        model, harness, driver = (ns / 1e9 * each for ns in (result.model_ns, result.harness_ns, result.driver_ns))
        rest = result.seconds * each - model - harness - driver
        console.print(
            f"{size:>5} bytes, us per frame: model {model:.1f}, harness {harness:.1f}, driver {driver:.1f}, "
            f"testbed and cable {rest:.1f}; {result.clocks / result.frames:.0f} clocks"
        )
    rows += [
        Row("sim.em.harness", result.harness, "", Bar(">=", 0.6)),
        Row("sim.em.cycles_per_s", result.cycles_per_s, "clocks/s"),
        Row("sim.em.build_s", built.cold_s, "s", Bar("<=", 60)),
        Row("sim.em.start_s", built.warm_s, "s", Bar("<=", 1)),
    ]
    return rows


def _hw(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.hw_rates import rx_clocks, tx_clocks

    rows = []
    with console.status("counting clocks ..."):
        for size in (64, 1514):
            bar = Bar("<=", 12) if size == 64 else None
            rows.append(Row(f"hw.em.tx.{size}", tx_clocks(size), "clocks/frame", bar))
            rows.append(Row(f"hw.em.rx.{size}", rx_clocks(size), "clocks/frame", bar))
    return rows


def _stack(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.stack_udp_echo import SIZES, run

    rows = []
    for size in SIZES:
        with console.status(f"UDP echo, {size} bytes ..."):
            result = run(size, 5.0 / divisor)
        rows.append(Row(f"stack.udp_echo.{size}", result["echoes_per_s"], "echoes/s", Bar(">=", ECHO_BAR)))
        rows.append(Row(f"stack.udp_echo.{size}.wrong", result["wrong"], "", Bar("==", 0)))
        console.print(f"{size:>5} bytes: {result['cpu_us']:.1f} us of the stack's processor time each")
    return rows
