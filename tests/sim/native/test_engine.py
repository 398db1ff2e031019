"""What only the native engine has: many models in one process, threads, tracing compiled in, figures."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ringbed.drivers.world import Coherent
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.native.toolchain import BuildError, wave_format
from ringbed.sim.seam.engine import Event
from tests.sim.conftest import needs_native
from tests.sim.toy import pins_spec, toy_spec

pytestmark = needs_native
CONTROL, SCRATCH, TIMER = 8, 16, 20


def sent(engine: NativeEngine, memory: HostMemory, seed: int) -> list[tuple[int, bytes]]:
    ring = memory.coherent(256)
    engine.write(0, ring.iova & 0xFFFF_FFFF)
    engine.write(4, ring.iova >> 32)
    engine.write(CONTROL, 1)
    engine.run(20)
    for i in range(300):
        engine.wire_in(bytes((seed + i + k) & 255 for k in range(1 + (seed * 7 + i) % 200)), at=100 + 400 * i)
    engine.run(400 * 301)
    return engine.wire_out()


def with_a_frame_in_flight() -> tuple[NativeEngine, HostMemory, Coherent]:
    """A frame of three beats is on its way to the ring, and would be read back from it."""
    memory = HostMemory()
    ring = memory.coherent(256)
    engine = NativeEngine(toy_spec(), memory)
    for offset, value in ((0, ring.iova & 0xFFFF_FFFF), (4, ring.iova >> 32), (CONTROL, 1)):
        engine.write(offset, value)
    engine.run(20)
    assert engine.in_flight(0, 1 << 64) == 0
    engine.wire_in(bytes(range(24)), at=engine.now)
    for _ in range(100):
        if engine.in_flight(0, 1 << 64):
            break
        engine.run(engine.now + 1, Event.NONE)
    return engine, memory, ring


def test_bursts_in_flight_are_those_that_touch_the_bytes_asked_for() -> None:
    engine, memory, ring = with_a_frame_in_flight()
    beside, seen = memory.coherent(256), list[int]()
    while Event.IDLE not in engine.run(engine.now + 1, Event.IDLE):
        every = engine.in_flight(0, 1 << 64)
        assert engine.in_flight(ring.iova, 24) == every
        assert engine.in_flight(ring.iova, 8) + engine.in_flight(ring.iova + 8, 16) >= every
        assert engine.in_flight(ring.iova + 24, 1 << 20) == engine.in_flight(beside.iova, 256) == 0
        assert engine.in_flight(ring.iova + 7, 1) == engine.in_flight(ring.iova, 8)
        seen.append(every)
    assert max(seen) > 0
    assert (engine.in_flight(0, 1 << 64), bytes(ring.view[:24])) == (0, bytes(range(24)))


def test_shut_memory_is_there_for_the_bursts_that_are_out_and_for_no_others() -> None:
    engine, _, ring = with_a_frame_in_flight()
    engine.shut(ring.iova, 256)
    assert engine.in_flight(ring.iova, 256) == 1
    while engine.in_flight(ring.iova, 256):
        engine.run(engine.now + 1, Event.NONE)
    assert (bytes(ring.view[:8]), engine.findings()) == (bytes(range(8)), [])
    engine.run(engine.now + 1000, Event.IDLE)
    assert (bytes(ring.view[8:24]), engine.in_flight(0, 1 << 64)) == (bytes(16), 0)
    assert {finding.rule for finding in engine.findings()} == {"dma.write", "dma.read"}
    engine.shut(0, 0)
    engine.wire_in(bytes(range(24)), at=engine.now)
    engine.run(engine.now + 1000, Event.IDLE)
    assert (bytes(ring.view[:24]), engine.findings()) == (bytes(range(24)), [])


def test_engines_run_in_threads_as_alone() -> None:
    def one(seed: int) -> list[tuple[int, bytes]]:
        memory = HostMemory()
        return sent(NativeEngine(toy_spec(), memory), memory, seed)

    alone = [one(seed) for seed in range(3)]
    together: dict[int, list[tuple[int, bytes]]] = {}
    threads = [threading.Thread(target=lambda s=seed: together.update({s: one(s)})) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[seed] for seed in range(3)] == alone
    assert [len(frames) for frames in alone] == [300] * 3


def test_the_interpreter_is_free_while_the_clock_runs() -> None:
    """Were the lock held, this thread would see the count of clocks before a run and after it, and nothing between."""
    memory = HostMemory()
    engine = NativeEngine(pins_spec(), memory)
    clocks = 3_000_000
    running = threading.Thread(target=engine.run, args=(clocks,))
    seen = set()
    running.start()
    while running.is_alive():
        seen.add(engine.stats().clocks)
    running.join()
    assert len([count for count in seen if 0 < count < clocks]) > 3
    engine.close()


def test_two_models_live_in_one_process() -> None:
    toy, pins = NativeEngine(toy_spec(), HostMemory()), NativeEngine(pins_spec(), HostMemory())
    toy.write(SCRATCH, 77)
    pins.set_pin("p_tx_tvalid", 1)
    pins.set_pin("p_tx_tkeep", 255)
    pins.set_pin("p_tx_tlast", 1)
    pins.run(3)
    assert toy.read(SCRATCH) == 77
    assert len(pins.wire_out()) == 3
    toy.close()
    assert pins.run(4) & Event.TIME


def test_a_waveform_needs_a_model_compiled_for_it(tmp_path: Path) -> None:
    engine = NativeEngine(toy_spec(), HostMemory())
    engine.run(10)
    with pytest.raises(RuntimeError, match="compiled without tracing: open it with waves="):
        engine.trace(tmp_path / "late.vcd")
    early = NativeEngine(toy_spec(), HostMemory())
    early.trace(tmp_path / "early.vcd")  # recompiled: its clock has not run
    early.run(10, stop=Event.NONE)
    early.trace(None)
    assert "m_axi_awaddr" in (tmp_path / "early.vcd").read_text()


def test_the_best_waveform_this_machine_can_compile(tmp_path: Path) -> None:
    """FST where there are headers of zlib and lz4, which `.ci/run` installs; it opens with its header block."""
    kind = wave_format()
    path = tmp_path / f"toy.{kind}"
    engine = NativeEngine(toy_spec(), HostMemory(), waves=kind)
    engine.trace(path)
    engine.run(100, stop=Event.NONE)
    engine.trace(None)
    engine.close()
    data = path.read_bytes()
    assert len(data) > 500
    assert data[0] == 0 and int.from_bytes(data[1:9], "big") == 329 if kind == "fst" else data.startswith(b"$version")


def test_time_is_told_apart() -> None:
    memory = HostMemory()
    engine = NativeEngine(toy_spec(), memory)
    sent(engine, memory, 1)
    stats = engine.stats()
    assert stats.clocks + stats.skipped == engine.now
    assert stats.model_ns > 0
    assert stats.harness_ns > 0


def test_an_unknown_waveform_format_is_refused() -> None:
    with pytest.raises(ValueError, match="no waveform format 'lxt'; there are fst and vcd"):
        NativeEngine(toy_spec(), HostMemory(), waves="lxt")


def test_pins_set_before_it_is_compiled_for_a_waveform_stay(tmp_path: Path) -> None:
    engine = NativeEngine(pins_spec())
    for name, value in (("p_tx_tvalid", 1), ("p_tx_tkeep", 255), ("p_tx_tlast", 1)):
        engine.set_pin(name, value)
    engine.trace(tmp_path / "w.vcd")
    engine.run(30)
    assert len(engine.wire_out()) == 30  # a frame of a word each clock


@pytest.mark.parametrize("traced", [False, True])
def test_the_hold_of_the_interrupt_line_stays(tmp_path: Path, traced: bool) -> None:
    engine = NativeEngine(toy_spec(), HostMemory())
    engine.hold_irq(400)
    if traced:
        engine.trace(tmp_path / "w.vcd")
    engine.write(CONTROL, 2)
    engine.write(TIMER, 100)
    assert engine.run(5000) & Event.IRQ
    assert engine.now == 400


def test_frames_that_wait_stay_when_it_is_compiled_for_a_waveform(tmp_path: Path) -> None:
    engine = NativeEngine(toy_spec(), HostMemory())
    engine.wire_in(bytes(range(64)), 100)
    engine.trace(tmp_path / "x.vcd")
    assert engine.stats().wire_waiting == engine.stats().wire_in == 1


def test_time_that_was_skipped_forbids_another_model(tmp_path: Path) -> None:
    engine = NativeEngine(pins_spec())
    engine.skip(10)
    with pytest.raises(RuntimeError, match="compiled without tracing"):
        engine.trace(tmp_path / "late.vcd")


def test_a_waveform_that_cannot_be_built_leaves_the_engine_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was closed first, and its memory freed: what came next ended the process."""

    def refuse(*_: object) -> Path:
        raise BuildError("no headers")

    memory = HostMemory()
    engine = NativeEngine(toy_spec(), memory)
    monkeypatch.setattr("ringbed.sim.native.engine.build_model", refuse)
    with pytest.raises(BuildError, match="no headers"):
        engine.trace(tmp_path / "w.vcd")
    monkeypatch.undo()
    alone = HostMemory()
    assert sent(engine, memory, 3) == sent(NativeEngine(toy_spec(), alone), alone, 3) != []
    engine.close()
