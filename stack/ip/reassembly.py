"""Putting fragments together (RFC 791, 3.2; RFC 8200, 4.5; RFC 5722), for one family in one routing instance.

Fragments for this host come through a service queue, so that what is held has one writer. A datagram is whole when its
bytes lie side by side, and goes on to who wants it as if it had come in one piece, with nothing known of its sums.

* Fragments that overlap, or do not agree where the end is, are nobody's honest work: all of that datagram is dropped,
  what comes later of it too. The very same fragment once more is only that. This is RFC 5722 for IPv6, and what Linux
  does for IPv4 as well.
* What is not whole after `LIFETIME` is dropped, and if its begin is there its sender is told.
* What is held costs at most `limit` bytes, with what Python spends on it: the oldest datagram gives way. All live
  equally long, so the oldest is also the one that ends next, and there is one timer, whatever comes.
"""

from __future__ import annotations

from bisect import bisect
from typing import NamedTuple, Protocol

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import BROADCAST, MULTICAST, REASSEMBLED, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.stats import IpStats
from ringbed.stack.kern.timers import Timer, Timers

LIFETIME = 60 * 1_000_000_000  # ns; RFC 8200, 4.5; RFC 1122, 3.3.2
BYTES_MAX = 4 << 20  # as Linux: net.ipv4.ipfrag_high_thresh
OVERHEAD = 256  # bytes, about: what a fragment costs beside its data, and a datagram beside its fragments
MARKS = BROADCAST | MULTICAST  # of its begin, which the whole has too


class Part(NamedTuple):
    """One fragment: of the datagram `key`, its `data` from the byte `at` on. `header` goes before the whole."""

    key: tuple[int, ...]
    at: int
    data: bytes
    more: bool
    header: bytes


class Parted(Protocol):
    """What reassembly needs of IP."""

    @property
    def stats(self) -> IpStats: ...

    def part(self, packet: Packet) -> Part | None:
        """Read a fragment; None: it is none that there can be, and has been ended."""
        ...

    def whole(self, first: Part, data: bytes) -> Packet | None:
        """The packet that `first` begins; None: it would be longer than there can be."""
        ...

    def ip_deliver(self, packet: Packet) -> None: ...

    def ip_expired(self, packet: Packet) -> None:
        """Of what begins like this not all has come in time: tell its sender."""
        ...


class Datagram(Owned):
    """What there is of one: `parts` that begin at `starts`, in order, and never overlap. `spoilt`: they did.

    `length` is that of the whole, once known; `cost` in bytes. `first` is the fragment that begins it, `quote` its
    first bytes, with what else is known of where it came from.
    """

    def __init__(self, queue: ServiceQueue, ends_at: int) -> None:
        self.ends_at = ends_at
        self.starts: list[int] = []
        self.parts: list[bytes] = []
        self.length: int | None = None
        self.size = 0
        self.cost = OVERHEAD
        self.first: Part | None = None
        self.quote: Packet | None = None
        self.spoilt = False
        self.queue = queue

    def add(self, part: Part) -> bool:
        """Take it in. False when it is here already, or does not agree with the others: then `spoilt` says which."""
        at, size = part.at, len(part.data)
        end = at + size
        place = bisect(self.starts, at)
        if place and self.starts[place - 1] == at and self.parts[place - 1] == part.data:
            self.spoilt = part.more == (self.length == end)
            return False
        before = self.starts[place - 1] + len(self.parts[place - 1]) if place else 0
        after = self.starts[place] if place < len(self.starts) else end
        if before > at or after < end or not self._agrees(part, end):
            self.spoilt = True
            return False
        self.starts.insert(place, at)
        self.parts.insert(place, part.data)
        self.size += size
        if not part.more:
            self.length = end
        return True

    def _agrees(self, part: Part, end: int) -> bool:
        """With the others, on where the end is."""
        if part.more:
            return self.length is None or end < self.length
        if self.length is not None:
            return end == self.length
        return not self.starts or self.starts[-1] + len(self.parts[-1]) <= end

    @property
    def complete(self) -> bool:
        return self.size == self.length

    def empty(self) -> int:
        """Let go of what it has; how many fragments that were."""
        count = len(self.parts)
        self.starts, self.parts = [], []
        self.first = self.quote = None
        return count


class Reassembly(Owned):
    """See the module's text."""

    def __init__(self, ip: Parted, title: str, scheduler: Scheduler, timers: Timers, limit: int = BYTES_MAX) -> None:
        self.limit = limit
        self.cost = 0  # of all that is held, in bytes
        self.datagrams: dict[tuple[int, ...], Datagram] = {}  # the oldest first
        self._ip = ip
        self._stats = stats = ip.stats
        self._scheduler = scheduler
        queue = ServiceQueue(f"{title} reassembly", self._service, scheduler, stats.ips_fragdropped)
        self._timer: Timer[None] = timers.timer(queue, None)
        self.queue = queue

    def _service(self, message: Message) -> None:
        if isinstance(message, Packet):
            self._receive(message)
        elif isinstance(message, Timer):
            if message.take():
                self._end_old()
        else:
            raise TypeError(f"{self.queue.name} does not know what to do with {message!r}")

    # -- a fragment -------------------------------------------------------------------------------------------

    def _receive(self, packet: Packet) -> None:
        part = self._ip.part(packet)
        if part is None:
            return None
        datagram = self.datagrams.get(part.key) or self._new(part.key)
        if datagram.spoilt:
            return packet.drop(self._stats.ips_fragoverlap)
        if not datagram.add(part):
            return self._spoil(datagram, packet) if datagram.spoilt else packet.drop(self._stats.ips_fragdup)
        if packet.journey is not None:
            packet.journey.step("reassembly", self.queue.name)
        self._charge(datagram, OVERHEAD + len(part.data))
        if not part.at:
            self._begin(datagram, part, packet)
        if datagram.complete:
            return self._complete(part.key, datagram)
        return self._make_room()

    def _new(self, key: tuple[int, ...]) -> Datagram:
        ends_at = self._scheduler.now + LIFETIME
        made = self.datagrams[key] = Datagram(self.queue, ends_at)
        self.cost += OVERHEAD
        if len(self.datagrams) == 1:
            self._timer.set(ends_at)
        return made

    def _charge(self, datagram: Datagram, cost: int) -> None:
        datagram.cost += cost
        self.cost += cost

    def _begin(self, datagram: Datagram, part: Part, packet: Packet) -> None:
        datagram.first = part
        datagram.quote = packet.head()
        datagram.quote.journey = packet.journey
        self._charge(datagram, datagram.quote.length + len(part.header))

    def _complete(self, key: tuple[int, ...], datagram: Datagram) -> None:
        self._forget(key, datagram)
        first, quote, data = datagram.first, datagram.quote, b"".join(datagram.parts)
        count = datagram.empty()
        assert first is not None
        assert quote is not None
        whole = self._ip.whole(first, data)
        if whole is None:
            self._stats.ips_badfrags.value += count
            return
        self._stats.ips_fragjoined.value += count
        self._stats.ips_reassembled.value += 1
        whole.flags |= REASSEMBLED | quote.flags & MARKS
        whole.ifl_index, whole.tick, whole.journey = quote.ifl_index, quote.tick, quote.journey
        whole.src, whole.dst = quote.src, quote.dst
        self._ip.ip_deliver(whole)

    # -- what comes to nothing --------------------------------------------------------------------------------

    def _spoil(self, datagram: Datagram, packet: Packet) -> None:
        """Its key stays, so that what comes later of it is known."""
        packet.drop(self._stats.ips_fragoverlap)
        count = datagram.empty()
        self._stats.ips_fragoverlap.value += count
        self._charge(datagram, OVERHEAD - datagram.cost)

    def _end_old(self) -> None:
        now = self._scheduler.now
        while (key := next(iter(self.datagrams), None)) is not None:
            datagram = self.datagrams[key]
            if datagram.ends_at > now:
                self._timer.set(datagram.ends_at)
                return
            if datagram.quote is not None:
                self._ip.ip_expired(datagram.quote)
            self._end(key, datagram, self._stats.ips_fragtimeout)

    def _make_room(self) -> None:
        while self.cost > self.limit:
            key = next(iter(self.datagrams))
            self._end(key, self.datagrams[key], self._stats.ips_fragdropped)

    def _end(self, key: tuple[int, ...], datagram: Datagram, cause: Counter) -> None:
        self._forget(key, datagram)
        count = datagram.empty()
        cause.value += count

    def _forget(self, key: tuple[int, ...], datagram: Datagram) -> None:
        del self.datagrams[key]
        self.cost -= datagram.cost
        if not self.datagrams:
            self._timer.stop()
