"""Runs own_card_bench.py in both simulators; the waveform stays in the test's folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ringbed.lab import dut_spec, run_in_cocotb

HERE = Path(__file__).parent
NIC = HERE.parent / "third_party" / "nic"  # the driver is there


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_own_card(simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(HERE), str(NIC), *sys.path])
    run_in_cocotb("own_card_bench", dut_spec(NIC / "mini_nic.toml"), simulator, tmp_path, waves=True)
