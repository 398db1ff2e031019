"""ARP for one iff (RFC 826, RFC 1122 2.3.2): the process behind its RESOLV next hops.

One service queue holds ARP frames that came in, packets of this host whose neighbour is not known, and timers that are
due, so that the neighbours have one writer; a change of configuration becomes the queue's consumer. Neighbours are
learned from requests for our address, from answers to our
own requests, and are created by packets and routes that need them. Each is an IFDEST route in the table: there is no
other cache. There are at most `NEIGHBOURS_MAX`: a new one takes the place of one that nothing needs, and is not made
where all are needed.
"""

from __future__ import annotations

from collections.abc import Callable

from ringbed.stack.kern.message import Message
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import HEADROOM, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.stats import Stats
from ringbed.stack.kern.timers import Timer, Timers
from ringbed.stack.link.ether import EtherLink
from ringbed.stack.neigh.machine import TRANSITIONS, Action, Event, Neighbour, State
from ringbed.stack.route.nexthop import Resolve
from ringbed.stack.route.table import Route, RouteTable, Rtt, prefix
from ringbed.stack.wire import arp, ethernet
from ringbed.stack.wire.view import Truncated

SECOND = 1_000_000_000
RETRY = 1 * SECOND
TRIES = 5
KEEP = 20 * 60 * SECOND  # how long an answer is good for
REFRESH = 60 * SECOND  # before the end of it, a neighbour in use is asked again
DOWN = 20 * SECOND  # how long one that did not answer is left alone
NEIGHBOURS_MAX = 1024  # of one iff (Linux: net.ipv4.neigh.default.gc_thresh3)
_ANYBODY = bytes(6)
_BUSY = frozenset({State.ASKING, State.REFRESHING})


class Arp(Owned):
    """`local_for` gives our address on the subnet of an address, or 0 when it is on none of this iff's."""

    def __init__(
        self,
        title: str,
        ifl_index: int,
        link: EtherLink,
        table: RouteTable,
        stats: Stats,
        scheduler: Scheduler,
        timers: Timers,
        local_for: Callable[[int], int],
        is_local: Callable[[int], bool],
    ) -> None:
        self.neighbours: dict[int, Neighbour] = {}
        self._ifl_index = ifl_index
        self._link = link
        self._lladdr = link.carrier.lladdr
        self._table = table
        self._ip_stats = stats.ip
        self._stats = stats.arp
        self._scheduler = scheduler
        self._timers = timers
        self._local_for = local_for
        self._is_local = is_local
        self.queue = ServiceQueue(f"{title}:arp", self._service, scheduler, stats.arp.fullqueue)

    # -- what comes through the queue -----------------------------------------------------------------------

    def arp_input(self, packet: Packet, _: object = None) -> None:
        """From the L2 demux, in input context: stateful, so queue it."""
        self._stats.received.value += 1
        self.queue.post(packet)

    def _service(self, message: Message) -> None:
        if isinstance(message, Packet):
            self._receive(message)
        elif isinstance(message, Resolve):
            self._send_or_hold(message.packet, message.address)
        elif isinstance(message, Timer):
            self._expired(message)
        else:
            raise TypeError(f"{self.queue.name} does not know what to do with {message!r}")

    def _send_or_hold(self, packet: Packet, address: int) -> None:
        if not self._local_for(address):  # the subnet was removed while the packet waited here
            return packet.drop(self._stats.unresolved)
        neighbour = self._needed(address)
        if neighbour is None:
            return packet.drop(self._stats.tablefull)
        if neighbour.header is not None or neighbour.state is State.DOWN:  # known by now, or given up
            neighbour.output(packet, True)
        elif neighbour.hold(packet):
            self._event(neighbour, Event.SEND)
        return None

    def _receive(self, packet: Packet) -> None:
        try:
            message = arp.Arp.parse(packet.segments[0], packet.l3)
        except (Truncated, ValueError):
            return packet.drop(self._stats.malformed)
        if packet.journey is not None:
            packet.journey.step("arp_input", self.queue.name)
        if message.operation == arp.REQUEST:
            self._stats.requests_in.value += 1
        elif message.operation == arp.REPLY:
            self._stats.replies_in.value += 1
        else:
            return packet.drop(self._stats.malformed)
        if message.sender_hw == self._lladdr or message.sender_hw[0] & 1:
            return packet.drop(self._stats.badsender)
        if self._is_local(message.sender):
            return packet.drop(self._stats.duplicate)
        self._learn_and_answer(packet, message)

    def _learn_and_answer(self, packet: Packet, message: arp.Arp) -> None:
        """RFC 826's reception: merge first, then, if the target is us, learn and answer.

        What nobody asked for is not believed: only a request makes a neighbour.
        """
        probe = message.sender == 0  # RFC 5227: somebody asks before using an address
        if not probe and not self._local_for(message.sender):
            return packet.drop(self._stats.badsender)
        known = self.neighbours.get(message.sender)
        to_us = self._is_local(message.target)
        if known is None and not to_us:
            return packet.drop(self._stats.nottarget)
        if known is None and message.operation == arp.REPLY:
            return packet.drop(self._stats.unasked)
        if not probe:
            self._heard(known or self._learn(message.sender), message.sender_hw)
        if to_us and message.operation == arp.REQUEST:
            self._stats.replies_out.value += 1
            self._send(arp.Arp(arp.REPLY, self._lladdr, message.target, message.sender_hw, message.sender))
        else:
            self._stats.updates.value += 1
        return None

    def _heard(self, neighbour: Neighbour | None, lladdr: bytes) -> None:
        if neighbour is None:
            self._stats.notlearned.value += 1
        else:
            self._event(neighbour, Event.ANSWER, lladdr)

    # -- neighbours -----------------------------------------------------------------------------------------

    def resolve(self, address: int) -> Neighbour | None:
        """The next hop for one neighbour, for a route through it; made (as HOLD) when it is not known.

        None when the table is full of neighbours that are needed. From a process.
        """
        with self.queue:
            return self._needed(address)

    def _needed(self, address: int) -> Neighbour | None:
        """None when there is no room: one that was used gives way only to one that is needed."""
        neighbour = self.neighbours.get(address)
        if neighbour is None and (self._make_room(used=False) or self._make_room(used=True)):
            neighbour = self._new(address)
        return neighbour

    def _learn(self, address: int) -> Neighbour | None:
        """For one who asked for us: whom nobody here has sent to takes no place of one who was sent to."""
        return self._new(address) if self._make_room(used=False) else None

    def _new(self, address: int) -> Neighbour:
        stats = (self._ip_stats, self._stats)
        local = self._local_for(address)
        neighbour = Neighbour(address, self._link, self._ifl_index, local, stats, self.queue, self._timers)
        self.neighbours[address] = neighbour
        self._table.add(Route(prefix(address), Rtt.IFDEST, neighbour, self._ifl_index))
        return neighbour

    def _make_room(self, used: bool) -> bool:
        """Whether there is room for one more: the oldest goes that no route needs and nobody waits for."""
        if len(self.neighbours) < NEIGHBOURS_MAX:
            return True
        for old in self.neighbours.values():
            if old.references == 1 and old.used == used and old.state not in _BUSY:
                self._remove(old)
                old.die()
                self._stats.evicted.value += 1
                return True
        return False

    def _event(self, neighbour: Neighbour, event: Event, lladdr: bytes | None = None) -> None:
        before = neighbour.state
        neighbour.state, action = TRANSITIONS[before, event]
        if lladdr is not None:
            self._answered(neighbour, before, lladdr)
        if action is Action.ASK:
            self._ask(neighbour, first=before is not neighbour.state)
        elif action is Action.RELEASE:
            neighbour.release()
        elif action is Action.FORSAKE:
            self._stats.unanswered.value += 1
            neighbour.timer.set(self._scheduler.now + DOWN)
            neighbour.forsake()
        elif action is Action.FORGET:
            self._forget(neighbour)

    def _answered(self, neighbour: Neighbour, before: State, lladdr: bytes) -> None:
        if neighbour.header is None:
            self._stats.learned.value += 1
        neighbour.header = self._link.carrier.header(lladdr, ethernet.ETHERTYPE_IPV4)
        neighbour.timer.set(self._scheduler.now + KEEP - REFRESH)
        neighbour.used = False

    def _ask(self, neighbour: Neighbour, first: bool) -> None:
        """A request: to everybody, or to the address that is about to run out."""
        neighbour.tries = 1 if first else neighbour.tries + 1
        neighbour.timer.set(self._scheduler.now + RETRY)
        self._stats.requests_out.value += 1
        known = neighbour.header[:6] if neighbour.header else None
        request = arp.Arp(arp.REQUEST, self._lladdr, neighbour.local, known or _ANYBODY, neighbour.address)
        self._send(request, known or ethernet.BROADCAST)

    def _forget(self, neighbour: Neighbour) -> None:
        neighbour.header = None
        neighbour.timer.stop()
        self._stats.expired.value += 1
        if neighbour.references == 1:  # its own route and nobody else's
            self._remove(neighbour)

    def _remove(self, neighbour: Neighbour) -> None:
        del self.neighbours[neighbour.address]
        self._table.delete(prefix(neighbour.address), Rtt.IFDEST, self._ifl_index)

    def _send(self, message: arp.Arp, to: bytes | None = None) -> None:
        header = self._link.carrier.header(to or message.target_hw, ethernet.ETHERTYPE_ARP)
        packet = Packet([bytearray(HEADROOM) + message.emit()], start=HEADROOM)
        self._link.ether_output(packet, header)

    # -- configuration and time -----------------------------------------------------------------------------

    def refit(self) -> None:
        """Addresses of the iff changed: neighbours on no subnet die, the others get their local address anew."""
        with self.queue:
            for neighbour in list(self.neighbours.values()):
                neighbour.local = self._local_for(neighbour.address)
                if not neighbour.local:
                    self._remove(neighbour)
                    neighbour.die()

    def _expired(self, timer: Timer[Neighbour]) -> None:
        if timer.take():
            neighbour = timer.subject
            self._event(neighbour, self._timer_event(neighbour))

    @staticmethod
    def _timer_event(neighbour: Neighbour) -> Event:
        if neighbour.state is State.REACHABLE:
            return Event.TIMER if neighbour.used else Event.UNUSED
        if neighbour.state is not State.DOWN and neighbour.tries >= TRIES:
            return Event.GIVE_UP
        return Event.TIMER
