"""What ICMP errors said about datagrams of a socket: the last few, and the one that its next call raises."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.transport.pcb import Address, CtlInput

ERRORS_MAX = 16  # errors kept for `recverr`


class SocketError(NamedTuple):
    """An ICMP error about a datagram of this socket: the errno it stands for, and whom it was sent to."""

    errno: int
    peer: Address
    type: int
    code: int


class SocketErrors(Owned):
    """Behind the socket's queue. `pending` is the errno that the next call of a connected socket raises, 0: none."""

    def __init__(self, queue: ServiceQueue) -> None:
        self.pending = 0
        self._kept: deque[SocketError] = deque(maxlen=ERRORS_MAX)
        self.queue = queue

    def add(self, heard: CtlInput, connected: bool) -> None:
        self._kept.append(SocketError(heard.errno, heard.peer, heard.kind, heard.code))
        if connected:
            self.pending = heard.errno

    def take_pending(self) -> int:
        pending, self.pending = self.pending, 0
        return pending

    def oldest(self) -> SocketError | None:
        """The oldest one that is kept, once; None when there is none."""
        return self._kept.popleft() if self._kept else None
