"""The native engine's calls for a recording: what entered and left the card, and a memory that answers from one."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

__all__ = ["TAPE_CALLS", "Fetched", "give", "note", "record", "stamp", "take", "waiting"]

u32, u64, handle = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p


class Fetched(ctypes.Structure):
    """Bytes of one burst that memory answered alike from clock `begin` on; none: it waits for the next answer."""

    _fields_ = [("address", u64), ("begin", u64), ("bytes", u32), ("resp", u32)]


class Stored(ctypes.Structure):
    """What memory answered to a burst of writes from clock `begin` on, or that it waits for the next answer."""

    _fields_ = [("begin", u64), ("waits", u32), ("resp", u32)]


TAPE_CALLS: dict[str, tuple[Any, list[Any]]] = {
    "rb_record": (None, [handle, u32]),
    "rb_tape": (u64, [handle, handle]),
    "rb_stamp": (None, [handle, u32]),
    "rb_note": (None, [handle, ctypes.c_char_p, u32]),
    "rb_give": (None, [handle, ctypes.POINTER(Fetched), u32, ctypes.c_char_p, u64, ctypes.POINTER(Stored), u32]),
}


def record(lib: Any, of: int, replays: bool = False) -> None:
    """Keep records from now on; with `replays` the card's memory is what `give` brings."""
    lib.rb_record(of, replays)


def waiting(lib: Any, of: int) -> int:
    """Bytes of records that `take` would give."""
    return int(lib.rb_tape(of, None))


def take(lib: Any, of: int) -> bytes:
    """Whole records, since the last call. A burst that is being read becomes one when something else has happened."""
    data = ctypes.create_string_buffer(waiting(lib, of))
    lib.rb_tape(of, data)
    return data.raw


def stamp(lib: Any, of: int, cut: bool = False) -> None:
    """A record of how far the clock is; with `cut` also of what a burst that is being read had until now."""
    lib.rb_stamp(of, cut)


def note(lib: Any, of: int, text: bytes) -> None:
    """Put what somebody should know of this clock among the records."""
    lib.rb_note(of, text, len(text))


def give(
    lib: Any, of: int, bursts: Sequence[tuple[int, int, int, bytes, int]], responses: Sequence[tuple[int | None, int]]
) -> None:  # fmt: skip
    """What memory answers next: to reads (address, count, response, the bytes if that is OKAY, clock), to writes in
    order (response, clock). Behind a read of no bytes, or a response None, the next answer waits for its clock.

    Raises ValueError for an OKAY without its bytes.
    """
    for address, count, resp, data, _ in bursts:
        if len(data) != (0 if resp else count):
            raise ValueError(f"{count} bytes at {address:#x}, answered {resp}, are {len(data)} bytes of data")
    reads = (Fetched * len(bursts))(
        *(Fetched(address, begin, count, resp) for address, count, resp, _, begin in bursts)
    )
    writes = (Stored * len(responses))(*(Stored(begin, resp is None, resp or 0) for resp, begin in responses))
    data = b"".join(burst[3] for burst in bursts)
    lib.rb_give(of, reads, len(reads), data, len(data), writes, len(writes))
