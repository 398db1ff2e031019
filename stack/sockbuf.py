"""The receive buffer of a socket: bounded in bytes, filled by the worker, emptied by the process.

Every datagram costs its payload and a fixed part, so that empty ones cannot fill memory. `wakeup` is the socket's
upcall: it runs in process context, once for each time the buffer stops being empty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ringbed.stack.scheduler import Context, Scheduler

T = TypeVar("T")
OVERHEAD = 64
HIWAT = 41600  # net.inet.udp.recvspace


class SockBuf(Generic[T]):
    def __init__(self, scheduler: Scheduler, limit: int = HIWAT) -> None:
        self.limit = limit
        self.used = 0
        self.wakeup: Callable[[], None] | None = None
        self._scheduler = scheduler
        self._items: deque[tuple[T, int]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: T, size: int) -> bool:
        """False when it does not fit."""
        cost = size + OVERHEAD
        if self.used + cost > self.limit:
            return False
        if not self._items and self.wakeup is not None:
            self._scheduler.schedule(Context.PROCESS, self)
        self.used += cost
        self._items.append((item, cost))
        return True

    def popleft(self) -> T:
        """Raises IndexError when there is nothing."""
        item, cost = self._items.popleft()
        self.used -= cost
        return item

    def run(self) -> None:
        """The process's turn; it may find that somebody has read everything."""
        if self._items and self.wakeup is not None:
            self.wakeup()
