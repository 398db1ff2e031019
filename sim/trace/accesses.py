"""Register accesses of a driver in another process as a track beside the card's: who was at it while a frame was where.

A read is a slice from its question to its answer, a write an instant, since a posted write is done when it is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.device import IoWindow
from ringbed.sim.serve.function import RegisterAccess

__all__ = ["TRACK", "access_events"]

TRACK = 101  # beside the host's


def access_events(
    accesses: Iterable[RegisterAccess], registers: Mapping[int, str], frequency: Frequency, process: int = 1
) -> list[dict[str, Any]]:
    """In their order. `registers` are names by offset; one through the I/O BAR has that of the register behind it."""
    common = {"pid": process, "tid": TRACK}
    events: list[dict[str, Any]] = [common | {"ph": "M", "name": "thread_name", "args": {"name": "registers"}}]
    window = IoWindow()
    for each in accesses:
        of = window.written if each.write else lambda bar, offset, _: window.register(bar, offset)
        place = of(each.bar, each.offset, each.value)
        name = f"BAR {each.bar} {each.offset:#x}" if place is None else registers.get(place, f"{place:#x}")
        title = f"{name} {'=' if each.write else 'is'} {each.value:#x}"
        args = {"clock": each.begin, "clocks": each.end - each.begin, "value": f"{each.value:#x}", "bar": each.bar}
        begin, end = frequency.ns(each.begin), frequency.ns(each.end)
        span = {"ph": "i", "s": "t"} if each.write else {"ph": "X", "dur": (end - begin) / 1000}
        events.append(common | span | {"ts": begin / 1000, "name": title, "args": args})
    return events
