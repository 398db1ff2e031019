"""Cables from hosts to the ports of a switch, as one link of a pump."""

from __future__ import annotations

from fractions import Fraction

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.testbed.switch import Switch
from ringbed.sim.wire.cable import LATENCY_NS, Cable
from ringbed.sim.wire.frame import WireEnd

__all__ = ["NS_CLOCK", "SwitchLink"]

NS_CLOCK = Frequency(Fraction(10**9))  # of a switch's port


class SwitchLink:
    """A `TimedLink` (`sim/testbed/pump.py`): `plug` an end into each port that shall have one.

    All cables have one latency: a frame that left a host by `now` is at the switch by `now` plus that, so up to there
    the switch can forward, in order of arrival. Raises ValueError for a latency of 0, which leaves no look-ahead.
    """

    def __init__(self, switch: Switch, latency_ns: int = LATENCY_NS) -> None:
        if latency_ns < 1:
            raise ValueError(f"a cable takes at least 1 ns, not {latency_ns}: it is the look-ahead of its ends")
        self.switch = switch
        self.cables: dict[int, Cable] = {}
        self._latency_ns = latency_ns
        self._until = 0

    def plug(self, port: int, end: WireEnd, clock: Frequency | None = None) -> None:
        """A cable from `end`, whose clock runs at `clock`, to a port. Raises ValueError when the port is not free."""
        if not 0 <= port < len(self.switch.ports) or port in self.cables:
            free = [number for number in range(len(self.switch.ports)) if number not in self.cables]
            raise ValueError(f"port {port} is not free; free are {free or 'none'}")
        self.cables[port] = Cable(end, self.switch.ports[port], self._latency_ns, clock, NS_CLOCK)

    def advance(self, now: int) -> None:
        self._until = now + self._latency_ns

    def due(self) -> int:
        due = self.switch.due()
        return due if due == NEVER else max(0, due - self._latency_ns)

    def move(self) -> int:
        """Into the switch, through it, and on to the other ends: nothing is kept but what arrives later."""
        moved = sum(cable.move() for cable in self.cables.values())
        if self.switch.advance(self._until):
            moved += sum(cable.move() for cable in self.cables.values())
        return moved
