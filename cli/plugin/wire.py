"""The far end of a card's wire, as a test of the pytest plugin has it: frames without FCS, or a stack that answers.

All that passes here is in the test's capture. What leaves the card is taken from the wire when somebody asks for it,
and when a test has failed: then the capture has what the test did not get to, too.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any

from ringbed.sim.seam.engine import EngineClosed, Event
from ringbed.sim.testbed.host import Host
from ringbed.sim.testbed.peer import Peer, move_until
from ringbed.sim.wire.capture import TappedEnd
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire

__all__ = ["FarEnd", "Wire", "neighbour"]


class FarEnd:
    """A WireEnd: for a `Peer`, a `Cable` or faults of the test's own."""

    def __init__(self, tapped: TappedEnd) -> None:
        self._tapped = tapped
        self._left: list[tuple[int, bytes]] = []  # the card, and nobody has taken them
        self.peers: list[Peer] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._tapped.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        left, self._left = self._left + self._tapped.wire_out(), []
        return left

    def look(self) -> None:
        """Have in the capture what has left the card. Of an engine that is closed nothing more can be had."""
        with contextlib.suppress(EngineClosed):
            self._left += self._tapped.wire_out()


class Wire:
    """Frames are without FCS here. `end` is the wire itself, which has them whole."""

    def __init__(self, host: Host[Any], end: FarEnd) -> None:
        self.end = end
        self._host = host
        self._peers = end.peers

    def peer(self, address: str) -> Peer:
        """A stack with `address`, such as 10.0.0.1/24, at this end: the frames that leave the card are its own."""
        self._peers.append(Peer(self.end, address, self._host.frequency))
        return self._peers[-1]

    def send(self, *frames: bytes) -> None:
        """Queue frames for the card, padded and with a good FCS."""
        for frame in frames:
            self.end.wire_in(to_wire(frame), self._host.engine.now)

    def run(self, us: float = 1000) -> None:
        """Let simulated time pass, interrupts served; less of it when everything comes to rest and there is no peer."""
        until = self._host.now + int(us * 1000)
        if self._peers:
            move_until(self._host, self._peers, until, lambda: False)
        else:
            self._host.advance(until, Event.IDLE)

    def take(self) -> list[bytes]:
        """Frames that left the card since the last call, without FCS; a bad FCS is an AssertionError.

        Raises ValueError where a peer takes them.
        """
        if self._peers:
            raise ValueError(
                "the frames that leave the card go to ringbed_peer, which answers them: none is left to take"
            )
        left = [wire for _, wire in self.end.wire_out()]
        bad = [number for number, wire in enumerate(left) if not fcs_good(wire)]
        assert not bad, f"frames {bad} left the card with a bad FCS"
        return [from_wire(wire) for wire in left]


def neighbour(address: str) -> str:
    """The first other address of the network that `address` is in: a stack has none that is alone in its own."""
    own = ipaddress.ip_interface(address)
    return next(f"{each}/{own.network.prefixlen}" for each in own.network.hosts() if each != own.ip)
