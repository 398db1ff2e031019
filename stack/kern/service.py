"""Service queues: a FIFO in front of every piece of changeable state (seed 004, 'Kernel Thread and Process Contexts').

Whoever consumes a queue is, for that time, the only one to touch the state behind it. Three facts, each for itself:

* `active`: there is a consumer. It goes on until the queue is empty; what comes meanwhile is its own.
* `scheduled`: the queue stands in the scheduler, and a worker will come. At most once, whoever was at it since.
* `waiting`: so many threads of processes want to be the consumer and sleep until they can.

A worker is one kind of consumer; a process that changes the state is the other: `with queue:`. It finds everything done
that was queued before. A worker that comes meanwhile goes on to other work. Who is the consumer already and wants to be
it again would wait for itself: RuntimeError.

Producers take no lock while somebody is at the queue or about to be. They append first and look at the facts then; a
consumer first says that it goes and then looks whether something came. In this order one of the two always sees the
other. Only who finds nobody takes the mutex, and of several exactly one is told FIRST: it has scheduled the queue.

Bounded: what does not fit is dropped and counted, the producer is told, and it is never full while it has room. Threads
that append at the same moment may exceed the limit by as many as they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Lock, get_ident
from types import TracebackType

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import FIRST, FULL, QUEUED, Message, Posted
from ringbed.stack.kern.scheduler import Context, Scheduler

LIMIT = 1024


class ServiceQueue:
    """`handler` takes one message and ends it. `full` counts packets that did not fit."""

    __slots__ = (
        "_consumer", "_handler", "_messages", "_mutex", "_released", "_scheduler", "active", "full", "limit", "name",
        "scheduled", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        handler: Callable[[Message], None],
        scheduler: Scheduler,
        full: Counter,
        limit: int = LIMIT,
    ) -> None:
        if limit < 1:
            raise ValueError(f"a service queue of {limit} packets could never hold one")
        self.name = name
        self.limit = limit
        self.full = full
        self.active = False
        self.scheduled = False
        self.waiting = 0
        self._handler = handler
        self._scheduler = scheduler
        self._consumer = 0  # the thread that is active
        self._mutex = Lock()
        self._released: Condition | None = None  # made by the first that waits
        self._messages: deque[Message] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def held(self) -> bool:
        """Whether the caller is in the consumer: may it change the state behind the queue?"""
        return self.active and self._consumer == get_ident()

    # -- producers --------------------------------------------------------------------------------------------

    def post(self, message: Message) -> Posted:
        """Append, or drop when full: see `Posted`."""
        messages = self._messages
        if len(messages) >= self.limit and message.bounded:
            message.drop(self.full)
            return FULL
        messages.append(message)
        if self.active or self.scheduled:
            return QUEUED
        return self._schedule()

    def _schedule(self) -> Posted:
        with self._mutex:
            if self.active or self.scheduled:
                return QUEUED
            self.scheduled = True
        self._scheduler.schedule(Context.WORKER, self)
        return FIRST

    # -- consumers --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """The worker's turn."""
        with self._mutex:
            self.scheduled = False
            if self.active:
                return
            self.active = True
            self._consumer = get_ident()
        try:
            self._consume()
        finally:
            self._end()

    def __enter__(self) -> None:
        """Become the consumer, from a process, and do what is queued. Waits for another thread to end."""
        with self._mutex:
            if self.active:
                self._wait()
            self.active = True
            self._consumer = get_ident()
        if self._messages:
            try:
                self._consume()
            except BaseException:
                self._end()
                raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.active = False  # as in `_end`
        if self.waiting or self._messages:
            self._leave()

    def drain(self) -> None:
        """Do what is queued, from a process."""
        if self._messages:
            with self:
                pass

    def _wait(self) -> None:
        if self._consumer == get_ident():
            raise RuntimeError(f"service queue {self.name}: its consumer would wait for itself")
        if self._released is None:
            self._released = Condition(self._mutex)
        self.waiting += 1
        while self.active:
            self._released.wait()
        self.waiting -= 1

    def _consume(self) -> None:
        messages, handler, spend, name = self._messages, self._handler, self._scheduler.spend, self.name
        while messages:
            spend(name)
            handler(messages.popleft())

    def _end(self) -> None:
        """First say that there is no consumer, then look: who came before the one or after the other is seen."""
        self.active = False
        self._leave()

    def _leave(self) -> None:
        """Said once and not again: by now another may be the consumer."""
        if self.waiting:
            self._hand_over()
        elif self._messages:  # came at the last moment, or is left because something raised
            self._schedule()

    def _hand_over(self) -> None:
        """To a process that waits; it does what is queued first."""
        assert self._released is not None
        with self._released:
            self._released.notify()
