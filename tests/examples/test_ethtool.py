"""The script of docs/ethtool.md does what its page says, on both engines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "ethtool.py"


@pytest.mark.parametrize("engine", ["native", pytest.param("pysim", marks=pytest.mark.full)])
def test_looked_at_changed_counted_and_tested(engine: str) -> None:
    run = subprocess.run([sys.executable, str(SCRIPT), engine], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == "em0: driver em, pci 8086:100e revision 02, 1000 Mb/s"
    assert "rx=256" in lines[1]
    assert "rx=512" in lines[2]
    assert lines[2].endswith("50 us, rx_checksum, tx_checksum, tso")
    assert lines[3] == "refused: a ring has 8 to 65528 descriptors, a multiple of 8; 100 is not"
    # each with 14 bytes of Ethernet and 4 of FCS
    assert f"'tx_packets': 3, 'tx_bytes': {46 + 500 + 1500 + 3 * 18}" in lines[4]
    assert [line.split()[1] for line in lines[5:8]] == ["CTRL", "RDLEN", "RDTR"]
    assert len(lines) > 10
    assert all(line.endswith(": passed") for line in lines[8:])
