"""What all tests share: deterministic hypothesis, and what happens on a machine without a compiler, TUN, QEMU, Icarus.

There, a test that cannot build the native engine, one marked `tap` that gets no TAP device, one marked `qemu` that
finds no QEMU, or one marked `cocotb` that finds no simulator is skipped, and the last lines of the run say how many and
why. With CI set nothing is: CI's machine has all of them, and would hide it if it had not.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from ringbed.sim.cocotb.build import CocotbMissing
from ringbed.sim.kernel.tap import TapUnavailable
from ringbed.sim.native.toolchain import BuildError, find_compiler, find_verilator
from ringbed.sim.qemu.qtest import QemuMissing
from ringbed.sim.trace.failure import Case, run_with_waveform

hypothesis.settings.register_profile("ringbed", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("ringbed")

T = TypeVar("T")

LACKS = "this machine: "
MARKERS: dict[type[Exception], str] = {TapUnavailable: "tap", QemuMissing: "qemu", CocotbMissing: "cocotb"}


@cache
def no_native() -> str | None:
    """Why the native engine cannot be built on this machine; None when it can."""
    try:
        find_compiler()
        find_verilator()
    except BuildError as error:
        return str(error)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    return (yield from _skip_what_cannot_be(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    return (yield from _skip_what_cannot_be(item))


def _skip_what_cannot_be(item: pytest.Item) -> Generator[None]:
    try:
        return (yield)
    except BuildError:
        if no_native() is None or "CI" in os.environ:
            raise
        pytest.skip(f"{LACKS}{no_native()}")
    except tuple(MARKERS) as error:
        marker = MARKERS[type(error)]
        if item.get_closest_marker(marker) is None or "CI" in os.environ:
            raise
        pytest.skip(f"{LACKS}{error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple))
    for reason, count in reasons.items():
        if LACKS in reason:
            terminalreporter.write_line(f"left out: {count} tests; {reason.partition(LACKS)[2]}")


@pytest.fixture
def waveform_on_failure(tmp_path: Path) -> Callable[[Callable[[Case], T]], T]:
    """`run_with_waveform` with the test's own folder: what a scenario raises names the files in its notes."""
    return lambda scenario: run_with_waveform(scenario, tmp_path / "waveform")
