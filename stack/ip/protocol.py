"""What the members of the IP family have in common: routes, delivery, output, in one routing instance.

A member (ipv4.py, ipv6.py) reads headers and writes them, and says which routes its table always has. `ip_deliver` is
where next hops bring what is for this host; `ip_output` has the header of what this host sends written and hands it to
a next hop, as input does.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from errno import EHOSTUNREACH, EMSGSIZE
from typing import ClassVar, Protocol

from ringbed.stack.ip.demux import L3Demux
from ringbed.stack.ip.forward import Forwarding, Told
from ringbed.stack.ip.reassembly import Part, Reassembly
from ringbed.stack.kern.config import Config
from ringbed.stack.kern.packet import DONTROUTE, FRAGMENT, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import IpStats, Stats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.link.offload import ChecksumOutput
from ringbed.stack.route.group import Broadcaster
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.route.table import Route, RouteTable, Rtt
from ringbed.stack.wire.ipv6 import is_link_local

_NEIGHBOURS = frozenset({Rtt.IF, Rtt.IFDEST})
_ELSEWHERE = frozenset({Rnh.UNICAST, Rnh.RESOLV, Rnh.HOLD, Rnh.REJECT})
TTL = 64

IcmpError = Callable[[Packet, int, int, int], None]  # packet, type, code, second word of the header


class Tabled(Protocol):
    """What input needs of the iff a packet came by: the table of its routing instance."""

    @property
    def table(self) -> RouteTable: ...


class Ip(Forwarding):
    """One family in one routing instance. `interfaces` are the iffs in it, by ifl_index.

    `port_unreachable` is the ICMP error that says that nobody is at a port, `not_in_time` that not all fragments came.
    Its state is configuration.
    """

    port_unreachable: ClassVar[Told]
    not_in_time: ClassVar[Told]

    def __init__(self, stats: IpStats, all_stats: Stats, scheduler: Scheduler, timers: Timers) -> None:
        super().__init__()
        self.queue: Config | None = None
        self.stats = stats
        self.scheduler = scheduler
        self.sums = ChecksumOutput(Capabilities(), all_stats, self.family)  # all of it here, whatever the card
        self.reassembly = Reassembly(self, self.family.title, scheduler, timers)
        self.demux = L3Demux(self.family)
        self.table = RouteTable(self.family, self._permanent())
        self.interfaces: dict[int, Broadcaster] = {}
        self.resolvers: dict[int, Callable[[Packet], None]] = {}  # where messages about their neighbours go
        self.default: Broadcaster | None = None  # where a packet for a group goes: the iff of the lowest index
        self.icmp_error: IcmpError | None = None  # ICMP puts itself here
        self._bits, self._key_bits = self.table.bits, self.table.key_bits
        self._longest = self.family.longest
        self._deliver_step, self._output_step = (f"{self.family.title}_{what}" for what in ("deliver", "output"))

    @abstractmethod
    def _permanent(self) -> list[Route]:
        """The routes that the table always has."""

    @abstractmethod
    def ip_input(self, packet: Packet, iff: Tabled) -> None:
        """From the L2 demux. Goes on to a next hop or is dropped."""

    # -- interfaces -------------------------------------------------------------------------------------------

    def outgoing(self, ifl_index: int) -> Broadcaster | None:
        """Where a packet for a group of hosts goes: the interface that its sender named, or the default one."""
        return self.interfaces.get(ifl_index) if ifl_index else self.default

    def add_interface(self, ifl_index: int, iff: Broadcaster, resolver: Callable[[Packet], None]) -> None:
        self.interfaces[ifl_index] = iff
        self.resolvers[ifl_index] = resolver
        self._choose_default()

    def remove_interface(self, ifl_index: int) -> None:
        del self.interfaces[ifl_index], self.resolvers[ifl_index]
        self._choose_default()

    def _choose_default(self) -> None:
        self.default = self.interfaces[min(self.interfaces)] if self.interfaces else None

    # -- in -------------------------------------------------------------------------------------------------

    def ip_deliver(self, packet: Packet) -> None:
        """For this host: find who wants it, and queue it there."""
        stats = self.stats
        if packet.flags & FRAGMENT:
            stats.ips_fragments.value += 1
            self.reassembly.queue.post(packet)
            return None
        l4, missing = packet.l4, packet.l4 + 4 - packet.end
        if missing <= 0:
            word = int.from_bytes(packet.segments[0][l4 : l4 + 4], "big")
        else:
            word = int.from_bytes(packet.segments[0][l4 : packet.end], "big") << 8 * missing
        queue = self.demux.lookup(packet.dst, packet.src, packet.proto, word)
        if queue is None:
            return self._unwanted(packet)
        stats.ips_delivered.value += 1
        if packet.journey is not None:
            packet.journey.step(self._deliver_step, queue.name)
        queue.post(packet)
        return None

    @abstractmethod
    def part(self, packet: Packet) -> Part | None:
        """See reassembly.py."""

    @abstractmethod
    def whole(self, first: Part, data: bytes) -> Packet | None:
        """Likewise."""

    def ip_expired(self, packet: Packet) -> None:
        self.error(packet, *self.not_in_time)

    @abstractmethod
    def _unwanted(self, packet: Packet) -> None:
        """Nobody here knows its protocol: end it, and let its sender know."""

    def error(self, packet: Packet, kind: int, code: int, rest: int = 0) -> None:
        """Its sender shall hear what is wrong with it."""
        if self.icmp_error is not None:
            self.icmp_error(packet, kind, code, rest)

    def is_single(self, address: int) -> bool:
        """Whether packets to it are for one host: this one, or one that this router knows a way to, or would."""
        nexthop = self.table.forwarding(address).nexthop
        if nexthop.type is Rnh.LOCAL:
            return True
        return self.forwarding and nexthop.type in _ELSEWHERE and nexthop.bad_source is None

    def is_local(self, address: int) -> bool:
        """Whether this host has the address, on whichever interface of the instance."""
        return self.table.forwarding(address).nexthop.type is Rnh.LOCAL

    def local_on(self, address: int, ifl_index: int) -> bool:
        """Whether the address is one of ours on this interface."""
        found = self.table.route(address, 0, lambda r: r.ifl_index == ifl_index)
        return found is not None and found.nexthop.type is Rnh.LOCAL

    # -- out ------------------------------------------------------------------------------------------------

    def ip_output(
        self, packet: Packet, dst: int, src: int, proto: int, ttl: int = TTL, tos: int = 0, options: bytes = b""
    ) -> int:
        """Send a packet that has room for IP's header and `options` at `l3`. `src` 0: the best local one.

        Returns 0, or the errno that the sender should see; the packet is counted either way.
        """
        if packet.length > self._longest:
            packet.drop(self.stats.ips_toolong)
            return EMSGSIZE
        if packet.output_ifl or packet.flags & DONTROUTE:
            route = self._route(packet, dst, src)
            if route is None:
                packet.drop(self.stats.ips_noroute)
                return EHOSTUNREACH
        else:
            route = self.table.tree.lookup(dst << self._bits | src, self._key_bits)[0]
        nexthop = route.nexthop
        packet.dst = dst
        packet.src = src or nexthop.source(dst, packet.output_ifl)
        packet.proto = proto
        self._put_header(packet, ttl, tos, options)
        if packet.journey is not None:
            packet.journey.step(self._output_step)
        error = nexthop.output(packet, True) if packet.length <= nexthop.mtu else self.send(packet, nexthop)
        if not error:
            self.stats.ips_localout.value += 1
        return error

    @abstractmethod
    def _put_header(self, packet: Packet, ttl: int, tos: int, options: bytes) -> None:
        """Write it at `l3`, from the addresses and the protocol that the packet has, and say where L4 is."""

    def _route(self, packet: Packet, dst: int, src: int) -> Route | None:
        """Where the sender named an interface, or wants a neighbour only."""
        ifl_index = packet.output_ifl
        if packet.flags & DONTROUTE:
            return self.table.route(dst, src, lambda r: r.type in _NEIGHBOURS and ifl_index in (0, r.ifl_index))
        return self.route_by(dst, ifl_index, src)

    def route_by(self, dst: int, ifl_index: int, src: int = 0) -> Route:
        """The best route by the interface that a sender has named; 0, or one that no route goes by: the best of all."""
        best = self.table.forwarding(dst, src)
        if ifl_index and best.nexthop.ifl_index not in (0, ifl_index) and best.nexthop.type is not Rnh.LOCAL:
            return self.table.route(dst, src, lambda r: r.nexthop.ifl_index == ifl_index) or best
        return best

    # -- as people write it -----------------------------------------------------------------------------------

    def scope(self, name: str) -> int:
        """The ifl_index of `em0.0`, or `em0` for short, of the interfaces of this family. Raises ValueError."""
        full = name if "." in name else f"{name}.0"
        for ifl_index, iff in self.interfaces.items():
            if iff.name == full:
                return ifl_index
        raise ValueError(f"no interface {full} has {self.family} in this routing instance")

    def scoped_text(self, address: int, ifl_index: int) -> str:
        """With the interface, of an address that means something on its link only: `fe80::1%em0.0`."""
        text, iff = self.family.text(address), self.interfaces.get(ifl_index)
        return f"{text}%{iff.name}" if iff is not None and is_link_local(address) else text
