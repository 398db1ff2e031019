"""The first script of the docs does what its page says, on every engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ringbed.sim.cocotb.build import require

SCRIPT = Path(__file__).parents[2] / "examples" / "send_one_frame.py"


@pytest.mark.parametrize("engine", ["native", "pysim", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)])
def test_one_frame_each_way(engine: str) -> None:
    if engine == "cocotb-icarus":
        require("icarus")
    run = subprocess.run([sys.executable, str(SCRIPT), engine], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    left, received = run.stdout.splitlines()
    assert left.endswith("64 bytes on the wire, b'hello, wire'")
    assert received == "received 60 bytes, sum of IPv4 not checked, of TCP or UDP not checked"
