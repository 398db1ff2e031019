"""The wire of a card but for its signals: time on a link, garbage where nothing counts, frames out of beats."""

from __future__ import annotations

from ringbed.sim.bus.ports import Pattern
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.clock import GAP, PREAMBLE, Pacing
from ringbed.sim.wire.frame import FCS_LENGTH, MIN_LENGTH

__all__ = ["FramesOut", "Garbage", "LinkTime"]

LONGEST = 1 << 16  # bytes of a frame that are kept


class LinkTime:
    """A point in time on a link: `clock + frac / den` clocks."""

    __slots__ = ("clock", "frac", "pace")

    def __init__(self, pace: Pacing) -> None:
        self.clock, self.frac, self.pace = 0, 0, pace

    def add(self, count: int) -> None:
        carry, self.frac = divmod(self.frac + count * self.pace.num, self.pace.den)
        self.clock += carry

    def at_least(self, clock: int) -> None:
        if self.clock < clock:
            self.clock, self.frac = clock, 0

    def ceil(self) -> int:
        return self.clock + (self.frac != 0)


class Garbage:
    """What stands on the wire into a card where nothing counts: a word a frame, by a seed, over all lanes."""

    __slots__ = ("_bus", "_pattern", "_word")

    def __init__(self, seed: int, bus: int) -> None:
        self._bus, self._pattern, self._word = bus, Pattern(seed, 14, 0), b""

    def next(self) -> None:
        """Another frame begins."""
        self._word = self._pattern.draw().to_bytes(4, "little") * (self._bus // 4 or 1)

    def fill(self, beat: bytes) -> int:
        """All lanes, those that `beat` does not have with garbage."""
        return int.from_bytes(beat + self._word[len(beat) : self._bus], "little")


class FramesOut:
    """What the card transmits, a beat at a time: `store`. `frames`: (clock of the last beat, frame).

    `pos` is where a paced link is; `fcs` False: it carries pad and FCS behind what the card gives.
    """

    def __init__(self, pace: Pacing | None, *, fcs: bool = True) -> None:
        self.fcs, self.paced = fcs, pace is not None
        self.pos = LinkTime(pace or Pacing(0, 1))
        self.frames: list[tuple[int, bytes]] = []
        self.partial = bytearray()
        self.giant = False

    def store(self, beat: bytes, last: bool, f: Findings) -> None:
        if self.paced:
            if not self.partial:
                self.pos.at_least(f.now)
                self.pos.add(PREAMBLE)
            self.pos.add(len(beat) + (self._behind(len(self.partial) + len(beat)) if last else 0))
        if len(self.partial) + len(beat) <= LONGEST:
            self.partial += beat
        elif not self.giant:
            self.giant = True
            f.add("stream.giant", f"a frame of more than {LONGEST} bytes: the rest is not kept")
        if last:
            self.frames.append((f.now, bytes(self.partial)))
            self.partial, self.giant = bytearray(), False

    def _behind(self, length: int) -> int:
        """Bytes of the link after a frame of `length` that the card gave."""
        return GAP + (0 if self.fcs else max(0, MIN_LENGTH - length) + FCS_LENGTH)
