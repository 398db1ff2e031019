"""The loopback bench on every engine that runs our RTL, one after the other: what each costs against the others.

Clocks a frame are the same to within a few, so the figures compare how fast an engine evaluates a clock. `native` gets
enough frames to be measured, the others as many as take some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringbed.benchmarks.sim_loop import LoopResult, loop
from ringbed.sim.needs import Missing

__all__ = ["FRAMES", "engine_loops"]

FRAMES = {"native": 20_000, "cocotb-verilator": 1_000, "cocotb-icarus": 300, "pysim": 60}
WARM = 4  # frames before the clock starts, on those that interpret: there is little to warm


def engine_loops(divisor: int) -> Iterator[tuple[str, LoopResult | Missing]]:
    """64-byte frames: (engine, result), or what this machine lacks for it."""
    for engine, frames in FRAMES.items():
        try:
            yield engine, loop(64, max(10, frames // divisor), engine, warm=None if engine == "native" else WARM)
        except Missing as error:
            yield engine, error
