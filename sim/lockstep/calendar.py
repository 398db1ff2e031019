"""The calendar of a User Mode Linux that travels in time: messages of 16 bytes in, answers out, no socket here.

The kernel's clock stands still while it works. When it has nothing to do it says when it wants to go on (REQUEST) and
waits (WAIT); it goes on at the time that it is told (RUN). Source: Linux, include/uapi/linux/um_timetravel.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["SIZE", "Calendar", "OutOfStep", "TimeMessage", "TimeOp", "parse_time"]

LAYOUT = struct.Struct("<IIQ")
SIZE = LAYOUT.size
FOREVER = 1 << 63  # ns; what is later is no time that the kernel has


class OutOfStep(Exception):
    """The kernel has said what cannot be, so nothing that follows would mean anything: one sentence."""


class TimeOp(IntEnum):
    ACK = 0
    START = 1
    REQUEST = 2
    WAIT = 3
    GET = 4
    UPDATE = 5
    RUN = 6
    FREE_UNTIL = 7
    GET_TOD = 8
    BROADCAST = 9


HEARD = {TimeOp.ACK, TimeOp.START, TimeOp.REQUEST, TimeOp.WAIT, TimeOp.GET, TimeOp.UPDATE, TimeOp.GET_TOD}


@dataclass(frozen=True, slots=True)
class TimeMessage:
    """`number` is the sender's and comes back in the ACK; `time` in ns."""

    op: TimeOp
    number: int = 0
    time: int = 0

    def bytes(self) -> bytes:
        return LAYOUT.pack(self.op, self.number, self.time)


def parse_time(data: bytes) -> TimeMessage:
    """Of exactly 16 bytes. Raises OutOfStep for what a kernel does not say to its calendar."""
    op, number, time = LAYOUT.unpack(data)
    if op not in HEARD:
        raise OutOfStep(f"time message {number}: {op} is nothing that a kernel says to its calendar")
    return TimeMessage(TimeOp(op), number, time)


class Calendar:
    """`now` is the kernel's time in ns, `wanted` when it wants to go on (None: it has not said), `waiting` whether it
    waits; `tod` is the time of day at 0, ns since 1970.
    """

    def __init__(self, tod: int = 0) -> None:
        self.now, self.tod = 0, tod
        self.wanted: int | None = None
        self.waiting = self.started = False
        self._runs = 0  # RUNs that were sent
        self._owed = False  # whether the last is to be acknowledged still

    def answer(self, message: TimeMessage) -> TimeMessage | None:
        """What goes back; nothing to an ACK. Raises OutOfStep."""
        if message.op is TimeOp.ACK:
            self._acknowledged(message)
            return None
        if self.started == (message.op is TimeOp.START):
            raise OutOfStep(f"{message.op.name} {message.number}: START comes once, before everything else")
        self._take(message)
        times = {TimeOp.GET: self.now, TimeOp.GET_TOD: self.tod + self.now}
        return TimeMessage(TimeOp.ACK, message.number, times.get(message.op, 0))

    def run(self, time: int) -> TimeMessage:
        """The kernel goes on at `time`, ns: not before `now`, and not after what it wanted."""
        if not self.waiting or time < self.now or (self.wanted is not None and time > self.wanted):
            raise ValueError(f"a kernel at {self.now} ns that wants {self.wanted} cannot run at {time}")
        self.now, self.waiting, self.wanted = time, False, None
        self._runs, self._owed = self._runs + 1, True
        return TimeMessage(TimeOp.RUN, self._runs & 0xFFFF_FFFF, time)

    def _take(self, message: TimeMessage) -> None:
        if message.op in (TimeOp.REQUEST, TimeOp.UPDATE) and not self.now <= message.time < FOREVER:
            raise OutOfStep(f"{message.op.name} {message.number} is of {message.time} ns, and it is {self.now} ns")
        match message.op:
            case TimeOp.START:
                self.started = True
            case TimeOp.REQUEST:
                self.wanted = message.time
            case TimeOp.WAIT:
                if self.waiting:
                    raise OutOfStep(f"WAIT {message.number} of a kernel that waits already")
                self.waiting = True
            case TimeOp.UPDATE:
                if message.time != self.now:
                    raise OutOfStep(f"UPDATE {message.number} to {message.time} ns from {self.now}, by nobody's leave")

    def _acknowledged(self, message: TimeMessage) -> None:
        if not self._owed or message.number != self._runs & 0xFFFF_FFFF:
            raise OutOfStep(f"ACK {message.number} of nothing that was said")
        self._owed = False
