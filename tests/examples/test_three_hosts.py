"""Three hosts ping each other over a switch, on both engines, and the script tells what the switch saw."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "three_hosts.py"


SLOW = (pytest.mark.full, pytest.mark.timeout(600))  # three cards in pysim: half a minute


@pytest.mark.parametrize("engine", ["native", pytest.param("pysim", marks=SLOW)])
def test_three_hosts(engine: str) -> None:
    run = subprocess.run([sys.executable, str(SCRIPT), engine], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "h1: answers from 10.0.0.2, 10.0.0.3\n" in run.stdout
    assert "h3: answers from 10.0.0.1, 10.0.0.2\n" in run.stdout
    for number in (1, 2, 3):
        assert re.search(rf"02:00:00:00:00:0{number}\s+{number - 1}\s", run.stdout)
    assert "frames nobody accounts for: 0" in run.stdout
