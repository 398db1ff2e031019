"""Runs em_bench.py in both simulators; the waveform and the capture stay in the test's folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ringbed.sim import cards
from ringbed.sim.cocotb.run import run

HERE = str(Path(__file__).parent)


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_em(simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [HERE, *sys.path])
    run("em_bench", cards.em(), simulator, tmp_path, waves=True)
    assert (tmp_path / "em.pcapng").stat().st_size > 0
