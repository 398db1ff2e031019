"""The pytest plugin that comes with ringbed: a NIC, a host, its wire and a capture as fixtures of a test.

    @pytest.mark.ringbed(map="my_nic.toml", driver="my_driver:MyNic", read_latency=200)
    def test_echo(ringbed_nic, ringbed_wire):
        ringbed_wire.send(frame)
        ringbed_wire.run(us=100)
        assert [each.data for each in ringbed_nic.upper.take()] == [frame]

Without a marker the card is `em`. docs/pytest.md has every fixture and option. A test that fails leaves its capture,
is run once more with a waveform, and says with which command it comes again. Nothing of ringbed is imported before a
test asks for it: the plugin is loaded by every pytest in the environment.
"""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ringbed.sim.capture import CaptureWriter
    from ringbed.sim.host import Collector, Host
    from ringbed.sim.testbed import StackHost

__all__ = ["Wire"]

LLADDR = bytes.fromhex("020000000001")
OWN = ("map", "driver", "address")  # keys of the marker that are not settings of the engine
BENCH = pytest.StashKey["Bench"]()
RERUN_S = 900


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ringbed", "ringbed: simulated NICs")
    group.addoption("--ringbed-engine", default="auto", metavar="KIND",
                    help="native, pysim, cocotb-verilator, cocotb-icarus, qemu; auto: native, else pysim")  # fmt: skip
    group.addoption("--ringbed-seed", type=int, default=1, metavar="N", help="seed of whatever a test draws")
    group.addoption("--ringbed-trace", action="store_true", help="record a waveform of every test's card")
    group.addoption("--ringbed-out", default="ringbed-out", metavar="DIR", help="where captures and waveforms go")
    group.addoption("--ringbed-no-rerun", action="store_true", help="do not run the first failure again for a waveform")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "ringbed(map=None, driver=None, address='10.0.0.2/24', **settings): the card of this test's fixtures"
    )


class Wire:
    """The far end of the card's wire. Frames are without FCS here; all of them go into the test's capture."""

    def __init__(self, host: Host[Any], capture: CaptureWriter) -> None:
        from ringbed.sim.capture import TappedEnd

        self._host = host
        self._end = TappedEnd(host.engine, capture, capture.interface(host.name), host.frequency.ns)

    def send(self, *frames: bytes) -> None:
        """Queue frames for the card, padded and with a good FCS."""
        from ringbed.sim.wire import to_wire

        for frame in frames:
            self._end.wire_in(to_wire(frame), self._host.engine.now)

    def run(self, us: float = 1000) -> None:
        """Let simulated time pass, interrupts served; less of it when everything comes to rest."""
        from ringbed.sim.engine import Event

        self._host.advance(self._host.now + int(us * 1000), Event.IDLE)

    def take(self) -> list[bytes]:
        """Frames that left the card since the last call, without FCS; a bad FCS is an AssertionError."""
        from ringbed.sim.wire import fcs_good, from_wire

        left = [wire for _, wire in self._end.wire_out()]
        bad = [number for number, wire in enumerate(left) if not fcs_good(wire)]
        assert not bad, f"frames {bad} left the card with a bad FCS"
        return [from_wire(wire) for wire in left]


class Bench:
    """What one test has opened, and the files it leaves."""

    def __init__(self, item: pytest.Item) -> None:
        option = item.config.getoption
        self.engine, self.seed, self.trace = option("ringbed_engine"), option("ringbed_seed"), option("ringbed_trace")
        self.folder = Path(option("ringbed_out")) / re.sub(r"[^\w.-]+", "_", item.nodeid)
        marker = item.get_closest_marker("ringbed")
        self.marker: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
        self.here = item.path.parent
        self.hosts: list[Host[Any]] = []
        self.files: list[Path] = []
        self._capture: CaptureWriter | None = None

    @property
    def capture(self) -> CaptureWriter:
        if self._capture is None:
            from ringbed.sim.capture import CaptureWriter

            self._capture = CaptureWriter(self._file("wire.pcapng"))
        return self._capture

    def _file(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files.append(self.folder / name)
        return self.files[-1]

    def open(self, upper: Any) -> Host[Any]:
        """The marker's card on the engine of the command line, up."""
        settings = {key: value for key, value in self.marker.items() if key not in OWN}
        settings.setdefault("seed", self.seed)
        if self.trace:
            settings["waves"] = _waves("native")
        host = self._somebodys(upper, settings) if "map" in self.marker else self._em(upper, settings)
        self.hosts.append(host)
        if self.trace:
            host.engine.trace(self._file(f"{host.name}.{_waves(host.engine.kind)}"))
        host.up()
        return host

    def _em(self, upper: Any, settings: dict[str, Any]) -> Host[Any]:
        from ringbed.sim.testbed import open_host

        return open_host("em0", upper, engine=self.engine, mac=LLADDR, **settings)

    def _somebodys(self, upper: Any, settings: dict[str, Any]) -> Host[Any]:
        from ringbed.sim.testbed_dut import open_dut

        make = _driver(self.marker.get("driver"))
        engine = "native" if self.engine == "auto" else self.engine
        return open_dut(
            self.here / self.marker["map"], lambda *world: make(*world, lladdr=LLADDR), upper, engine=engine, **settings
        )

    def close(self) -> None:
        for host in self.hosts:
            host.engine.close()
        if self._capture is not None:
            self._capture.close()


def _waves(kind: str) -> str:
    """The format an engine of this kind records."""
    from ringbed.sim.toolchain import BuildError, wave_format

    if kind.startswith("cocotb-"):
        from ringbed.sim.cocotb_build import WAVES

        return WAVES[kind.removeprefix("cocotb-")]
    try:
        return wave_format() if kind == "native" else "vcd"
    except BuildError:
        return "vcd"


def _driver(named: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """The class itself, or `module:Class` of a module that tests can import."""
    if callable(named):
        return named
    module, _, name = str(named).partition(":")
    if not name:
        raise pytest.UsageError(f"@pytest.mark.ringbed(driver={named!r}): a class, or 'module:Class', goes with a map")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


# ---- fixtures ----


@pytest.fixture
def ringbed_engine(request: pytest.FixtureRequest) -> str:
    """The engine's kind, from --ringbed-engine."""
    return str(request.config.getoption("ringbed_engine"))


@pytest.fixture
def ringbed_seed(request: pytest.FixtureRequest) -> int:
    """For whatever a test draws, from --ringbed-seed."""
    return int(request.config.getoption("ringbed_seed"))


@pytest.fixture
def ringbed_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """What the other fixtures share: `open(upper)` opens one more card for a test that wants several."""
    bench = request.node.stash[BENCH] = Bench(request.node)
    yield bench
    bench.close()


@pytest.fixture
def ringbed_capture(ringbed_bench: Bench) -> CaptureWriter:
    """The test's pcapng, which the wire writes; a test may add interfaces of its own."""
    return ringbed_bench.capture


@pytest.fixture
def ringbed_nic(ringbed_bench: Bench) -> Host[Collector]:
    """A card with its driver, up, and nothing above: `.driver`, `.engine`, `.memory`, `.upper.take()`."""
    from ringbed.sim.host import Collector

    return ringbed_bench.open(Collector())


@pytest.fixture
def ringbed_host(ringbed_bench: Bench) -> StackHost:
    """A card with its driver and a whole stack, up, with the marker's `address`: `.upper.stack`."""
    from ringbed.sim.testbed import StackOnDriver
    from ringbed.stack.stack import Stack

    upper = StackOnDriver(Stack("host"))
    host = ringbed_bench.open(upper)
    upper.ifd.add_ifl().add_iff().add_ifa(ringbed_bench.marker.get("address", "10.0.0.2/24"))
    return host


@pytest.fixture
def ringbed_wire(request: pytest.FixtureRequest, ringbed_bench: Bench) -> Wire:
    """The far end of the wire of the test's `ringbed_host`, or else of its `ringbed_nic`."""
    named = "ringbed_host" if "ringbed_host" in request.fixturenames else "ringbed_nic"
    return Wire(request.getfixturevalue(named), ringbed_bench.capture)


# ---- when a test fails ----


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    bench = item.stash.get(BENCH, None)
    if bench is not None and report.when == "call" and report.failed:
        bench.close()  # the files are whole from here on
        report.sections.append(("ringbed", "\n".join(_told(item, bench))))
    return report


def _told(item: pytest.Item, bench: Bench) -> list[str]:
    """Seed, files, findings and the command; the first failure of a session is run again with a waveform."""
    command = _command(item, bench)
    lines = [f"seed: {bench.seed}, engine: {', '.join(host.engine.kind for host in bench.hosts) or bench.engine}"]
    again = bench.trace or item.config.getoption("ringbed_no_rerun") or getattr(item.config, "_ringbed_reran", False)
    if not again and bench.hosts:
        item.config._ringbed_reran = True  # type: ignore[attr-defined]  # one waveform a session: the first failure's
        bench.files += _again(command, bench)
    lines += [str(path) for path in dict.fromkeys(bench.files) if path.exists()]
    return [*lines, "again: " + shlex.join(["pytest", *command])]


def _command(item: pytest.Item, bench: Bench) -> list[str]:
    return [
        item.nodeid, f"--ringbed-engine={bench.engine}", f"--ringbed-seed={bench.seed}",
        f"--ringbed-out={item.config.getoption('ringbed_out')}",
    ]  # fmt: skip


def _again(command: Sequence[str], bench: Bench) -> list[Path]:
    """Run the test once more in a process of its own, recording; its waveform, when there is one."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *command, "--ringbed-trace"]
    try:
        subprocess.run(words, capture_output=True, check=False, timeout=RERUN_S)
    except subprocess.TimeoutExpired:
        return []
    return sorted(path for path in bench.folder.glob("*.*") if path.suffix in (".fst", ".vcd"))
