"""Finding neighbours for one iff: the process behind its RESOLV next hops, whatever protocol asks.

One service queue holds messages of that protocol that came in, packets of this host whose neighbour is not known, and
timers that are due, so that the neighbours have one writer; a change of configuration becomes the queue's consumer.
Each neighbour is an IFDEST route in the table: there is no other cache. There are at most `NEIGHBOURS_MAX`: a new one
takes the place of one that nothing needs, and is not made where all are needed.

A codec (arp.py, nd.py) derives from `Resolver`. It says what a request is like, turns what it hears into events, and
has `Timing`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ringbed.stack.ip.core import Core
from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.neighbour_stats import NeighbourStats
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.timers import Timer
from ringbed.stack.link.ether import EtherLink
from ringbed.stack.neigh.machine import TRANSITIONS, Action, Event, Neighbour, State, Used
from ringbed.stack.route.nexthop import Resolve
from ringbed.stack.route.table import Route, Rtt, prefix

SECOND = 1_000_000_000
NEIGHBOURS_MAX = 1024  # of one iff (Linux: net.ipv4.neigh.default.gc_thresh3)
KEPT_PLACES = NEIGHBOURS_MAX // 4  # of these, for neighbours that this host itself needs
_BUSY = frozenset({State.INCOMPLETE, State.DELAY, State.PROBE})
_FRESH = frozenset({State.REACHABLE, State.STALE})  # to get here clears the mark of use


@dataclass(frozen=True, slots=True)
class Timing:
    """In ns. `tries` for who is not known, `probes` for who is. `keep` 0: nobody is ever stale."""

    tries: int
    probes: int
    retry: int
    reachable: int
    delay: int
    keep: int  # how long one that is stale and unused is kept
    down: int  # how long one that did not answer is left alone

    def of(self, state: State) -> int:
        """How long until something happens by itself in this state; 0: nothing ever does."""
        times = {
            State.INCOMPLETE: self.retry, State.REACHABLE: self.reachable, State.STALE: self.keep,
            State.DELAY: self.delay, State.PROBE: self.retry, State.DOWN: self.down,
        }  # fmt: skip
        return times.get(state, 0)


class Site(Protocol):
    """What a resolver needs of its iff."""

    @property
    def name(self) -> str: ...

    @property
    def ifl_index(self) -> int: ...

    @property
    def ip(self) -> Ip: ...

    @property
    def link(self) -> EtherLink: ...

    def local_for(self, address: int) -> int:
        """Our address on the subnet of an address, or 0 when it is on none of this iff's."""
        ...

    def source_address(self, dst: int) -> int:
        """Our address on this iff for a destination, or 0."""
        ...


class Resolver(Owned):
    """See the module's text. `title` names it in its queue's name."""

    title: ClassVar[str]

    def __init__(self, site: Site, core: Core, stats: NeighbourStats, timing: Timing) -> None:
        self.neighbours: dict[int, Neighbour] = {}
        self.timing = timing
        self.core = core
        self.site = site
        self.link = site.link
        self.family = site.ip.family
        self.lladdr = site.link.carrier.lladdr
        self.is_local = site.ip.is_local
        self.local_for = site.local_for
        self._stats = stats
        self.queue = ServiceQueue(f"{site.name}:{self.title}", self._service, core.scheduler, stats.fullqueue)

    # -- what comes through the queue -----------------------------------------------------------------------

    def input(self, packet: Packet, _: object = None) -> None:
        """A message of the protocol, in input context: stateful, so queue it."""
        self._stats.received.value += 1
        self.queue.post(packet)

    def _service(self, message: Message) -> None:
        if isinstance(message, Packet):
            if message.journey is not None:
                message.journey.step(f"{self.title}_input", self.queue.name)
            self._receive(message)
        elif isinstance(message, Resolve):
            self._send_or_hold(message.packet, message.address)
        elif isinstance(message, Timer):
            if message.take():
                self._due(message.subject)
        elif isinstance(message, Used):
            if message.neighbour.state is State.STALE:
                self.event(message.neighbour, Event.SEND)
        else:
            raise TypeError(f"{self.queue.name} does not know what to do with {message!r}")

    @abstractmethod
    def _receive(self, packet: Packet) -> None:
        """A message came: end it or count it, and say what follows from it by `event`."""

    @abstractmethod
    def _request(self, neighbour: Neighbour, lladdr: bytes | None) -> None:
        """Ask for it: everybody who might be it, or, if its link address is known, itself."""

    def _send_or_hold(self, packet: Packet, address: int) -> None:
        if not self.local_for(address):  # the subnet was removed while the packet waited here
            return packet.drop(self._stats.unresolved)
        neighbour = self._needed(address, of_others=bool(packet.ifl_index))
        if neighbour is None:
            self.site.ip.unreachable(packet)
            return packet.drop(self._stats.tablefull)
        if neighbour.header is not None or neighbour.state is State.DOWN:  # known by now, or given up
            neighbour.output(packet, True)
        elif neighbour.hold(packet):
            self.event(neighbour, Event.SEND)
        return None

    # -- neighbours -----------------------------------------------------------------------------------------

    def resolve(self, address: int) -> Neighbour | None:
        """The next hop for one neighbour, for a route through it; made (as HOLD) when it is not known.

        None when the table is full of neighbours that are needed. From a process.
        """
        with self.queue:
            return self._needed(address)

    def _needed(self, address: int, of_others: bool = False) -> Neighbour | None:
        """None when there is no room: one that was used gives way only to one that this host needs.

        `of_others`: it is a packet from outside that needs it. Whoever sends to every address of a subnet through us
        pushes nobody out who was sent to, and cannot fill the last places (RFC 6583).
        """
        neighbour = self.neighbours.get(address)
        if neighbour is not None:
            return neighbour
        if of_others:
            room = self._make_room(used=False, places=NEIGHBOURS_MAX - KEPT_PLACES)
        else:
            room = self._make_room(used=False) or self._make_room(used=True)
        return self._new(address) if room else None

    def learn(self, address: int) -> Neighbour | None:
        """For one who asked for us: whom nobody here has sent to takes no place of one who was sent to."""
        known = self.neighbours.get(address)
        if known is None and self._make_room(used=False):
            known = self._new(address)
        if known is None:
            self._stats.notlearned.value += 1
        return known

    def _new(self, address: int) -> Neighbour:
        site, local = self.site, self.local_for(address)
        neighbour = Neighbour(
            address, self.link, site.ifl_index, local, site.source_address, site.ip, self._stats, self.queue,
            self.core.timers,
        )  # fmt: skip
        self.neighbours[address] = neighbour
        site.ip.table.add(Route(prefix(self.family, address), Rtt.IFDEST, neighbour, site.ifl_index))
        return neighbour

    def _make_room(self, used: bool, places: int = NEIGHBOURS_MAX) -> bool:
        """Whether there is room for one more: the oldest goes that no route needs and nobody waits for."""
        if len(self.neighbours) < places:
            return True
        for old in self.neighbours.values():
            if old.references == 1 and old.used == used and old.state not in _BUSY:
                self._remove(old)
                old.die()
                self._stats.evicted.value += 1
                return True
        return False

    def event(self, neighbour: Neighbour, event: Event, lladdr: bytes | None = None) -> None:
        """`lladdr` is what was heard of its link address, if anything."""
        before = neighbour.state
        neighbour.state, action = TRANSITIONS[before, event]
        changed = neighbour.state is not before
        if lladdr is not None:
            self._heard(neighbour, lladdr)
        if neighbour.state in _FRESH and (changed or action is Action.RELEASE):
            neighbour.used = False
        if changed or action is not Action.NONE:
            self._set_timer(neighbour)
        self._act(neighbour, action, changed)

    def _heard(self, neighbour: Neighbour, lladdr: bytes) -> None:
        if neighbour.header is None:
            self._stats.learned.value += 1
        neighbour.header = self.link.carrier.header(lladdr, self.family.ethertype)

    def _set_timer(self, neighbour: Neighbour) -> None:
        if time := self.timing.of(neighbour.state):
            neighbour.timer.set(self.core.scheduler.now + time)
        else:
            neighbour.timer.stop()

    def _act(self, neighbour: Neighbour, action: Action, changed: bool) -> None:
        if action is Action.ASK:
            neighbour.tries = 1 if changed else neighbour.tries + 1
            self._request(neighbour, neighbour.header[:6] if neighbour.header else None)
        elif action is Action.RELEASE:
            neighbour.release()
        elif action is Action.FORSAKE:
            self._stats.unanswered.value += 1
            neighbour.forsake()
        elif action is Action.FORGET:
            self._forget(neighbour)

    def _forget(self, neighbour: Neighbour) -> None:
        neighbour.header = None
        self._stats.expired.value += 1
        if neighbour.references == 1:  # its own route and nobody else's
            self._remove(neighbour)

    def _remove(self, neighbour: Neighbour) -> None:
        del self.neighbours[neighbour.address]
        self.site.ip.table.delete(prefix(self.family, neighbour.address), Rtt.IFDEST, self.site.ifl_index)

    # -- configuration and time -----------------------------------------------------------------------------

    def refit(self) -> None:
        """Addresses of the iff changed: neighbours on no subnet die, the others get their local address anew."""
        with self.queue:
            for neighbour in list(self.neighbours.values()):
                neighbour.local = self.local_for(neighbour.address)
                if not neighbour.local:
                    self._remove(neighbour)
                    neighbour.die()

    def _due(self, subject: object) -> None:
        """The time of something behind this queue has come."""
        assert isinstance(subject, Neighbour)
        self.event(subject, self._timer_event(subject))

    def _timer_event(self, neighbour: Neighbour) -> Event:
        state = neighbour.state
        if state is State.REACHABLE and self.timing.keep:
            return Event.AGED
        if state is State.STALE or (state is State.REACHABLE and not neighbour.used):
            return Event.UNUSED
        tries = {State.INCOMPLETE: self.timing.tries, State.PROBE: self.timing.probes}
        return Event.GIVE_UP if neighbour.tries >= tries.get(state, neighbour.tries + 1) else Event.TIMER
