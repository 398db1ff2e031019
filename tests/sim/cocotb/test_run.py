"""Running a module of tests in a simulator: what passed is told, and a crash never passes for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ringbed.sim.cocotb.run import CocotbFailed, run_in_cocotb
from tests.sim.toy import toy_spec

pytestmark = pytest.mark.cocotb

FINE = """
import cocotb

@cocotb.test()
async def fine(dut): pass

@cocotb.test(skip=True)
async def never(dut): assert False
"""
CRASHES = """
import os, cocotb

@cocotb.test()
async def crashes(dut): os._exit(3)
"""
ENDS_BADLY = """
import atexit, os, cocotb

@cocotb.test()
async def ends(dut): atexit.register(os._exit, 3)
"""


def of(name: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`run` of a module with this text."""
    (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return run_in_cocotb(name, toy_spec(), "icarus", folder)


def test_a_test_that_was_skipped_did_not_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of("fine_tests", FINE, tmp_path, monkeypatch) == ["fine"]


def test_a_crash_is_not_the_result_of_the_run_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of("fine_tests", FINE, tmp_path, monkeypatch)
    with pytest.raises(CocotbFailed, match="the simulator ended without results"):
        of("crash_tests", CRASHES, tmp_path, monkeypatch)


def test_a_simulator_that_ends_badly_behind_its_results_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CocotbFailed, match="the simulator ended with 3"):
        of("late_tests", ENDS_BADLY, tmp_path, monkeypatch)


def test_a_module_of_skipped_tests_alone_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CocotbFailed, match="there is no test"):
        of("no_tests", FINE.replace("@cocotb.test()\nasync def fine(dut): pass", ""), tmp_path, monkeypatch)
