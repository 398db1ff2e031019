"""One packet followed from the wire into the stack and back out: the stages the stack does not see are added here."""

from __future__ import annotations

from typing import Any

from ringbed.sim.host import Host
from ringbed.sim.wire import from_wire
from ringbed.stack.journey import Journey

__all__ = ["Follower"]

UDP, HEADERS = 17, 14 + 20 + 8


class Follower:
    """A wire end around the card's own. The first UDP datagram of `size` payload bytes to `port` is followed.

    `journey` has its steps, times in simulated ns; the answer's way out is the second half.
    """

    def __init__(self, host: Host[Any], size: int, port: int) -> None:
        self._host, self._end, self._size, self._port = host, host.engine, size, port
        self.journey: Journey | None = None
        self._arrived = -1
        self._payload = b""
        self._left = False

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        if self._arrived < 0 and self._matches(frame):
            self._arrived = max(at, self._host.engine.now)
            self._host.upper.follow = self._follow
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        left = self._end.wire_out()
        if self.journey is not None and not self._left:
            for clock, frame in left:
                if from_wire(frame)[HEADERS : HEADERS + self._size] == self._payload:
                    self.journey.add("wire out", "card", "em0 tx", self._host.frequency.ns(clock))
                    self._left = True
                    self._host.upper.follow = None
        return left

    def _matches(self, frame: bytes) -> bool:
        ours = frame[12:15] == b"\x08\x00\x45" and frame[23] == UDP
        return ours and frame[36:38] == self._port.to_bytes(2, "big") and len(from_wire(frame)) == HEADERS + self._size

    def _follow(self, data: bytes) -> Journey | None:
        """Asked by the testbed for each frame the driver hands on."""
        if self.journey is not None or not self._matches(data + bytes(4)):
            return None
        ns, host = self._host.frequency.ns, self._host
        self._payload = data[HEADERS : HEADERS + self._size]
        self.journey = host.upper.stack.journey()
        self.journey.add("wire in", "card", "em0 rx", ns(self._arrived))
        self.journey.add("em_intr", "interrupt", "em0 rx ring", host.upper.stack.now)
        return self.journey
