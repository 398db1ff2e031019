"""The plugin, as a user's pytest runs it: fixtures, options, and what a failing test leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.utils import rdpcap

NIC = Path(__file__).parents[2] / "examples" / "third_party" / "nic"
LOOP = """
from ringbed.drivers.world import TxFrame

def test_both_ways(ringbed_nic, ringbed_wire, ringbed_seed, ringbed_engine):
    data = bytes.fromhex("020000000001 0200000000fe 88b5") + bytes([ringbed_seed]) * 86
    ringbed_wire.send(data)
    ringbed_nic.driver.transmit(0, [TxFrame([data])])
    ringbed_wire.run(us=200)
    assert [frame.data for frame in ringbed_nic.upper.take()] == [data]
    assert ringbed_wire.take() == [data]
    assert ringbed_engine == "pysim"
"""
PING = """
import pytest

@pytest.mark.ringbed(address="10.9.0.2/24")
def test_arp(ringbed_host, ringbed_wire):
    ringbed_wire.send(b"\\xff" * 6 + bytes.fromhex(
        "0200000000fe 0806 0001 0800 06 04 0001 0200000000fe 0a090001 000000000000 0a090002"))
    ringbed_wire.run(us=200)
    (answer,) = ringbed_wire.take()
    assert answer[28:32] == bytes([10, 9, 0, 2])
"""
FAILS = """
import random

def test_that_fails(ringbed_nic, ringbed_wire, ringbed_seed):
    ringbed_wire.send(bytes.fromhex("020000000001") + random.Random(ringbed_seed).randbytes(94))
    ringbed_wire.run(us=100)
    assert ringbed_nic.upper.take() == []
"""
THEIRS = """
import pytest

@pytest.mark.ringbed(map="mini_nic.toml", driver="mini_driver:MiniNic", read_latency=90)
def test_theirs(ringbed_nic, ringbed_wire):
    ringbed_wire.send(bytes(80))
    ringbed_wire.run(us=100)
    assert [frame.data for frame in ringbed_nic.upper.take()] == [bytes(80)]
    assert ringbed_nic.engine.settings.read_latency == 90
"""


def run(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = --strict-markers\n")
    (folder / "test_mine.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("text", [LOOP, PING], ids=["nic", "host"])
def test_fixtures_of_our_own_card(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text, "--ringbed-engine=pysim", "--ringbed-seed=7")
    assert done.returncode == 0, done.stdout
    (capture,) = (tmp_path / "ringbed-out").rglob("wire.pcapng")
    assert len(rdpcap(str(capture))) == 2


def test_somebodys_card_by_a_marker(tmp_path: Path) -> None:
    for name in ("mini_nic.v", "mini_nic.toml", "mini_driver.py"):
        shutil.copy(NIC / name, tmp_path)
    done = run(tmp_path, THEIRS)
    assert done.returncode == 0, done.stdout


def test_a_failure_leaves_seed_capture_waveform_and_command(tmp_path: Path) -> None:
    """The command brings the same failure, frame and all."""
    done = run(tmp_path, FAILS, "--ringbed-engine=pysim", "--ringbed-seed=23")
    assert done.returncode == 1
    folder = Path("ringbed-out") / next((tmp_path / "ringbed-out").glob("test_mine.py_test_that_fails-*")).name
    assert "seed: 23, engine: pysim" in done.stdout
    for name in ("wire.pcapng", "em0.vcd"):
        assert str(folder / name) in done.stdout
        assert (tmp_path / folder / name).stat().st_size > 100
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("again: pytest "))
    frames = [bytes(frame) for frame in rdpcap(str(tmp_path / folder / "wire.pcapng"))]
    again = run(tmp_path, FAILS, *line.removeprefix("again: pytest ").split(), "--ringbed-no-rerun")
    assert again.returncode == 1
    assert [bytes(frame) for frame in rdpcap(str(tmp_path / folder / "wire.pcapng"))] == frames


def test_a_driver_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    shutil.copy(NIC / "mini_nic.toml", tmp_path)
    shutil.copy(NIC / "mini_nic.v", tmp_path)
    done = run(tmp_path, THEIRS.replace("mini_driver:MiniNic", "mini_driver"))
    assert "a class, or 'module:Class', goes with a map" in done.stdout


def test_the_plugin_costs_a_stranger_nothing(tmp_path: Path) -> None:
    """Loaded by every pytest of the environment, it imports nothing of ringbed that is heavy."""
    text = "import sys, json\ndef test_it():\n    json.dump(sorted(sys.modules), open('modules.json', 'w'))\n"
    assert run(tmp_path, text).returncode == 0
    loaded = json.loads((tmp_path / "modules.json").read_text())
    assert [name for name in loaded if name.startswith(("ringbed.sim", "amaranth", "numpy", "rich"))] == []
    assert "ringbed.cli.pytest_plugin" in loaded
