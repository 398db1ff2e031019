"""An address that is tried before it is used: duplicate address detection's state (RFC 4862, 5.4)."""

from __future__ import annotations

from collections.abc import Callable

from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.timers import Timers


class Attempt(Owned):
    """`left` times it will be asked for; `done` hears whether it is free."""

    __slots__ = ("address", "done", "left", "queue", "timer")

    def __init__(
        self, address: int, left: int, done: Callable[[bool], None], queue: ServiceQueue, timers: Timers
    ) -> None:
        self.address = address
        self.left = left
        self.done = done
        self.timer = timers.timer(queue, self)
        self.queue = queue
