"""What one test of the pytest plugin has opened: its marker read, its cards up, its files; and all of it looked through
and taken down in the end.

Files are in a folder of the test's own, which is ringbed's: captures and waveforms of an earlier run go when the test
begins. Findings that the test has not taken itself (`engine.findings()`) are collected here, and make it fail.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ringbed.sim.capture import CaptureWriter
    from ringbed.sim.host import Host

__all__ = ["CAPTURE", "Bench"]

LLADDR = bytes.fromhex("020000000001")
OWN = ("map", "driver", "address", "findings")  # keys of the marker that are not settings of the engine
CAPTURE, WAVEFORMS = ".pcapng", (".fst", ".vcd")
LONGEST = 80  # of a folder's name, before its hash


class Bench:
    """`trouble` is what was found and not shown yet, `found` all of it, a line each."""

    def __init__(self, item: pytest.Item) -> None:
        option = item.config.getoption
        self.engine, self.seed, self.trace = option("ringbed_engine"), option("ringbed_seed"), option("ringbed_trace")
        self.folder = item.config.invocation_params.dir / option("ringbed_out") / _folder(item.nodeid)
        self.marker = _settings(item)
        self.here = item.path.parent
        self.hosts: list[Host[Any]] = []
        self.files: list[Path] = []
        self.found: list[str] = []
        self.trouble: list[str] = []
        self._up: list[Host[Any]] = []
        self._capture: CaptureWriter | None = None
        for old in self.folder.glob("*"):
            if old.suffix in (CAPTURE, *WAVEFORMS):
                old.unlink()

    @property
    def capture(self) -> CaptureWriter:
        if self._capture is None:
            from ringbed.sim.capture import CaptureWriter

            self._file = self.file("wire.pcapng").open("wb")  # ours, so that it can be flushed
            self._capture = CaptureWriter(self._file)
        return self._capture

    def file(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files.append(self.folder / name)
        return self.files[-1]

    def open(self, upper: Any) -> Host[Any]:
        """The marker's card on the engine of the command line, up."""
        from ringbed.sim.engines import wave_formats

        settings = {key: value for key, value in self.marker.items() if key not in OWN}
        settings.setdefault("seed", self.seed)
        if self.trace:
            settings["waves"] = wave_formats("native")[0]
        host = self._somebodys(upper, settings) if "map" in self.marker else self._em(upper, settings)
        self.hosts.append(host)
        if self.trace:
            host.engine.trace(self.file(f"{host.name}.{wave_formats(host.engine.kind)[0]}"))
        host.up()
        self._up.append(host)
        return host

    def _em(self, upper: Any, settings: dict[str, Any]) -> Host[Any]:
        from ringbed.sim.testbed import open_host

        return open_host(f"em{len(self.hosts)}", upper, engine=self.engine, mac=LLADDR, **settings)

    def _somebodys(self, upper: Any, settings: dict[str, Any]) -> Host[Any]:
        from ringbed.sim.testbed_dut import open_dut

        make = _driver(self.marker["driver"])
        engine = "native" if self.engine == "auto" else self.engine
        return open_dut(
            self.here / self.marker["map"], lambda *world: make(*world, lladdr=LLADDR), upper,
            name=f"nic{len(self.hosts)}", engine=engine, **settings,
        )  # fmt: skip

    # ---- in the end ----

    def look(self) -> None:
        """Take what the engines' checkers saw since the last look, and let the capture be read as it is."""
        if self._capture is not None and not self._file.closed:
            self._file.flush()
        for host in self.hosts:
            with contextlib.suppress(ValueError):  # the test has closed it
                found = host.engine.findings()
                self._note([f"{host.name}: clock {each.clock}: {each.rule}: {each.text}" for each in found])

    def _note(self, lines: list[str]) -> None:
        self.found += lines
        self.trouble += lines

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
        from ringbed.sim.engine import EngineClosed

        if host not in self._up or not getattr(host.driver, "running", True):
            return
        try:
            host.driver.down()
            host.upper.work(host.now)
        except EngineClosed:
            return
        leaks = host.memory.leaks()
        self._note(
            [f"{host.name}: the driver is down and keeps {len(leaks)} mappings, first {leaks[0]}"] if leaks else []
        )


def _settings(item: pytest.Item) -> dict[str, Any]:
    """All markers of a test, its own before its class's, before its module's. UsageError for one that is none."""
    merged: dict[str, Any] = {}
    for marker in item.iter_markers("ringbed"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.ringbed({marker.args[0]!r}): name it, such as map={marker.args[0]!r}"
            )
        merged = {**marker.kwargs, **merged}
    _check(merged)
    return merged


def _check(marker: dict[str, Any]) -> None:
    from ringbed.sim.settings import Settings

    known = [*OWN, "offloads", "waves", *(each.name for each in dataclasses.fields(Settings))]
    for key in marker:
        if key not in known:
            raise pytest.UsageError(
                f"@pytest.mark.ringbed({key}=...): there is no such key; there are {', '.join(known)}"
            )
    if ("map" in marker) != ("driver" in marker):
        has, lacks = ("map", "driver") if "map" in marker else ("driver", "map")
        raise pytest.UsageError(
            f"@pytest.mark.ringbed({has}={marker[has]!r}): it goes with a {lacks}, which is not given"
        )
    if marker.get("findings", "allowed") != "allowed":
        raise pytest.UsageError(f"@pytest.mark.ringbed(findings={marker['findings']!r}): only 'allowed' can be said")


def _folder(nodeid: str) -> str:
    """A name that any file system takes, and no other test has."""
    name = re.sub(r"[^\w.-]+", "_", nodeid, flags=re.ASCII)[:LONGEST]
    return f"{name}-{hashlib.sha256(nodeid.encode()).hexdigest()[:8]}"


def _driver(named: str | Callable[..., Any]) -> Callable[..., Any]:
    """The class itself, or `module:Class` of a module that tests can import."""
    if callable(named):
        return named
    module, _, name = str(named).partition(":")
    if not name:
        raise pytest.UsageError(f"@pytest.mark.ringbed(driver={named!r}): a class, or 'module:Class', goes with a map")
    found: Callable[..., Any] | None = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise pytest.UsageError(f"@pytest.mark.ringbed(driver={named!r}): module {module} has no {name}")
    return found
