"""A User Mode Linux made of Debian's source: with a PCI slot and a clock of ours, neither of which Debian's own has.

It is built with what the machine has (the need `kernel` of sim/needs.py), kept as a part of the cache, and made anew
when its configuration or its patch change, or what Debian gives. What a build leaves beside the kernel is not kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ringbed.sim.guest.apt import Apt, Package
from ringbed.sim.guest.parent import end_with_parent
from ringbed.sim.guest.parts import SUITE, Fetch, Part
from ringbed.sim.native.cache import content_hash
from ringbed.sim.native.toolchain import BuildError, failure
from ringbed.sim.needs import require

__all__ = ["DEVICE", "KERNEL", "MODULES", "UML"]

HERE = Path(__file__).parent / "linux"
CONFIG, PATCH = HERE / "config", HERE / "platform.patch"
KERNEL, MODULES = "boot/linux", "modules"  # in the part
DEVICE = 1234  # the virtio id that the configuration gives a PCI slot
ARCH = ("ARCH=um", "SUBARCH=x86_64")
STEPS = 1000  # lines of a build, roughly: how far it is
STEP = re.compile(r"^  [A-Z]+(?: \[M\])? +\S")
SAME = {  # whoever builds it, and whenever
    "LC_ALL": "C", "KBUILD_BUILD_USER": "ringbed", "KBUILD_BUILD_HOST": "ringbed",
    "KBUILD_BUILD_TIMESTAMP": "2026-01-01",
}  # fmt: skip


def find(apt: Apt) -> list[Package]:
    """Raises Missing before anything is fetched when it could not be built."""
    require("kernel")
    return apt.one("linux-source", SUITE)


def build(target: Path, work: Path, told: Fetch) -> None:
    """Of the package unpacked in `target`, which holds the kernel and its modules afterwards.

    Raises BuildError with the place of the log, RuntimeError when Debian's source is not what it was.
    """
    packed = next(target.glob("usr/src/linux-source-*.tar.xz"), None)
    if packed is None:
        raise RuntimeError("the package of Linux's source holds no usr/src/linux-source-*.tar.xz")
    told.say("User Mode Linux: unpacking its source, 1.6 GB, which do not stay")
    tree = work / "tree"
    tree.mkdir()
    log = work / "build.log"
    _run(["tar", "-xf", str(packed), "-C", str(tree), "--strip-components=1"], work, log)
    shutil.rmtree(target / "usr")
    _run(["patch", "-p1", "-i", str(PATCH)], tree, log)
    _run(["make", *ARCH, "allnoconfig", f"KCONFIG_ALLCONFIG={CONFIG}"], tree, log)
    absent = lacking(CONFIG.read_text(), (tree / ".config").read_text())
    if absent:
        raise RuntimeError(f"Debian's source of Linux does not take {', '.join(absent)}")
    told.say("User Mode Linux: building, some 7 minutes of processor time, once")
    jobs = len(os.sched_getaffinity(0))
    _run(["make", *ARCH, f"-j{jobs}", "linux", "modules"], tree, log, told)
    _keep(tree, target)


def lacking(wanted: str, got: str) -> list[str]:
    """Lines of one configuration that another has not: the kernel's own drops what it does not know without a word."""
    have = set(got.splitlines())
    return [line for line in wanted.splitlines() if line and not line.startswith("#") and line not in have]


def _keep(tree: Path, target: Path) -> None:
    for name in (KERNEL, MODULES):
        (target / name).parent.mkdir(exist_ok=True)
    (target / MODULES).mkdir()
    shutil.copy(tree / "linux", target / KERNEL)
    shutil.copy(tree / "COPYING", target)
    for module in tree.rglob("*.ko"):
        shutil.copy(module, target / MODULES)


def _run(words: Sequence[str], folder: Path, log: Path, told: Fetch | None = None) -> None:
    """It ends when this does, however it does. Raises BuildError."""
    with log.open("a") as kept:
        process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env={**os.environ, **SAME}, preexec_fn=end_with_parent(),
        )  # fmt: skip
        try:
            steps = 0
            for line in process.stdout or ():
                kept.write(line)
                steps += bool(STEP.match(line))
                if told is not None:
                    told.share(min(1.0, steps / STEPS))
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
    if code:
        raise BuildError(f"{words[0]} of User Mode Linux failed with exit code {code}{failure(log)}; full log: {log}")


def _recipe() -> str:
    """What is ours of a kernel: another one is another part."""
    return content_hash(CONFIG.read_text(), PATCH.read_text())[:8]


UML = Part(
    f"uml_{_recipe()}", "the source of User Mode Linux, to be built here in 7 minutes of processor time", 154, find,
    (KERNEL, f"{MODULES}/e1000.ko"), build,
)  # fmt: skip
