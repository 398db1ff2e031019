"""The MAC's part of a wire, for a card whose streams have no FCS: on the way in it is judged and taken off, on the way
out put on, behind the pad. What a MAC would drop is dropped here and counted, as a card of ours does inside.
"""

from __future__ import annotations

from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.wire.frame import FCS_LENGTH, fcs_good, from_wire, to_wire

__all__ = ["WireEdge", "must_be_a_clock"]

LAST_CLOCK = (1 << 64) - 1


def must_be_a_clock(at: object) -> None:
    """Raises ValueError for what no frame can be due at: a time in ns divided, say."""
    if not isinstance(at, int) or not 0 <= at <= LAST_CLOCK:
        raise ValueError(f"a frame is due at a clock, a whole number from 0 to {LAST_CLOCK}, not at {at!r}")


class WireEdge:
    """Of one card. `counters`, one a cause: `bad_fcs`, `error` (a symbol error), `runt` (nothing but an FCS).

    They are in `EngineStats.dropped`. A card that has an FCS and no way to be told of a symbol error is spared those
    frames, and no others. `came` and `left` count all frames: put on the wire, and taken from it.
    """

    def __init__(self, portmap: PortMap) -> None:
        self.strips = portmap.rx is not None and not portmap.rx.fcs
        self.adds = portmap.tx is not None and not portmap.tx.fcs
        self.tells = portmap.rx is None or portmap.rx.error
        self.counters = {"bad_fcs": 0, "error": 0, "runt": 0}
        self.came = self.left = 0

    def into(self, wire: bytes, at: int, error: bool) -> bytes | None:
        """What the card's stream carries of a frame on the wire; None for one that is dropped here.

        Raises ValueError, and nothing has come, when `at` is no clock.
        """
        must_be_a_clock(at)
        self.came += 1
        if cause := self._cause(wire, error):
            self.counters[cause] += 1
            return None
        return from_wire(wire) if self.strips else wire

    def _cause(self, wire: bytes, error: bool) -> str:
        """Why it is dropped, or ""."""
        if error and (self.strips or not self.tells):
            return "error"
        if not self.strips:
            return ""
        return "bad_fcs" if not fcs_good(wire) else "" if len(wire) > FCS_LENGTH else "runt"

    def out(self, frames: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Frames as they leave the card, and as they are on the wire."""
        self.left += len(frames)
        return [(clock, to_wire(frame)) for clock, frame in frames] if self.adds else frames
