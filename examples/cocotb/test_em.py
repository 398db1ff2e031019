"""Runs em_bench.py in both simulators; the waveform and the capture stay in the test's folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ringbed.lab import em, run_in_cocotb

HERE = str(Path(__file__).parent)


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_em(simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [HERE, *sys.path])
    run_in_cocotb("em_bench", em(), simulator, tmp_path, waves=True)
    assert (tmp_path / "em.pcapng").stat().st_size > 0
