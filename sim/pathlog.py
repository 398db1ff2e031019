"""When frames crossed a card's wire: what a packet's path needs of the part below the stack.

A link around a link. Frames going out are found again by what the card does not change in them: all but the sums.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ringbed.sim.wire import WireEnd

__all__ = ["PathLog"]

KEPT = 4096  # frames remembered, each way


class PathLog:
    """`to_ns` turns the end's clocks into ns. Of equal frames the first one still remembered is found."""

    def __init__(self, end: WireEnd, to_ns: Callable[[int], int]) -> None:
        self._end = end
        self._to_ns = to_ns
        self._in: OrderedDict[bytes, int] = OrderedDict()
        self._out: OrderedDict[bytes, int] = OrderedDict()

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._note(self._in, frame, at)
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        left = self._end.wire_out()
        for clock, frame in left:
            self._note(self._out, frame, clock)
        return left

    def arrived(self, frame: bytes) -> int | None:
        """When `frame` was put on the receive wire, ns."""
        return self._in.get(_key(frame))

    def left(self, frame: bytes) -> int | None:
        """When the last beat of `frame` left the card, ns; `frame` may still lack its sums."""
        return self._out.get(_key(frame))

    def _note(self, seen: OrderedDict[bytes, int], frame: bytes, clock: int) -> None:
        seen.setdefault(_key(frame), self._to_ns(clock))
        if len(seen) > KEPT:
            seen.popitem(last=False)


def _key(frame: bytes) -> bytes:
    """Link header, IPv4 header without its sum, and the two bytes behind it: ports or ICMP type, no L4 sum."""
    return bytes(frame[:24] + frame[26:36])
