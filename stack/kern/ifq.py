"""The queues between a driver and the stack, both carrying raw, fully encapsulated frames.

Input, one `Ifiq` per RX ring. The producer is the driver, in interrupt context; the consumer is the input context,
which runs the queue to empty in one batch, once at a time: frames of one ring stay in order, whatever the number of
workers. The two have a mutex, and nobody else is at it (seed 004). `input` answers with pressure: over one limit frames
are dropped, over half of it the driver is told to back off. Frames are dropped here, before any work is spent on them,
and nowhere else for want of room on the way up to a service queue.

Output, one `Ifq` per TX ring. The producer is the stack (`enqueue`), the consumer the driver (`begin`, then `commit` or
`rollback`, see link/interface.py). A full queue refuses: the sender is told ENOBUFS. OACTIVE means that the ring below
is full: the driver is not started again until it says so.

Starting a driver costs a doorbell, so it is put off until a few packets wait (`TXMIT`) or the stack has nothing better
to do, whichever comes first. It always runs in interrupt context, whoever put the packet in: the scheduler is asked.
And once at a time: who finds it running leaves word, and who runs it looks for that after he has said that he goes.

Taps: hardware in is at `Ifiq.input`, before anything can drop the frame; hardware out is at `Ifq.commit`, in the
driver's start, when the frame is known to have gone to the ring. Counters are those `kstat` prints: `enqueues` and
`dequeues` of an input queue count batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from itertools import islice
from threading import Lock

from ringbed.stack.kern.counters import Group
from ringbed.stack.kern.message import FIRST, FULL, QUEUED, Posted
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Context, Scheduler

IFIQ_MAXLEN = 2048
IFQ_MAXLEN = 255  # as seed 000 prints it
TXMIT = 16


class Direction(Enum):
    IN = "in"
    OUT = "out"


Tap = Callable[[bytes, Direction], None]


class Ifiq(Group):
    """`handler` gets every batch; `tap` sees every frame."""

    def __init__(
        self,
        title: str,
        handler: Callable[[list[Packet]], None],
        scheduler: Scheduler,
        maxlen: int = IFIQ_MAXLEN,
    ) -> None:
        super().__init__(title)
        self.packets = 0
        self.bytes = 0
        self.qdrops = self.drop("packet{s} dropped due to full interface input queue")
        self.enqueues = 0
        self.dequeues = 0
        self.maxlen = maxlen
        self.tap: Tap | None = None
        self._handler = handler
        self._scheduler = scheduler
        self._mutex = Lock()
        self._busy = False  # it stands in the scheduler, or is run
        self._packets: list[Packet] = []

    def __len__(self) -> int:
        return len(self._packets)

    def input(self, batch: list[Packet]) -> bool:
        """Take a batch of received frames. True asks the driver to back off."""
        if not batch:
            return False
        self._see(batch)
        with self._mutex:
            waiting = self._packets
            room = self.maxlen - len(waiting)
            waiting.extend(batch[:room])
            self.enqueues += 1
            pressure = len(waiting) > self.maxlen // 2
            first, self._busy = not self._busy, True
        if first:
            self._scheduler.schedule(Context.INPUT, self)
        for packet in batch[room:]:
            packet.drop(self.qdrops)
        return pressure

    def _see(self, batch: list[Packet]) -> None:
        count = len(batch)
        self.packets += count
        for packet in batch:
            self.bytes += packet.length
            if packet.journey is not None:
                packet.journey.step("ifiq_input", self.title)
        if self.tap is not None:
            for packet in batch:
                self.tap(packet.bytes(), Direction.IN)

    def run(self) -> None:
        """One batch to `ether_input`: all there is. What comes meanwhile is another turn's, after this one."""
        with self._mutex:
            batch, self._packets = self._packets, []
        self.dequeues += 1
        try:
            self._handler(batch)
        finally:
            self._end()

    def _end(self) -> None:
        with self._mutex:
            again = self._busy = bool(self._packets)
        if again:
            self._scheduler.schedule(Context.INPUT, self)


class Ifq(Group):
    """`start` is the driver's procedure; `index` the number of the ring."""

    def __init__(
        self,
        title: str,
        index: int,
        start: Callable[[Ifq], None],
        scheduler: Scheduler,
        maxlen: int = IFQ_MAXLEN,
    ) -> None:
        super().__init__(title)
        self.index = index
        self.packets = 0
        self.bytes = 0
        self.qdrops = self.drop("packet{s} dropped due to full interface output queue")
        self.oactive = False
        self.oactives = 0
        self.maxlen = maxlen
        self.tap: Tap | None = None
        self._start = start
        self._scheduler = scheduler
        self._mutex = Lock()
        self._scheduled = False  # it stands in the scheduler; becomes true under the mutex
        self._driver = Lock()  # who has it runs the driver
        self._wanted = False  # a start was asked for
        self._packets: deque[Packet] = deque()
        self._begun: list[Packet] | None = None

    def __len__(self) -> int:
        return len(self._packets)

    def enqueue(self, packet: Packet) -> Posted:
        """Append, or drop and count when the queue is full, and the sender should know. FIRST: a start is scheduled.

        Threads that append at the same moment may exceed `maxlen` by as many as they are.
        """
        packets = self._packets
        waiting = len(packets)
        if waiting >= self.maxlen:
            packet.drop(self.qdrops)
            return FULL
        packets.append(packet)
        self.packets += 1
        self.bytes += packet.length
        if not self._scheduled and self._schedule():
            return FIRST
        if waiting >= TXMIT - 1:
            self._scheduler.preempt()
        return QUEUED

    def _schedule(self) -> bool:
        """False when another has done it."""
        with self._mutex:
            if self._scheduled:
                return False
            self._scheduled = True
        self._scheduler.schedule(Context.INTERRUPT, self)
        return True

    def run(self) -> None:
        """Scheduled because something was put in. Says so first: what is put in from now on schedules it again."""
        self._scheduled = False
        self.start()

    def start(self) -> None:
        """Let the driver take what it can, batch after batch, until there is nothing more or it is full.

        While another is at it: that one does.
        """
        self._wanted = True
        while self._wanted and self._driver.acquire(blocking=False):
            try:
                self._wanted = False
                self._batches()
            finally:
                self._driver.release()

    def _batches(self) -> None:
        waiting = 0
        while self._packets and len(self._packets) != waiting and not self.oactive and self._begun is None:
            waiting = len(self._packets)
            self._start(self)

    def begin(self, limit: int) -> list[Packet]:
        """Up to `limit` packets from the head, which stay in the queue until `commit`. One at a time, by the driver."""
        if self._begun is not None:
            raise RuntimeError(f"{self.title}: begin again before commit or rollback")
        self._begun = self._head(max(0, limit))
        return self._begun

    def _head(self, limit: int) -> list[Packet]:
        """A sender may append between the two calls of the first form, not within the one of the second."""
        packets = self._packets
        if limit < len(packets):
            with suppress(RuntimeError):
                return list(islice(packets, limit))
        return list(packets)[:limit]

    def commit(self, taken: int) -> None:
        """The first `taken` packets of the batch are in the ring; the others stay at the head."""
        begun = self._begun
        if begun is None or not 0 <= taken <= len(begun):
            raise RuntimeError(f"{self.title}: commit of {taken} packets, {len(begun or ())} were begun")
        self._begun = None
        packets = self._packets
        for _ in range(taken):
            packets.popleft()
        self._see(islice(begun, taken))

    def rollback(self) -> None:
        """None of the batch was taken."""
        self.commit(0)

    def _see(self, sent: Iterable[Packet]) -> None:
        for packet in sent:
            if packet.journey is not None:
                packet.journey.step("ifq_start", self.title)
            if self.tap is not None:
                self.tap(packet.bytes(), Direction.OUT)

    def purge(self) -> int:
        """Drop what waits, because the device went away; how many."""
        with self._driver:
            gone = len(self._packets)
            while self._packets:
                self._packets.popleft().drop(self.qdrops)
        return gone

    def set_oactive(self) -> None:
        """The ring is full."""
        if not self.oactive:
            self.oactives += 1
        self.oactive = True

    def restart(self) -> None:
        """Descriptors came back: OACTIVE is over, and a start is scheduled."""
        self.oactive = False
        if self._packets and not self._scheduled:
            self._schedule()
