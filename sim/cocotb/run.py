"""Running a module of cocotb tests on a card: what `make` or a runner's `test` does elsewhere, with the cached build.

    run_in_cocotb("em_bench", cards.em(), "icarus", tmp_path, waves=True)

In `folder` are then `results.xml`, `output.txt` (what the simulator said) and with `waves` the waveform.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ringbed.sim.cocotb.build import WAVES, build, spawn
from ringbed.sim.native.verilog_said import said
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.settings import plusargs_of
from ringbed.sim.seam.spec import NicSpec

__all__ = ["CocotbFailed", "run", "run_in_cocotb"]

SHOWN = 20  # errors of the card's own that are told


class CocotbFailed(AssertionError):
    """Tests failed in the simulator; the sentence names them and ends with what they said."""


def run_in_cocotb(
    module: str, spec: NicSpec, simulator: str, folder: Path, *, waves: bool = False,
    env: Mapping[str, str] | None = None, progress: Progress | None = None, limit_s: float = 3600,
    plusargs: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """The names of the tests that passed: those of `module`, which is imported from `sys.path`; none that was skipped.

    `plusargs`, without their "+", come before those of the card's map. A simulator that has not ended after `limit_s`
    seconds of wall time is ended; it may be in a loop without delay.

    Raises CocotbFailed, CocotbMissing, BuildError.
    """
    built = build(spec, simulator, waves, progress)
    folder = folder.absolute()
    results, output = folder / "results.xml", folder / "output.txt"
    results.unlink(missing_ok=True)  # of another run: a simulator that crashes writes none
    environment = {
        "COCOTB_RESULTS_FILE": str(results), "COCOTB_RESOLVE_X": "ZEROS", "PYTHONPATH": os.pathsep.join(sys.path),
        **(env or {}),
    }  # fmt: skip
    wave = folder / f"{spec.portmap.top}.{WAVES[simulator]}" if waves else None
    with output.open("wb") as file:
        process = spawn(
            built, spec, simulator, module, env=environment, cwd=folder, wave=wave, output=file,
            plusargs=plusargs_of(plusargs),
        )  # fmt: skip
        try:
            ended = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            ended = None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if ended is None:
        raise CocotbFailed(
            f"the simulator had not ended after {limit_s:g} s, and was (a loop of the card's without delay, or longer "
            f"tests than that: limit_s=):\n{_last(output)}"
        )
    return _passed(results, output, ended)


def _last(output: Path) -> str:
    return "\n".join(output.read_text(errors="replace").splitlines()[-60:])


def _passed(results: Path, output: Path, ended: int) -> list[str]:
    words = _last(output)
    if not os.path.exists(results):
        raise CocotbFailed(f"the simulator ended without results:\n{words}")
    cases = [case for case in ElementTree.parse(results).iter("testcase") if case.find("skipped") is None]
    failed = [
        case.get("name", "") for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    if failed or not cases:
        raise CocotbFailed(f"failed: {', '.join(failed) or 'there is no test'}\n{words}")
    if found := [each for each in said(output.read_bytes()) if each.kind != "finish"]:
        told = "".join(f"\n{each.place}{each.words}" for each in found[:SHOWN])
        raise CocotbFailed(f"the card's own Verilog found {len(found)} errors:{told}")
    if ended:
        raise CocotbFailed(f"the simulator ended with {ended}:\n{words}")
    return [case.get("name", "") for case in cases]


run = run_in_cocotb  # the name that pages once showed
