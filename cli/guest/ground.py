"""What a guest stands on: QEMU, a kernel with its modules, busybox. This machine's own, those kept, or fetched now."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ringbed.sim.guest import build
from ringbed.sim.guest.build import UML
from ringbed.sim.guest.modules import Modules
from ringbed.sim.guest.parts import KERNEL, QEMU, TOOLS, Fetch, Part, fetch, kept
from ringbed.sim.guest.qemu import LIBRARIES, Qemu, own_qemu, unpacked_qemu
from ringbed.sim.needs import require

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Ground", "QemuGround", "find_ground", "find_uml", "is_there", "uml_is_there"]


@dataclass(frozen=True, slots=True)
class Ground:
    """`tools` are programs beside busybox with their libraries, by their names in the guest."""

    kernel: Path
    modules: Modules
    busybox: bytes
    tools: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class QemuGround(Ground):
    """With the machine that the kernel runs on."""

    qemu: Qemu


def find_ground(kernel: Path | None, modules: Path | None, console: Console) -> QemuGround:
    """`kernel` and `modules` are somebody's own. Raises FetchFailed, CacheError, ModuleError."""
    own, mine = own_qemu(), None if modules is None else Modules(modules)
    wanted = _wanted(own, kernel)
    there = {part.name: path for part in wanted if (path := kept(part)) is not None}
    there |= _fetched([part for part in wanted if part.name not in there], console)
    busybox, tools = _tools(there[TOOLS.name])
    return QemuGround(
        kernel or next((there[KERNEL.name] / "boot").glob("vmlinuz-*")),
        mine or Modules(there[KERNEL.name] / "usr/lib/modules"),
        busybox,
        tools,
        own or unpacked_qemu(there[QEMU.name]),
    )


def find_uml(kernel: Path | None, modules: Path | None, console: Console) -> Ground:
    """A kernel that is a program. Raises FetchFailed, Missing, BuildError, CacheError, ModuleError."""
    mine = None if modules is None else Modules(modules)
    wanted = [TOOLS, *([] if kernel else [UML])]
    there = {part.name: path for part in wanted if (path := kept(part)) is not None}
    if kernel is None and UML.name not in there:
        require("kernel")  # before anything is fetched
    there |= _fetched([part for part in wanted if part.name not in there], console)
    busybox, tools = _tools(there[TOOLS.name])
    return Ground(
        kernel or there[UML.name] / build.KERNEL, mine or Modules(there[UML.name] / build.MODULES), busybox, tools
    )


def is_there() -> bool:
    """Whether nothing would have to be fetched. Raises CacheError."""
    return all(kept(part) is not None for part in _wanted(own_qemu(), None))


def uml_is_there() -> bool:
    """Whether nothing would have to be fetched and built. Raises CacheError."""
    return all(kept(part) is not None for part in (TOOLS, UML))


def _wanted(own: Qemu | None, kernel: Path | None) -> list[Part]:
    return [TOOLS, *([] if own else [QEMU]), *([] if kernel else [KERNEL])]


def _fetched(parts: list[Part], console: Console) -> dict[str, Path]:
    if not parts:
        return {}
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bars:
        task = bars.add_task("fetching", total=1.0)

        def say(text: str) -> None:
            bars.console.print(text, markup=False)
            bars.reset(task)

        return fetch(parts, Fetch(say, lambda done: bars.update(task, completed=done)))


def _tools(root: Path) -> tuple[bytes, dict[str, bytes]]:
    """busybox, and ethtool with the libraries that its own loader finds for it."""
    libraries = root / LIBRARIES
    loader, program = libraries / "ld-linux-x86-64.so.2", root / "usr/sbin/ethtool"
    words = [str(loader), "--library-path", str(libraries), "--list", str(program)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    names = {word for line in said.splitlines() if "=>" in line for word in line.split()[:1]} - {str(loader)}
    tools = {f"lib/{name}": (libraries / name).read_bytes() for name in names if not name.startswith("/")}
    tools |= {"lib64/ld-linux-x86-64.so.2": loader.read_bytes(), "bin/ethtool": program.read_bytes()}
    return (root / "usr/bin/busybox").read_bytes(), tools
