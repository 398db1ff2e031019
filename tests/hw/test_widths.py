"""Every block that is made for a width of the data path is simulated by its own tests at every width of the card."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.hw.test_outputs import BLOCKS, ROOT
from tests.hw.widths import has_width


def test_every_block_is_simulated_at_every_width_by_its_own_tests() -> None:
    command = [sys.executable, "-m", "tests.hw.widths"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    wide = sum(has_width(kind) for kind in BLOCKS.values())
    assert wide > 30
    assert f"asked: {wide} blocks" in lines
    assert [line for line in lines if line.startswith("missing: ")] == []
