"""What a served card's wire may lead to, as its server sees it: looked after now and then, and a reason to wake up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ringbed.sim.kernel.tap import Tap
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.wire.cable import Cable
from ringbed.sim.wire.frame import HostEnd, WireEnd
from ringbed.sim.wire.replay import Capture, replay

__all__ = ["ReplayWire", "TapWire", "Wire"]

GAP_NS = 20_000  # between two frames of a file: any driver has time for them


class Wire(Protocol):
    """The far end of a card's wire."""

    def move(self, now: int) -> int:
        """At `now` ns: carry what there is both ways; how many frames that was."""
        ...

    def files(self) -> Sequence[int]:
        """Descriptors; when one can be read there is something to carry."""
        ...

    def deadline(self) -> int | None:
        """When it wants to be moved by itself, ns."""
        ...


class TapWire:
    """This machine's kernel at the far end, through a TAP device that is the opener's to close."""

    def __init__(self, end: WireEnd, tap: Tap, frequency: Frequency) -> None:
        self._tap, self._frequency, self._host = tap, frequency, HostEnd(tap)
        self._cable = Cable(end, self._host, a_clock=frequency, b_clock=frequency)

    def move(self, now: int) -> int:
        self._host.now = self._frequency.clocks(now)
        moved = self._cable.move()
        self._host.flush()
        return moved

    def files(self) -> Sequence[int]:
        return [self._tap.fileno()]

    def deadline(self) -> int | None:
        return None


class ReplayWire:
    """Nobody at the far end: what leaves the card is taken, and a capture's frames come once the first has left.

    Before that no driver is up, and the card would drop them.
    """

    def __init__(self, end: WireEnd, frequency: Frequency, capture: Capture | None = None) -> None:
        self.replayed = 0
        self._end, self._frequency, self._capture = end, frequency, capture

    def move(self, now: int) -> int:
        left = len(self._end.wire_out())
        if not left or self._capture is None:
            return left
        clocks = self._frequency.clocks
        self.replayed = replay(self._capture, self._end, clocks(now), clocks(GAP_NS))
        self._capture = None
        return left + self.replayed

    def files(self) -> Sequence[int]:
        return ()

    def deadline(self) -> int | None:
        return None
