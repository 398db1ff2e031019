"""What each part of `ringbed bench` measures: its figures with their bars, and where the time went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ringbed.cli.report import Bar, Row

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["PARTS", "Figures", "Part"]

LOOP_FRAMES = {64: 20_000, 1514: 6_000}
LOOP_BARS = {64: 3_000, 1514: 1_000}
ENGINES_BAR = 50  # native over cocotb on Verilator
ECHO_BAR = 15_000
CHECKS_COST = "sim.em.checks_cost"
CHECKS_FRAMES, CHECKS_ROUNDS, CHECKS_BAR = 4_000, 7, 1.1
BEAT_SIZES = (256, 257, 300, 511, 512, 513, 767, 1000, 1025, 1300, 1513, 1514)  # bytes without FCS
IDLE_SECONDS, IDLE_BAR = 60, 10
HOSTS_FRAMES, HOSTS_BAR = 4_000, 1.3
SOAK_FRAMES = 100_000
CHECKER_FRAMES, CHECKER_ROUNDS, CHECKER_BAR = {64: 6_000, 1514: 2_000}, 7, 2
PLANTED_BAR, LOCATED_BAR, CLEAN_FRAMES = 100, 90, 100_000  # %, %


class Part(StrEnum):
    """What to measure."""

    SIM = "sim"
    HOSTS = "hosts"
    HW = "hw"
    STACK = "stack"
    SOAK = "soak"
    DRIVERS = "drivers"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Figures:
    """What `measure` gives, by `names`; where the machine lacks something it gives none of them.

    `names` is called when it is asked for, as what it reads them from is heavy.
    """

    names: Callable[[], tuple[str, ...]]
    measure: Callable[[Console, int], list[Row]]


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
    return [
        *rows,
        Row("sim.em.harness", result.harness, "", Bar(">=", 0.6)),
        Row("sim.em.cycles_per_s", result.cycles_per_s, "clocks/s"),
        Row("sim.em.build_s", built.cold_s, "s", Bar("<=", 60)),
        Row("sim.em.start_s", built.warm_s, "s", Bar("<=", 1)),
    ]


def _checks(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.sim_checks import checks_cost

    with console.status("loopback with and without checks; the model without assertions is built ..."):
        costs = checks_cost(CHECKS_FRAMES // divisor, CHECKS_ROUNDS)
    parts = [Row(f"{CHECKS_COST}.{part}", cost, "") for part, cost in costs.items() if part != "all"]
    return [Row(CHECKS_COST, costs["all"], "", Bar("<=", CHECKS_BAR)), *parts]


def _engines(console: Console, divisor: int) -> list[Row]:
    """All in one run, so that they saw the same machine."""
    from ringbed.benchmarks.sim_engines import engine_loops
    from ringbed.sim.needs import Missing

    rows = {}
    with console.status("loopback, 64 bytes, on every engine ..."):
        for engine, result in engine_loops(divisor):
            name = f"sim.em.loop.64.{engine}"
            if isinstance(result, Missing):
                console.print(f"left out: {result}", highlight=False)
                rows[engine] = Row(name, None, "frames/s", left_out=str(result))
            else:
                rows[engine] = Row(name, result.frames_per_s, "frames/s")
    return [*rows.values(), _ratio(rows["native"], rows["cocotb-verilator"])]


def _ratio(native: Row, cocotb: Row) -> Row:
    if native.value is None or cocotb.value is None:
        return Row("sim.em.loop.64.ratio", None, left_out=native.left_out or cocotb.left_out)
    return Row("sim.em.loop.64.ratio", native.value / cocotb.value, "native/cocotb", Bar(">=", ENGINES_BAR))


def _hosts(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.sim_hosts import hosts_cost, idle_ms_per_s

    with console.status("a host with nothing to do ..."):
        rows = [Row("sim.idle_ms_per_s", idle_ms_per_s(IDLE_SECONDS // divisor), "ms/s", Bar("<=", IDLE_BAR))]
    with console.status("two hosts, eight hosts ..."):
        costs = hosts_cost(HOSTS_FRAMES // divisor)
    for pattern, (two, eight) in costs.items():
        console.print(f"{pattern:>5}: {two:,.0f} us of processor time a frame with two hosts, {eight:,.0f} with eight")
    return [*rows, Row("sim.hosts.cost", max(eight / two for two, eight in costs.values()), "", Bar("<=", HOSTS_BAR))]


def _hw(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.hw_rates import rx_rate, tx_rate

    rows = []
    with console.status("counting clocks ..."):
        for way, rate in (("tx", tx_rate), ("rx", rx_rate)):
            rows.append(Row(f"hw.em.{way}.64", rate(64).clocks, "clocks/frame", Bar("<=", 12)))
            rows.append(Row(f"hw.em.{way}.1514", rate(1514).clocks, "clocks/frame"))
            worst = max(rate(size).over_beats for size in BEAT_SIZES[::divisor])
            rows.append(Row(f"hw.em.{way}.beats", worst, "clocks/beat", Bar("<=", 1.05)))
            use = rate(1514, width=512, latency=250).use
            rows.append(Row(f"hw.em512.{way}.1514", use, "% of clocks", Bar(">=", 90)))
    return rows


def _stack(console: Console, divisor: int) -> list[Row]:
    """Both families in one run, so that they saw the same machine; IPv6 has its bar beside IPv4, not one of its own."""
    from ringbed.benchmarks.stack_udp_echo import ROWS, SIZES, run

    rows = []
    for family, name in ROWS.items():
        for size in SIZES:
            with console.status(f"UDP echo over {family}, {size} bytes ..."):
                result = run(size, 5.0 / divisor, family=family)
            bar = Bar(">=", ECHO_BAR) if family == "inet" else None
            rows.append(Row(f"stack.{name}.{size}", result["echoes_per_s"], "echoes/s", bar))
            rows.append(Row(f"stack.{name}.{size}.wrong", result["wrong"], "", Bar("==", 0)))
            console.print(f"{family:>6}, {size:>4} bytes: {result['cpu_us']:.1f} us of the stack's processor time each")
    return rows


def _routes(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.stack_routes import LARGE, SMALL, default_cost, measure

    with console.status(f"{LARGE // divisor:,} routes ..."):
        small, large = measure(SMALL), measure(LARGE // divisor)
    with console.status("a default route behind many lengths ..."):
        lengths = default_cost(25) / default_cost(2)
    for each in (small, large):
        figures = f"{each.lookup_us:.2f} us a lookup, {each.warm_us:.2f} of a few, {each.change_us:.1f} us a change"
        console.print(f"{each.routes:>9,} routes: {figures}", highlight=False)
    return [
        Row("stack.route.growth", large.lookup_us / small.lookup_us, "", Bar("<=", 2)),
        Row("stack.route.steps", large.warm_us / small.warm_us, ""),
        Row("stack.route.lengths", lengths, "", Bar("<=", 1.3)),
        Row("stack.route.load_s", large.load_s, "s"),
        Row("stack.route.change_us", large.change_us, "us"),
        Row("stack.route.memory", large.memory / (1 << 20), "MiB", Bar("<=", 1024)),
    ]


def _soak(console: Console, divisor: int) -> list[Row]:
    from rich.progress import Progress

    from ringbed.benchmarks.soak import soak
    from ringbed.cli.demo.show import account_table, facts_table

    frames = SOAK_FRAMES // divisor
    with Progress(console=console) as bars:
        task = bars.add_task(f"{frames:,} frames", total=frames)
        result = soak(frames, progress=lambda done: bars.advance(task, done))
    console.print(facts_table("Faults that happened", [(kind, f"{count:,}") for kind, count in result.faults.items()]))
    console.print(account_table(result.legs))
    for line in result.findings[:20]:
        console.print(f"[red]{line}[/]", highlight=False)
    console.print(
        f"{result.counters['resets']:,} resets by the driver's watchdog in {result.simulated_ns / 1e9:,.0f} simulated "
        f"seconds; a last batch, without faults, {'went round' if result.alive else '[bold red]did not go round[/]'}"
    )
    return [
        Row("soak.frames", result.offered, "frames"),
        Row("soak.unaccounted", result.unaccounted, "frames", Bar("==", 0)),
        Row("soak.changed", result.changed, "frames", Bar("==", 0)),
        Row("soak.findings", len(result.findings), "", Bar("==", 0)),
        Row("soak.stuck", int(not result.alive), "", Bar("==", 0)),
        Row("soak.seconds", round(result.seconds, 1), "s"),
    ]


def _drivers(console: Console, divisor: int) -> list[Row]:
    from ringbed.benchmarks.driver_checks import checker_cost

    rows = []
    for size, frames in CHECKER_FRAMES.items():
        with console.status(f"loopback with and without the checker of drivers, {size} bytes ..."):
            cost = checker_cost(size, frames // divisor, CHECKER_ROUNDS)
        rows.append(Row(f"drv.checker_cost.{size}", cost, "", Bar("<=", CHECKER_BAR)))
    return rows


def _planted(console: Console, divisor: int) -> list[Row]:
    """Drivers with a fault, and without one: of the template's text, and of `Em`."""
    from importlib import resources
    from types import ModuleType

    from ringbed.benchmarks.driver_checks import FAULTS, FAULTS_OF_EM, false_findings, notice

    text = (resources.files("ringbed.cli.drivers") / "template" / "template_nic.py").read_text("utf-8")
    with console.status("drivers with a planted fault ..."):
        seen = notice(text, FAULTS[::divisor], tuple(FAULTS_OF_EM)[::divisor])
    for each in seen:
        if not each.by_name or each.located is False:
            console.print(f"{each.name}: {'not by its lines' if each.by_name else 'not noticed'}", highlight=False)
    placed = [each.located for each in seen if each.located is not None]
    template = ModuleType("template_nic")
    exec(compile(text, "template_nic.py", "exec"), template.__dict__)
    with console.status("drivers without one ..."):
        false = false_findings((None, template.__dict__["TemplateNic"]), CLEAN_FRAMES // divisor)
    for line in false[:20]:
        console.print(line, markup=False, highlight=False)
    console.print(f"{len(seen)} planted faults, {len(placed)} of them with lines", highlight=False)
    return [
        Row("drv.planted", 100 * sum(each.by_name for each in seen) / len(seen), "%", Bar(">=", PLANTED_BAR)),
        Row("drv.located", 100 * sum(placed) / len(placed), "%", Bar(">=", LOCATED_BAR)),
        Row("drv.false", len(false), "", Bar("==", 0)),
    ]


def _guest(console: Console, divisor: int) -> list[Row]:
    from ringbed.cli.guest.rates import guest_rates

    found = guest_rates(divisor)
    if found.status:
        console.print(f"the guest's script ended with {found.status}", style="red")
    ways = (Row(f"guest.tcp.{way}", found.rates.get(way), "Mbit/s") for way in ("up", "down"))
    return [
        Row("guest.boot_s", found.boot_s, "s"),
        *ways,
        Row("guest.tcp.model", found.model_share, "of processor time", Bar(">=", 0.5)),
        Row("guest.errors", found.errors, "lines", Bar("==", 0)),
        Row("guest.status", found.status, "", Bar("==", 0)),
    ]


def _uml(console: Console, divisor: int) -> list[Row]:
    from ringbed.cli.guest.same import uml_same

    found = uml_same()
    console.print(f"{found.accesses} register accesses in lock step", highlight=False)
    return [
        Row("guest.uml.same", found.differ, "accesses that differ", Bar("==", 0)),
        Row("guest.uml.status", found.status, "", Bar("==", 0)),
    ]


def _sim_names() -> tuple[str, ...]:
    loops = (f"sim.em.loop.{size}" for size in LOOP_FRAMES)
    return (*loops, "sim.em.harness", "sim.em.cycles_per_s", "sim.em.build_s", "sim.em.start_s")


def _checks_names() -> tuple[str, ...]:
    from ringbed.benchmarks.sim_checks import CHECKS

    return (CHECKS_COST, *(f"{CHECKS_COST}.{part}" for part in CHECKS))


def _engines_names() -> tuple[str, ...]:
    from ringbed.benchmarks.sim_engines import FRAMES

    return (*(f"sim.em.loop.64.{engine}" for engine in FRAMES), "sim.em.loop.64.ratio")


def _hw_names() -> tuple[str, ...]:
    whats = ("hw.em.{}.64", "hw.em.{}.1514", "hw.em.{}.beats", "hw.em512.{}.1514")
    return tuple(what.format(way) for way in ("tx", "rx") for what in whats)


def _stack_names() -> tuple[str, ...]:
    from ringbed.benchmarks.stack_udp_echo import ROWS, SIZES

    return tuple(f"stack.{name}.{size}{what}" for name in ROWS.values() for size in SIZES for what in ("", ".wrong"))


def _routes_names() -> tuple[str, ...]:
    return tuple(f"stack.route.{what}" for what in ("growth", "steps", "lengths", "load_s", "change_us", "memory"))


def _soak_names() -> tuple[str, ...]:
    return tuple(f"soak.{what}" for what in ("frames", "unaccounted", "changed", "findings", "stuck", "seconds"))


GUEST_NAMES = tuple(f"guest.{what}" for what in ("boot_s", "tcp.up", "tcp.down", "tcp.model", "errors", "status"))
PARTS: dict[Part, tuple[Figures, ...]] = {
    Part.SIM: (Figures(_sim_names, _sim), Figures(_checks_names, _checks), Figures(_engines_names, _engines)),
    Part.HOSTS: (Figures(lambda: ("sim.idle_ms_per_s", "sim.hosts.cost"), _hosts),),
    Part.HW: (Figures(_hw_names, _hw),),
    Part.STACK: (Figures(_stack_names, _stack), Figures(_routes_names, _routes)),
    Part.SOAK: (Figures(_soak_names, _soak),),
    Part.GUEST: (Figures(lambda: GUEST_NAMES, _guest), Figures(lambda: ("guest.uml.same", "guest.uml.status"), _uml)),
    Part.DRIVERS: (
        Figures(lambda: tuple(f"drv.checker_cost.{size}" for size in CHECKER_FRAMES), _drivers),
        Figures(lambda: ("drv.planted", "drv.located", "drv.false"), _planted),
    ),
}
