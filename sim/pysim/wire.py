"""The two directions of the wire in Python: the twin of `harness/wire.hpp`."""

from __future__ import annotations

from collections import deque

from ringbed.sim.bus.link import FramesOut, Garbage, LinkTime
from ringbed.sim.bus.ports import Pattern, Ports
from ringbed.sim.seam.axi_checker import Findings, Held, check_keep, counted
from ringbed.sim.seam.clock import GAP, PREAMBLE, Pacing
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.wire.frame import FCS_LENGTH

__all__ = ["WireIn", "WireOut"]


class WireIn:
    """The receive wire: frames from a queue, back to back or paced; `stops`: the card has a ready.

    `fcs` False: four more bytes go over the link before the last beat is there.

    What does not count is garbage: lanes beyond a frame's end, and all but TVALID when no beat is there.
    """

    def __init__(
        self, prefix: str, bus: int, pace: Pacing | None, seed: int, *, stops: bool = False, fcs: bool = True
    ) -> None:
        self.behind = 0 if fcs else FCS_LENGTH
        self.garbage = Garbage(seed, bus)
        self.p, self.bus, self.paced, self.stops = prefix, bus, pace is not None, stops
        self.frames: deque[tuple[bytes, int, bool]] = deque()
        self.pos, self.free = LinkTime(pace or Pacing(0, 1)), LinkTime(pace or Pacing(0, 1))
        self.active = self.valid = False
        self.offset, self.beat_due = 0, 0

    def due(self) -> int:
        if self.active:
            return self.beat_due
        if not self.frames:
            return NEVER
        return max(self.frames[0][1], self.free.ceil() if self.paced else 0)

    def drive(self, c: Ports, now: int) -> None:
        if not self.active and self.frames:
            self._begin(now)
        show = self.active and self.beat_due <= now
        if show:
            frame, _at, error = self.frames[0]
            beat = frame[self.offset : self.offset + self.bus]
            last = self.offset + len(beat) == len(frame)
            self._put(c, self.garbage.fill(beat), (1 << len(beat)) - 1, last, last and error)
        elif self.valid:
            self._put(c, self.garbage.fill(b""), (1 << self.bus) - 1, True, False)
        if show != self.valid:
            self.valid = show
            c.put(self.p + "tvalid", show)

    def _put(self, c: Ports, data: int, keep: int, last: bool, error: bool) -> None:
        for name, value in (("tdata", data), ("tkeep", keep), ("tlast", last), ("tuser", error)):
            c.put(self.p + name, value)

    def _begin(self, now: int) -> None:
        _frame, at, _error = self.frames[0]
        self.offset = 0
        if not self.paced:
            self.active, self.beat_due = at <= now, now
            if self.active:
                self.garbage.next()
            return
        self.active = True
        self.garbage.next()
        self.pos.clock, self.pos.frac = self.free.clock, self.free.frac
        self.pos.at_least(max(at, now))
        self.pos.add(PREAMBLE)
        self._next_beat(now)

    def _next_beat(self, now: int) -> None:
        self.beat_due = now
        if self.paced:
            left = len(self.frames[0][0]) - self.offset
            self.pos.add(self.bus if left > self.bus else left + self.behind)
            self.beat_due = self.pos.ceil()

    def sample(self, c: Ports, now: int) -> None:
        if not self.valid or (self.stops and not c.bit(self.p + "tready")):
            return
        self.offset += self.bus
        if self.offset >= len(self.frames[0][0]):
            self.active = False
            self.frames.popleft()
            if self.paced:
                self.free.clock, self.free.frac = self.pos.clock, self.pos.frac
                self.free.add(GAP)
        else:
            self._next_beat(now)


class WireOut(FramesOut):
    """The transmit wire: ready always, paced, or by a pattern; `stops` False is a card that cannot wait."""

    def __init__(
        self, prefix: str, bus: int, pace: Pacing | None, seed: int, level: int, *, stops: bool = True, fcs: bool = True
    ) -> None:
        super().__init__(pace, fcs=fcs)
        self.p, self.bus, self.stops = prefix, bus, stops
        self.hold = Pattern(seed, 13, level)
        self.ready = self.off = False
        self.stall = Held(
            "stream", "TVALID fell before TREADY", "TDATA, TKEEP or TLAST changed while TVALID waited for TREADY"
        )

    def drive(self, c: Ports, now: int) -> None:
        self.ready = not self.stops or (not self.off and (not self.paced or self.pos.ceil() <= now))
        if self.stops:
            c.put(self.p + "tready", self.ready)

    def sample(self, c: Ports, f: Findings) -> None:
        valid = c.bit(self.p + "tvalid")
        if valid or self.stall.stalled:
            self._take(c, f, valid)
        self.off = self.hold.hold()

    def _take(self, c: Ports, f: Findings, valid: bool) -> None:
        data, keep, last = c.get(self.p + "tdata"), c.get(self.p + "tkeep"), c.bit(self.p + "tlast")
        self.stall.look(valid, self.ready, (counted(data, keep), keep, last), f)
        if not valid or not self.ready:
            return
        count = (~keep & keep + 1).bit_length() - 1  # lanes from lane 0 on
        if f.check:
            check_keep(keep, count, last, self.bus, f)
        self.store(data.to_bytes(self.bus, "little")[:count], last, f)
