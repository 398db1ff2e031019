"""What the checker of drivers costs, in the loopback bench: processor time with it by that without.

The two run in turn and are one pair, as in `sim_checks.py`: what else the machine does meanwhile hits both.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from ringbed.benchmarks.sim_loop import loop

__all__ = ["checker_cost"]


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
