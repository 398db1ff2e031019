"""A kernel's modules: found by name below a folder, unpacked, and in the order in which they must be loaded.

What a module needs it says itself, in the text `depends=` of its section .modinfo; so a folder without the index that
`depmod` makes serves, as a package has it before it is installed.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.files import read_file
from ringbed.sim.needs import Missing

__all__ = ["Module", "ModuleError", "Modules", "read_module"]

KINDS = (".ko", ".ko.xz", ".ko.gz", ".ko.zst")
ELF = b"\x7fELF"


class ModuleError(Exception):
    """A module that is not there or is none: one sentence."""


@dataclass(frozen=True, slots=True)
class Module:
    """`name` as the kernel says it, with underscores; `data` is the ELF file."""

    name: str
    data: bytes

    @property
    def depends(self) -> tuple[str, ...]:
        """Names of the modules that have to be there before."""
        return tuple(filter(None, _said(self.data, b"depends").split(",")))

    @property
    def version(self) -> str:
        """Which kernel it is made for; "" where it does not say."""
        return _said(self.data, b"vermagic").partition(" ")[0]


def _said(data: bytes, key: bytes) -> str:
    """A text of .modinfo: `key=value`, between bytes of 0."""
    begin = data.find(b"\0" + key + b"=") + 1
    if not begin:
        return ""
    end = data.find(b"\0", begin)
    return data[begin + len(key) + 1 : end].decode("ascii", "replace")


def read_module(path: Path) -> Module:
    """Raises ModuleError, OSError with the file's name, Missing where this machine cannot unpack it."""
    kind = next((kind for kind in KINDS if path.name.endswith(kind)), None)
    if kind is None:
        raise ModuleError(f"{path} is no module of a kernel: its name ends in none of {', '.join(KINDS)}")
    packed = read_file(path)
    try:
        data = _UNPACK[kind](packed)
    except (lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise ModuleError(f"{path} cannot be unpacked: {error}") from None
    if not data.startswith(ELF):
        raise ModuleError(f"{path} is no module of a kernel: it is no ELF file")
    return Module(_plain(path.name.removesuffix(kind)), data)


def _zstd(packed: bytes) -> bytes:
    """By the program: Python has it from 3.14 on only."""
    program = shutil.which("zstd")
    if program is None:
        raise Missing("the kernel's modules are packed by zstd, which is not on PATH (Debian: apt-get install zstd)")
    done = subprocess.run([program, "-dc"], input=packed, capture_output=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip())
    return done.stdout


_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".ko": bytes, ".ko.xz": lzma.decompress, ".ko.gz": gzip.decompress, ".ko.zst": _zstd,
}  # fmt: skip


def _plain(name: str) -> str:
    return name.replace("-", "_")


class Modules:
    """Those below `folder`, which is a kernel's /lib/modules/VERSION or holds one. Raises ModuleError, OSError."""

    def __init__(self, folder: Path) -> None:
        if not os.path.isdir(folder):
            raise ModuleError(f"there is no folder {folder} with a kernel's modules")
        self.folder = folder
        self._paths: Mapping[str, Path] = {
            _plain(path.name.removesuffix(kind)): path
            for kind in KINDS for path in sorted(folder.rglob(f"*{kind}"))
        }  # fmt: skip
        if not self._paths:
            raise ModuleError(f"below {folder} is no module of a kernel")

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._paths

    def load(self, name: str) -> Module:
        """Raises ModuleError, OSError, Missing."""
        path = self._paths.get(_plain(name))
        if path is None:
            raise ModuleError(f"below {self.folder} is no module {name}")
        return read_module(path)

    def order(self, *wanted: str | Module) -> Sequence[Module]:
        """These and all they need, each after what it needs. What is not below the folder but needed is the kernel's
        own, or is missed when the module is loaded. Raises ModuleError for a wanted name that is not there.
        """
        found: dict[str, Module] = {}
        for each in wanted:
            self._add(self.load(each) if isinstance(each, str) else each, found, ())
        return list(found.values())

    def _add(self, module: Module, found: dict[str, Module], above: tuple[str, ...]) -> None:
        if module.name in found:
            return
        if module.name in above:
            raise ModuleError(f"modules need each other: {', '.join((*above, module.name))}")
        for name in module.depends:
            if name in self:
                self._add(self.load(name), found, (*above, module.name))
        found[module.name] = module
