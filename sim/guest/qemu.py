"""QEMU as a guest's machine: one that speaks vfio-user, and the words it is started with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Machine", "Qemu", "machine_words", "own_qemu", "unpacked_qemu"]

PROGRAM = "qemu-system-x86_64"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
# VT-d, which tells a device of every map and unmap (caching mode); the kernel unmaps at once, not some time later.
IOMMU, STRICT = "intel-iommu,caching-mode=on", " intel_iommu=on iommu.strict=1"


@dataclass(frozen=True, slots=True)
class Qemu:
    """`words` start it, in this environment beside one's own."""

    words: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def serves(self) -> bool:
        """Whether it has the device that talks vfio-user: from 10.1 on, where it was built in."""
        return self._asked("-M", "none", "-device", "vfio-user-pci,help").startswith("vfio-user-pci options")

    def version(self) -> str:
        """Its first line, or what it says instead."""
        return self._asked("--version").partition("\n")[0]

    def _asked(self, *words: str) -> str:
        command, there = [*self.words, *words], {**os.environ, **self.environment}
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=there)
        except OSError as error:
            return str(error)
        return done.stdout or done.stderr


def own_qemu() -> Qemu | None:
    """This machine's, when it will do."""
    path = shutil.which(PROGRAM)
    qemu = None if path is None else Qemu((path,))
    return qemu if qemu is not None and qemu.serves() else None


def unpacked_qemu(root: Path) -> Qemu:
    """That of packages unpacked in `root`, run with the loader and the libraries that came with it."""
    libraries = root / LIBRARIES
    loader = (str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries))
    firmware = ("-L", str(root / "usr/share/qemu"), "-L", str(root / "usr/share/seabios"))
    program = str(root / "usr/bin" / PROGRAM)
    return Qemu((*loader, program, *firmware), {"QEMU_MODULE_DIR": str(libraries / "qemu")})


@dataclass(frozen=True, slots=True)
class Machine:
    """`serial` are QEMU's words for the ports, the first the kernel's console. `debugger`: where gdb is waited for.

    `iommu`: the card reaches what its driver has mapped, and nothing else, from the map to the unmap.
    """

    socket: Path
    kernel: Path
    initrd: Path
    serial: Sequence[str]
    shared: Path | None = None
    debugger: str = ""
    memory_mb: int = 256
    iommu: bool = False


def machine_words(machine: Machine) -> list[str]:
    """What QEMU is told: a PC with nothing in it but memory, which is a shared file, and the card."""
    memory = f"{machine.memory_mb}M"
    card = {"driver": "vfio-user-pci", "socket": {"path": str(machine.socket), "type": "unix"}}
    kernel = "console=ttyS0 quiet loglevel=6 panic=-1 no_timer_check mitigations=off"
    kernel += " nokaslr" * bool(machine.debugger) + STRICT * machine.iommu
    board, guard = ("q35", ["-device", IOMMU]) if machine.iommu else ("pc", [])
    words = [
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-M", f"{board},memory-backend=mem",
        "-m", memory, "-object", f"memory-backend-memfd,id=mem,size={memory},share=on",
        *guard, "-device", json.dumps(card),  # which is behind what comes before it
        "-kernel", str(machine.kernel), "-initrd", str(machine.initrd), "-append", kernel,
    ]  # fmt: skip
    for port in machine.serial:
        words += ["-serial", port]
    if machine.shared is not None:
        words += ["-fsdev", f"local,id=share,path={_comma(str(machine.shared))},security_model=none"]
        words += ["-device", "virtio-9p-pci,fsdev=share,mount_tag=share"]
    if machine.debugger:
        words += ["-gdb", machine.debugger, "-S"]
    return words


def _comma(value: str) -> str:
    """A value with commas, as QEMU's lists of options spell it."""
    return value.replace(",", ",,")
