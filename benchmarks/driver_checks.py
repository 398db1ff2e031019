"""The checker of drivers in figures: what it costs, which planted faults it notices, what it says of clean drivers.

Its cost is processor time in the loopback bench with it by that without. The two run in turn and are one pair, as in
`sim_checks.py`: what else the machine does meanwhile hits both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

from ringbed.benchmarks.planted.buffers import FAULTS_OF_BUFFERS
from ringbed.benchmarks.planted.fault import Fault, carried, marked, planted
from ringbed.benchmarks.planted.frames import FAULTS_OF_FRAMES
from ringbed.benchmarks.planted.over_em import FAULTS_OF_EM, FEATURES, planted_over_em, work
from ringbed.benchmarks.planted.rings import FAULTS_OF_RINGS
from ringbed.benchmarks.planted.traffic import driver_findings
from ringbed.benchmarks.sim_loop import loop
from ringbed.drivers.world import Nic
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector

__all__ = ["FAULTS", "FAULTS_OF_EM", "Noticed", "checker_cost", "false_findings", "notice"]

FAULTS = (*FAULTS_OF_RINGS, *FAULTS_OF_BUFFERS, *FAULTS_OF_FRAMES)
LINK_NS = 3_000_000
BATCH = 40


def _run(size: int, frames: int, checker: bool) -> float:
    """Seconds of processor time."""
    return loop(size, frames, checker=checker).cpu_seconds


def checker_cost(size: int, frames: int, rounds: int, run: Callable[[int, int, bool], float] = _run) -> float:
    """With over without, the median of `rounds` pairs of runs of `frames` frames of `size` bytes. The model is built
    first if it is not there.
    """
    run(size, 1, False)
    pairs = []
    for _ in range(rounds):
        without = run(size, frames, False)
        pairs.append(run(size, frames, True) / without)
    return median(pairs)


@dataclass(frozen=True, slots=True)
class Noticed:
    """One planted fault. `by_name`: the first finding is of its rule. `located`: all of its lines are in findings of
    that rule, each alone or among ten; None of a fault that has no line.
    """

    name: str
    by_name: bool
    located: bool | None = None


def notice(template: str, faults: Sequence[Fault] = FAULTS, over_em: Sequence[str] = tuple(FAULTS_OF_EM)) -> list[
    Noticed
]:  # fmt: skip
    """Each planted driver, run once; `template` is the text that `faults` are edits of."""
    return [*(_of_template(fault, template) for fault in faults), *map(_of_em, over_em)]


def _of_template(fault: Fault, template: str) -> Noticed:
    driver, text = planted(fault, template)
    frames = max(12, 3 * fault.batch)
    found, _ = driver_findings(driver, frames, fault.batch, fault.longest, **fault.settings)
    of_rule = [each for each in found if each.rule == fault.rule]
    lines = marked(text)
    located = all(any(carried(each, fault, line) for each in of_rule) for line in lines) if lines else None
    return Noticed(fault.name, found[:1] == of_rule[:1] != [], located)


def _of_em(name: str) -> Noticed:
    with planted_over_em(name) as rule:
        host = open_host("em0", Collector(), checker=True, engine="native", driver_options={"features": FEATURES})
        try:
            with suppress(Exception):  # of a driver that was misled
                host.up()
                host.advance(host.now + LINK_NS)
                work(host)
                host.down()
            found = [each.rule for each in host.findings() if isinstance(each, DriverFinding)]
        finally:
            host.engine.close()
    return Noticed(name, found[:1] == [rule])


def false_findings(drivers: Sequence[Callable[..., Nic] | None], frames: int) -> list[str]:
    """What is found of clean drivers (None: `Em`) over `frames` frames, half each way; what one raises counts too."""
    said = []
    for driver in drivers:
        found, raised = driver_findings(driver, frames // (2 * len(drivers)), BATCH, engine="native")
        said += [*map(str, found), *([] if raised is None else [f"{type(raised).__name__}: {raised}"])]
    return said
