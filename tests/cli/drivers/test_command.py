"""`ringbed drivers new`: what it writes works, under every engine; what it is asked wrongly is one sentence."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli.drivers import command
from ringbed.cli.errors import Exit
from ringbed.lab import Collector, TxFrame, account, from_wire, lost, open_host, open_network, ping, to_wire
from ringbed.sim.testbed.peer import Peer
from tests.cli.test_main import run

FRAME = bytes.fromhex("020000000001 0200000000fe 88b5").ljust(60, b"x")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    assert run("drivers", "new", "my_nic", "--out", str(tmp_path)) == Exit.OK
    return tmp_path


@pytest.fixture
def driver(mine: Path) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location("my_nic", mine / "my_nic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[..., Any] = module.MyNic
    return made


@pytest.mark.needs("native")
def test_its_own_tests_pass(mine: Path) -> None:
    """`ringbed drivers new my_nic`, and `pytest test_my_nic.py`."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", "test_my_nic.py"]
    done = subprocess.run(words, cwd=mine, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (("self.rx.tail)", "self.rx.head)"), "test_every_length_both_ways"),  # no buffer is the card's
        (("command |= TXSM_OUT if", "command |= 0 if"), "test_udp_sums_are_the_cards_both_ways"),
        (("EOP | IFCS | RS | DEXT", "EOP | IFCS | DEXT"), "test_the_transmit_ring_wraps_and_fills"),  # nothing is done
        (("if frames:\n            self._fill()", "if frames:\n            pass"), "test_the_receive_ring_wraps"),
        (("self.sink.restart(0)", "pass"), "test_the_transmit_ring_wraps_and_fills"),
        (("unmap(mapping)\n            self.dma.free", "map\n            self.dma.free"), "test_down_gives_everything"),
    ],
)  # fmt: skip
@pytest.mark.needs("native")
def test_its_own_tests_see_a_mistake(mine: Path, breaks: tuple[str, str], told: str) -> None:
    text = (mine / "my_nic.py").read_text()
    assert text.count(breaks[0]) == 1
    (mine / "my_nic.py").write_text(text.replace(*breaks))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ringbed-no-rerun", "test_my_nic.py"]
    done = subprocess.run(words, cwd=mine, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 1, done.stdout
    assert told in done.stdout


@pytest.mark.parametrize("engine", ["native", "pysim", "cocotb-icarus", "qemu"])
def test_a_driver_of_ones_own_on_every_engine(driver: Callable[..., Any], engine: str) -> None:
    """Frames both ways, options handed on, everything accounted for where the card counts."""
    settings: dict[str, Any] = {"leap": True} if engine == "qemu" else {}
    host = open_host("em0", Collector(), engine=engine, driver=driver, driver_options={"size": 16}, **settings)
    try:
        assert type(host.driver).__name__ == "MyNic"
        assert host.driver.queues()[0].size == 16
        host.up()
        host.engine.wire_in(to_wire(FRAME), host.engine.now)
        assert host.driver.transmit(0, [TxFrame([FRAME])]) == 1
        received, sent = list[bytes](), list[bytes]()
        for _ in range(1 if engine != "qemu" else 60_000):  # QEMU's time is wall time: it is waited for
            host.advance(host.now + 1_000_000)
            received += [frame.data for frame in host.upper.take()]
            sent += [from_wire(wire) for _, wire in host.engine.wire_out()]
            if received and sent:
                break
        assert (received, sent) == ([FRAME], [FRAME])
        host.driver.down()
        assert (host.engine.findings(), host.memory.leaks()) == ([], [])
        assert engine == "qemu" or lost(account(host)) == 0
    finally:
        host.engine.close()


@pytest.mark.needs("native")
def test_the_script_of_the_page(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "write-a-driver.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.syspath_prepend(str(mine))
    try:
        exec(script, {"frame_with_fcs": to_wire(FRAME)})
    finally:
        sys.modules.pop("my_nic", None)  # monkeypatch.delitem would put it back at the end
    assert f"[RxFrame(data={FRAME!r}" in capsys.readouterr().out


@pytest.mark.needs("native")
def test_three_of_them_on_a_switch(driver: Callable[..., Any]) -> None:
    with open_network(3, driver=driver) as net:
        socket = net.stacks[0].icmp_socket()
        for number in (2, 3):
            socket.echo_request(f"10.0.0.{number}", 1, number, bytes(1000))
        assert net.pump.run_until(lambda: len(socket.buffer) == 2, net.pump.now + 10**8)
        assert net.settle()
        assert lost(net.account()) == 0


def test_a_driver_that_is_none_is_refused_before_anything_is_built() -> None:
    with pytest.raises(ValueError, match="driver=3 makes no driver: a class does"):
        open_host("em0", Collector(), driver=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a mapping of Em's options, and driver_options= has some too"):
        open_host("em0", Collector(), driver={"mtu": 9000}, driver_options={"mtu": 9000})


@pytest.mark.parametrize("name", ["", "My-Nic", "1nic", "class", "_", "a b", "x/y", "ü"])
def test_a_name_that_is_no_modules_is_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("drivers", "new", name, "--out", str(tmp_path)) == Exit.USAGE
    assert f"{name!r} is no name of a Python module" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ringbed", "pytest", "json", "conftest", "__init__", "__main__"])
def test_a_name_that_python_has_is_one_sentence(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ringbed.py in the folder of the tests would be what they import."""
    assert run("drivers", "new", name, "--out", str(tmp_path)) == Exit.USAGE
    assert f"{name!r} is the name of a module that Python has already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_pytest_takes_for_tests_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drivers", "new", "test_nic", "--out", str(tmp_path)) == Exit.USAGE
    assert "pytest would take test_nic.py for tests" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_was_loaded_from_a_file_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in a folder of one's own is no module that Python has."""
    (tmp_path / "at").mkdir()
    (tmp_path / "at" / "my_nic.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "at"))
    assert run("drivers", "new", "my_nic", "--out", str(tmp_path)) == Exit.OK


def test_nothing_is_written_over(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "my_nic.py").unlink()
    (mine / "test_my_nic.py").write_text("mine")
    assert run("drivers", "new", "my_nic", "--out", str(mine)) == Exit.USAGE
    assert "test_my_nic.py is there already; nothing was written" in capsys.readouterr().err
    assert (sorted(path.name for path in mine.iterdir()), (mine / "test_my_nic.py").read_text()) == (
        ["test_my_nic.py"],
        "mine",
    )


def test_the_files_are_the_template_by_another_name(mine: Path) -> None:
    folder = Path(command.__file__).parent / "template"
    for file in command.FILES:
        text = (mine / file.replace("template_nic", "my_nic")).read_text()
        assert text == (folder / file).read_text().replace("template_nic", "my_nic").replace("TemplateNic", "MyNic")
        assert "emplate" not in text


def test_a_host_pings_over_it(driver: Callable[..., Any]) -> None:
    """On pysim, which every machine has."""
    from ringbed.lab import Stack, StackOnDriver

    host = open_host("em0", StackOnDriver(Stack("mine")), engine="pysim", driver=driver)
    try:
        host.up()
        host.upper.ifd.add_ifl().add_iff().add_ifa("10.0.0.1/24")
        ping(host, Peer(host.engine, "10.0.0.2/24", host.frequency), b"hello")
    finally:
        host.engine.close()
