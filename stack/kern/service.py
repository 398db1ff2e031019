"""Service queues: a FIFO in front of every piece of changeable state (seed 004, 'Kernel Thread and Process Contexts').

Whoever processes the queue is, for that time, the only one to touch the state behind it.

    IDLE --enqueue on empty--> SCHEDULED --worker--> ACTIVE --empty--> IDLE
      |                            |
      +----------- drain ----------+-----> ACTIVE     (a system call becomes the consumer)

* A producer is told 'was empty' by the queue itself, and exactly one producer is: that one schedules it.
* A worker that finds the queue ACTIVE, or already drained, skips it.
* The consumer runs until the queue is empty, packets that arrive meanwhile included.
* Bounded: what does not fit is dropped and counted; it is never full while it has room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Context, Scheduler

LIMIT = 1024


class State(Enum):
    IDLE = "idle"
    SCHEDULED = "scheduled"
    ACTIVE = "active"


class ServiceQueue:
    """`handler` takes one packet and ends it: delivers, answers, sends or drops. `full` counts what did not fit."""

    __slots__ = ("_handler", "_packets", "_scheduler", "_waits", "full", "limit", "name", "state")

    def __init__(
        self,
        name: str,
        handler: Callable[[Packet], None],
        scheduler: Scheduler,
        full: Counter,
        limit: int = LIMIT,
    ) -> None:
        if limit < 1:
            raise ValueError(f"a service queue of {limit} packets could never hold one")
        self.name = name
        self.limit = limit
        self.full = full
        self.state = State.IDLE
        self._handler = handler
        self._scheduler = scheduler
        self._waits = False  # for the worker's turn, whatever the state is by then
        self._packets: deque[Packet] = deque()

    def __len__(self) -> int:
        return len(self._packets)

    def enqueue(self, packet: Packet) -> bool:
        """Append, or drop when full. True for the one producer that found the queue empty; it has scheduled it."""
        packets = self._packets
        if packets:
            if len(packets) >= self.limit:
                packet.drop(self.full)
            else:
                packets.append(packet)
            return False
        packets.append(packet)
        if self.state is State.IDLE:
            self._schedule()
        return True

    def _schedule(self) -> None:
        """Once: it may have been drained and filled again since."""
        self.state = State.SCHEDULED
        if not self._waits:
            self._waits = True
            self._scheduler.schedule(Context.WORKER, self)

    def run(self) -> None:
        """The worker's turn."""
        self._waits = False
        if self.state is State.SCHEDULED:
            self._consume()

    def drain(self) -> None:
        """Become the consumer from a system call, unless somebody is; the worker will find nothing and skip."""
        if self._packets and self.state is not State.ACTIVE:
            self._consume()

    def _consume(self) -> None:
        self.state = State.ACTIVE
        packets, handler, spend, name = self._packets, self._handler, self._scheduler.spend, self.name
        try:
            while packets:
                spend(name)
                handler(packets.popleft())
        finally:
            self.state = State.IDLE
            if packets:  # something raised: what is left has nobody to schedule it
                self._schedule()
