"""A cable: takes what left one port and gives it to the other, a latency later. One port alone: a loopback bench.

The two ends may run at different clocks. A frame's time is carried over in nanoseconds and rounded up at the far end,
so it never arrives early. The latency is the look-ahead of a simulation with several hosts (how far one may run without
the other), so 0 is refused.
"""

from __future__ import annotations

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.wire.frame import WireEnd

__all__ = ["LATENCY_NS", "Cable", "Loopback"]

LATENCY_NS = 2000


class Cable:
    """Joins ends `a` and `b`, whose clocks run at `a_clock` and `b_clock`. `frames` counts what went a to b, b to a."""

    def __init__(
        self, a: WireEnd, b: WireEnd, latency_ns: int = LATENCY_NS, a_clock: Frequency | None = None,
        b_clock: Frequency | None = None,
    ) -> None:  # fmt: skip
        if latency_ns < 1:
            raise ValueError(f"a cable takes at least 1 ns, not {latency_ns}: it is the look-ahead of its ends")
        self._latency_ns = latency_ns
        here, there = a_clock or Frequency(), b_clock or Frequency()
        self._ways = ((a, b, here, there), (b, a, there, here))
        self.frames = [0, 0]

    def move(self) -> int:
        """Carry one batch each way; how many frames that was."""
        moved = 0
        for way, (out, into, out_clock, in_clock) in enumerate(self._ways):
            left = out.wire_out()
            for clock, frame in left:
                into.wire_in(frame, in_clock.clocks(out_clock.ns(clock) + self._latency_ns))
            self.frames[way] += len(left)
            moved += len(left)
        return moved


class Loopback:
    """A port's own output, back at its input `clocks` clocks after its last beat. `frames` counts each once."""

    def __init__(self, port: WireEnd, clocks: int = 1) -> None:
        if clocks < 1:
            raise ValueError(f"a loopback takes at least 1 clock, not {clocks}")
        self._port = port
        self._clocks = clocks
        self.frames = 0

    def move(self) -> int:
        """Bring one batch round; how many frames that was."""
        left = self._port.wire_out()
        for clock, frame in left:
            self._port.wire_in(frame, clock + self._clocks)
        self.frames += len(left)
        return len(left)
