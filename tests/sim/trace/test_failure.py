"""Waveform on failure: the second run is the first, its window holds what failed, and all files agree on the clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from ringbed.drivers.world import TxFrame, TxSum
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.engine import BusFault
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from ringbed.sim.trace.failure import AFTER, BEFORE, Case, run_with_waveform
from ringbed.sim.trace.gtkw import mark_time
from ringbed.sim.wire.frame import from_wire
from tests.sim.toy import toy_spec
from tests.sim.waves import Waves

BUFFER, CONTROL, ON = 0, 8, 1
OSPF = 89


def toy(engine: str, case: Case | None = None, **options: Any) -> Any:
    """The toy with a buffer, switched on."""
    memory = HostMemory()
    buffer = memory.coherent(4096, 4096)
    opened = open_engine(engine, toy_spec(), memory, **options)
    opened.write(BUFFER, buffer.iova & 0xFFFF_FFFF)
    opened.write(BUFFER + 4, buffer.iova >> 32)
    opened.write(CONTROL, ON)
    return opened


def frames_back(engine: Any, count: int, step: int = 400) -> list[tuple[int, bytes]]:
    """`count` frames in and out again, 400 clocks each, in runs of `step`."""
    out = []
    for number in range(count):
        end = engine.now + 400
        engine.wire_in(bytes([number]) * 64, engine.now)
        while engine.now < end:
            engine.run(min(end, engine.now + step))
        out += engine.wire_out()
    return out


def third_is_wrong(engine: str, closes: bool = False) -> Callable[[Case], None]:
    """A scenario that takes the third frame's bytes for a mistake of the card."""

    def scenario(case: Case) -> None:
        opened = toy(engine)
        out = frames_back(opened, 4)
        if closes:
            opened.close()
        case.blame(opened, "wire_out", 3)
        raise AssertionError(f"frame 3 left in clock {out[2][0]}")

    return scenario


def failure(scenario: Callable[[Case], object], folder: Path) -> Exception:
    with pytest.raises((AssertionError, BusFault)) as caught:
        run_with_waveform(scenario, folder)
    return caught.value


def test_nothing_is_recorded_while_nothing_fails(engine_kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    assert run_with_waveform(lambda case: len(frames_back(toy(engine_kind), 2)), folder) == 2
    assert not folder.exists()


@pytest.mark.parametrize("closes", [False, True], ids=["open", "closed"])
def test_the_window_holds_the_frame_that_is_blamed(engine_kind: str, tmp_path: Path, closes: bool) -> None:
    error = failure(third_is_wrong(engine_kind, closes), tmp_path)
    assert str(error).startswith("frame 3 left in clock ")
    clock = int(str(error).split()[-1])
    notes = "\n".join(error.__notes__)
    assert f"wire_out 3 (ended at last, clock {clock})" in notes
    assert "run again" not in notes
    (waveform,) = [path for path in tmp_path.iterdir() if path.suffix in (".fst", ".vcd")]
    assert str(waveform) in notes
    opened = toy(engine_kind)
    period, scope = opened.wave_layout.period, opened.wave_layout.card
    journey = opened.wave_layout.journey.format(group="wire_out")
    opened.close()
    waves = Waves(waveform)
    first = next(time for time, value in waves.changes(journey + "first") if value == 3)
    last = next(time for time, value in waves.changes(journey + "last") if value == 3)
    assert last == mark_time(clock, period)
    for time in (first, last):  # the handshake is there when the mark moves
        assert waves.at(f"{scope}.tx_tvalid", time)
        assert waves.at(f"{scope}.tx_tready", time)
    assert waves.at(f"{scope}.tx_tlast", last)
    assert not waves.at(f"{scope}.tx_tlast", first)
    assert waves.texts(journey + "at")[-1][1] == "last"
    edges = waves.rises(f"{scope}.clk")
    assert edges[0] == mark_time(first // period - BEFORE, period)
    assert edges[-1] <= mark_time(clock + AFTER - 1, period)
    assert f"{clock:>12}" in (tmp_path / "failure.txt").read_text()


def test_the_files_beside_it(engine_kind: str, tmp_path: Path) -> None:
    error = failure(third_is_wrong(engine_kind), tmp_path)
    clock = int(str(error).split()[-1])
    save = (tmp_path / "failure.gtkw").read_text()
    waveform = next(path for path in tmp_path.iterdir() if path.suffix in (".fst", ".vcd"))
    assert f'[dumpfile] "{waveform}"' in save
    names = Waves(waveform).names()
    traced = [line.split("[")[0] for line in save.splitlines() if line.startswith(("TOP", "bench", "journey"))]
    assert len(traced) > 40
    unused = {"rx_tuser", "s_axil_rresp", "s_axil_wstrb", "m_axi_awlen", "m_axi_bid", "m_axi_bresp", "m_axi_rresp",
              "m_axi_rid", "s_axil_bresp", "rx_tkeep"}  # fmt: skip
    if engine_kind == "pysim":  # has no signal for a port that the toy does not look at
        traced = [name for name in traced if name.rpartition(".")[2] not in unused]
    assert set(traced) <= names
    assert "[markername] Bwire out last" in save
    events = json.loads((tmp_path / "failure.json").read_text())["traceEvents"]
    whole = [event for event in events if event.get("name") == "wire_out 3"]
    assert [event["ph"] for event in whole] == ["b", "e"]
    assert whole[1]["ts"] == clock * 8 / 1000  # the toy's clock is 125 MHz


def test_a_second_run_that_does_not_fail_is_told(engine_kind: str, tmp_path: Path) -> None:
    runs = []

    def scenario(case: Case) -> None:
        frames_back(toy(engine_kind), 1)
        runs.append(case.again)
        assert len(runs) == 2, "only once"

    error = failure(scenario, tmp_path)
    assert runs == [False, True]
    assert "it did not fail" in error.__notes__[0]


def test_without_a_blame_the_last_to_move_is_suspected(engine_kind: str, tmp_path: Path) -> None:
    """Here a stray access: the fault is the memory's word, and nobody says which frame it was."""

    def scenario(case: Case) -> None:
        opened = toy(engine_kind, manner="strict")
        frames_back(opened, 2)
        opened.write(BUFFER + 4, 0x77)
        frames_back(opened, 1)

    error = failure(scenario, tmp_path)
    assert isinstance(error, BusFault)
    assert "wire_in 3 (ended at last" in "\n".join(error.__notes__)


def test_several_engines_have_a_file_each(engine_kind: str, tmp_path: Path) -> None:
    def scenario(case: Case) -> None:
        engines = [toy(engine_kind) for _ in range(2)]
        frames_back(engines[1], 1)
        case.keep(tmp_path / "own.pcapng")
        case.blame(engines[1], clock=300)
        raise AssertionError("the second")

    error = failure(scenario, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"failure-0", "failure-1"}
    assert f"file: {tmp_path / 'own.pcapng'}" in error.__notes__


def test_files_that_cannot_be_written_do_not_hide_what_failed(engine_kind: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder would be")
    error = failure(third_is_wrong(engine_kind), tmp_path / "taken")
    [note] = error.__notes__
    assert note.startswith("no waveform: FileExistsError: ")


def test_an_error_before_any_engine_is_left_alone(tmp_path: Path) -> None:
    def scenario(case: Case) -> None:
        raise ValueError("no card yet")

    with pytest.raises(ValueError, match="no card yet") as caught:
        run_with_waveform(scenario, tmp_path / "none")
    assert not hasattr(caught.value, "__notes__")
    assert not (tmp_path / "none").exists()


def test_a_traced_run_is_the_run_without_however_it_is_split(engine_kind: str, tmp_path: Path) -> None:
    plain = toy(engine_kind)
    engines = [toy(engine_kind, waves="vcd") for _ in range(2)]
    for name, engine in zip(("whole", "split"), engines, strict=True):
        engine.trace_window(tmp_path / f"{name}.vcd", 300, 900)
        engine.log_stages(300, 900)
    outs = [frames_back(plain, 4), frames_back(engines[0], 4), frames_back(engines[1], 4, step=7)]
    assert outs[0] == outs[1] == outs[2]
    assert plain.now == engines[0].now == engines[1].now
    logs = [engine.stages() for engine in engines]
    assert logs[0] == logs[1]
    assert {event.frame for event in logs[0]} == {2, 3}
    assert all(300 <= event.clock < 900 for event in logs[0])
    scope = plain.wave_layout.card  # idle clocks are jumped over from where a run ends, so `clk` itself may differ
    for engine in (plain, *engines):
        engine.close()
    whole, split = (Waves(tmp_path / f"{name}.vcd") for name in ("whole", "split"))
    assert whole.names() == split.names()
    journey = plain.wave_layout.journey.format(group="wire_out")
    for name in (f"{scope}.tx_tvalid", f"{scope}.m_axi_arvalid", f"{scope}.m_axi_wvalid", f"{journey}last"):
        assert len(whole.changes(name)) > 1
        assert whole.changes(name)[1:] == split.changes(name)[1:]  # the first is the value the window begins with


def _frame(protocol: int, size: int) -> bytes:
    packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:99:01") / IP(
        src="10.0.0.1", dst="10.0.0.2", proto=protocol
    )
    return bytes(packet / UDP(sport=1, dport=size) / Raw(bytes(size)) if protocol == 17 else packet / Raw(bytes(size)))


def ospf_is_spoilt(kind: str, case: Case) -> None:
    """The lab's card with an erratum on: OSPF leaves with other bytes once the card has made a UDP sum."""
    host = open_host("em0", Collector(), engine=kind, errata={"tx-ospf-corrupted-by-csum-engine": {}})
    host.up()
    sent = [_frame(17, 60), _frame(17, 400), _frame(OSPF, 200), _frame(17, 60)]
    for frame in sent:
        wanted = TxSum.IPV4 if frame[23] == OSPF else TxSum.IPV4 | TxSum.UDP
        assert host.driver.transmit(0, [TxFrame([frame], wanted)]) == 1
    host.advance(host.now + 100_000)
    for number, ((clock, left), frame) in enumerate(zip(host.engine.wire_out(), sent, strict=True), 1):
        if frame[23] == OSPF and from_wire(left)[34 : len(frame)] != frame[34:]:
            case.blame(host.engine, "tx", number)
            raise AssertionError(f"frame {number} left in clock {clock} with other bytes")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", [pytest.param("native", marks=pytest.mark.full), "pysim"])
def test_a_card_with_an_erratum(tmp_path: Path, kind: str) -> None:
    """The journey's marks are at the clocks of the wire's handshakes, and the wrong bytes can be seen between them."""
    error = failure(partial(ospf_is_spoilt, kind), tmp_path)
    clock = int(str(error).split()[5])
    assert f"suspects: tx 3 (ended at sent, clock {clock})" in error.__notes__
    waves = Waves(next(path for path in tmp_path.iterdir() if path.suffix in (".fst", ".vcd")))
    period, wire, journey = (8000, "TOP.em.tx_", "journey.tx.") if kind == "native" else (
        8_000_000, "bench.top.card.tx__", "bench.journey_tx_"
    )  # fmt: skip
    stages = ["began", "taken", "stored", "sending", "sent"]
    times = [next(time for time, value in waves.changes(journey + stage) if value == 3) for stage in stages]
    assert times == sorted(times)
    assert times[-1] == mark_time(clock, period)
    told = waves.texts(journey + "at")
    assert [name for _, name in told][-4:] == ["taken", "stored", "sending", "sent"]
    assert [time for time, name in told if name == "sent"] == [times[-1]]
    assert waves.at(wire + "tlast", times[-1])
    first = times[stages.index("sending")]
    words = [waves.at(wire + "tdata", first + beat * period) for beat in range(6)]
    spoilt = b"".join(word.to_bytes(8, "little") for word in words)
    assert spoilt[23] == OSPF
    assert spoilt[40:42] != bytes(2)  # the payload is zeros
    lines = (tmp_path / "failure.txt").read_text().splitlines()
    seen = [line.split()[5] for line in lines[1:]]
    assert seen == ["began", "taken", "stored", "sending", "wire", "sent", "wire"]
