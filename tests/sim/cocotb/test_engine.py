"""The cocotb engines: the contract of every engine, by the tests of the others, and what is their own.

The tests imported here are those of `test_engines.py`, `test_axi_checker.py` and `test_regions.py`; what they take from
the fixtures of this file is a card in Icarus, and with `full` in Verilator too.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.cocotb.build import CocotbMissing, build
from ringbed.sim.cocotb.engine import SimulatorEnded, last_words
from ringbed.sim.dut.block import block_spec, read_block
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory, Region
from ringbed.sim.seam.bus_faults import Access, BusFaults, BusFixed, BusKind
from ringbed.sim.seam.engine import EngineClosed, Event
from tests.sim.memory.test_regions import (
    test_a_region_comes_goes_and_another_takes_its_place,
    test_an_engine_lets_go_of_the_bytes_at_its_next_run,
    test_many_regions_at_once,
    test_the_rest_of_a_burst_under_way_goes_nowhere,
)
from tests.sim.seam.test_axi_checker import (
    test_a_broken_rule_is_found,
    test_bytes_that_do_not_count_may_change,
    test_findings_are_capped,
    test_lawful_traffic_is_not_blamed,
    test_the_checker_can_be_off,
)
from tests.sim.test_engines import (
    FRAME,
    Opener,
    start,
    test_a_bus_fault_leaves_what_was_found,
    test_a_closed_engine_refuses,
    test_a_faulty_byte_answers_slverr,
    test_a_posted_write_waits_for_the_clock,
    test_a_register_that_answers_an_error_is_a_finding,
    test_a_stray_write_is_answered_and_told,
    test_an_empty_frame_is_refused,
    test_findings_outlast_the_engine,
    test_frames_go_through_memory_and_back,
    test_idle_clocks_are_skipped_to_the_timer,
    test_idle_is_an_event,
    test_irq_hold_is_the_hosts_latency,
    test_memory_latency_is_counted_in_clocks,
    test_no_interrupt_before_the_posted_writes_are_done,
    test_offsets_outside_the_registers_are_refused,
    test_pins_reach_the_card,
    test_registers_are_read_and_peeked,
    test_run_stops_at_the_event_asked_for,
    test_strict_memory_raises_where_the_clock_ran,
    test_the_link_is_paced_both_ways,
    test_without_a_stop_it_does_not_go_on_while_the_line_is_up,
    toy,
)
from tests.sim.toy import toy_spec

pytestmark = pytest.mark.cocotb

CONTRACT = [
    test_findings_outlast_the_engine,
    test_a_broken_rule_is_found, test_bytes_that_do_not_count_may_change, test_findings_are_capped,
    test_lawful_traffic_is_not_blamed,
    test_the_checker_can_be_off, test_a_bus_fault_leaves_what_was_found, test_a_closed_engine_refuses,
    test_a_faulty_byte_answers_slverr,
    test_a_posted_write_waits_for_the_clock, test_a_register_that_answers_an_error_is_a_finding,
    test_a_stray_write_is_answered_and_told, test_an_empty_frame_is_refused, test_frames_go_through_memory_and_back,
    test_idle_clocks_are_skipped_to_the_timer, test_idle_is_an_event, test_irq_hold_is_the_hosts_latency,
    test_memory_latency_is_counted_in_clocks, test_no_interrupt_before_the_posted_writes_are_done,
    test_offsets_outside_the_registers_are_refused, test_pins_reach_the_card, test_registers_are_read_and_peeked,
    test_run_stops_at_the_event_asked_for, test_strict_memory_raises_where_the_clock_ran,
    test_the_link_is_paced_both_ways, test_without_a_stop_it_does_not_go_on_while_the_line_is_up,
    test_a_region_comes_goes_and_another_takes_its_place, test_an_engine_lets_go_of_the_bytes_at_its_next_run,
    test_many_regions_at_once, test_the_rest_of_a_burst_under_way_goes_nowhere,
]  # fmt: skip


@pytest.fixture(params=["icarus", pytest.param("verilator", marks=pytest.mark.full)])
def engine_kind(request: pytest.FixtureRequest) -> str:
    return f"cocotb-{request.param}"


def test_what_befalls_bursts_is_done_and_logged(opened: Opener) -> None:
    """A read answered late, then one answered with an error from its second beat on."""
    engine, _ = toy(opened)
    faults = (
        BusFixed(BusKind.LATENCY, Access.FETCH, 0, clocks=300),
        BusFixed(BusKind.SLVERR, Access.FETCH, 1, beat=1),
        BusFixed(BusKind.BACKPRESSURE, Access.FETCH, 1, clocks=40),
    )
    engine.set_bus_faults(BusFaults(fixed=faults))
    clocks = []
    for at in (1000, 3000):
        engine.wire_in(FRAME, at=at)
        engine.run(at + 1000, Event.NONE)
        [(clock, frame)] = engine.wire_out()
        clocks.append(clock - at)
        assert frame[:8] == FRAME[:8]
    assert frame[8:] != FRAME[8:]
    assert 290 <= clocks[0] - clocks[1] <= 310
    log = [(event.kind, event.access, event.ordinal, event.clocks, event.beat) for event in engine.bus_fault_log()]
    assert sorted(log) == sorted((f.kind, f.access, f.ordinal, f.clocks, f.beat) for f in faults)
    assert engine.bus_fault_log() == []


def test_held_off_channels_change_no_bytes(opened: Opener) -> None:
    """The same seed gives the same trace, and ready and valid held off cost clocks alone."""
    traces = []
    for backpressure in (0.0, 0.4, 0.4):
        engine, view = toy(opened, backpressure=backpressure, seed=5)
        engine.wire_in(FRAME, at=100)
        engine.run(3000, Event.NONE)
        [(clock, frame)] = engine.wire_out()
        assert (frame, bytes(view[:64]), engine.findings()) == (FRAME, FRAME, [])
        traces.append(clock)
    assert traces[0] < traces[1] == traces[2]


def test_somebodys_verilog_is_a_card_here_too(opened: Opener) -> None:
    """The hash unit of the examples, asked Microsoft's first vector: one answer, and none before it is asked."""
    dut, rtl, ports = read_block(Path(__file__).parents[3] / "examples" / "third_party" / "blocks" / "rss_hash.toml")
    engine = opened(block_spec(dut, rtl, ports))
    engine.run(100, Event.NONE)
    assert engine.wire_out() == []
    words = ("bb950942" + 24 * "0", "50648ea1" + 24 * "0", "ea0ae606" + "01000000")
    engine.wire_in(bytes.fromhex("".join(words)), at=engine.now)
    engine.run(400, Event.NONE)
    assert [frame.hex() for _, frame in engine.wire_out()] == ["c28f3e3201"]


def test_a_waveform_begins_at_clock_zero(opened: Opener, engine_kind: str, tmp_path: Path) -> None:
    memory = HostMemory()
    engine = opened(toy_spec(), memory)
    engine.set_pin("invert", 0x0F)
    name = "toy.fst" if engine_kind == "cocotb-icarus" else "toy.vcd"
    with pytest.raises(ValueError, match=f"a waveform of {engine_kind} is a .* file, not toy.txt"):
        engine.trace(tmp_path / "toy.txt")
    engine.trace(str(tmp_path / name))  # or a Path
    assert engine.get_pin("invert") == 0x0F  # what was set before is set again
    start(engine, memory.coherent(256).iova)
    engine.wire_in(FRAME, at=50)
    engine.run(1000)
    with pytest.raises(ValueError, match="begins at clock 0, and clocks have run"):
        engine.trace(tmp_path / name)
    engine.close()
    assert (tmp_path / name).stat().st_size > 1000


def test_a_simulator_that_is_gone_is_told_of(opened: Opener) -> None:
    engine: Any = opened(toy_spec(), HostMemory())
    os.kill(engine._process.pid, signal.SIGKILL)
    with pytest.raises(SimulatorEnded, match="the simulator has ended; its last words"):
        engine.run(100)
    with pytest.raises(EngineClosed, match="the engine of toy is closed"):
        engine.run(100)


def test_a_simulator_that_is_gone_is_told_of_when_memory_has_changed(opened: Opener) -> None:
    """That is sent before the call."""
    memory = HostMemory()
    engine: Any = opened(toy_spec(), memory)
    engine.run(100)
    os.kill(engine._process.pid, signal.SIGKILL)
    engine._process.wait()
    memory.version += 1
    with pytest.raises(SimulatorEnded, match="the simulator has ended; its last words"):
        engine.read(0)
    engine.close()


def test_a_log_is_kept_when_other_faults_are_set(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.set_bus_faults(BusFaults(fixed=(BusFixed(BusKind.LATENCY, Access.FETCH, 0, clocks=30),)))
    engine.wire_in(FRAME, at=1000)
    engine.run(1500, Event.NONE)
    engine.set_bus_faults(BusFaults(fixed=(BusFixed(BusKind.LATENCY, Access.FETCH, 0, clocks=70),)))
    engine.wire_in(FRAME, at=2000)
    engine.run(2500, Event.NONE)
    assert [event.clocks for event in engine.bus_fault_log()] == [30, 70]


def test_a_build_is_of_the_verilog_beside_the_card(tmp_path: Path) -> None:
    """The same map, ports and wrapper; another line inside."""
    blocks = Path(__file__).parents[3] / "examples" / "third_party" / "blocks"
    folders = []
    for answer in ("begin end", "begin /* another */ end"):
        for name in ("rss_hash.toml", "rss_hash.v"):
            text = (blocks / name).read_text(encoding="utf-8")
            (tmp_path / name).write_text(f"// {answer}\n{text}" if name.endswith(".v") else text, encoding="utf-8")
        dut, rtl, ports = read_block(tmp_path / "rss_hash.toml")
        folders.append(build(block_spec(dut, rtl, ports), "icarus"))
    assert folders[0] != folders[1]


def test_memory_that_is_in_no_file_is_refused(opened: Opener) -> None:
    memory = HostMemory()
    engine = opened(toy_spec(), memory)
    memory.add_region(Region(0x1000, memoryview(bytearray(4096))))
    with pytest.raises(ValueError, match="the region at 0x1000 is not in a file"):
        engine.run(10)


ORPHAN = """
from ringbed.sim.dut.block import block_spec, read_block
from ringbed.sim.seam.engine import Event
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from tests.sim.toy import toy_spec
engine = open_engine("cocotb-icarus", toy_spec(), HostMemory())
print(engine._process.pid, flush=True)
{last}
"""


@pytest.mark.needs("cocotb-icarus")
@pytest.mark.parametrize("last", ["input()", "engine.run(1 << 60, 0)"], ids=["waiting", "running"])
def test_it_ends_with_its_parent_however_that_ends(last: str) -> None:
    """Killed, so that no handler of the parent's can do it."""
    script = ORPHAN.format(last=last)
    if "run" in last:
        script = script.replace("HostMemory())", "HostMemory(), skip_idle=False)")
    command = [sys.executable, "-c", script]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        simulator = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([simulator], [], [], 60)
    os.close(simulator)
    assert ended


def test_nothing_is_left_behind(opened: Opener) -> None:
    folder = build(toy_spec(), "icarus")
    engine = opened(toy_spec(), HostMemory())
    engine.run(100)
    engine.close()
    assert [path.name for path in build(toy_spec(), "icarus").iterdir()] == [path.name for path in folder.iterdir()]
    assert len(list(folder.iterdir())) == 1


def test_what_is_missing_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(engine: str) -> str:
        with pytest.raises(CocotbMissing) as raised:
            open_engine(engine, toy_spec(), HostMemory())
        return str(raised.value)

    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setenv("LIBPYTHON_LOC", "/somewhere/libpython.so")
    assert missing("cocotb-icarus").startswith("no Icarus Verilog: iverilog is not on PATH (")
    assert missing("cocotb-verilator").startswith("no make: make is not on PATH (")
    monkeypatch.delenv("LIBPYTHON_LOC")
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    for engine in ("cocotb-icarus", "cocotb-verilator"):
        assert missing(engine).startswith(f"no libpython: {sys.executable} has no shared library (")
        assert "apt-get install libpython3." in missing(engine)
    monkeypatch.setattr("ringbed.sim.needs._importable", lambda module: module != "cocotbext.axi")
    assert missing("cocotb-icarus").startswith("no cocotb: the package cocotbext-axi is not installed (")
    with pytest.raises(ValueError, match="cocotb runs on verilator and icarus here, not on 'vcs'"):
        build(toy_spec(), "vcs")


def test_how_many_clocks_later_than_the_native_engine() -> None:
    """As docs/cocotb.md says: three for a word that goes to memory and comes back, and none more for bursts that are
    out together, however many. What else could differ is the engines' own contract above."""
    ways = []
    for kind in ("native", "cocotb-icarus"):
        memory = HostMemory()
        engine = open_engine(kind, toy_spec(), memory)
        start(engine, memory.coherent(4096).iova)
        engine.run(engine.now + 50)
        took = []
        for size in (8, 128):
            at = engine.now + 10
            engine.wire_in(bytes(range(size)), at)
            engine.run(at + 400)
            took.append(engine.wire_out()[0][0] - at)
        ways.append(took)
        engine.close()
    native, cocotb = ways
    assert [later - earlier for earlier, later in zip(native, cocotb, strict=True)] == [3, 3]


def test_the_last_words_of_a_simulator_are_its_last_twenty_lines_and_why_where_that_is_known() -> None:
    said = [f"line {number}" for number in range(30)]
    text = "\n\n".join(said).encode()
    assert last_words(text) == "; its last words:\n" + "\n".join(said[-20:])
    fall = b"\n  what():  basic_string::compare: __pos (which is 18446744073709551615) > this->size() (which is 1)\n"
    assert last_words(text + fall).startswith(": cocotb falls at a package whose name is one letter; give it a longer ")
