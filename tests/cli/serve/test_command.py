"""`ringbed serve`: what it refuses at once, and a whole run: another process serves, a client of the tests drives."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.cli.serve.run import qemu_line
from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import TxFrame, TxSum
from ringbed.sim.cards import EM_PCI
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.toolchain import wave_format
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.frame import to_wire
from ringbed.sim.wire.replay import read_capture
from tests.cli.processes import ended_after
from tests.cli.test_main import run
from tests.sim.conftest import needs_native
from tests.sim.serve.client import Client, Refused, SocketDevice, map_memory

ROOT = Path(__file__).parents[3]
MAP = ROOT / "examples" / "third_party" / "nic" / "mini_nic.toml"
US = bytes.fromhex("020000000001")
ARP = struct.Struct("!HHBBH6s4s6s4s")
OSPF = bytes.fromhex("0200000000990200000000010800 450000540000000040590000 0a4d0002 0a4d0001") + bytes(range(64))
ERRATUM = "tx-ospf-corrupted-by-csum-engine"
CUT = struct.pack("<IHHiIII4I", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1, 0, 0, 60, 100) + bytes(60)  # 60 bytes of 100
NO_PEERS = {
    "10.0.0.1/31": "{} leaves no room for a neighbour: at most /30",
    "10.0.0.0/24": "the host part of {} is all zeroes or all ones",
    "10.0.0.255/24": "the host part of {} is all zeroes or all ones",
    "127.0.0.1/8": "{} is not an address a host can have",
    "224.0.0.1/4": "{} is not an address a host can have",
}
LOOKS = 10_000  # of at most a hundredth of a second


class Serving:
    """The command, running."""

    def __init__(self, folder: Path, *arguments: str, nic: str = "em") -> None:
        self.socket = folder / "em.sock"
        command = [sys.executable, "-m", "ringbed.cli.main", "serve", nic, "--vfio-user", str(self.socket), *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        self._said = self.process.stdout
        self.said = ""

    def hear(self, words: str) -> str:
        """Its output up to the line with `words`."""
        while words not in self.said:
            line = self._said.readline()
            assert line, self.said
            self.said += line
        return self.said

    def end(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=120)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    with ended_after(partial(Serving, tmp_path)) as begin:
        yield begin


class Guest:
    """A machine with our driver in it, on wall time."""

    def __init__(self, serving: Serving) -> None:
        serving.hear("for QEMU")
        self.client = Client(serving.socket, None)
        self.memory, self.sink = HostMemory(4 << 20), Collector()
        map_memory(self.client, self.memory)
        self.device = SocketDevice(self.client, EM_PCI, self.wait)
        self.driver = Em(self.device, self.memory, self.sink)
        self.driver.up()
        self.until(lambda: self.sink.link_up)

    def wait(self, nanoseconds: int) -> None:
        select.select([], [], [], nanoseconds / 1e9)

    def until(self, done: Callable[[], Any]) -> None:
        for _ in range(LOOKS):
            if done():
                return
            select.select([self.device.event], [], [], 0.01)
            if self.device.taken():
                self.driver.interrupt(0)
                self.device.unmask()
        raise AssertionError("it does not come")

    def close(self) -> None:
        self.driver.down()
        self.client.close()
        self.device.close()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, name: str = "em", code: Exit = Exit.USAGE) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(["serve", name, *arguments])
    assert end.value.code == code
    return capsys.readouterr().err.removeprefix("ringbed: ").strip()


def test_what_is_refused_before_anything_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--vfio-user", str(tmp_path / "s"))
    assert (
        refused(capsys, *at, name="mx")
        == "there is no NIC 'mx' that can be served; there is em, and any with a port map"
    )
    assert refused(capsys, *at, "--wire", "tap", "--pcap", "f").startswith("--pcap plays a file")
    assert refused(capsys, *at, "--trace", str(tmp_path / "w.txt")) == "a waveform is .fst or .vcd, not w.txt"
    assert refused(capsys, *at, "--capture", str(tmp_path / "no" / "f")).startswith("cannot write")
    assert refused(capsys, *at, "--width", "32") == "em is made 64, 128, 256, 512 bits wide, not 32"
    assert refused(capsys, *at, "--erratum", "none-such").startswith(
        "the lab has no erratum 'none-such': `ringbed errata list`"
    )
    assert refused(capsys, *at, "--erratum", "tx-ospf-corrupted-by-csum-engine", "--width", "128").startswith(
        "the lab's card is 64 bits wide"
    )
    assert refused(capsys, *at, "--address", "10.0.0.300/24").startswith("--address is an IPv4 address")
    for address, why in NO_PEERS.items():
        assert refused(capsys, *at, "--address", address) == f"--address: {why.format(address)}"
    assert refused(capsys, *at, "--wire", "tap", "--tap", "x" * 16).startswith("an interface name has 1..15 bytes")
    assert refused(capsys, *at, "--wire", "tap", "--tap", "a b/c").startswith("'a b/c' is no name of an interface")
    (tmp_path / "cut.pcap").write_bytes(CUT)
    assert refused(capsys, *at, "--pcap", str(tmp_path / "cut.pcap")).endswith("there is nothing to play")
    assert refused(capsys, *at, "--pcap", str(tmp_path / "none")).endswith("No such file or directory")
    (tmp_path / "s").write_text("mine")
    assert refused(capsys, *at).endswith("something is there that is no socket")
    assert (tmp_path / "s").read_text() == "mine"


def test_the_line_for_qemu_is_that_of_the_page() -> None:
    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    assert qemu_line(Path("/tmp/em.sock")) in page


@needs_native
def test_a_guest_asks_the_peer_and_all_is_accounted_for(serving: Callable[..., Serving], tmp_path: Path) -> None:
    """`ringbed serve em --vfio-user /tmp/em.sock`, with a record of the wire, a waveform and the account as JSON."""
    record, waves, account = tmp_path / "wire.pcapng", tmp_path / f"em.{wave_format()}", tmp_path / "account.json"
    running = serving("--capture", str(record), "--trace", str(waves), "--json", str(account))
    guest = Guest(running)
    ask = ARP.pack(1, 0x0800, 6, 4, 1, US, bytes([10, 77, 0, 2]), bytes(6), bytes([10, 77, 0, 1]))
    frame = b"\xff" * 6 + US + b"\x08\x06" + ask
    assert guest.driver.transmit(0, [TxFrame([frame])]) == 1
    guest.until(lambda: guest.sink.frames)
    answer = guest.sink.take()[0].data
    assert ARP.unpack_from(answer, 14)[4:] == (2, answer[6:12], bytes([10, 77, 0, 1]), US, bytes([10, 77, 0, 2]))
    guest.close()
    running.hear("client 1 is gone")
    assert running.end() == 0, running.said
    assert [len(each.data) for each in read_capture(record).frames] == [64, 64]
    assert waves.stat().st_size > 1000
    rows = {row["id"]: row["value"] for row in json.loads(account.read_text())["rows"]}
    assert (rows["serve.clients"], rows["serve.findings"], rows["serve.frames_out_of_the_card"]) == (1, 0, 1)
    assert rows["serve.interrupts"] >= 2
    assert min(rows["serve.model_time"], rows["serve.simulated_time"]) > 0
    assert "Nothing was found." in running.said
    assert not running.socket.exists()


@needs_native
def test_a_card_by_its_map(serving: Callable[..., Serving], tmp_path: Path) -> None:
    """`ringbed serve mini_nic.toml --vfio-user /tmp/nic.sock`: its registers, a message of MSI-X, and an account."""
    account = tmp_path / "account.json"
    running = serving("--json", str(account), "--wire", "pcap", nic=str(MAP))
    running.hear("for QEMU")
    client = Client(running.socket, None)
    assert client.read(7, 0) == 0x1_1234
    client.enable(6)
    client.write(0, 0x14, 64)
    assert client.read(0, 0x14) == 64
    event = os.eventfd(0)
    client.set_vectors(0x24, 2, 0, 1, [event])
    client.set_vectors(0x21, 2, 0, 1)
    assert os.eventfd_read(event) == 1
    client.close()
    os.close(event)
    running.hear("client 1 is gone")
    assert running.end() == 0, running.said
    rows = {row["id"]: row["value"] for row in json.loads(account.read_text())["rows"]}
    names = "clients", "frames_into_the_card", "frames_out_of_the_card", "interrupts", "table_reads", "findings"
    assert [rows[f"serve.{name}"] for name in names] == [1, 0, 0, 1, 0, 0]
    assert (rows["serve.register_reads"], rows["serve.register_writes"]) == (1, 1)
    assert "Nothing was found." in running.said


@needs_native
def test_a_capture_is_played_and_a_finding_ends_with_1(serving: Callable[..., Serving], tmp_path: Path) -> None:
    """`ringbed serve em --vfio-user /tmp/em.sock --pcap in.pcapng`, with an erratum, which spoils OSPF; then memory is
    taken back.
    """
    rng = random.Random(1)
    frames = [US + bytes.fromhex("02000000009988b5") + rng.randbytes(size) for size in (46, 700, 1500)]
    with CaptureWriter(tmp_path / "in.pcapng") as writer:
        interface = writer.interface("in")
        for frame in frames:
            writer.write(interface, to_wire(frame), 0)
    running = serving("--pcap", "in.pcapng", "--erratum", ERRATUM, "--capture", "all.pcapng")
    guest = Guest(running)
    assert guest.driver.transmit(0, [TxFrame([OSPF], TxSum.IPV4)]) == 1
    guest.until(lambda: len(guest.sink.frames) == len(frames))
    assert [frame.data for frame in guest.sink.take()] == frames
    guest.client.unmap(0, 0, flags=2)
    guest.client.write(0, 0x3818, 5)  # TDT: the card is told to fetch
    guest.client.read(7, 0)
    guest.client.close()
    guest.device.close()
    running.hear("client 1 is gone")
    assert running.end() == Exit.FINDING
    assert "dma.read: the device reads" in running.said
    assert "was removed" in running.said
    (spoilt,) = (each.data for each in read_capture(tmp_path / "all.pcapng").frames if each.data[23] == 89)
    assert spoilt[:24] == OSPF[:24]
    assert spoilt[34 : len(OSPF)] != OSPF[34:]  # which no sum is asked for


def test_a_result_is_not_written_over_the_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is an argument that may be a NIC's name, so no list of files that are read has it."""
    (tmp_path / "nic.toml").write_text(MAP.read_text())
    for option in ("--capture", "--record", "--json"):
        name = str(tmp_path / "nic.toml")
        assert run("serve", name, "--vfio-user", str(tmp_path / "s"), option, name) == Exit.USAGE
        assert "this command reads it" in capsys.readouterr().err
    assert (tmp_path / "nic.toml").read_text() == MAP.read_text()


@needs_native
def test_what_a_client_says_is_no_markup(serving: Callable[..., Serving]) -> None:
    running = serving("--wire", "pcap", nic=str(MAP))
    running.hear("for QEMU")
    client = Client(running.socket, None, greet=False)
    with pytest.raises(Refused):
        client.greet({"max_msg_fds": "[/x]" + "y" * 100_000})
    assert len(running.hear("[/x]").split("[/x]")[1]) < 100
    client.close()
    assert running.end() == 0, running.said
