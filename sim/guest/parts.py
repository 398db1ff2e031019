"""What a guest is made of and this machine may lack: fetched once, kept by its content, used from then on.

A part is a folder of the cache, `guest/NAME-DIGEST`, and its digest is that of the files of its packages. It is made
beside its place and renamed: what is there is whole. Of several the newest is used; deleting them is always safe.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.guest.apt import Apt, Package, unpack
from ringbed.sim.native.cache import cache_dir, cached, content_hash

__all__ = ["KERNEL", "PARTS", "QEMU", "TOOLS", "Fetch", "Part", "fetch", "kept"]

KIND = "guest"
SUITE, NEWER = "trixie", "trixie-backports"  # Debian 13, and what of its successor is made for it
LISTS_MB = 10


class Fetch:
    """Told how it goes: `say` a sentence at a time, `share` how much of what `say` said last is done, 0..1."""

    def __init__(
        self, say: Callable[[str], None] = lambda text: None, share: Callable[[float], None] = lambda done: None
    ) -> None:
        self.say, self.share = say, share


@dataclass(frozen=True, slots=True)
class Part:
    """`about_mb` is what its packages have to be fetched for, roughly; `holds` what must be in it to be of use.

    `build(target, work, told)` makes it of its packages, unpacked in `target`, where they are not the part themselves.
    """

    name: str
    what: str
    about_mb: int
    find: Callable[[Apt], list[Package]]
    holds: tuple[str, ...]
    build: Callable[[Path, Path, Fetch], None] | None = None


QEMU = Part(
    "qemu", "QEMU", 38, lambda apt: apt.closure("qemu-system-x86", suite=NEWER), ("usr/bin/qemu-system-x86_64",)
)
KERNEL = Part(
    "kernel", "a kernel with its modules", 108, lambda apt: apt.one("linux-image-amd64", SUITE),
    ("boot/vmlinuz-*", "usr/lib/modules/*/kernel"),
)  # fmt: skip
TOOLS = Part(
    "tools", "busybox and ethtool", 4, lambda apt: apt.closure("busybox-static", "ethtool", suite=SUITE),
    ("usr/bin/busybox", "usr/sbin/ethtool"),
)  # fmt: skip
PARTS = {part.name: part for part in (QEMU, KERNEL, TOOLS)}


def kept(part: Part) -> Path | None:
    """Its newest folder, or None. Raises CacheError."""
    name = re.compile(rf"{part.name}-[0-9a-f]{{40}}")
    folder = cache_dir() / KIND
    there = [path for path in folder.glob(f"{part.name}-*") if name.fullmatch(path.name) and os.path.isdir(path)]
    return max(there, key=lambda path: path.stat().st_mtime_ns, default=None)


def fetch(parts: Sequence[Part], told: Fetch) -> dict[str, Path]:
    """These parts from Debian, by their names.

    Raises FetchFailed, CacheError, BuildError, RuntimeError when Debian has changed.
    """
    if not parts:
        return {}
    megabytes = sum(part.about_mb for part in parts) + LISTS_MB
    told.say(
        f"{' and '.join(part.what for part in parts)} of Debian 13: about {megabytes} MB are fetched by apt into "
        f"{cache_dir() / KIND}, once and without root"
    )
    with tempfile.TemporaryDirectory(prefix="ringbed-apt.") as folder:
        told.say("the lists of packages")
        apt = Apt(Path(folder), (SUITE, NEWER))
        apt.update(told.share)
        return {part.name: _fetched(part, apt, told) for part in parts}


def _fetched(part: Part, apt: Apt, told: Fetch) -> Path:
    packages = part.find(apt)
    name = f"{part.name}-{content_hash(*(f'{each.file} {each.digest}' for each in packages))}"

    def make(target: Path, work: Path) -> None:
        size = sum(each.size for each in packages) / 1e6
        told.say(f"{part.what}: {len(packages)} package{'s'[: len(packages) > 1]}, {size:.0f} MB")
        files = apt.download(packages, work, told.share)
        told.say(f"{part.what}: unpacking")
        for number, file in enumerate(files):
            unpack(file, target)
            told.share((number + 1) / len(files))
        if part.build is not None:
            for file in files:
                file.unlink()
            part.build(target, work, told)
        absent = next((name for name in part.holds if not any(target.glob(name))), None)
        if absent is not None:
            raise RuntimeError(
                f"the packages of {part.what} have no {absent}: {', '.join(each.file for each in packages)}"
            )

    return cached(KIND, name, make)
