"""`ringbed bench` runs, prints every figure of its part and writes them; no figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ringbed.benchmarks import model_build, sim_checks, stack_routes, stack_udp_echo
from ringbed.benchmarks.sim_engines import FRAMES
from ringbed.cli.bench.parts import PARTS, Figures, Part
from ringbed.cli.errors import Exit
from ringbed.cli.main import main
from ringbed.cli.report import Row
from ringbed.lab import dut_spec
from ringbed.sim.kernel.tap import TapUnavailable
from ringbed.sim.needs import Missing, lacking
from tests.cli.guest.ground import fetched, fetched_uml

NIC = Path(__file__).parents[3] / "examples" / "third_party" / "nic"


def _bench(part: str, report: Path, *options: str) -> dict[str, float]:
    command = [sys.executable, "-m", "ringbed.cli.main", "bench", part, *options, "--json", str(report)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr  # 1: a bar missed on a busy machine
    return _figures(part, report, run.stdout)


def _figures(part: str, report: Path, said: str) -> dict[str, float]:
    rows = json.loads(report.read_text())["rows"]
    assert [row["id"] for row in rows] == names(part)
    assert all(row["id"] in said for row in rows)
    assert all((row["value"] is None) == ("left_out" in row) for row in rows)
    assert all(row["left_out"] in " ".join(said.split()) for row in rows if "left_out" in row)
    return {row["id"]: row["value"] for row in rows if "left_out" not in row}


def names(part: str) -> list[str]:
    return [name for figures in PARTS[Part(part)] for name in figures.names()]


@pytest.mark.needs("native")
def test_hw(tmp_path: Path) -> None:
    """Clocks are no wall time: these are the same on every machine, so their bars hold."""
    found = _bench("hw", tmp_path / "hw.json", "--quick")
    assert found["hw.em.tx.64"] <= 12
    assert found["hw.em.rx.64"] <= 12
    assert max(found["hw.em.tx.beats"], found["hw.em.rx.beats"]) <= 1.05
    assert min(found["hw.em512.tx.1514"], found["hw.em512.rx.1514"]) >= 90


@pytest.mark.full
@pytest.mark.timeout(1200)  # two models are built from nothing, and more by cocotb
def test_sim(tmp_path: Path) -> None:
    _sim_is_whole(_bench("sim", tmp_path / "sim.json", "--quick"))


@pytest.mark.timeout(1200)  # cocotb builds
def test_sim_with_a_small_card_to_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `test_sim`; the card that is built from nothing is a small one, and that without assertions is not built."""
    small = dut_spec(NIC / "mini_nic.toml")
    monkeypatch.setattr(model_build, "cards", SimpleNamespace(em=lambda: small))
    monkeypatch.setattr(sim_checks, "loop", lambda *_, **__: SimpleNamespace(cpu_seconds=1.0))
    report = tmp_path / "sim.json"
    with pytest.raises(SystemExit) as ended:
        main(["bench", "sim", "--quick", "--json", str(report)])
    assert ended.value.code in (0, 1)
    _sim_is_whole(_figures("sim", report, capsys.readouterr().out))


def _sim_is_whole(found: dict[str, float]) -> None:
    """What this machine lacks is left out with a word, and nothing else; CI's lacks nothing."""
    absent = {engine for engine in FRAMES if "CI" not in os.environ and lacking(engine)}
    left_out = {f"sim.em.loop.64.{engine}" for engine in absent}
    left_out |= {"sim.em.loop.64.ratio"} if absent & {"native", "cocotb-verilator"} else set()
    of_native = {name for figures in PARTS[Part.SIM][:2] for name in figures.names()}
    left_out |= of_native if "native" in absent else set()
    assert set(names("sim")) - set(found) == left_out
    assert all(value > 0 for value in found.values())


@pytest.mark.needs("native")
def test_drivers(tmp_path: Path) -> None:
    found = _bench("drivers", tmp_path / "drivers.json", "--quick")
    assert found.pop("drv.false") == 0
    assert found.pop("drv.planted") == 100
    assert found.pop("drv.located") >= 90
    assert all(value > 0 for value in found.values())


@pytest.mark.full
@pytest.mark.tap
@pytest.mark.needs("native")
@pytest.mark.timeout(3600)
def test_guest(tmp_path: Path) -> None:
    fetched()
    found = _bench("guest", tmp_path / "guest.json", "--quick")
    assert (found["guest.errors"], found["guest.status"]) == (0, 0)
    assert min(found["guest.boot_s"], found["guest.tcp.model"], found["guest.tcp.up"], found["guest.tcp.down"]) > 0


@pytest.mark.full
@pytest.mark.needs("native")
@pytest.mark.timeout(3600)
def test_guest_in_lock_step() -> None:
    fetched_uml()
    lock_step = PARTS[Part.GUEST][-1]
    found = {row.id: row.value for row in lock_step.measure(Console(stderr=True), 10)}
    assert found == dict.fromkeys(lock_step.names(), 0)


@pytest.mark.parametrize("part", list(Part))
def test_a_part_that_cannot_be_measured_is_rows_that_say_so(
    part: Part, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refuse(console: object, divisor: int) -> list[Row]:
        raise Missing("no engine: nowhere (install one)")

    refused = tuple(Figures(each.names, refuse) for each in PARTS[part])
    monkeypatch.setitem(PARTS, part, refused)
    with pytest.raises(SystemExit) as ended:
        main(["bench", part.value, "--json", str(tmp_path / "rows.json")])
    assert ended.value.code == Exit.ENVIRONMENT
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["id"], row["value"], row["left_out"]) for row in rows] == [
        (name, None, "no engine: nowhere (install one)") for name in names(part)
    ]
    assert "left out: no engine: nowhere (install one)" in capsys.readouterr().out


@pytest.mark.needs("native")
@pytest.mark.parametrize(
    ("options", "frames"),
    [(("--quick",), 10_000), pytest.param((), 100_000, marks=(pytest.mark.full, pytest.mark.timeout(900)))],
)
def test_soak(tmp_path: Path, options: tuple[str, ...], frames: int) -> None:
    """No wall time here either: a frame is accounted for on every machine, or on none."""
    found = _bench("soak", tmp_path / "soak.json", *options)
    assert found.pop("soak.seconds") > 0
    assert found == {
        "soak.frames": frames,
        "soak.unaccounted": 0,
        "soak.changed": 0,
        "soak.findings": 0,
        "soak.stuck": 0,
    }


@pytest.mark.needs("native")
def test_hosts(tmp_path: Path) -> None:
    assert all(value > 0 for value in _bench("hosts", tmp_path / "hosts.json", "--quick").values())


@pytest.mark.tap
def test_stack(tmp_path: Path) -> None:
    found = _bench("stack", tmp_path / "stack.json", "--quick")
    assert not any(value for name, value in found.items() if name.endswith(".wrong"))


def test_no_tun_device_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The bench's child says so on its output, the command on its own, without a traceback. Routes need no device."""

    def refuse(*_: object) -> int:
        raise TapUnavailable("/dev/net/tun does not exist: load the tun module")

    monkeypatch.setattr(stack_udp_echo, "tap_in_namespace", refuse)
    stack_udp_echo._child(18, 0.1, 64, False, "inet")
    child = subprocess.CompletedProcess([], 0, capsys.readouterr().out, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: child)
    monkeypatch.setattr(stack_routes, "measure", lambda routes: stack_routes.Figures(routes, 1.0, 1.0, 1.0, 1.0, 1))
    monkeypatch.setattr(stack_routes, "default_cost", lambda lengths: 1.0)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "stack", "--json", str(tmp_path / "stack.json")])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "left out: /dev/net/tun does not exist: load the tun module\n" in said.out
    rows = json.loads((tmp_path / "stack.json").read_text())["rows"]
    left_out = {row["id"]: row["left_out"] for row in rows if "left_out" in row}
    assert set(left_out) == {name for name in names("stack") if "echo" in name}
    assert set(left_out.values()) == {"/dev/net/tun does not exist: load the tun module"}
