"""The loopback bench: a cable joins the card's TX to its own RX; every frame goes through driver and RTL both ways.

Each frame counts once, wall time, unpaced. The frames are compared on the way back: a fast wrong answer is no figure.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringbed.drivers.world import TxFrame
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.cable import Loopback

__all__ = ["LoopResult", "loop"]

MAC = bytes.fromhex("020000000001")
IN_FLIGHT = 192  # frames on their way; the rings have 256 descriptors
SLICE_NS = 20_000  # simulated between two looks at the cable
HOLD = 250  # clocks of interrupt latency: 2 us, so that an interrupt finds a batch
DISTINCT = 64


@dataclass(frozen=True, slots=True)
class LoopResult:
    """Wall `seconds` for `frames`, of which this process had `cpu_seconds`; ns figures are sums over the run,
    `driver_ns` without the engine below it.
    """

    frames: int
    seconds: float
    clocks: int
    model_ns: int
    harness_ns: int
    driver_ns: int
    cpu_seconds: float

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.seconds

    @property
    def harness(self) -> float:
        """Model evaluation time over model plus harness time."""
        return self.model_ns / (self.model_ns + self.harness_ns)

    @property
    def cycles_per_s(self) -> float:
        return self.clocks / ((self.model_ns + self.harness_ns) / 1e9)


class _Timed:
    """Wall time spent in the driver, what the engine took inside its register accesses not counted."""

    def __init__(self, host: Any) -> None:
        self.ns = 0
        self._host = host
        for name in ("transmit", "interrupt"):
            setattr(host.driver, name, self._wrap(getattr(host.driver, name)))

    def _engine_ns(self) -> int:
        stats = self._host.engine.stats()
        return int(stats.model_ns + stats.harness_ns)

    def _wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            begin, inside = time.perf_counter_ns(), self._engine_ns()
            try:
                return function(*arguments)
            finally:
                self.ns += time.perf_counter_ns() - begin - (self._engine_ns() - inside)

        return timed


def loop(
    size: int, frames: int, engine: str = "native", seed: int = 1, warm: int | None = None, **settings: Any
) -> LoopResult:
    """`size` in the words of architecture: 64 is with FCS, 1514 without. `warm` frames go round first, uncounted.
    Nobody notes the lines that mapped buffers unless `memory` says so: what that costs is `sim.em.checks_cost.origins`.

    Raises RuntimeError when a frame is changed, or never comes back.
    """
    rng = random.Random(seed)
    length = 60 if size == 64 else size
    stock = [MAC + rng.randbytes(length - 6) for _ in range(DISTINCT)]
    settings.setdefault("memory", HostMemory(trace_origins=False))
    host = open_host("em0", Collector(), engine=engine, mac=MAC, irq_hold=HOLD, **settings)
    try:
        host.up()
        cable, timed = Loopback(host.engine), _Timed(host)
        _run(host, cable, stock, 2 * DISTINCT if warm is None else warm)  # caches warm, rings wrapped once
        before, driver, begin, cpu = host.engine.stats(), timed.ns, time.perf_counter(), time.process_time()
        _run(host, cable, stock, frames)
        seconds, spent, after = time.perf_counter() - begin, time.process_time() - cpu, host.engine.stats()
        if findings := host.engine.findings():
            raise RuntimeError(f"the bus checker found {findings[0]}")
        return LoopResult(
            frames, seconds, after.clocks - before.clocks, after.model_ns - before.model_ns,
            after.harness_ns - before.harness_ns, timed.ns - driver, spent,
        )  # fmt: skip
    finally:
        host.engine.close()


def _run(host: Any, cable: Loopback, stock: list[bytes], frames: int) -> None:
    offers = [TxFrame([frame]) for frame in stock]
    sent = done = idle = 0
    while done < frames:
        room = min(IN_FLIGHT - (sent - done), frames - sent)
        if room > 0:
            sent += host.driver.transmit(0, [offers[(sent + index) % DISTINCT] for index in range(room)])
        host.advance(host.now + SLICE_NS)
        cable.move()
        arrived = host.upper.take()
        for received in arrived:
            if received.data != stock[done % DISTINCT]:
                raise RuntimeError(_wrong(received.data, stock, done, sent))
            done += 1
        idle = 0 if arrived else idle + 1
        if idle > 100:
            raise RuntimeError(f"the loop stands still after {done} of {frames} frames")


def _wrong(data: bytes, stock: list[bytes], wanted: int, sent: int) -> str:
    """What happened where another than frame `wanted` came: one sent behind it says that those between are lost, if it
    is not so far behind that it might be one from before.
    """
    near = range(wanted + 1, min(sent, wanted + DISTINCT // 2))
    behind = next((each for each in near if stock[each % DISTINCT] == data), None)
    if behind is None:
        return f"frame {wanted} of the loop came back changed"
    last = f" to {behind - 1}" if behind - 1 > wanted else ""
    return f"frame {wanted}{last} of the loop never came back: frame {behind} did"
