"""Verilator's runtime for cocotb, compiled once for all cards: what its makefile calls OBJCACHE.

`python objcache.py FOLDER ROOT COMPILER ARGUMENT...` is the compiler, but that an object of a source below ROOT is kept
in FOLDER, by the words of the command. FOLDER's name is for what else it depends on: versions, and headers of ours. It
starts for every file, so it imports little.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["compiled"]


def compiled(folder: Path, root: Path, command: Sequence[str]) -> int:
    """What the compiler ended with: 0 where the object is in the folder."""
    if not _of_the_runtime(root, command):
        return subprocess.run(command, check=False).returncode
    target = Path(command[command.index("-o") + 1])
    kept = folder / f"{hashlib.sha256(chr(0).join(command).encode()).hexdigest()[:40]}.o"
    with suppress(OSError):  # it is not there, or goes while we look: both are for the compiler
        shutil.copyfile(kept, target)
        return 0
    ended = subprocess.run(command, check=False).returncode
    if not ended:
        _keep(target, kept)
    return ended


def _of_the_runtime(root: Path, command: Sequence[str]) -> bool:
    return "-c" in command and "-o" in command and Path(command[-1]).is_relative_to(root)


def _keep(target: Path, kept: Path) -> None:
    """Renamed into place: another build never reads half an object. A folder that cannot be written keeps nothing."""
    half = kept.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, half)
        half.replace(kept)


if __name__ == "__main__":
    sys.exit(compiled(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
