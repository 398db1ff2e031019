"""The receive buffer of a socket: bounded in bytes, filled by the consumer of its queue, emptied by the process.

Two writers, and none of them waits for the other: each has an end of the deque, and a count of its own of the bytes
that went through it.

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
    """`limit` in bytes; `failed` counts errors of the upcall; `queue` is the socket's, whose consumer fills it.

    Shared: what the process writes. `limit` and `wakeup` are its options, it takes from the left end of `items`, and
    it clears `_waking` before it looks.
    """

    shared = frozenset({"limit", "wakeup", "items", "_waking", "_bytes_out", "_taken", "_left_off"})

    def __init__(self, queue: ServiceQueue, scheduler: Scheduler, failed: Counter, limit: int = HIWAT) -> None:
        self.limit = limit
        self.wakeup: Callable[[], None] | None = None
        self._scheduler = scheduler
        self._failed = failed
        self._bytes_in = 0
        self._bytes_out = 0
        self._taken = 0
        self._waking = False  # scheduled
        self._left_off = False  # the upcall failed before it had read anything
        self.items: deque[tuple[T, int]] = deque()
        self.queue = queue

    def __len__(self) -> int:
        return len(self.items)

    @property
    def used(self) -> int:
        """Bytes, with the fixed part of every datagram."""
        return self._bytes_in - self._bytes_out

    def append(self, item: T, size: int) -> bool:
        """By the consumer. False when it does not fit."""
        cost = size + OVERHEAD
        if self._bytes_in - self._bytes_out + cost > self.limit:
            return False
        self._bytes_in += cost
        self.items.append((item, cost))
        if self.wakeup is not None and (len(self.items) == 1 or self._left_off):  # looked at last: see service.py
            self._wake()
        return True

    def _wake(self) -> None:
        if not self._waking:
            self._waking = True
            self._scheduler.schedule(Context.PROCESS, self)

    def popleft(self) -> T:
        """By the process. Raises IndexError when there is nothing."""
        item, cost = self.items.popleft()
        self._bytes_out += cost
        self._taken += 1
        return item

    def run(self) -> None:
        """The process's turn; it may find that somebody has read everything."""
        self._waking = self._left_off = False
        if not self.items or self.wakeup is None:
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
        if has_read:
            self._wake()
        else:
            self._left_off = True
        if not isinstance(error, OSError):
            story = "".join(traceback.format_exception(error))
            warnings.warn(f"a socket's upcall raised, which ends nothing but is counted:\n{story}", RuntimeWarning, 2)
