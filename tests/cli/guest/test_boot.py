"""`ringbed guest` whole: a Linux boots, its stock driver pings and moves TCP; and what is refused before."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.cli.guest.command import GuestWire
from ringbed.cli.guest.run import LAST, last_words, status_of
from ringbed.conformance.guest import GATE
from ringbed.sim.guest.apt import FetchFailed
from ringbed.sim.wire.replay import read_capture
from tests.cli.guest.ground import excused, fetched
from tests.cli.processes import ended_after
from tests.cli.test_main import run
from tests.sim.conftest import needs_native

SHORT = 'CHECKS="probe link pings tcp vlan errors" BYTES=1048576 SIZES="0 1 17 18 19 64 1471 1472 8000"\n'
STATUS = 7
ROOT = Path(__file__).parents[3]


class Guest:
    """The command, running."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "ringbed.cli.main", "guest", *arguments]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self) -> tuple[int, str, str]:
        """Its exit code, what the script printed, what the command said."""
        out, err = self.process.communicate()
        return self.process.returncode, out, err


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    with ended_after(partial(Guest, tmp_path)) as begin:
        yield begin


@needs_native
@pytest.mark.tap
@pytest.mark.timeout(1200)
def test_a_stock_driver_comes_up_pings_and_moves_tcp(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """`ringbed guest --wire kernel --run SCRIPT`, the gate's short form; its status is the command's. The card that it
    had is replayed from its record, and has the same wire to the byte.
    """
    fetched()
    (tmp_path / "short.sh").write_text(f"trap 'exit {STATUS}' EXIT\n{SHORT}{GATE.read_text()}")
    words = ("--capture", "wire.pcapng", "--json", "account.json", "--log", "console", "--record", "em.rec")
    code, out, err = guest("--wire", "kernel", "--run", "short.sh", *words).end()
    checks = re.findall(r"^(ok|not ok) (\w+)$", out, re.MULTILINE)
    assert checks == [("ok", name) for name in ("probe", "link", "pings", "tcp", "vlan", "errors")], out + err
    assert code == STATUS
    assert "Nothing was found." in err
    rows = {row["id"]: row["value"] for row in json.loads((tmp_path / "account.json").read_text())["rows"]}
    assert (rows["serve.clients"], rows["serve.findings"], rows["serve.refused"]) == (1, 0, 0)
    sizes = [len(frame.data) for frame in read_capture(tmp_path / "wire.pcapng").frames]
    assert sum(size > 1500 for size in sizes) > 2 * 1048576 / 1500
    assert max(sizes) == 8046  # a ping of 8,000 bytes
    assert "Linux version" in (tmp_path / "console").read_text()
    size = (tmp_path / "em.rec").stat().st_size
    assert 0 < rows["serve.recorded_bytes"] <= size < sum(sizes) + 100 * len(sizes)
    assert rows["serve.recorded_bytes_a_frame"] == round(rows["serve.recorded_bytes"] / len(sizes))
    assert run("replay", str(tmp_path / "em.rec"), "--capture", str(tmp_path / "again.pcapng")) == 0
    assert (tmp_path / "again.pcapng").read_bytes() == (tmp_path / "wire.pcapng").read_bytes()


@needs_native
@pytest.mark.full
@pytest.mark.tap
@pytest.mark.timeout(7200)
def test_the_whole_gate(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """`ringbed guest --wire kernel --run conformance/guest/gate.sh`"""
    fetched()
    code, out, err = guest("--wire", "kernel", "--run", str(GATE), "--log", "console").end()
    named = re.search(r'^CHECKS=\$\{CHECKS:-"([^"]+)"\}', GATE.read_text(), re.MULTILINE)
    assert named is not None
    assert re.findall(r"^(ok|not ok) (\w+)$", out, re.MULTILINE) == [("ok", name) for name in named[1].split()], (
        out + err
    )
    assert code == 0, err


@needs_native
@pytest.mark.full
@pytest.mark.tap
@pytest.mark.timeout(3600)
def test_the_gate_under_faults(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """`ringbed guest --wire kernel --faults examples/faults.toml --run conformance/guest/gate.sh`: frames are lost and
    changed on their way, bursts late and refused, and no wrong byte comes through.
    """
    fetched()
    faults = ("--faults", str(ROOT / "examples" / "faults.toml"))
    code, out, err = guest("--wire", "kernel", *faults, "--run", str(GATE), "--log", "console").end()
    checks = re.findall(r"^(ok|not ok) (\w+)$", out, re.MULTILINE)
    assert checks == [("ok", name) for name in ("probe", "link", "hurt")], out + err
    assert code == 0, err
    done = dict(re.findall(r"(bus|link \w+|bus \w+): (\d+)", out + err))
    assert {"bus decerr", "bus latency", "link drop", "link flip", "link truncate"} <= done.keys()


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_shared_folder_a_module_of_ones_own_and_the_peer(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """`ringbed guest --module my_nic.ko --share .`: the driver is e1000 by another name, as far as a kernel cares."""
    ground = fetched()
    (tmp_path / "my_nic.ko").write_bytes(ground.modules.load("e1000").data)
    (tmp_path / "script").write_text(
        "ping -c 2 10.77.0.1 >/share/ping && lsmod && rmmod e1000 && insmod /share/my_nic.ko && cat /share/script\n"
    )
    words = ("--module", "my_nic.ko", "--parameters", "debug=16", "--share", ".", "--run", "script")
    code, out, err = guest(*words).end()
    assert code == 0, out + err
    assert "2 packets received" in (tmp_path / "ping").read_text()
    assert (tmp_path / "script").read_text() in out


class Screen:
    """A terminal, with what was seen on it."""

    def __init__(self, handle: int) -> None:
        self.handle, self.seen = handle, ""

    def until(self, words: str) -> None:
        while words not in self.seen:
            self.seen += os.read(self.handle, 4096).decode(errors="replace")

    def type(self, line: str) -> None:
        os.write(self.handle, f"{line}\r".encode())


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_shell_on_a_terminal(tmp_path: Path) -> None:
    """`ringbed guest`, on a terminal: a line is typed, answered, and the terminal is left as it was."""
    fetched()
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "ringbed.cli.main", "guest"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    screen = Screen(ours)
    try:
        screen.until("exit ends the guest")
        screen.type("ping -c 1 10.77.0.1 && echo $((6 * 7))-seen")
        screen.until("42-seen")
        screen.type("exit")
        screen.until("Nothing was found.")
        assert process.wait() == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_debugger_is_waited_for(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """In the words of gdb's remote protocol: where it stands, then `continue`."""
    fetched()
    (tmp_path / "script").write_text("exit 5\n")
    running = guest("--gdb", "--run", "script")
    assert running.process.stderr is not None
    while "target remote 127.0.0.1:1234" not in running.process.stderr.readline():
        assert running.process.poll() is None
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", 1234)) as debugger:
            debugger.sendall(b"+$?#3f")
            said = b""
            while not re.search(rb"\$T05[^#]*#..", said):
                said += debugger.recv(1024)
            debugger.sendall(b"+$D#44")  # detach, which lets it go on
            break
    assert running.end()[0] == 5


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_guest_too(number: signal.Signals, guest: Callable[..., Guest], tmp_path: Path) -> None:
    fetched()
    (tmp_path / "script").write_text("echo here; sleep 10000\n")
    running = guest("--run", "script")
    assert running.process.stdout is not None
    assert running.process.stdout.readline() == "here\n"
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    assert children
    running.process.send_signal(number)
    code, _, err = running.end()
    assert code == 128 + signal.SIGINT
    assert "the guest was ended before its script was" in err
    assert "The account" in err
    assert not any(Path(f"/proc/{child}").exists() for child in children)


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_guest_that_ends_without_a_word_is_told_with_its_last_lines(
    guest: Callable[..., Guest], tmp_path: Path
) -> None:  # fmt: skip
    fetched()
    (tmp_path / "script").write_text("echo c >/proc/sysrq-trigger; sleep 1000\n")
    code, _, err = guest("--run", "script").end()
    assert code == Exit.FINDING
    assert "the guest ended without a word of its script" in err
    assert "Kernel panic - not syncing: sysrq triggered crash" in err


def test_the_last_words_have_the_reason() -> None:
    lines = [f"line {at}" for at in range(LAST + 3)]
    assert last_words("\n".join(lines)) == lines[3:]
    assert last_words("short\n") == ["short"]
    assert last_words("") == []
    for at in (0, 5):
        lines[at] = f"[ 6.2] Kernel panic - not syncing: {at}"
    assert last_words("\n".join(lines)) == lines[3:], "it is among them"
    lines[5] = "line 5"
    assert last_words("\n".join(lines)) == [lines[0], *lines[3:]]


def test_the_status_is_what_the_first_program_says() -> None:
    assert [status_of(text) for text in ("status 0\n", "x\nstatus 255\n", "", "status x\n", "a status 1\n")] == [
        0, 255, None, None, None,
    ]  # fmt: skip


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: Exit = Exit.USAGE) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(["guest", *arguments])
    assert end.value.code == code
    return capsys.readouterr().err.removeprefix("ringbed: ").strip()


def test_what_is_refused_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetches(*_: object) -> NoReturn:
        raise AssertionError("this is asked too late: something may be fetched by now")

    monkeypatch.setattr("ringbed.cli.guest.run.find_ground", fetches)
    (tmp_path / "k").write_text("")
    assert refused(capsys, "--nic", "mx") == "there is no NIC 'mx' that a guest can have; there is em"
    assert refused(capsys, "--kernel", str(tmp_path / "k")).startswith("--kernel and --modules belong together")
    assert refused(capsys, "--modules", str(tmp_path)).startswith("--kernel and --modules belong together")
    assert refused(capsys, "--run", str(tmp_path)).endswith("it is a folder, and no file")
    assert refused(capsys, "--share", str(tmp_path / "k")).endswith("is no folder")
    assert refused(capsys, "--trace", str(tmp_path / "w.txt")) == "a waveform is .fst or .vcd, not w.txt"
    assert refused(capsys, "--log", str(tmp_path / "no" / "f")).startswith("cannot write")
    for wire in GuestWire:
        assert refused(capsys, "--wire", wire.value, "--address", "10.0.0.0/24").endswith("is all zeroes or all ones")
    assert refused(capsys, "--width", "32") == "em is made 64, 128, 256, 512 bits wide, not 32"
    assert refused(capsys, "--erratum", "none-such").startswith("the lab has no erratum 'none-such'")
    assert refused(capsys, "--module", str(tmp_path / "k")).endswith(
        "its name ends in none of .ko, .ko.xz, .ko.gz, .ko.zst"
    )
    assert refused(capsys, "--faults", str(tmp_path / "none")).endswith("No such file or directory")


def test_a_machine_that_cannot_fetch_says_what_to_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = refused(capsys, code=Exit.ENVIRONMENT)
    assert "apt-get is not on PATH, so nothing can be fetched: QEMU from 10.1 on has to be on PATH" in said


def test_only_a_fetch_that_nobody_could_have_made_is_an_excuse() -> None:
    def failing() -> NoReturn:
        raise FetchFailed("no network")

    def broken() -> NoReturn:
        raise ValueError("a defect")

    with pytest.raises(pytest.skip.Exception, match="no network"):
        excused(failing, lambda: False)
    with pytest.raises(pytest.fail.Exception, match="the mirror answers, and yet: no network"):
        excused(failing, lambda: True)
    with pytest.raises(ValueError, match="a defect"):
        excused(broken, lambda: False)
