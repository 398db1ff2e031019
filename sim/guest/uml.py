"""A User Mode Linux as a guest's machine: the words it is started with, and the folder that it shares with its host.

What it prints goes into files there, not through a console: a write is done when it returns, and no signal of this
machine's comes in between. Addresses are not made random, and nothing of this machine's time comes in, so that two runs
are the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.guest.build import DEVICE
from ringbed.sim.guest.qemu import Qemu

__all__ = ["HOST", "OUT", "SAID", "SLOT", "TIME", "TOD", "WORDS", "UmlMachine", "furnish", "uml_program", "uml_words"]

TIME, SLOT = "time", "slot"  # sockets: its calendar, its PCI slot
HOST, OUT, WORDS, SAID = "host", "out", "words", "said"  # the folder; a script's output, its status, the rest
TOD = 1_767_225_600 * 10**9  # ns: the year 2026 begins, whenever it is


SHM = Path("/dev/shm")
# What the guest's C library leaves alone: on a host with AMX the kernel keeps the registers of SSE and no others (the
# patch says why). An argument that no kernel knows is its first program's environment.
PLAIN = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW"


@dataclass(frozen=True, slots=True)
class UmlMachine:
    """`folder` has the sockets, the initial file system `initrd` and what `furnish` puts there; it runs in there."""

    kernel: Path
    folder: Path
    memory_mb: int = 192


def furnish(folder: Path, shared: Path | None) -> None:
    """The files that the guest writes, and what it shares. Raises OSError."""
    host = folder / HOST
    host.mkdir()
    for name in (OUT, WORDS, SAID):
        (host / name).touch()
    if shared is not None:
        os.symlink(shared.absolute(), host / "share")


def uml_program(machine: UmlMachine) -> Qemu:
    """Run with the same addresses every time, and in its folder, whose name is no part of its command line then."""
    words = ("env", "-C", str(machine.folder), "setarch", "x86_64", "--addr-no-randomize", str(machine.kernel))
    return Qemu(words, {"TMPDIR": str(memory_folder(machine.memory_mb << 20, machine.folder))})


def memory_folder(size: int, other: Path, shm: Path = SHM) -> Path:
    """Where the guest's memory is to be a file: in this machine's memory where there is room and it may hold programs,
    which in a container it often may not.
    """
    try:
        found = os.statvfs(shm)
    except OSError:
        return other
    roomy = found.f_bavail * found.f_frsize >= size
    return shm if roomy and not found.f_flag & os.ST_NOEXEC else other


def uml_words(machine: UmlMachine) -> list[str]:
    """What it is told: no console but its standard error, its calendar, its slot, its folder (by a full name, which
    hostfs wants, and by the same one every time).
    """
    return [
        f"mem={machine.memory_mb}M", "initrd=initrd", f"hostfs=/proc/self/cwd/{HOST}", f"time-travel=ext:{TIME}",
        f"virtio_uml.device={SLOT}:{DEVICE}", "uml_dir=.", "umid=guest", "con=null", "ssl=null", "stderr=1",
        "console=stderr0", "console=tty0", "quiet", "loglevel=6", "panic=-1", "norandmaps", PLAIN,
    ]  # fmt: skip
