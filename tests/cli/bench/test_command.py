"""`ringbed bench` runs, prints every figure of its part and writes them; no figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringbed.benchmarks import stack_udp_echo
from ringbed.benchmarks.sim_engines import FRAMES
from ringbed.cli.errors import Exit
from ringbed.cli.main import main
from ringbed.sim.cocotb.build import SIMULATORS, CocotbMissing, require
from ringbed.sim.kernel.tap import TapUnavailable

FIGURES = {
    "sim": {"sim.em.loop.64", "sim.em.loop.1514", "sim.em.harness", "sim.em.cycles_per_s", "sim.em.build_s",
            "sim.em.start_s", "sim.em.loop.64.ratio", *(f"sim.em.loop.64.{engine}" for engine in FRAMES)},
    "hosts": {"sim.idle_ms_per_s", "sim.hosts.cost"},
    "hw": {
        *("hw.em.tx.64", "hw.em.tx.1514", "hw.em.tx.beats", "hw.em512.tx.1514"),
        *("hw.em.rx.64", "hw.em.rx.1514", "hw.em.rx.beats", "hw.em512.rx.1514"),
    },
    "soak": {"soak.frames", "soak.unaccounted", "soak.changed", "soak.findings", "soak.stuck", "soak.seconds"},
    "stack": {"stack.udp_echo.18", "stack.udp_echo.18.wrong", "stack.udp_echo.1400", "stack.udp_echo.1400.wrong"},
}  # fmt: skip


def _bench(part: str, report: Path, *options: str) -> dict[str, float]:
    command = [sys.executable, "-m", "ringbed.cli.main", "bench", part, *options, "--json", str(report)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr  # 1: a bar missed on a busy machine
    found = {row["id"]: row["value"] for row in json.loads(report.read_text())["rows"]}
    assert set(found) == FIGURES[part]
    assert all(name in run.stdout for name in found)
    return found


def test_hw(tmp_path: Path) -> None:
    """Clocks are no wall time: these are the same on every machine, so their bars hold."""
    found = _bench("hw", tmp_path / "hw.json", "--quick")
    assert found["hw.em.tx.64"] <= 12
    assert found["hw.em.rx.64"] <= 12
    assert max(found["hw.em.tx.beats"], found["hw.em.rx.beats"]) <= 1.05
    assert min(found["hw.em512.tx.1514"], found["hw.em512.rx.1514"]) >= 90


def test_sim(tmp_path: Path) -> None:
    found = _bench("sim", tmp_path / "sim.json", "--quick")
    absent = {name for name in SIMULATORS if not _there(name)}
    left_out = {f"sim.em.loop.64.cocotb-{name}" for name in absent}
    left_out |= {"sim.em.loop.64.ratio"} if "verilator" in absent else set()
    assert {name for name, value in found.items() if value is None} == left_out
    assert all(value > 0 for name, value in found.items() if name not in left_out)


def _there(simulator: str) -> bool:
    """CI's machine has them all."""
    try:
        require(simulator)
    except CocotbMissing:
        return "CI" in os.environ
    return True


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


def test_hosts(tmp_path: Path) -> None:
    assert all(value > 0 for value in _bench("hosts", tmp_path / "hosts.json", "--quick").values())


@pytest.mark.tap
def test_stack(tmp_path: Path) -> None:
    found = _bench("stack", tmp_path / "stack.json", "--quick")
    assert found["stack.udp_echo.18.wrong"] == found["stack.udp_echo.1400.wrong"] == 0


def test_no_tun_device_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The bench's child says so on its output, the command on its own, without a traceback."""

    def refuse(*_: object) -> int:
        raise TapUnavailable("/dev/net/tun does not exist: load the tun module")

    monkeypatch.setattr(stack_udp_echo, "tap_in_namespace", refuse)
    stack_udp_echo._child(18, 0.1, 64, False)
    child = subprocess.CompletedProcess([], 0, capsys.readouterr().out, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: child)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "stack", "--json", str(tmp_path / "stack.json")])
    assert ended.value.code == Exit.ENVIRONMENT
    assert capsys.readouterr().err == "ringbed: /dev/net/tun does not exist: load the tun module\n"
