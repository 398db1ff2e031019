"""Names that pages, examples and the scripts of first users had, and where what they named lies now: nobody is stopped.

New names are those of `ringbed.lab`, which stay when files move.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["MODULES", "NAMES", "install", "old_name"]

ROOM = "ringbed.sim"
MODULES = {  # modules of `sim/` that are elsewhere
    "account": "testbed.accounting",
    "bus_faults": "seam.bus_faults",
    "cable": "wire.cable",
    "capture": "wire.capture",
    "cocotb_run": "cocotb.run",
    "failure": "trace.failure",
    "faults_plan": "faults.plan",
    "host": "testbed.host",
    "portmap": "seam.portmap",
    "pump": "testbed.pump",
    "spec": "seam.spec",
    "testbed_cocotb": "testbed.cocotb_bench",
    "testbed_dut": "testbed.dut",
    "testbed_network": "testbed.network",
    "testbed_peer": "testbed.peer",
}
NAMES = {  # modules that are folders now, and the file that has what they had
    "dut": "dut.card",
    "faults": "testbed.faults",
    "memory": "memory.host",
    "qemu": "qemu.engine",
    "testbed": "testbed.assembly",
    "wire": "wire.frame",
}


class _Finder(MetaPathFinder, Loader):
    """Asked last, for what no path has: the module of the new name is the module of the old one, not a copy."""

    def __init__(self, room: str, modules: Mapping[str, str]) -> None:
        self._room, self._modules = room, modules

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        room, _, old = name.rpartition(".")
        return ModuleSpec(name, self) if room == self._room and old in self._modules else None

    def exec_module(self, module: ModuleType) -> None:
        """The import system gives out what stands in `sys.modules` when a module has run."""
        new = self._modules[module.__name__.rpartition(".")[2]]
        sys.modules[module.__name__] = import_module(f"{self._room}.{new}")


def install(room: str = ROOM, modules: Mapping[str, str] = MODULES) -> None:
    """Of a room: each old module of it, by where it is now."""
    sys.meta_path.append(_Finder(room, modules))


def old_name(package: str, name: str) -> Any:
    """`name` of the module that `package` was; raises AttributeError as a module does."""
    if name.startswith("__"):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(f"{ROOM}.{NAMES[package.rpartition('.')[2]]}"), name)
