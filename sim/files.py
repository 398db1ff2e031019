"""Files that somebody names, to be read: never a pipe or a device, which may have no end, or nothing for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["kind_of_no_file", "read_file", "resolved"]


def kind_of_no_file(path: Path | str) -> str:
    """What `path` is that is no file, in words: "a folder", "a pipe or a device"; "" for a file. Raises OSError."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        return "a folder"
    return "" if stat.S_ISREG(mode) else "a pipe or a device"


def read_file(path: Path | str) -> bytes:
    """All of a file. Raises OSError with the file's name, also for what is none."""
    if kind := kind_of_no_file(path):
        raise OSError(errno.EINVAL, f"it is {kind}, and no file", str(path))
    try:
        return Path(path).read_bytes()
    except OSError as error:
        error.filename = str(path)  # which the system says of one that cannot be opened, not of one that cannot be read
        raise


def resolved(path: Path) -> Path:
    """The full name, links followed as far as they lead: one that leads to itself is for who opens it to refuse."""
    return Path(os.path.realpath(path))
