"""A cpio archive in the form that Linux unpacks as its first file system: "newc".

Source: Documentation/driver-api/early-userspace/buffer-format.rst of Linux. Owners are root's and all times are 0, so
the same entries give the same bytes.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Entry", "archive", "device", "file", "folder"]

END = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` has no leading slash; `mode` holds the kind too; `device` is (major, minor) of a device's node."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def file(name: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry(name, stat.S_IFREG | mode, data)


def folder(name: str) -> Entry:
    return Entry(name, stat.S_IFDIR | 0o755)


def device(name: str, major: int, minor: int) -> Entry:
    """A character device."""
    return Entry(name, stat.S_IFCHR | 0o600, b"", (major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The folders that the entries lie in come before them, without being named. Raises ValueError for a second entry
    of a name, and for a name that is not one below the root.
    """
    whole: dict[str, Entry] = {}
    for entry in entries:
        parts = entry.name.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{entry.name!r} is no name below the root of an archive")
        if entry.name in whole and not stat.S_ISDIR(entry.mode):
            raise ValueError(f"an archive has two entries {entry.name}")
        for end in range(1, len(parts)):
            above = "/".join(parts[:end])
            whole.setdefault(above, folder(above))
        whole[entry.name] = entry
    members = [_member(number, entry) for number, entry in enumerate(whole.values(), 1)]
    return b"".join(members) + _member(0, Entry(END, 0))


def _member(inode: int, entry: Entry) -> bytes:
    """Thirteen numbers of eight hexadecimal digits, the name ended by 0, the data; both filled to four bytes."""
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    numbers = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name
    return _filled(head) + _filled(entry.data)


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
