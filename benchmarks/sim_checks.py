"""What the checks of a run cost, in the loopback bench: the lines of the driver that mapped a buffer (`trace_origins`),
the assertions in the card's RTL, and the checker of the buses.

With and without run in turn, and a round's two runs are one pair: what else the machine does meanwhile hits both. The
figure is the median over the rounds of processor time with by that without; each part's is with it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from ringbed.benchmarks.sim_loop import loop
from ringbed.sim import cards
from ringbed.sim.memory.host import HostMemory

__all__ = ["ALL", "CHECKS", "checks_cost"]

SIZE = 64  # a frame's smallest: origins cost by the mapping, and nothing else takes long


@dataclass(frozen=True, slots=True)
class Checks:
    """Which are on."""

    origins: bool = False
    assertions: bool = False
    checker: bool = False


OFF, ALL = Checks(), Checks(True, True, True)
CHECKS = {
    "origins": replace(OFF, origins=True),
    "assertions": replace(OFF, assertions=True),
    "checker": replace(OFF, checker=True),
}


def _run(checks: Checks, frames: int) -> float:
    """Seconds of processor time."""
    spec = replace(cards.em(), assertions=checks.assertions)
    memory = HostMemory(trace_origins=checks.origins)
    return loop(SIZE, frames, spec=spec, memory=memory, check=checks.checker).cpu_seconds


def checks_cost(frames: int, rounds: int, run: Callable[[Checks, int], float] = _run) -> dict[str, float]:
    """With over without: of `all` of them, and of each alone. The models are built first if they are not there."""
    kinds = {"all": ALL, **CHECKS}
    run(ALL, 1)
    run(OFF, 1)
    pairs: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, checks in kinds.items():
            without = run(OFF, frames)
            pairs[name].append(run(checks, frames) / without)
    return {name: median(found) for name, found in pairs.items()}
