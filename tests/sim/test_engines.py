"""The contract of `sim/seam/engine.py`, on the toy card, on both engines; and that both engines are one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringbed.drivers.world import Direction
from ringbed.sim import cards
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.seam.engine import BusFault, EngineClosed, Event
from tests.sim.conftest import needs_native
from tests.sim.toy import pins_spec, toy_spec

Opener = Callable[..., AnyEngine]
BUFFER_LOW, BUFFER_HIGH, CONTROL, COUNT, SCRATCH, TIMER, BROKEN = 0, 4, 8, 12, 16, 20, 60
ON, IRQ_ENABLE = 1, 2
NO_READ = (
    r"^a read of register 0x8 has no answer after 100 clocks: ARVALID was never taken; for a card by a port map: is "
)
FRAME = bytes(range(60)) + b"\xaa\xbb\xcc\xdd"


def start(engine: AnyEngine, iova: int, control: int = ON) -> None:
    engine.write(BUFFER_LOW, iova & 0xFFFF_FFFF)
    engine.write(BUFFER_HIGH, iova >> 32)
    engine.write(CONTROL, control)
    engine.run(engine.now + 20, stop=Event.NONE)


def toy(opened: Opener, control: int = ON, **options: Any) -> tuple[AnyEngine, memoryview]:
    memory = HostMemory()
    engine, ring = opened(toy_spec(), memory, **options), memory.coherent(256)
    start(engine, ring.iova, control)
    return engine, ring.view


def test_registers_are_read_and_peeked(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.write(SCRATCH, 0xDEADBEEF)
    assert engine.read(SCRATCH) == 0xDEADBEEF  # a read comes after the posted writes before it
    before = engine.now
    assert engine.peek(SCRATCH) == 0xDEADBEEF
    assert engine.now == before


@pytest.mark.parametrize("at", [-1, 0.5, 1 << 64, None, "7"])
def test_a_frame_due_at_no_clock_is_refused_and_nothing_came(opened: Opener, at: Any) -> None:
    engine, view = toy(opened)
    for _ in range(3):
        with pytest.raises(ValueError, match="a frame is due at a clock, a whole number"):
            engine.wire_in(FRAME, at)
    assert engine.stats().wire_in == 0
    engine.wire_in(FRAME, engine.now + 5)
    engine.run(engine.now + 1000, stop=Event.NONE)
    assert (engine.stats().wire_in, bytes(view[: len(FRAME)])) == (1, FRAME)


def test_a_register_that_never_answers_is_told(opened: Opener) -> None:
    engine = opened(pins_spec(), HostMemory(), answer_limit=100)
    with pytest.raises(TimeoutError, match=NO_READ):
        engine.read(8)


def test_a_read_behind_a_write_that_is_not_taken(opened: Opener) -> None:
    engine = opened(pins_spec(), HostMemory(), answer_limit=100)
    engine.write(4, 1)
    with pytest.raises(TimeoutError, match=r"the write of 0x4 before it: AWVALID and WVALID were never taken; "):
        engine.read(8)


def test_a_posted_write_waits_for_the_clock(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.write(SCRATCH, 5)
    assert engine.peek(SCRATCH) == 0
    engine.run(engine.now + 10)
    assert engine.peek(SCRATCH) == 5


def test_findings_outlast_the_engine(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.write(BROKEN, 1)
    engine.run(engine.now + 20)
    engine.close()
    assert [f.rule for f in engine.findings()] == ["register.error"]
    assert engine.findings() == []


def test_a_register_that_answers_an_error_is_a_finding(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.write(BROKEN, 1)
    engine.run(engine.now + 20)
    assert [(f.rule, f.text) for f in engine.findings()] == [
        ("register.error", "a register write at 0x3c is answered 2")
    ]
    assert engine.findings() == []


@pytest.mark.parametrize("offset", [1, 64, -4])
def test_offsets_outside_the_registers_are_refused(opened: Opener, offset: int) -> None:
    engine, _ = toy(opened)
    with pytest.raises(
        ValueError, match="toy has no 32-bit register at .*: its port map has 0x0 to 0x3c, every 4 bytes"
    ):
        engine.read(offset)
    with pytest.raises(ValueError, match="toy has no 32-bit register at"):
        engine.write(offset, 0)


def test_frames_go_through_memory_and_back(opened: Opener) -> None:
    engine, view = toy(opened)
    sent = [FRAME[:n] for n in (1, 7, 8, 9, 60, 64)]
    for i, frame in enumerate(sent):
        engine.wire_in(frame, at=1000 * (i + 1))
    engine.run(20_000)
    out = engine.wire_out()
    assert [frame for _, frame in out] == sent
    assert [clock // 1000 for clock, _ in out] == [1, 2, 3, 4, 5, 6]
    assert bytes(view[:64]) == FRAME
    assert engine.wire_out() == []
    assert engine.findings() == []


def test_pins_reach_the_card(opened: Opener) -> None:
    engine, view = toy(opened)
    engine.set_pin("invert", 0xFF)
    engine.wire_in(bytes(8))
    engine.run(engine.now + 500)
    assert bytes(view[:8]) == b"\xff" + bytes(7)
    assert engine.get_pin("seen") == 1
    assert engine.get_pin("invert") == 0xFF
    with pytest.raises(ValueError, match=r"pin invert \(in, 8 bits\) cannot be set to 0x100"):
        engine.set_pin("invert", 0x100)
    with pytest.raises(KeyError, match="no pin 'errata'"):
        engine.get_pin("errata")


def test_run_stops_at_the_event_asked_for(opened: Opener) -> None:
    engine, _ = toy(opened, ON | IRQ_ENABLE)
    engine.wire_in(FRAME, at=500)
    event = engine.run(10_000, stop=Event.WIRE)
    [(clock, _)] = engine.wire_out()
    assert event & Event.WIRE
    assert engine.now == clock + 1
    assert engine.run(10_000) & Event.IRQ
    assert engine.read(COUNT) == 1
    assert engine.run(10_000) == Event.TIME | Event.IDLE
    assert engine.now == 10_000


def test_without_a_stop_it_does_not_go_on_while_the_line_is_up(opened: Opener) -> None:
    """Whoever only wants time to pass says so: Event.NONE."""
    engine, _ = toy(opened, ON | IRQ_ENABLE)
    engine.wire_in(FRAME, at=100)
    assert engine.run(5_000) & Event.IRQ
    before = engine.now
    assert engine.run(5_000) & Event.IRQ
    assert engine.now == before
    assert engine.run(5_000, Event.NONE) & (Event.TIME | Event.IRQ) == Event.TIME | Event.IRQ
    assert engine.now == 5_000


def test_irq_hold_is_the_hosts_latency(opened: Opener) -> None:
    times = []
    for hold in (0, 70):
        engine, _ = toy(opened, ON | IRQ_ENABLE, irq_hold=hold)
        engine.wire_in(FRAME, at=100)
        assert engine.run(5_000) & Event.IRQ
        times.append(engine.now)
    assert times[1] - times[0] == 70


def test_no_interrupt_before_the_posted_writes_are_done(opened: Opener) -> None:
    engine, _ = toy(opened, ON | IRQ_ENABLE)
    engine.wire_in(FRAME, at=100)
    assert engine.run(5_000) & Event.IRQ
    engine.write(CONTROL, ON)  # masks: the line falls before a host could take it
    assert not engine.run(5_000) & Event.IRQ


def test_idle_clocks_are_skipped_to_the_timer(opened: Opener) -> None:
    engine, _ = toy(opened, ON | IRQ_ENABLE)
    engine.write(TIMER, 3_000_000)
    assert engine.run(10_000_000) & Event.IRQ
    assert engine.now == 3_000_001
    assert engine.stats().clocks < 100
    assert engine.stats().clocks + engine.stats().skipped == engine.now


def test_idle_is_an_event(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.wire_in(FRAME, at=100)
    assert engine.run(1 << 40, stop=Event.IDLE) & Event.IDLE
    assert engine.now < 1000
    assert len(engine.wire_out()) == 1


def test_a_stray_write_is_answered_and_told(opened: Opener) -> None:
    memory = HostMemory()
    engine = opened(toy_spec(), memory)
    buffer = memory.map(bytes(8), Direction.FROM_DEVICE)
    start(engine, buffer.iova)
    engine.wire_in(FRAME[:16])
    assert engine.run(1000, stop=Event.FINDING) & Event.FINDING
    finding = engine.findings()[0]
    assert finding.rule == "dma.write"
    assert finding.text == (
        f"the device writes {buffer.iova + 8:#x} and is answered DECERR: beyond, by 8 bytes, {buffer}"
    )
    assert buffer.read(8) == FRAME[:8]
    assert engine.faults == 1


def test_a_buffer_that_is_mapped_the_other_way_is_told_so(opened: Opener) -> None:
    memory = HostMemory()
    for direction, told in (
        (
            Direction.TO_DEVICE,
            "writes {:#x} and is answered DECERR: inside {}, which is mapped to the device: it may only be read",
        ),
        (
            Direction.FROM_DEVICE,
            "reads {:#x} and is answered DECERR: inside {}, which is mapped from the device: it may only be written",
        ),
    ):
        engine = opened(toy_spec(), memory)
        buffer = memory.map(bytes(16), direction)
        start(engine, buffer.iova)
        engine.wire_in(FRAME[:16])
        engine.run(1000)
        assert engine.findings()[0].text == f"the device {told.format(buffer.iova, buffer)}"


def test_strict_memory_raises_where_the_clock_ran(opened: Opener) -> None:
    engine = opened(toy_spec(), HostMemory(), manner="strict")
    start(engine, 0x1000)
    engine.wire_in(FRAME[:8])
    for verb in ("writes", "reads"):
        with pytest.raises(BusFault, match=rf"clock \d+: the device {verb} 0x1000 and is answered DECERR: nothing is"):
            engine.run(10_000)
    assert engine.run(10_000) & Event.WIRE  # the card goes on


def test_a_bus_fault_leaves_what_was_found(opened: Opener) -> None:
    """`findings` has all of it, the fault's own too; the next fault is told by what is new."""
    engine = opened(toy_spec(), HostMemory(), manner="strict")
    start(engine, 0x1000)
    engine.write(BROKEN, 1)
    engine.run(engine.now + 100, Event.NONE)
    engine.wire_in(FRAME[:8])
    with pytest.raises(BusFault, match=r"the device writes 0x1000 .*; findings\(\) has 1 more$"):
        engine.run(10_000, Event.NONE)
    with pytest.raises(BusFault, match=r"the device reads 0x1000 [^;]*$"):
        engine.run(10_000, Event.NONE)
    assert [finding.rule for finding in engine.findings()] == ["register.error", "dma.write", "dma.read"]
    engine.run(engine.now + 500, Event.NONE)
    engine.wire_in(FRAME[:8], at=engine.now)
    with pytest.raises(BusFault, match=r"the device writes 0x1000 [^;]*$"):
        engine.run(20_000, Event.NONE)
    assert [finding.rule for finding in engine.findings()] == ["dma.write"]
    assert engine.findings() == []


def test_a_faulty_byte_answers_slverr(opened: Opener) -> None:
    memory = HostMemory()
    engine, ring = opened(toy_spec(), memory), memory.coherent(256)
    memory.set_faulty(ring.iova + 8, 1)
    start(engine, ring.iova)
    engine.wire_in(FRAME[:8])
    engine.wire_in(FRAME[:16], at=1000)
    engine.run(2000)
    assert {f.text.split(": ")[0] for f in engine.findings()} == {
        f"the device {verb} {ring.iova + 8:#x} and is answered SLVERR" for verb in ("reads", "writes")
    }


def test_the_link_is_paced_both_ways(opened: Opener) -> None:
    """At 1 Gb/s and 125 MHz a byte takes a clock: 64 bytes, preamble and gap are 84."""
    engine, _ = toy(opened, link_bps=10**9, write_latency=1, read_latency=1)
    for _i in range(5):
        engine.wire_in(FRAME, at=1000)
    engine.run(4000)
    seen = [clock for clock, _ in engine.wire_out()]
    assert seen[0] >= 1000 + 8 + 64 + 8 + 56  # in and out again, at the pace
    assert [b - a for a, b in zip(seen, seen[1:], strict=False)] == [168, 168]  # the toy is deaf while it sends


def test_memory_latency_is_counted_in_clocks(opened: Opener) -> None:
    seen = []
    for read, write in ((1, 1), (101, 1), (1, 101)):
        engine, _ = toy(opened, read_latency=read, write_latency=write)
        engine.wire_in(FRAME[:8], at=100)
        engine.run(2000)
        seen.append(engine.wire_out()[0][0])
    assert [clock - seen[0] for clock in seen] == [0, 100, 100]


def test_a_closed_engine_refuses(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.close()
    with pytest.raises(EngineClosed, match="the engine of toy is closed"):
        engine.run(100)


def test_an_empty_frame_is_refused(opened: Opener) -> None:
    engine, _ = toy(opened)
    with pytest.raises(ValueError, match="cannot receive a frame of 0 bytes"):
        engine.wire_in(b"")


def test_a_waveform_is_written(opened: Opener, tmp_path: Path) -> None:
    memory = HostMemory()
    engine = opened(toy_spec(), memory, waves="vcd")
    path = tmp_path / "toy.vcd"
    engine.trace(str(path))  # or a Path
    start(engine, memory.coherent(256).iova)
    engine.wire_in(FRAME, at=50)
    engine.run(1000)
    engine.trace(None)
    text = path.read_text()
    assert "m_axi_awaddr" in text
    assert len([line for line in text.splitlines() if line.startswith("#")]) > 100


def trace_of(kind: str, frames: list[tuple[int, int]], options: dict[str, Any]) -> list[Any]:
    memory = HostMemory()
    engine = open_engine(kind, toy_spec(), memory, **options)
    ring = memory.coherent(256)
    start(engine, ring.iova, ON | IRQ_ENABLE)
    for length, at in frames:
        engine.wire_in(bytes(i & 255 for i in range(length)), at=at, error=bool(at & 1))
    seen: list[Any] = []
    for _ in range(6):
        seen += [engine.run(engine.now + 1500), engine.now, engine.read(COUNT), engine.wire_out(), engine.findings()]
    stats = engine.stats()
    engine.close()
    return [*seen, stats.clocks, stats.skipped, bytes(ring.view)]


@needs_native
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    frames=st.lists(st.tuples(st.integers(1, 256), st.integers(0, 6000)), max_size=8),
    seed=st.integers(0, 2**32 - 1),
    backpressure=st.sampled_from([0.0, 0.3]),
    latency=st.integers(1, 60),
    hold=st.sampled_from([0, 33]),
    link=st.sampled_from([None, 10**9, 10**8, 25 * 10**9]),
)
def test_both_engines_give_the_same_trace(
    frames: list[tuple[int, int]], seed: int, backpressure: float, latency: int, hold: int, link: int | None
) -> None:
    options = {
        "seed": seed, "backpressure": backpressure, "read_latency": latency, "write_latency": latency + 3,
        "irq_hold": hold, "link_bps": link,
    }  # fmt: skip
    assert trace_of("native", frames, options) == trace_of("pysim", frames, options)


def test_auto_falls_back_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise BuildError("no C++ compiler: g++ is not on PATH")

    monkeypatch.setattr("ringbed.sim.native.engine.build_model", fail)
    said: list[str] = []
    engine = open_engine("auto", toy_spec(), HostMemory(), say=said.append)
    assert engine.kind == "pysim"
    assert said == ["engine pysim, not native: no C++ compiler: g++ is not on PATH"]
    with pytest.raises(BuildError):
        open_engine("native", toy_spec(), HostMemory())
    with pytest.raises(ValueError, match="no engine 'verilog'; there are auto, native, pysim, qemu"):
        open_engine("verilog", toy_spec(), HostMemory())


@pytest.mark.parametrize(
    ("kind", "waves", "says"),
    [
        ("cocotb-icarus", "vcd", "engine cocotb-icarus records a waveform as fst here, not as vcd"),
        ("cocotb-verilator", "fst", "engine cocotb-verilator records a waveform as vcd here, not as fst"),
        ("pysim", "fst", "engine pysim records a waveform as vcd here, not as fst"),
        ("qemu", "vcd", "engine qemu records no waveform"),
    ],
)
def test_a_waveform_that_is_not_recorded_is_refused_before_anything_is_built(kind: str, waves: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        open_engine(kind, toy_spec(), HostMemory(), waves=waves)


def test_without_a_compiler_it_is_the_compiler_that_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise BuildError("no C++ compiler: g++ is not on PATH")

    monkeypatch.setattr("ringbed.sim.engines.wave_format", none)
    with pytest.raises(BuildError, match="no C"):
        open_engine("native", toy_spec(), HostMemory(), waves="fst")
    with pytest.raises(ValueError, match="engine auto records a waveform as vcd here, not as fst"):
        open_engine("auto", toy_spec(), HostMemory(), waves="fst")


def test_a_setting_there_is_not_is_refused(opened: Opener) -> None:
    with pytest.raises(ValueError, match=r"^there is no setting 'latency'; there are read_latency, .*, waves$"):
        opened(toy_spec(), HostMemory(), latency=3)


@pytest.mark.parametrize("kind", ["pysim", "qemu"])
def test_what_runs_no_verilog_takes_no_plusargs(kind: str) -> None:
    with pytest.raises(ValueError, match="plusargs"):
        open_engine(kind, cards.em() if kind == "qemu" else toy_spec(), plusargs=["loud"])


@pytest.mark.parametrize("kind", ["pysim", pytest.param("native", marks=needs_native)])
def test_clock_zero_is_behind_the_reset_however_long_that_is(kind: str) -> None:
    engine = open_engine(kind, toy_spec(), reset_clocks=9, reset_wait=40)
    assert (engine.now, engine.stats().clocks) == (0, 0)
    assert engine.read(SCRATCH) == open_engine(kind, toy_spec()).read(SCRATCH)
    engine.close()
