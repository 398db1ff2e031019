"""Which beats outside memory are one finding: the rule of every engine; `Findings` of `harness/common.hpp` is its twin.

A beat that goes on where one before it ended, by the same rule and with the same answer, is that access going on: what
runs over a buffer's end is told of that buffer, however far it gets. Accesses that began at the same place, and were
answered the same, are one finding, in the words of the one that reached farthest.
"""

from __future__ import annotations

from ringbed.sim.memory.regions import DeviceMemory
from ringbed.sim.seam.engine import Finding

__all__ = ["Going", "worded"]

OPEN = 64  # accesses that may go on; the one that did so longest ago is forgotten


class Going:
    """Where accesses ended that may go on."""

    def __init__(self) -> None:
        self._began: dict[tuple[str, str, int], int] = {}  # by rule, answer and end

    def began(self, rule: str, answer: str, address: int, end: int) -> int:
        """Where the access began of which this beat is, from `address` to before `end`."""
        start = self._began.pop((rule, answer, address), address)
        self._began.pop((rule, answer, end), None)
        self._began[rule, answer, end] = start
        if len(self._began) > OPEN:
            del self._began[next(iter(self._began))]
        return start


def worded(memory: DeviceMemory | None, raw: Finding, start: int, end: int) -> Finding:
    """`raw`, whose text ends in the answer, with the words for where `start` to before `end` lies; while that is so."""
    if memory is None:
        return raw
    write = raw.rule == "dma.write"
    place, about = memory.locate(start, end, raw.clock, write), memory.locate(start, None, raw.clock, write).about
    text, answer = f"{raw.text}: {place.text}", raw.text.rpartition(" ")[2]
    return Finding(raw.clock, raw.rule, text, raw.count, raw.last, (answer, about), place.reach)
