"""What a test has opened: its cards are named, seeded, looked through and closed, whatever the driver does."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ringbed.cli.plugin.bench import Bench
from ringbed.cli.plugin.wire import Wire, neighbour
from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import Nic, TxFrame
from ringbed.sim.engines import OBSERVER
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.processor.model import Processor
from ringbed.sim.seam.engine import EngineClosed, Finding
from ringbed.sim.seam.portmap import PortMapError
from ringbed.sim.seam.progress import speaker
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.frame import to_wire
from tests.cli.plugin.item import Item

NIC = Path(__file__).parents[3] / "examples" / "third_party" / "nic"
STRAY = Finding(7, "stray", "a read")


class Watcher(Collector):
    """Notes whether the driver ran whenever the upper side was let work."""

    def __init__(self) -> None:
        super().__init__()
        self.host: Any = None
        self.running: list[bool] = []

    def work(self, now: int) -> None:
        if self.host is not None:
            self.running.append(self.host.driver.running)


def bench(folder: Path, *marked: dict[str, Any], **given: Any) -> Bench:
    return Bench(Item(folder, *marked, **given).real)


def card(cards: Bench, upper: Collector | None = None) -> Any:
    """Its driver and engine are of no type here that says more than their Protocols."""
    return cards.open(upper or Collector())


def test_several_cards_of_one_test(tmp_path: Path) -> None:
    """Each has its name, and all of them are closed."""
    cards = bench(tmp_path, seed=23)
    hosts = [card(cards) for _ in range(2)]
    assert [host.name for host in hosts] == ["em0", "em1"]
    assert [host.engine.settings.seed for host in hosts] == [23, 23]
    assert [host.driver.running for host in hosts] == [True, True]
    cards.close()
    for host in hosts:
        with pytest.raises(EngineClosed):
            host.engine.read(0x8)


def test_the_marker_s_own_seed(tmp_path: Path) -> None:
    cards = bench(tmp_path, {"seed": 5})
    assert card(cards).engine.settings.seed == 5
    cards.close()


@pytest.mark.parametrize("as_class", [True, False])
def test_a_map_is_found_from_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_class: bool) -> None:
    monkeypatch.syspath_prepend(str(NIC))
    driver = importlib.import_module("mini_driver").MiniNic
    near = os.path.relpath(NIC / "mini_nic.toml", tmp_path)
    cards = bench(tmp_path, {"map": near, "driver": driver if as_class else "mini_driver:MiniNic"}, engine="auto")
    hosts = [card(cards) for _ in range(2)]
    assert [(host.name, host.engine.kind, type(host.driver)) for host in hosts] == [
        ("nic0", "native", driver), ("nic1", "native", driver)
    ]  # fmt: skip
    cards.close()


class Opened:
    """Stands for `open_host`: notes what a card is opened with, and what is recorded of it."""

    def __init__(self, kind: str) -> None:
        self.kind, self.traced = kind, list[Path]()

    def __call__(self, name: str, upper: object = None, **given: Any) -> Any:
        self.name, self.given = name, given
        engine: Any = SimpleNamespace(kind=self.kind, trace=self.traced.append)
        if (observer := OBSERVER.get()) is not None:
            observer.opened(engine)
        return SimpleNamespace(name=name, engine=engine, up=lambda: None)


@pytest.mark.parametrize(("engine", "compiler"), [("auto", False), ("pysim", True)])
def test_what_our_own_card_is_opened_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, compiler: bool
) -> None:
    """The engine of the command line, the settings of the marker; pysim's waveform is VCD, with a compiler or not."""

    def wave_format() -> str:
        if not compiler:
            raise BuildError("no compiler")
        return "fst"

    opened = Opened("pysim")
    monkeypatch.setattr("ringbed.sim.engines.wave_format", wave_format)
    monkeypatch.setattr("ringbed.sim.testbed.assembly.open_host", opened)
    marker = {"offloads": ["tx_checksum"], "waves": "", "address": "10.1.0.1/8"}
    cards = bench(tmp_path, marker, engine=engine, trace=True)
    card(cards)
    assert (opened.name, opened.given.pop("mac")) == ("em0", bytes.fromhex("020000000001"))
    assert opened.given.pop("checker") is True  # not on QEMU, whose card moves while the driver does
    assert opened.given == {"engine": engine, "offloads": ["tx_checksum"], "waves": "vcd", "seed": 1}
    assert opened.traced == [cards.folder / "em0.vcd"] == cards.files


def test_a_processor_is_handed_on_and_not_to_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened("pysim")
    monkeypatch.setattr("ringbed.sim.testbed.assembly.open_host", opened)
    card(bench(tmp_path, {"processor": Processor(weak=3)}, engine="pysim"))
    assert (opened.given["processor"], opened.given["checker"]) == (Processor(weak=3), True)
    with pytest.raises(pytest.UsageError, match="on engine qemu the card moves while the driver does"):
        card(bench(tmp_path, {"processor": Processor(weak=3)}, engine="qemu"))


def test_an_engine_of_cocotb_is_recorded_when_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; and no other engine that the test opens."""
    opened = Opened("cocotb-icarus")
    monkeypatch.setattr("ringbed.sim.testbed.assembly.open_host", opened)
    cards = bench(tmp_path, engine="cocotb-icarus", trace=True)
    for _ in range(2):
        card(cards)
    assert opened.traced == [cards.folder / "em0.fst", cards.folder / "em1.fst"]
    assert OBSERVER.get() is None


def somebodys(*world: Any, lladdr: bytes) -> Nic:
    """A driver as those of port maps are made."""
    return Em(*world)


@pytest.mark.parametrize(("engine", "is_opened"), [("auto", "native"), ("cocotb-icarus", "cocotb-icarus")])
def test_somebodys_card_is_simulated_as_verilog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, is_opened: str
) -> None:
    """Without a compiler it is not simulated in Python, which nobody could."""
    opened = Opened("native")
    monkeypatch.setattr("ringbed.sim.testbed.dut.open_dut", lambda *words, **given: opened(given.pop("name"), **given))
    (tmp_path / "my.toml").touch()
    card(bench(tmp_path, {"map": "my.toml", "driver": somebodys}, engine=engine))
    assert opened.given == {"engine": is_opened, "seed": 1}


@pytest.mark.parametrize("engine", ["pysim", "qemu"])
def test_an_engine_that_runs_no_verilog(tmp_path: Path, engine: str) -> None:
    (tmp_path / "my.toml").touch()
    says = f"^--ringbed-engine={engine}: the card of a map is Verilog, which native, cocotb-verilator, "
    with pytest.raises(pytest.UsageError, match=says):
        card(bench(tmp_path, {"map": "my.toml", "driver": somebodys}, engine=engine))


def test_an_engine_that_records_nothing(tmp_path: Path) -> None:
    with pytest.raises(pytest.UsageError, match="^--ringbed-trace: engine qemu records no waveform$"):
        card(bench(tmp_path, engine="qemu", trace=True))


def test_what_is_wrong_while_a_driver_goes_down_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of time; and the upper side is let work when its driver is down."""
    cards, upper = bench(tmp_path), Watcher()
    host = upper.host = card(cards, upper)
    late = Finding(9, "late", "a write")
    monkeypatch.setattr(host.engine, "findings", lambda: [STRAY if host.driver.running else late])
    monkeypatch.setattr(host.memory, "leaks", lambda: ["0x1000, 64 bytes", "another"])
    with pytest.raises(pytest.fail.Exception) as raised:
        cards.close()
    assert str(raised.value).splitlines() == [
        "ringbed found:", "em0: clock 7: stray: a read",
        "em0: the driver is down and keeps 2 mappings, first 0x1000, 64 bytes", "em0: clock 9: late: a write",
    ]  # fmt: skip
    assert upper.running == [False]


def test_what_was_found_often_is_told_with_its_count_and_a_stopped_queue_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `Host.down` does, and in a finding's own words."""
    cards = bench(tmp_path)
    host, looked = card(cards), list[bool]()
    monkeypatch.setattr(host.watch, "look_at_queues", lambda: looked.append(host.driver.running))
    monkeypatch.setattr(
        host.engine, "findings", lambda: [Finding(7, "stray", "a read", count=3, last=9)] * host.driver.running
    )
    with pytest.raises(pytest.fail.Exception) as raised:
        cards.close()
    assert str(raised.value) == "ringbed found:\nem0: clock 7: stray: a read (3 times, the last at clock 9)"
    assert looked == [True]


@pytest.mark.parametrize("error", [RuntimeError("no"), ValueError("not so"), AssertionError("never")])
def test_a_driver_that_raises_when_it_goes_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It is the test's error, and keeps no card from being closed."""

    def refuses() -> None:
        raise error

    cards = bench(tmp_path)
    first, second = (card(cards) for _ in range(2))
    monkeypatch.setattr(first.driver, "down", refuses)
    with pytest.raises(type(error), match=str(error)):
        cards.close()
    assert not second.driver.running
    for host in (first, second):
        with pytest.raises(EngineClosed):
            host.engine.read(0x8)


def test_a_test_may_close_its_engine(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    card(cards).engine.close()
    cards.close()
    assert cards.trouble == []


def test_findings_in_an_engine_that_the_test_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told as those of any other."""
    monkeypatch.syspath_prepend(str(NIC))
    cards = bench(tmp_path, {"map": str(NIC / "mini_nic.toml"), "driver": "mini_driver:MiniNic"})
    host = card(cards)
    host.driver.rx.memory.view[0:8] = 0xDEAD0000.to_bytes(8, "little")  # where the card puts its first frame
    wire = Wire(host, cards.end(host))
    wire.send(bytes(80))
    wire.run(us=100)
    host.engine.close()
    with pytest.raises(pytest.fail.Exception) as raised:
        cards.close()
    assert re.match(r"ringbed found:\nnic0: clock \d+: dma.write: the device writes 0xdead0000 ", str(raised.value))


def hasty(*world: Any) -> Any:
    """Em that unmasks a reserved cause."""
    driver = Em(*world)
    driver.hardware.write("IMS", 1 << 31)
    return driver


def test_a_rule_that_the_driver_broke(tmp_path: Path) -> None:
    """It is checked on `em`, unless the marker says no."""
    cards = bench(tmp_path, {"driver": hasty})
    card(cards)
    with pytest.raises(
        pytest.fail.Exception, match=r"ringbed found:\nem0: clock \d+: register.reserved: IMS was written"
    ):
        cards.close()
    cards = bench(tmp_path, {"driver": hasty, "checker": False})
    card(cards)
    cards.close()
    assert cards.trouble == []


@pytest.mark.parametrize("down", ["never up", "down already"])
def test_a_driver_that_is_not_up_is_not_taken_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, down: str) -> None:
    calls: list[str] = []

    def refuses(driver: Any) -> None:
        raise OSError("no link")

    monkeypatch.setattr(Em, "down", lambda driver: calls.append(driver.name))
    cards = bench(tmp_path)
    if down == "never up":
        monkeypatch.setattr(Em, "up", refuses)
        with pytest.raises(OSError, match="no link"):
            card(cards)
        monkeypatch.setattr(cards.hosts[0].driver, "running", True)  # as far as it got
    else:
        card(cards).driver.running = False
    cards.close()
    assert calls == []


def test_a_folder_s_name_is_one_for_any_file_system(tmp_path: Path) -> None:
    names = [bench(tmp_path, name=name).folder.name for name in ("t[\u00fc/\u00fc]", "t[\u00fc_\u00fc]", "t" * 300)]
    assert [name.isascii() and len(name) < 100 for name in names] == [True] * 3
    assert len(set(names)) == 3


# ---- capture and waveform ----


def test_one_capture_that_can_be_read_at_any_time(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    wire = Wire(host := card(cards), cards.end(host))
    wire.send(bytes(80))
    cards.look()
    (path,) = cards.files
    assert bytes(80) in path.read_bytes()
    assert cards.capture is cards.capture
    cards.close()
    assert cards._file.closed


# ---- the wire ----


def test_frames_go_in_order_and_time_ends_at_rest(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    host = card(cards)
    wire, before = Wire(host, cards.end(host)), host.now
    frames = [bytes.fromhex("020000000001").ljust(14) + bytes([number]) * 1400 for number in range(10)]
    wire.send(*frames)
    wire.run(us=2)
    assert 2000 <= host.now - before < 3000
    wire.run()
    assert [frame.data for frame in host.upper.take()] == frames
    assert host.now - before < 100_000
    cards.close()


def test_a_frame_that_leaves_with_a_bad_fcs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = bench(tmp_path)
    host = card(cards)
    monkeypatch.setattr(host.engine, "wire_out", lambda: [(5, bytes(64))])
    with pytest.raises(AssertionError, match=r"frames \[0\] left the card with a bad FCS"):
        Wire(host, cards.end(host)).take()
    cards.close()


def test_a_peer_takes_the_frames(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    host = card(cards)
    wire = Wire(host, cards.end(host))
    peer = wire.peer("10.0.0.1/24")
    with pytest.raises(ValueError, match="^the frames that leave the card go to ringbed_peer"):
        wire.take()
    host.driver.transmit(0, [TxFrame([bytes(80)])])
    before = host.now
    wire.run(us=300)
    assert (peer.came, host.now - before) == (1, 300_000)
    cards.close()


@pytest.mark.parametrize(
    ("own", "peers"),
    [("10.0.0.2/24", "10.0.0.1/24"), ("10.0.0.1/24", "10.0.0.2/24"), ("10.1.2.3/8", "10.0.0.1/8"),
     ("10.0.0.5/30", "10.0.0.6/30")],
)  # fmt: skip
def test_the_address_of_a_peer(own: str, peers: str) -> None:
    assert neighbour(own) == peers


@pytest.mark.parametrize("blocked", ["folder", "files"])
def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    def refused(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    cards = bench(tmp_path)
    monkeypatch.setattr(*{"folder": (Path, "mkdir", refused), "files": (tempfile, "TemporaryFile", refused)}[blocked])
    says = (
        rf"^{re.escape(str(cards.folder))} cannot be written \(Permission denied\): --ringbed-out names another folder$"
    )
    with pytest.raises(pytest.UsageError, match=says):
        _ = cards.capture
    assert cards.files == []


def test_an_old_file_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    bench(tmp_path).file("wire.pcapng").touch()
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(pytest.UsageError, match="--ringbed-out names another folder"):
        bench(tmp_path)


@pytest.mark.parametrize("error", [BuildError("no compiler"), PortMapError("no such port")])
def test_what_a_person_can_mend_is_the_sentence_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def opened(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("ringbed.sim.testbed.assembly.open_host", opened)
    with pytest.raises(pytest.fail.Exception, match=f"^{error}$") as caught:
        card(bench(tmp_path))
    assert not caught.value.pytrace


@pytest.mark.parametrize("error", [ValueError("a driver's"), FileNotFoundError(2, "No such file", "firmware")])
def test_what_a_driver_raises_keeps_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def opened(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("ringbed.sim.testbed.assembly.open_host", opened)
    with pytest.raises(type(error)):
        card(bench(tmp_path))


def test_frames_past_the_capture(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    host = card(cards)
    assert cards.beside() == []  # there is no capture in which they could be
    end = cards.end(host)
    assert cards.end(host) is end
    end.wire_in(to_wire(bytes(80)), host.engine.now)
    assert cards.beside() == []
    host.engine.wire_in(to_wire(bytes(80)), host.engine.now)
    (line,) = cards.beside()
    assert line.startswith("frames that are not in the capture: 1; they went over host.engine itself, not over ")
    host.engine.close()
    cards.look()
    cards.close()


def sent(cards: Bench) -> tuple[Any, Wire]:
    """A card on its wire, and a frame that has left it."""
    host = card(cards)
    host.advance(host.now + 1_000_000)  # for its link to come up
    wire = Wire(host, cards.end(host))
    host.driver.transmit(0, [TxFrame([b"first".ljust(80)])])
    wire.run()
    return host, wire


def test_what_left_the_card_is_kept_for_who_takes_it(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    host, wire = sent(cards)
    cards.look()
    host.driver.transmit(0, [TxFrame([b"second".ljust(80)])])
    wire.run()
    assert cards.capture.frames == 1
    assert wire.take() == [b"first".ljust(80), b"second".ljust(80)]
    assert wire.take() == []
    assert cards.capture.frames == 2
    cards.close()


def test_of_an_engine_that_the_test_has_closed_nothing_more_is_had(tmp_path: Path) -> None:
    cards = bench(tmp_path)
    host, _ = sent(cards)
    host.engine.close()
    cards.look()
    assert cards.beside() == []
    assert cards.capture.frames == 0
    cards.trouble.clear()
    cards.close()


def test_what_is_built_is_said_past_pytests_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model may take a minute, in which a test that hangs would look the same."""
    uncaptured: list[str] = []

    @contextlib.contextmanager
    def disabled() -> Iterator[None]:
        uncaptured.append("off")
        yield
        uncaptured.append("on")

    item = Item(tmp_path, {"plusargs": ["loud"]})
    manager = SimpleNamespace(global_and_fixture_disabled=disabled)
    item.config.pluginmanager.getplugin = {"capturemanager": manager}.get
    opener = Opened("native")

    def opened(name: str, upper: object = None, **given: Any) -> Any:
        speaker(None, "em for native")("running Verilator")
        assert given["plusargs"] == ["loud"]
        return opener(name, upper, **given)

    monkeypatch.setattr("ringbed.sim.testbed.assembly.open_host", opened)
    card(Bench(item.real))
    assert uncaptured == ["off", "on"]
    assert capsys.readouterr().err == "\nringbed: building em for native: running Verilator"
