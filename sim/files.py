"""Files that somebody names, to be read: never a pipe or a device, which may have no end, or nothing for ever.

What a system makes up as it is read looks like an empty file and is none: `/proc/kmsg` waits, `/proc/self/pagemap` is
256 GiB long.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["kind_of_no_file", "read_file", "resolved"]


def kind_of_no_file(path: Path | str) -> str:
    """What `path` is that is no file, in words: "a folder", "a pipe or a device", "made up by the system as it is
    read"; "" for a file. Raises OSError with the file's name.
    """
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    if not stat.S_ISREG(found.st_mode):
        return "a pipe or a device"
    return "made up by the system as it is read" if found.st_size == 0 and _is_made_up(path) else ""


def _is_made_up(path: Path | str) -> bool:
    """Whether what says that it is empty has a byte all the same, or would have one to be waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return bool(os.read(handle, 1))
    except BlockingIOError:
        return True
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(handle)


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
