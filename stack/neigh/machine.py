"""A neighbour on a multiaccess link: the next hop that is HOLD until its link address is known, then UNICAST.

All transitions live in this file, and they are the same for ARP and for neighbour discovery, whose five states of RFC
4861 7.3.2 these are, with three more. The engine that owns the neighbours (resolver.py) turns what happens into events
and carries out the actions; the table says what follows. A neighbour's one writer is the consumer of that engine's
queue: whoever has a packet for it reads the finished header, which is published by one assignment, and sends, or posts
the packet to the queue.

    IDLE        nothing known, nobody asked (HOLD); it stays because a route needs it
    INCOMPLETE  requests are out, packets are held (HOLD)
    REACHABLE   link address known, and of late it has answered (UNICAST)
    STALE       known, but nobody has heard of it for long, or it was only told and never asked (UNICAST)
    DELAY       it was stale and is sent to: it has a moment to show by itself that it is there (UNICAST)
    PROBE       asked again, by unicast (UNICAST)
    DOWN        did not answer; packets are refused for a while (HOLD)
    DEAD        what it depended on was removed (DEAD); routes may still point here

Under ARP nobody is stale: what is about to run out and was used is asked again at once, the rest is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from errno import EHOSTDOWN, EHOSTUNREACH, ENOBUFS

from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.neighbour_stats import NeighbourStats
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.timers import Timers
from ringbed.stack.link.ether import EtherLink
from ringbed.stack.route.nexthop import NextHop, Resolve, Rnh
from ringbed.stack.wire.ipv6 import LINK_LOCAL_AT, LINK_LOCAL_IS, is_link_local

HOLD_MAX = 16  # packets kept for one neighbour


class State(Enum):
    IDLE = "idle"
    INCOMPLETE = "incomplete"
    REACHABLE = "reachable"
    STALE = "stale"
    DELAY = "delay"
    PROBE = "probe"
    DOWN = "down"
    DEAD = "dead"


class Event(Enum):
    SEND = "a packet for it: address unknown, or the first since it is stale"
    ANSWER = "it answered: its link address is sure"
    HEARD = "a link address was told that is new, and nobody asked for it"
    DOUBT = "another link address was told, that does not claim to replace the one we have"
    TIMER = "its time came"
    GIVE_UP = "its time came and no tries are left"
    AGED = "its time came, and what we know is no longer fresh"
    UNUSED = "its time came and nothing was sent to it"


class Action(Enum):
    NONE = "nothing"
    ASK = "send a request"
    RELEASE = "send what was held"
    FORSAKE = "drop what was held"
    FORGET = "take it out, unless a route still needs it"


S, E, A = State, Event, Action
TRANSITIONS: dict[tuple[State, Event], tuple[State, Action]] = {
    (S.IDLE, E.SEND): (S.INCOMPLETE, A.ASK),
    (S.IDLE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.IDLE, E.HEARD): (S.STALE, A.RELEASE),
    (S.INCOMPLETE, E.SEND): (S.INCOMPLETE, A.NONE),
    (S.INCOMPLETE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.INCOMPLETE, E.HEARD): (S.STALE, A.RELEASE),
    (S.INCOMPLETE, E.TIMER): (S.INCOMPLETE, A.ASK),
    (S.INCOMPLETE, E.GIVE_UP): (S.DOWN, A.FORSAKE),
    (S.REACHABLE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.REACHABLE, E.HEARD): (S.STALE, A.RELEASE),
    (S.REACHABLE, E.DOUBT): (S.STALE, A.NONE),
    (S.REACHABLE, E.AGED): (S.STALE, A.NONE),
    (S.REACHABLE, E.TIMER): (S.PROBE, A.ASK),
    (S.REACHABLE, E.UNUSED): (S.IDLE, A.FORGET),
    (S.STALE, E.SEND): (S.DELAY, A.NONE),
    (S.STALE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.STALE, E.HEARD): (S.STALE, A.RELEASE),
    (S.STALE, E.DOUBT): (S.STALE, A.NONE),
    (S.STALE, E.UNUSED): (S.IDLE, A.FORGET),
    (S.DELAY, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.DELAY, E.HEARD): (S.STALE, A.RELEASE),
    (S.DELAY, E.DOUBT): (S.DELAY, A.NONE),
    (S.DELAY, E.TIMER): (S.PROBE, A.ASK),
    (S.PROBE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.PROBE, E.HEARD): (S.STALE, A.RELEASE),
    (S.PROBE, E.DOUBT): (S.PROBE, A.NONE),
    (S.PROBE, E.TIMER): (S.PROBE, A.ASK),
    (S.PROBE, E.GIVE_UP): (S.IDLE, A.FORGET),
    (S.DOWN, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.DOWN, E.HEARD): (S.STALE, A.RELEASE),
    (S.DOWN, E.TIMER): (S.IDLE, A.FORGET),
}
del S, E, A

KNOWN = frozenset({State.REACHABLE, State.STALE, State.DELAY, State.PROBE})  # those with a link address
_TYPES = {State.DEAD: Rnh.DEAD} | dict.fromkeys(KNOWN, Rnh.UNICAST)


class Used(Message):
    """The first packet since it became stale was sent to `neighbour`: to the engine's queue."""

    __slots__ = ("neighbour",)
    bounded = False

    def __init__(self, neighbour: Neighbour) -> None:
        self.neighbour = neighbour


class Neighbour(NextHop, Owned):
    """`header` is the finished L2 header while the state is one of UNICAST, else None.

    Shared: `used` is a mark that any sender sets and only the engine clears: so of a stale neighbour's many packets one
    is told of. `references` count routes, as tables do.
    """

    __slots__ = (
        "_ip", "_source", "_stats", "address", "header", "held", "link", "queue", "state", "timer", "tries",
        "used",
    )  # fmt: skip
    shared = frozenset({"used", "references"})

    def __init__(
        self,
        address: int,
        link: EtherLink,
        ifl_index: int,
        local: int,
        source: Callable[[int], int],
        ip: Ip,
        stats: NeighbourStats,
        queue: ServiceQueue,
        timers: Timers,
    ) -> None:
        super().__init__(ifl_index, local, mtu=link.mtu)
        self._ip = ip
        self._stats = stats
        self._source = source  # the interface's address for a destination
        self.address = address
        self.link = link
        self.state = State.IDLE
        self.header: bytes | None = None
        self.held: list[Packet] = []
        self.tries = 0
        self.used = False
        self.timer = timers.timer(queue, self)
        self.queue = queue  # the engine's

    @property
    def type(self) -> Rnh:
        return _TYPES.get(self.state, Rnh.HOLD)

    def source(self, dst: int, output_ifl: int) -> int:
        """What only means something on the link is no source for what goes on from here (RFC 6724, 5)."""
        local = self.local
        if local >> LINK_LOCAL_AT != LINK_LOCAL_IS or is_link_local(dst):
            return local
        return self._source(dst)

    def gateway(self, dst: int) -> int:
        return self.address

    @property
    def lladdr(self) -> bytes | None:
        header = self.header
        return header[:6] if header else None

    def output(self, packet: Packet, originated: bool) -> int:
        if not originated:
            if self.state is not State.DEAD:
                return self._ip.ip_forward(packet, self)
            packet.drop(self._ip.stats.ips_discarded)
            return EHOSTUNREACH
        header = self.header
        if header is None:
            return self._output_unknown(packet)
        if not self.used:
            self._first_use()
        return self.link.ether_output(packet, header)

    def _first_use(self) -> None:
        self.used = True
        if self.state is State.STALE:
            self.queue.post(Used(self))

    def _output_unknown(self, packet: Packet) -> int:
        if self.state is State.DEAD:
            packet.drop(self._ip.stats.ips_odiscarded)
            return EHOSTUNREACH
        if self.state is State.DOWN:
            self._ip.unreachable(packet)
            packet.drop(self._stats.down)
            return EHOSTDOWN
        return 0 if self.queue.post(Resolve(packet, self.address)) else ENOBUFS

    def hold(self, packet: Packet) -> bool:
        """Keep it until the address is known. False when there is no room: it is dropped and counted."""
        if len(self.held) >= HOLD_MAX:
            packet.drop(self._stats.holdfull)
            return False
        self.held.append(packet)
        return True

    def release(self) -> None:
        """Send what was held, in order, through what the next hop is now."""
        held, self.held = self.held, []
        for packet in held:
            self.output(packet, True)

    def forsake(self) -> None:
        """Nobody answered: drop what was held."""
        for packet in self.held:
            self._ip.unreachable(packet)
            packet.drop(self._stats.unresolved)
        self.held.clear()

    def die(self) -> None:
        """What it depended on is gone. Routes that still point here discard from now on."""
        self.state = State.DEAD
        self.header = None
        self.timer.stop()
        self.forsake()
