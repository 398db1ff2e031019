"""The example bench passes in its simulators, as `pytest examples/cocotb` runs it, with a waveform and a capture."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

from ringbed.sim import cards
from ringbed.sim.cocotb_build import WAVES
from ringbed.sim.cocotb_run import run

HERE = Path(__file__).parents[2] / "examples" / "cocotb"


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", [pytest.param("verilator", marks=pytest.mark.full), "icarus"])
def test_the_bench_passes(simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    names = run("em_bench", cards.em(), simulator, tmp_path, waves=True)
    assert len(names) == 5
    assert "a_ping_each_way" in " ".join(names)
    frames = rdpcap(str(tmp_path / "em.pcapng"))
    assert [frame[Ether].type for frame in frames] == [0x0806, 0x0806, 0x0800, 0x0800]
    assert (tmp_path / f"em.{WAVES[simulator]}").stat().st_size > 10_000
