"""The plugin, as a user's pytest runs it: fixtures, options, and what a failing test leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.utils import rdpcap

from ringbed.sim.toolchain import wave_format

WAVES = f"em0.{wave_format()}"  # of the native engine here
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
    assert ringbed_engine == "native"
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


DRIVERS = """
from mini_driver import MiniNic

class Strays(MiniNic):
    def start(self):
        super().start()
        self.rx.memory.view[0:8] = 0xDEAD0000.to_bytes(8, "little")

class Leaks(MiniNic):
    def stop(self):
        self.device.write(0, 0, 0)

class Raises(MiniNic):
    def start(self):
        raise RuntimeError("the driver cannot start")
"""
MARKED = """
import pytest

@pytest.mark.ringbed({})
def test_that_fails(ringbed_nic, ringbed_wire):
    ringbed_wire.send(bytes(80))
    ringbed_wire.run(us=100)
    assert {}
"""
MERGED = """
import pytest
from mini_driver import MiniNic

pytestmark = pytest.mark.ringbed(map="mini_nic.toml", driver="mini_driver:MiniNic", read_latency=300)

@pytest.mark.ringbed(read_latency=200, write_latency=70)
class TestMerged:
    @pytest.mark.ringbed(read_latency=90)
    def test_of_a_class(self, ringbed_nic):
        assert isinstance(ringbed_nic.driver, MiniNic)
        assert (ringbed_nic.engine.settings.read_latency, ringbed_nic.engine.settings.write_latency) == (90, 70)
"""
FLAKY = """
from pathlib import Path

def test_that_fails(ringbed_nic, ringbed_wire):
    flag = Path(__file__).with_name("flag")
    first = not flag.exists()
    flag.touch()
    ringbed_wire.send((b"FIRST" if first else b"SECOND").ljust(80))
    ringbed_wire.run(us=100)
    assert not first
"""
AFTER = """
import pytest
import unittest

@pytest.fixture
def nic(ringbed_nic):
    yield ringbed_nic
    ringbed_nic.down()
    assert ringbed_nic.engine.read(0x8) is not None
    assert TEARDOWN

def test_that_fails(nic, ringbed_wire):
    assert CALL

class TestOld(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _open(self, ringbed_nic, ringbed_wire):
        self.wire = ringbed_wire

    def test_old(self):
        self.wire.send(bytes(80))
        self.assertEqual(self.wire.take(), [])
"""
NAMES = """
import pytest

@pytest.mark.parametrize("s", ["a/b", "a_b", "y" * 260, "\\u00fc" * 90])
def test_named(ringbed_nic, ringbed_wire, s):
    ringbed_wire.send(bytes(80))
"""


def run(
    folder: Path, text: str, *words: str, addopts: str = "-p no:cacheprovider", **environment: str
) -> subprocess.CompletedProcess[str]:
    """With mini_nic by its own map, so that its model is built once for all tests."""
    ini = f"[pytest]\npythonpath = . {NIC}\naddopts = --strict-markers {addopts}\n"
    (folder / "pytest.ini").write_text(ini)
    (folder / "test_mine.py").write_text(text.replace('map="mini_nic.toml"', f'map="{NIC / "mini_nic.toml"}"'))
    command, env = [sys.executable, "-m", "pytest", "-q", *words], {**os.environ, **environment}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=env, stdin=subprocess.DEVNULL
    )


def again_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("again: pytest "))
    return line.removeprefix("again: pytest ").split()


def folder_of(folder: Path, test: str = "test_mine.py_test_that_fails") -> Path:
    (found,) = (folder / "ringbed-out").glob(f"{test}-*")
    return found


def theirs(folder: Path) -> None:
    (folder / "drivers.py").write_text(DRIVERS)


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with a marker, which is all there is to read."""
    assert "Traceback" not in done.stdout
    assert "pytest_bench" not in done.stdout
    return done.stdout


@pytest.mark.parametrize("text", [LOOP, PING], ids=["nic", "host"])
def test_fixtures_of_our_own_card(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text, "--ringbed-engine=native", "--ringbed-seed=7")
    assert done.returncode == 0, done.stdout
    (capture,) = (tmp_path / "ringbed-out").rglob("wire.pcapng")
    assert len(rdpcap(str(capture))) == 2


def test_somebodys_card_by_a_marker(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, THEIRS)
    assert done.returncode == 0, done.stdout


def test_a_failure_leaves_seed_capture_waveform_and_command(tmp_path: Path) -> None:
    """The command brings the same failure, frame and all."""
    done = run(tmp_path, FAILS, "--ringbed-engine=native", "--ringbed-seed=23")
    assert done.returncode == 1
    folder = Path("ringbed-out") / folder_of(tmp_path).name
    assert "seed: 23, engine: native" in done.stdout
    for name in ("wire.pcapng", WAVES):
        assert str(folder / name) in done.stdout
        assert (tmp_path / folder / name).stat().st_size > 100
    frames = [bytes(frame) for frame in rdpcap(str(tmp_path / folder / "wire.pcapng"))]
    again = run(tmp_path, FAILS, *again_of(done), "--ringbed-no-rerun")
    assert again.returncode == 1
    assert [bytes(frame) for frame in rdpcap(str(tmp_path / folder / "wire.pcapng"))] == frames


def test_a_driver_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, THEIRS.replace("mini_driver:MiniNic", "mini_driver"))
    assert "a class, or 'module:Class', goes with a map" in done.stdout


def test_the_plugin_costs_a_stranger_nothing(tmp_path: Path) -> None:
    """Loaded by every pytest of the environment, it imports nothing of ringbed that is heavy."""
    text = "import sys, json\ndef test_it():\n    json.dump(sorted(sys.modules), open('modules.json', 'w'))\n"
    assert run(tmp_path, text).returncode == 0
    loaded = json.loads((tmp_path / "modules.json").read_text())
    assert [name for name in loaded if name.startswith(("ringbed.sim", "amaranth", "numpy", "rich"))] == []
    assert "ringbed.cli.pytest_plugin" in loaded


# ---- findings and leaks ----


def test_a_finding_and_a_leak_are_errors_of_the_teardown(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Strays"', "1"), "--ringbed-no-rerun")
    assert (done.returncode, done.stdout.count("1 passed, 1 error")) == (1, 1), done.stdout
    assert "ringbed found:\nE   nic0: clock" in done.stdout or "ringbed found:\nnic0: clock" in done.stdout
    assert "0xdead0000" in done.stdout
    assert again_of(done)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Leaks"', "1"), "--ringbed-no-rerun")
    assert done.stdout.count("1 passed, 1 error") == 1, done.stdout
    assert "nic0: the driver is down and keeps" in done.stdout


@pytest.mark.parametrize("driver", ["Strays", "Leaks"])
def test_findings_allowed(tmp_path: Path, driver: str) -> None:
    theirs(tmp_path)
    text = MARKED.format(f'map="mini_nic.toml", driver="drivers:{driver}", findings="allowed"', "1")
    done = run(tmp_path, text)
    assert done.returncode == 0, done.stdout


def test_a_failing_test_shows_its_findings_once(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Strays"', "0"), "--ringbed-no-rerun")
    assert "1 failed" in done.stdout
    assert "error" not in done.stdout.splitlines()[-1]
    assert "0xdead0000" in done.stdout.partition("- ringbed -")[2]


def test_a_driver_that_raises_in_up_is_told_too(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Raises"', "1"), "--ringbed-no-rerun")
    assert done.stdout.count("1 error") == 1, done.stdout
    assert "the driver cannot start" in done.stdout
    assert "seed: 1, engine: native" in done.stdout
    assert again_of(done)


# ---- markers ----


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('"mini_nic.toml", driver="mini_driver:MiniNic"', "ringbed('mini_nic.toml'): name it, such as map="),
        ('driver="mini_driver:MiniNic"', "it goes with a map, which is not given"),
        ('map="mini_nic.toml"', "it goes with a driver, which is not given"),
        ("latency=3", "ringbed(latency=...): there is no such key; there are map,"),
        ('findings="some"', "ringbed(findings='some'): only 'allowed' can be said"),
        ('map="mini_nic.toml", driver="mini_driver:No"', "module mini_driver has no No"),
    ],
)
def test_a_wrong_marker_is_one_sentence(tmp_path: Path, marker: str, said: str) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format(marker, "1"))
    assert done.returncode == 1
    assert said in sentence(done)


def test_markers_are_merged_the_closest_first(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MERGED)
    assert done.returncode == 0, done.stdout


# ---- the second run ----


def test_a_flaky_test_keeps_the_capture_of_the_run_that_failed(tmp_path: Path) -> None:
    done = run(tmp_path, FLAKY, "--ringbed-engine=native")
    assert "the second run passed: flaky" in done.stdout
    folder = folder_of(tmp_path)
    (first,), (second,) = (rdpcap(str(folder / name)) for name in ("wire.pcapng", "again.pcapng"))
    assert (bytes(first)[:5], bytes(second)[:6]) == (b"FIRST", b"SECOND")
    assert sorted(path.name for path in folder.iterdir()) == ["again.pcapng", WAVES, "wire.pcapng"]


def test_an_earlier_run_s_files_go_and_the_user_s_stay(tmp_path: Path) -> None:
    run(tmp_path, FAILS, "--ringbed-engine=native", "--ringbed-no-rerun")
    folder = folder_of(tmp_path)
    for name in ("old.vcd", "notes.txt"):
        (folder / name).write_text("?")
    done = run(tmp_path, FAILS, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert "old.vcd" not in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "wire.pcapng"]


@pytest.mark.parametrize("addopts", ["--ff", "-n2", "--pdb"])
def test_from_a_subfolder_with_options_of_the_ini(tmp_path: Path, addopts: str) -> None:
    """What the ini asks for does not keep the second run from the test, nor does another folder than its own."""
    (tmp_path / "sub").mkdir()
    run(tmp_path, "", addopts=addopts)
    (tmp_path / "sub" / "test_that.py").write_text(FAILS)
    words = [sys.executable, "-m", "pytest", "-q", "test_that.py", "--ringbed-engine=native"]
    done = subprocess.run(
        words, cwd=tmp_path / "sub", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    folder = folder_of(tmp_path / "sub", "sub_test_that.py_test_that_fails")
    assert (folder / WAVES).stat().st_size > 100, done.stdout
    if addopts != "--pdb":  # a debugger that is left ends pytest before it lists failures
        assert str(folder.relative_to(tmp_path / "sub") / WAVES) in done.stdout
        assert again_of(done)[0] == "test_that.py::test_that_fails"


# ---- teardown, names ----


def test_the_card_is_open_until_the_teardown(tmp_path: Path) -> None:
    """A user's fixture takes the card down and reads it, after a failure too; a failing teardown is told as well."""
    text = AFTER.replace("TEARDOWN", "1").replace("CALL", "0")
    done = run(tmp_path, text, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert done.stdout.splitlines()[-1].startswith("1 failed, 1 passed"), done.stdout
    text = AFTER.replace("TEARDOWN", "0").replace("CALL", "1")
    done = run(tmp_path, text, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert done.stdout.splitlines()[-1].startswith("2 passed, 1 error"), done.stdout
    assert again_of(done)[0] == "test_mine.py::test_that_fails"


def test_every_test_has_a_folder_of_its_own(tmp_path: Path) -> None:
    done = run(tmp_path, NAMES, "--ringbed-engine=native", "-n2")
    assert done.returncode == 0, done.stdout
    captures = list((tmp_path / "ringbed-out").rglob("wire.pcapng"))
    assert len(captures) == 4


def test_without_a_compiler(tmp_path: Path) -> None:
    """Our own card is simulated in Python then; somebody's Verilog cannot be, and says why."""
    theirs(tmp_path)
    nothing = {"PATH": "", "CXX": "", "RINGBED_CACHE": str(tmp_path / "cache")}
    done = run(tmp_path, LOOP.replace('ringbed_engine == "native"', 'ringbed_nic.engine.kind == "pysim"'), **nothing)
    assert done.returncode == 0, done.stdout
    done = run(tmp_path, THEIRS, **nothing)
    assert done.returncode == 1
    assert "g++ or clang++" in done.stdout
