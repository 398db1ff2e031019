"""Forwarding: what others have sent and others shall have, in either family (seed 004, 1361; RFC 1812, RFC 8200).

There is a switch for each family in each routing instance; off, this host is no router and nothing goes on. A packet
that came with a link broadcast, from nobody, or with an address that means something on its own link only does not go
on either; nor one whose hops are used up or that does not fit, and then its sender is told. What goes on has one hop
less, and leaves by its next hop as if it had been sent here. Input is stateless, and so is this.

Sums (seed 002): the header's was good, or the packet would not be here, and is wanted anew, from the card if it does
that. Those above IP stay as they came, a wrong one too: only who shall have the packet may judge it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from errno import EHOSTUNREACH, EMSGSIZE
from typing import ClassVar

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import BROADCAST, DONTFRAG, MULTICAST, Packet
from ringbed.stack.kern.stats import IpStats
from ringbed.stack.route.group import Broadcaster
from ringbed.stack.route.nexthop import NextHop
from ringbed.stack.wire.family import Family

Told = tuple[int, int]  # an ICMP error: type and code


class Forwarding(Owned, ABC):
    """The part of IP that sends things on. A family says which errors its ICMP has for what.

    `in_pieces`: whether a router may cut what is too long. `forwarding` is configuration.
    """

    family: ClassVar[Family]
    no_route: ClassVar[Told]
    no_host: ClassVar[Told]
    too_big: ClassVar[Told]
    time_exceeded: ClassVar[Told]
    stats: IpStats
    interfaces: dict[int, Broadcaster]

    def __init__(self) -> None:
        self.forwarding = False
        self._forward_step = f"{self.family.title}_forward"

    @abstractmethod
    def error(self, packet: Packet, kind: int, code: int, rest: int = 0) -> None:
        """Its sender shall hear what is wrong with it."""

    # -- from outside -----------------------------------------------------------------------------------------

    def ip_forward(self, packet: Packet, nexthop: NextHop) -> int:
        """Send a received packet on to `nexthop`, or end it. Returns 0 or an errno, which nobody needs to hear."""
        if packet.journey is not None:
            packet.journey.step(self._forward_step)
        cause = self._held_back(packet, nexthop)
        if cause is not None:
            packet.drop(cause)
            return EHOSTUNREACH
        if nexthop.ifl_index == packet.ifl_index:
            self._tell_better(packet, nexthop)
        packet.pull(packet.l3 - packet.start)
        packet.trim()
        self._one_hop_less(packet, nexthop)
        self.stats.ips_forward.value += 1
        return self.send(packet, nexthop)

    def _held_back(self, packet: Packet, nexthop: NextHop) -> Counter | None:
        """The cause for which it does not go on, its sender told if he shall be; or None."""
        stats = self.stats
        if not self.forwarding:
            return stats.ips_cantforward
        if packet.flags & (BROADCAST | MULTICAST):  # RFC 1812, 5.3.4
            return stats.ips_linkbcast
        if (cause := self._out_of_scope(packet, nexthop)) is not None:
            return cause
        if packet.segments[0][packet.l3 + self.family.ttl_at] <= 1:
            self.error(packet, *self.time_exceeded)
            return stats.ips_timexceeded
        if packet.end - packet.l3 > nexthop.mtu and not self._may_cut(packet):
            self.error(packet, *self.too_big, nexthop.mtu)
            return stats.ips_cantfrag
        return None

    def ip_reject(self, packet: Packet) -> None:
        """A received packet that no route leads on."""
        stats = self.stats
        if not self.forwarding:
            packet.drop(stats.ips_cantforward)
        elif packet.flags & (BROADCAST | MULTICAST):
            packet.drop(stats.ips_linkbcast)
        else:
            self.error(packet, *self.no_route)
            packet.drop(stats.ips_unroutable)

    def unreachable(self, packet: Packet) -> None:
        """No neighbour answered for it. Whoever sent it from outside is told (RFC 1812, 5.2.7.1; RFC 4861, 7.2.2)."""
        if packet.ifl_index:
            self.error(packet.head(), *self.no_host)

    def _tell_better(self, packet: Packet, nexthop: NextHop) -> None:
        """It goes back to where it came from: its sender could have sent it to the next hop itself."""
        iff, gateway = self.interfaces.get(packet.ifl_index), nexthop.gateway(packet.dst)
        if iff is not None and self._may_redirect(packet, gateway, iff):
            self.stats.ips_redirectsent.value += 1
            self._redirect(packet.head(), gateway)

    @abstractmethod
    def _out_of_scope(self, packet: Packet, nexthop: NextHop) -> Counter | None:
        """The cause for which its addresses must not be seen on another link; None when they may."""

    @abstractmethod
    def _may_cut(self, packet: Packet) -> bool:
        """Whether a router may send a received packet on in pieces."""

    @abstractmethod
    def _one_hop_less(self, packet: Packet, nexthop: NextHop) -> None:
        """Write the header anew, in bytes that are the packet's own."""

    @abstractmethod
    def _may_redirect(self, packet: Packet, gateway: int, iff: Broadcaster) -> bool:
        """Whether its sender is a neighbour by `iff` who may be told of `gateway`, another one."""

    @abstractmethod
    def _redirect(self, packet: Packet, gateway: int) -> None:
        """Tell the sender of `packet`, of which the first bytes are here, that `gateway` is the better first hop."""

    # -- to the next hop --------------------------------------------------------------------------------------

    def send(self, packet: Packet, nexthop: NextHop) -> int:
        """Out by `nexthop`, in pieces if it does not fit in one. Returns 0 or an errno."""
        length = packet.length
        if length > nexthop.mtu and length > (mtu := nexthop.mtu_by(packet.output_ifl)):
            return self._send_pieces(packet, nexthop, mtu)
        return nexthop.output(packet, True)

    def _send_pieces(self, packet: Packet, nexthop: NextHop, mtu: int) -> int:
        """One made after the other was taken: where one finds no room, the rest never comes to be."""
        stats = self.stats
        if packet.flags & DONTFRAG:
            packet.drop(stats.ips_cantfrag)
            return EMSGSIZE
        stats.ips_fragmented.value += 1
        for piece in self._pieces(packet, mtu):
            stats.ips_ofragments.value += 1
            if error := nexthop.output(piece, True):
                return error
        return 0

    @abstractmethod
    def _pieces(self, packet: Packet, mtu: int) -> Iterator[Packet]:
        """Fragments of at most `mtu` bytes that make up the packet, in order."""
