"""A neighbour on a multiaccess link: the next hop that is HOLD until its link address is known, then UNICAST.

All transitions live in this file. The engine that owns the neighbours (arp.py) turns what happens into events and
carries out the actions; the table says what follows. A neighbour's one writer is the consumer of that engine's queue:
whoever has a packet for it reads the finished header, which is published by one assignment, and sends, or posts the
packet to the queue.

    IDLE        nothing known, nobody asked (HOLD)
    ASKING      requests are out, packets are held (HOLD)
    REACHABLE   link address known (UNICAST)
    REFRESHING  known, about to run out and in use: asked again, by unicast (UNICAST)
    DOWN        did not answer; packets are refused for a while (HOLD)
    DEAD        what it depended on was removed (DEAD); routes may still point here
"""

from __future__ import annotations

from enum import Enum
from errno import EHOSTDOWN, EHOSTUNREACH, ENOBUFS

from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.stats import ArpStats, IpStats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.link.ether import EtherLink
from ringbed.stack.route.nexthop import NextHop, Resolve, Rnh

HOLD_MAX = 16  # packets kept for one neighbour


class State(Enum):
    IDLE = "idle"
    ASKING = "asking"
    REACHABLE = "reachable"
    REFRESHING = "refreshing"
    DOWN = "down"
    DEAD = "dead"


class Event(Enum):
    SEND = "a packet for it, address unknown"
    ANSWER = "its link address was heard"
    TIMER = "its time came"
    GIVE_UP = "its time came and no tries are left"
    UNUSED = "its time came and nothing was sent to it"


class Action(Enum):
    NONE = "nothing"
    ASK = "send a request"
    RELEASE = "send what was held"
    FORSAKE = "drop what was held"
    FORGET = "take it out, unless a route still needs it"


S, E, A = State, Event, Action
TRANSITIONS: dict[tuple[State, Event], tuple[State, Action]] = {
    (S.IDLE, E.SEND): (S.ASKING, A.ASK),
    (S.IDLE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.ASKING, E.SEND): (S.ASKING, A.NONE),
    (S.ASKING, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.ASKING, E.TIMER): (S.ASKING, A.ASK),
    (S.ASKING, E.GIVE_UP): (S.DOWN, A.FORSAKE),
    (S.REACHABLE, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.REACHABLE, E.TIMER): (S.REFRESHING, A.ASK),
    (S.REACHABLE, E.UNUSED): (S.IDLE, A.FORGET),
    (S.REFRESHING, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.REFRESHING, E.TIMER): (S.REFRESHING, A.ASK),
    (S.REFRESHING, E.GIVE_UP): (S.IDLE, A.FORGET),
    (S.DOWN, E.ANSWER): (S.REACHABLE, A.RELEASE),
    (S.DOWN, E.TIMER): (S.IDLE, A.FORGET),
}
del S, E, A

_TYPES = {State.REACHABLE: Rnh.UNICAST, State.REFRESHING: Rnh.UNICAST, State.DEAD: Rnh.DEAD}


class Neighbour(NextHop, Owned):
    """`header` is the finished L2 header while the state is one of UNICAST, else None.

    Shared: `used` is a mark that any sender sets and only the engine clears; `references` count routes, as tables do.
    """

    __slots__ = (
        "_arp_stats", "_ip_stats", "address", "header", "held", "link", "queue", "state", "timer", "tries", "used",
    )  # fmt: skip
    shared = frozenset({"used", "references"})

    def __init__(
        self,
        address: int,
        link: EtherLink,
        ifl_index: int,
        local: int,
        stats: tuple[IpStats, ArpStats],
        queue: ServiceQueue,
        timers: Timers,
    ) -> None:
        super().__init__(ifl_index, local)
        self._ip_stats, self._arp_stats = stats
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

    def output(self, packet: Packet, originated: bool) -> int:
        if not originated:
            dead = self.state is State.DEAD
            packet.drop(self._ip_stats.ips_discarded if dead else self._ip_stats.ips_cantforward)
            return EHOSTUNREACH
        header = self.header
        if header is None:
            return self._output_unknown(packet)
        self.used = True
        return self.link.ether_output(packet, header)

    def _output_unknown(self, packet: Packet) -> int:
        if self.state is State.DEAD:
            packet.drop(self._ip_stats.ips_odiscarded)
            return EHOSTUNREACH
        if self.state is State.DOWN:
            packet.drop(self._arp_stats.down)
            return EHOSTDOWN
        return 0 if self.queue.post(Resolve(packet, self.address)) else ENOBUFS

    def hold(self, packet: Packet) -> bool:
        """Keep it until the address is known. False when there is no room: it is dropped and counted."""
        if len(self.held) >= HOLD_MAX:
            packet.drop(self._arp_stats.holdfull)
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
            packet.drop(self._arp_stats.unresolved)
        self.held.clear()

    def die(self) -> None:
        """What it depended on is gone. Routes that still point here discard from now on."""
        self.state = State.DEAD
        self.header = None
        self.timer.stop()
        self.forsake()
