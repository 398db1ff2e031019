"""Descriptors that a client lends to be told by; whoever holds one here closes it."""

from __future__ import annotations

import os
import select

__all__ = ["exchanged", "told"]

ONE = (1).to_bytes(8, "little")


def told(file: int) -> bool:
    """Signal it. False: it is full or closed, and has taken nothing; nobody waits for it."""
    try:  # a descriptor that would block is full: its reader has been told
        ready = select.select([], [file], [], 0)[1]
        return bool(ready) and os.write(file, ONE) == len(ONE)
    except (OSError, ValueError):  # ValueError: select has no room for its number
        return False


def exchanged(old: int | None, new: int | None) -> int | None:
    """`new` in the place of `old`, which is closed."""
    if old is not None and old != new:
        os.close(old)
    return new
