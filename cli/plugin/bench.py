"""What one test of the pytest plugin has opened: its cards, its files; and all of it looked through and taken down in
the end.

Files are in a folder of the test's own, which is ringbed's: captures and waveforms of an earlier run go when the test
begins. Findings that the test has not taken itself (`engine.findings()`) are collected here, and make it fail.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ringbed.cli.plugin.marker import OWN, driver_of, must_record, must_take_a_card, settings_of

if TYPE_CHECKING:
    from ringbed.cli.plugin.wire import FarEnd
    from ringbed.sim.engines import AnyEngine
    from ringbed.sim.testbed.host import Host
    from ringbed.sim.wire.capture import CaptureWriter

__all__ = ["CAPTURE", "WAVEFORMS", "Bench", "unwritable"]

LLADDR = bytes.fromhex("020000000001")
CAPTURE, WAVEFORMS = ".pcapng", (".fst", ".vcd")
BESIDE = "they went over host.engine itself, not over ringbed_wire.end or ringbed_peer"
LONGEST = 80  # of a folder's name, before its hash


class Bench:
    """`trouble` is what was found and not shown yet, a line each."""

    def __init__(self, item: pytest.Item) -> None:
        option = item.config.getoption
        self.engine, self.seed, self.trace = option("ringbed_engine"), option("ringbed_seed"), option("ringbed_trace")
        self.folder = item.config.invocation_params.dir / option("ringbed_out") / _folder(item.nodeid)
        self.marker = settings_of(item)
        self.here, self._plugins = item.path.parent, item.config.pluginmanager
        self.hosts: list[Host[Any]] = []
        self.files: list[Path] = []
        self.trouble: list[str] = []
        self._up: list[Host[Any]] = []
        self._capture: CaptureWriter | None = None
        self._ends: dict[str, FarEnd] = {}  # by the host's name
        with self._writing():
            for old in self.folder.glob("*"):
                if old.suffix in (CAPTURE, *WAVEFORMS):
                    old.unlink()

    @property
    def capture(self) -> CaptureWriter:
        if self._capture is None:
            from ringbed.sim.wire.capture import CaptureWriter

            self._file = self.file("wire.pcapng").open("wb")  # ours, so that it can be flushed
            self._capture = CaptureWriter(self._file)
        return self._capture

    def end(self, host: Host[Any]) -> FarEnd:
        """The far end of its wire, which the capture sees; one a card."""
        if host.name not in self._ends:
            from ringbed.cli.plugin.wire import FarEnd
            from ringbed.sim.wire.capture import TappedEnd

            number = self.capture.interface(host.name)
            self._ends[host.name] = FarEnd(TappedEnd(host.engine, self.capture, number, host.frequency.ns))
        return self._ends[host.name]

    @property
    def address(self) -> str:
        return str(self.marker.get("address", "10.0.0.2/24"))

    def file(self, name: str) -> Path:
        """A path in the test's folder, where it can be written. UsageError where nothing can."""
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        self.files.append(self.folder / name)
        return self.files[-1]

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise pytest.UsageError(unwritable(self.folder, error)) from None

    def open(self, upper: Any) -> Host[Any]:
        """The marker's card on the engine of the command line, up. What a machine lacks for it is one sentence."""
        from ringbed.cli.errors import explain

        try:
            return self._open(upper)
        except Exception as error:
            if isinstance(error, OSError) or (known := explain(error)) is None:
                raise
            raise pytest.fail.Exception(known[0], pytrace=False) from None

    def _open(self, upper: Any) -> Host[Any]:
        settings = {key: value for key, value in self.marker.items() if key not in OWN}
        settings.setdefault("seed", self.seed)
        name = f"{'nic' if 'map' in self.marker else 'em'}{len(self.hosts)}"
        make = self._somebodys if "map" in self.marker else self._em
        if self.trace:
            settings["waves"] = _waves(self.engine)
        elif "waves" in settings:
            must_record(self.engine, settings["waves"])
        with self._spoken():
            return self._opened(name, make, upper, settings)

    @contextlib.contextmanager
    def _spoken(self) -> Iterator[None]:
        """What is built is said on the terminal: what a test prints is kept until it has failed."""
        from ringbed.sim.seam.progress import SPEAKER

        capture = self._plugins.getplugin("capturemanager")

        def say(text: str) -> None:
            with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
                print(f"\nringbed: {text}", end="", file=sys.stderr, flush=True)

        token = SPEAKER.set(say)
        try:
            yield
        finally:
            SPEAKER.reset(token)

    def _opened(self, name: str, make: Callable[..., Host[Any]], upper: Any, settings: dict[str, Any]) -> Host[Any]:
        at_once = self.trace and self.engine.startswith("cocotb-")
        with self._recorded(name) if at_once else contextlib.nullcontext():
            host = make(name, upper, settings)
        self.hosts.append(host)
        if self.trace and not at_once:  # what a driver waits for before it is up makes a waveform large
            self._record(host.engine, name)
        host.up()
        self._up.append(host)
        return host

    @contextlib.contextmanager
    def _recorded(self, name: str) -> Iterator[None]:
        """From clock 0, before the driver attaches: a simulator of cocotb cannot begin later."""
        from ringbed.sim.engines import OBSERVER

        token = OBSERVER.set(_Recorder(lambda engine: self._record(engine, name)))
        try:
            yield
        finally:
            OBSERVER.reset(token)

    def _record(self, engine: Any, name: str) -> None:
        engine.trace(self.file(f"{name}.{_waves(engine.kind)}"))

    def _em(self, name: str, upper: Any, settings: dict[str, Any]) -> Host[Any]:
        from ringbed.sim.testbed.assembly import open_host

        if "driver" in self.marker:
            settings["driver"] = driver_of(self.marker["driver"])
            must_take_a_card(self.marker["driver"], settings["driver"])
        if self.engine == "qemu" and "processor" in settings:
            raise pytest.UsageError(
                "@pytest.mark.ringbed(processor=...): on engine qemu the card moves while the driver does"
            )
        if self.engine == "qemu" and "errata" in settings:
            raise pytest.UsageError(
                "@pytest.mark.ringbed(errata=...): they are in the lab's RTL, and engine qemu has none"
            )
        settings.setdefault("checker", self.engine != "qemu")
        return open_host(name, upper, engine=self.engine, mac=LLADDR, **settings)

    def _somebodys(self, name: str, upper: Any, settings: dict[str, Any]) -> Host[Any]:
        from ringbed.sim.engines import FOR_VERILOG
        from ringbed.sim.testbed.dut import open_dut

        make = driver_of(self.marker["driver"])
        must_take_a_card(self.marker["driver"], make, lladdr=LLADDR)
        engine = "native" if self.engine == "auto" else self.engine
        if engine not in FOR_VERILOG:
            raise pytest.UsageError(
                f"--ringbed-engine={engine}: the card of a map is Verilog, which {', '.join(FOR_VERILOG)} run"
            )
        return open_dut(
            self.here / self.marker["map"], lambda *world: make(*world, lladdr=LLADDR), upper,
            name=name, engine=engine, **settings,
        )  # fmt: skip

    # ---- in the end ----

    def look(self) -> None:
        """Take what the engines' checkers saw since the last look, and let the capture be read as it is."""
        if self._capture is not None and not self._file.closed:
            for end in self._ends.values():
                end.look()
            self._file.flush()
        for host in self.hosts:
            found = host.findings()  # of a test that has closed its engine, too
            self.trouble += [f"{host.name}: {each}" for each in found]

    def beside(self) -> list[str]:
        """Whether frames went over a wire past the capture, a line."""
        from ringbed.sim.seam.engine import EngineClosed

        if self._capture is None:
            return []
        missing = -self._capture.frames
        for host in self.hosts:
            with contextlib.suppress(EngineClosed):
                stats = host.engine.stats()
                missing += stats.wire_in + stats.wire_out
        return [f"frames that are not in the capture: {missing}; {BESIDE}"] if missing > 0 else []

    def counts(self) -> list[str]:
        """What each card that is open, its driver and the stacks have counted, a line each."""
        from ringbed.sim.seam.engine import EngineClosed
        from ringbed.sim.testbed.peer import counts

        lines = []
        for host in self.hosts:
            end = self._ends.get(host.name)
            with contextlib.suppress(EngineClosed):
                lines += [f"{host.name}: {line}" for line in counts(host, end.peers if end is not None else ())]
        return lines

    def close(self) -> None:
        """Every card that is up is taken down, everything closed; then the test fails on what is left to tell."""
        errors = []
        self.look()
        for host in self.hosts:
            try:
                self._down(host)
            except Exception as error:  # a driver's; the other cards are closed all the same
                errors.append(error)
        self.look()
        for host in self.hosts:
            host.engine.close()
        if self._capture is not None:
            self._file.close()
        if errors:
            raise errors[0]
        if self.trouble and self.marker.get("findings") != "allowed":
            pytest.fail("\n".join(["ringbed found:", *self.trouble]), pytrace=False)

    def _down(self, host: Host[Any]) -> None:
        """Not of a card whose driver never came up, or is down, or whose engine the test has closed."""
        from ringbed.sim.seam.engine import EngineClosed

        if host not in self._up or not getattr(host.driver, "running", True):
            return
        try:
            kept = host.take_down()
        except EngineClosed:
            return
        if kept:
            self.trouble.append(kept)


class _Recorder:
    """Sees the engine that a card is opened on, as soon as it is (`sim/engines.py`)."""

    def __init__(self, record: Callable[[AnyEngine], None]) -> None:
        self._record = record

    def options(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        return options

    def opened(self, engine: AnyEngine) -> None:
        self._record(engine)


def unwritable(folder: Path, error: OSError) -> str:
    return f"{folder} cannot be written ({error.strerror or error}): --ringbed-out names another folder"


def _folder(nodeid: str) -> str:
    """A name that any file system takes, and no other test has."""
    name = re.sub(r"[^\w.-]+", "_", nodeid, flags=re.ASCII)[:LONGEST]
    return f"{name}-{hashlib.sha256(nodeid.encode()).hexdigest()[:8]}"


def _waves(kind: str) -> str:
    """The format an engine of this kind records."""
    from ringbed.sim.engines import wave_formats

    formats = wave_formats(kind)
    if not formats:
        raise pytest.UsageError(f"--ringbed-trace: engine {kind} records no waveform")
    return formats[0]
