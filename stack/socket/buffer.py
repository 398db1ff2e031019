"""The receive buffer of a socket: bounded in bytes, filled and emptied by the consumer of the socket's queue.

A worker fills it; a process becomes the consumer to take something out, and so finds there what was queued before.

Every datagram costs its payload and a fixed part, so that empty ones cannot fill memory. `wakeup` is the socket's
upcall: it runs in process context, once for each time the buffer stops being empty.

An upcall's error does not reach `Stack.run`: who runs a host did nothing wrong, and the next datagram must find it
well. It is counted. OSError is how the stack answers a program, often for what a stranger sent; any other is a defect
of the program, so it is a RuntimeWarning with its traceback too.
"""

from __future__ import annotations

import traceback
import warnings
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.scheduler import Context, NeverEmpty, Scheduler
from ringbed.stack.kern.service import ServiceQueue

T = TypeVar("T")
OVERHEAD = 64
HIWAT = 41600  # net.inet.udp.recvspace


class SockBuf(Owned, Generic[T]):
    """`limit` in bytes; `failed` counts errors of the upcall; `queue` is the socket's.

    Shared: `limit` and `wakeup` are options, the program's; `_waking` is cleared before the scheduler's turn looks.
    """

    shared = frozenset({"limit", "wakeup", "_waking"})

    def __init__(self, queue: ServiceQueue, scheduler: Scheduler, failed: Counter, limit: int = HIWAT) -> None:
        self.limit = limit
        self.used = 0
        self.wakeup: Callable[[], None] | None = None
        self._scheduler = scheduler
        self._failed = failed
        self._taken = 0
        self._waking = False  # scheduled
        self._left_off = False  # the upcall failed before it had read anything
        self._items: deque[tuple[T, int]] = deque()
        self.queue = queue

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: T, size: int) -> bool:
        """By the consumer. False when it does not fit."""
        cost = size + OVERHEAD
        if self.used + cost > self.limit:
            return False
        if self.wakeup is not None and (not self._items or self._left_off):
            self._wake()
        self.used += cost
        self._items.append((item, cost))
        return True

    def _wake(self) -> None:
        self._left_off = False
        if not self._waking:
            self._waking = True
            self._scheduler.schedule(Context.PROCESS, self)

    def popleft(self) -> T:
        """By the consumer. Raises IndexError when there is nothing."""
        item, cost = self._items.popleft()
        self.used -= cost
        self._taken += 1
        return item

    def run(self) -> None:
        """The process's turn; it may find that somebody has read everything."""
        self._waking = False
        self.queue.drain()
        if not self._items or self.wakeup is None:
            return
        taken = self._taken
        try:
            self.wakeup()
        except NeverEmpty:
            raise
        except Exception as error:
            self._upcall_failed(error, self._taken > taken)

    def _upcall_failed(self, error: Exception, has_read: bool) -> None:
        """What is left has nobody to wake up for it: again now, or with the next datagram if nothing was read."""
        self._failed.value += 1
        with self.queue:
            if has_read:
                self._wake()
            else:
                self._left_off = True
        if not isinstance(error, OSError):
            story = "".join(traceback.format_exception(error))
            warnings.warn(f"a socket's upcall raised, which ends nothing but is counted:\n{story}", RuntimeWarning, 2)
