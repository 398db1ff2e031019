"""The model's processor time: some of what the process has taken, and nothing of what it does beside the engine."""

from __future__ import annotations

import time

from ringbed.cli.guest.timed import TimedEngine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.engine import Event
from tests.sim.conftest import needs_native
from tests.sim.toy import toy_spec

BUSY = 50_000_000  # ns of processor time
SCRATCH = 16  # a register of the toy's


@needs_native
def test_only_what_the_engine_takes_is_its() -> None:
    engine = TimedEngine(toy_spec(), HostMemory(), skip_idle=False)
    assert engine.model_cpu_ns == 0
    begin = time.process_time_ns()
    engine.run(20_000, Event.NONE)
    ran = engine.model_cpu_ns
    while time.process_time_ns() - begin < BUSY:
        pass
    assert 0 < ran == engine.model_cpu_ns <= time.process_time_ns() - begin
    for _ in range(200):
        engine.read(SCRATCH)
    assert ran < engine.model_cpu_ns <= time.process_time_ns() - begin
    engine.close()
