"""The receive buffer of a socket: bounded in bytes, filled by the worker, emptied by the process.

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
from ringbed.stack.kern.scheduler import Context, NeverEmpty, Scheduler

T = TypeVar("T")
OVERHEAD = 64
HIWAT = 41600  # net.inet.udp.recvspace


class SockBuf(Generic[T]):
    """`limit` in bytes; `failed` counts errors of the upcall."""

    def __init__(self, scheduler: Scheduler, failed: Counter, limit: int = HIWAT) -> None:
        self.limit = limit
        self.used = 0
        self.wakeup: Callable[[], None] | None = None
        self._scheduler = scheduler
        self._failed = failed
        self._taken = 0
        self._waking = False  # scheduled
        self._left_off = False  # the upcall failed before it had read anything
        self._items: deque[tuple[T, int]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: T, size: int) -> bool:
        """False when it does not fit."""
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
        """Raises IndexError when there is nothing."""
        item, cost = self._items.popleft()
        self.used -= cost
        self._taken += 1
        return item

    def run(self) -> None:
        """The process's turn; it may find that somebody has read everything."""
        self._waking = False
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
        if has_read:
            self._wake()
        else:
            self._left_off = True
        if not isinstance(error, OSError):
            story = "".join(traceback.format_exception(error))
            warnings.warn(f"a socket's upcall raised, which ends nothing but is counted:\n{story}", RuntimeWarning, 2)
