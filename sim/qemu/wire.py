"""The wire of QEMU's card, a socket: frames in as the model takes them, frames out as it sends them.

It is like a host's: no FCS, no least length (the head of `engine.py` says what that does to a frame). It stops while
the model is deaf or has no buffers.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from collections import deque
from collections.abc import Callable

from ringbed.sim.qemu.qtest import Qtest
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.wire.edge import must_be_a_clock
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire

__all__ = ["QemuWire"]

TURNS = 4
LARGEST = 1 << 17


class QemuWire:
    """`waiting` are frames on their way in, each with the ns it is due at; `out` what left, each with its clock.

    `counters`: `bad_fcs` and `error`, frames that came in damaged.
    """

    def __init__(self, frequency: Frequency) -> None:
        self._frequency = frequency
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.out: list[tuple[int, bytes]] = []
        self.counters = {"bad_fcs": 0, "error": 0}
        self.came = self._taken_out = 0  # frames put on the wire, and taken from it

    def put(self, frame: bytes, at: int, error: bool) -> None:
        """As the engine's `wire_in`; raises ValueError."""
        if not 4 < len(frame) < LARGEST:
            raise ValueError(f"qemu cannot receive a frame of {len(frame)} bytes")
        must_be_a_clock(at)
        self.came += 1
        if error or not fcs_good(frame):
            self.counters["error" if error else "bad_fcs"] += 1
            return
        due = self._frequency.ns(at)
        self.waiting.append((max(due, self.waiting[-1][0]) if self.waiting else due, from_wire(frame)))

    def take(self) -> list[tuple[int, bytes]]:
        """What left since the last call."""
        out, self.out = self.out, []
        self._taken_out += len(out)
        return out

    @property
    def left(self) -> int:
        """Frames that left the card, taken or not."""
        return self._taken_out + len(self.out)

    def feed(self, machine: Qtest, ns: Callable[[], int]) -> bool:
        """Give the model what is due, and turns of its loop while it takes some: it takes one a turn.

        `ns` tells the time. True when the model took something.
        """
        fed = False
        while self.waiting and self.waiting[0][0] <= ns():
            try:
                machine.wire.send(self.waiting[0][1])
                self.waiting.popleft()
                fed = True
            except BlockingIOError:
                if not self._taken(machine):
                    break
        while self._taken(machine):
            fed = True
        return fed

    def _taken(self, machine: Qtest) -> bool:
        """Whether the model took something from the wire in the next turns of its loop.

        A turn's order is not ours to say, and what one turn allows (a buffer, say) is looked for in the next.
        """
        before = _waiting(machine)
        for _ in range(TURNS if before else 0):
            machine.turn()
            if _waiting(machine) < before:
                return True
        return False

    def drain(self, machine: Qtest, ns: Callable[[], int]) -> bool:
        """Take what left, until the model has no more to send: it holds frames back while the wire is full.

        True when something left.
        """
        drained = False
        while True:
            count = 0
            try:
                while True:
                    frame = machine.wire.recv(LARGEST)
                    self.out.append((self._frequency.clocks(ns()), to_wire(frame)))
                    count += 1
            except BlockingIOError:
                if not count:
                    return drained
            drained = True
            machine.turn()


def _waiting(machine: Qtest) -> int:
    """Bytes of ours that the model has not taken from the wire (SIOCOUTQ)."""
    answer = fcntl.ioctl(machine.wire.fileno(), termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])
