"""A user's pytest with the plugin, in a folder of its own: the tests it is given, and what it leaves."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from ringbed.sim.native.toolchain import wave_format

__all__ = [
    "WAVES", "NIC", "LOOP", "PING", "PINGS", "FAILS", "THEIRS", "DRIVERS", "MARKED", "MERGED", "FLAKY", "AFTER",
    "NAMES", "OUTCOMES", "SPOILT", "TELLS", "BOARD", "again_of", "folder_of", "run", "sentence", "theirs",
]  # fmt: skip

WAVES = f"em0.{wave_format()}"  # of the native engine here
NIC = Path(__file__).parents[3] / "examples" / "third_party" / "nic"
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
SPOILT = """
import pytest

@pytest.mark.ringbed(errata={"rx-short-frame-csum-invalid-aq": {"length": 80}})
def test_a_bug_is_on(ringbed_nic, ringbed_wire):
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether

    for size in (38, 39):
        ringbed_wire.send(bytes(Ether(dst="02:00:00:00:00:01") / IP(dst="10.0.0.1") / UDP() / bytes(size)))
    ringbed_wire.run(us=200)
    assert [frame.verdict.l3 for frame in ringbed_nic.upper.take()] == ["bad", "good"]
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
PINGS = """
import pytest
from ringbed.drivers.world import TxFrame
from ringbed.sim.testbed.peer import Peer, ping

@pytest.mark.ringbed(address="10.9.0.1/24")
def test_that_fails(ringbed_host, ringbed_peer, ringbed_wire):
    assert ringbed_peer.address == "10.9.0.2"
    ping(ringbed_host, ringbed_peer, b"to the far end")
    assert 0

@pytest.mark.ringbed(map="mini_nic.toml", driver="five:Five")
def test_five_methods(ringbed_host, ringbed_peer, ringbed_wire):
    ping(ringbed_host, ringbed_peer, bytes(1000))
    assert ringbed_host.driver.name == "nic0"
    socket = ringbed_peer.stack.udp_socket()
    socket.bind(("10.0.0.1", 7))
    ringbed_host.upper.stack.udp_socket().sendto(b"hello", ("10.0.0.1", 7))
    ringbed_wire.run(us=200)
    assert socket.recvmsg().data == b"hello"

def test_beside(ringbed_host, ringbed_capture):
    ping(ringbed_host, Peer(ringbed_host.engine, "10.0.0.1/24", ringbed_host.frequency))
    assert 0

def test_that_does_not_take(ringbed_nic, ringbed_wire):
    ringbed_nic.driver.transmit(0, [TxFrame([b"not taken".ljust(80)])])
    ringbed_wire.run(us=200)
    assert 0
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

class Asks(MiniNic):
    def __init__(self, device, *world, **options):
        device.read(0, 0x04)
        super().__init__(device, *world, **options)

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

OUTCOMES = """
import pytest
from ringbed.sim.testbed.host import Collector

@pytest.mark.xfail(strict=True)
def test_that_should_fail(ringbed_nic):
    pass

@pytest.mark.xfail
def test_that_fails_as_it_should(ringbed_nic):
    assert 0

def test_two_cards(ringbed_bench, ringbed_host, ringbed_wire, ringbed_capture):
    assert ringbed_capture is ringbed_bench.capture
    assert ringbed_bench.open(Collector()).name == "em1"
    ringbed_wire.send(b"\\xff" * 6 + bytes.fromhex(
        "0200000000fe 0806 0001 0800 06 04 0001 0200000000fe 0a000001 000000000000 0a000002"))
    ringbed_wire.run(us=200)
    assert ringbed_wire.take()[0][28:32] == bytes([10, 0, 0, 2])

def test_interrupted(ringbed_nic, ringbed_wire):
    ringbed_wire.send(bytes(80))
    raise KeyboardInterrupt
"""
TELLS = """
import json

def pytest_runtest_logreport(report):
    with open("told.jsonl", "a") as file:
        name = report.nodeid.partition("::")[2]
        print(json.dumps([name, report.when, report.outcome, [of for of, _ in report.sections]]), file=file)
"""
BOARD = """
import pytest

@pytest.fixture
def board(ringbed_nic):
    return ringbed_nic
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
    begin = f"again: {shlex.quote(sys.executable)} -m pytest "
    (line,) = (each for each in done.stdout.splitlines() if each.startswith(begin))
    return line.removeprefix(begin).split()


def folder_of(folder: Path, test: str = "test_mine.py_test_that_fails") -> Path:
    (found,) = (folder / "ringbed-out").glob(f"{test}-*")
    return found


def theirs(folder: Path) -> None:
    (folder / "drivers.py").write_text(DRIVERS)


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with a marker, which is all there is to read."""
    assert "Traceback" not in done.stdout
    assert "pytest_bench" not in done.stdout
    assert "pytest_marker" not in done.stdout
    return done.stdout
