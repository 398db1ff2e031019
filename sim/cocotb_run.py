"""Running a module of cocotb tests on a card: what `make` or a runner's `test` does elsewhere, with the cached build.

    run("em_bench", cards.em(), "icarus", tmp_path, waves=True)

In `folder` are then `results.xml`, `output.txt` (what the simulator said) and with `waves` the waveform.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from ringbed.sim.build import Progress
from ringbed.sim.cocotb_build import WAVES, build, spawn
from ringbed.sim.spec import NicSpec

__all__ = ["CocotbFailed", "run"]


class CocotbFailed(AssertionError):
    """Tests failed in the simulator; the sentence names them and ends with what they said."""


def run(
    module: str, spec: NicSpec, simulator: str, folder: Path, *, waves: bool = False,
    env: Mapping[str, str] | None = None, progress: Progress | None = None,
) -> list[str]:  # fmt: skip
    """The names of the tests that passed: those of `module`, which is imported from `sys.path`; none that was skipped.

    Raises CocotbFailed, CocotbMissing, BuildError.
    """
    built = build(spec, simulator, waves, progress)
    folder = folder.absolute()
    results, said = folder / "results.xml", folder / "output.txt"
    results.unlink(missing_ok=True)  # of another run: a simulator that crashes writes none
    environment = {
        "COCOTB_RESULTS_FILE": str(results), "COCOTB_RESOLVE_X": "ZEROS", "PYTHONPATH": os.pathsep.join(sys.path),
        **(env or {}),
    }  # fmt: skip
    wave = folder / f"{spec.portmap.top}.{WAVES[simulator]}" if waves else None
    with said.open("wb") as output:
        process = spawn(built, spec, simulator, module, env=environment, cwd=folder, wave=wave, output=output)
        try:
            ended = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    return _passed(results, said, ended)


def _passed(results: Path, said: Path, ended: int) -> list[str]:
    words = "\n".join(said.read_text(errors="replace").splitlines()[-60:])
    if not results.exists():
        raise CocotbFailed(f"the simulator ended without results:\n{words}")
    cases = [case for case in ElementTree.parse(results).iter("testcase") if case.find("skipped") is None]
    failed = [
        case.get("name", "") for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    if failed or not cases:
        raise CocotbFailed(f"failed: {', '.join(failed) or 'there is no test'}\n{words}")
    if ended:
        raise CocotbFailed(f"the simulator ended with {ended}:\n{words}")
    return [case.get("name", "") for case in cases]
