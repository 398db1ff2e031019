"""The example benches, run as their page runs them, in each simulator: all pass, a waveform and a capture are left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

from ringbed.sim.cocotb.build import WAVES

ROOT = Path(__file__).parents[2]
COMMAND = "-m pytest examples/cocotb".split()


@pytest.mark.cocotb
@pytest.mark.timeout(900)
@pytest.mark.parametrize("simulator", [pytest.param("verilator", marks=pytest.mark.full), "icarus"])
def test_the_benches_pass(simulator: str, tmp_path: Path) -> None:
    more = ["-q", "-p", "no:cacheprovider", "-k", simulator, "--basetemp", str(tmp_path / "t")]
    words = [sys.executable, *COMMAND, *more]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    (folder,) = {path.parent for path in tmp_path.rglob("em.pcapng")}
    frames = rdpcap(str(folder / "em.pcapng"))
    assert [frame[Ether].type for frame in frames] == [0x0806, 0x0806, 0x0800, 0x0800]
    assert (folder / f"em.{WAVES[simulator]}").stat().st_size > 10_000
    assert "PASS=5" in (folder / "output.txt").read_text()
