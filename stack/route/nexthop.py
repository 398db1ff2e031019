"""Next hops: what a route lookup finds, and what then happens to the packet (seed 004, 'Next Hop Types ...').

The packet is given to `output`, told whether this host originated it or an interface received it; the next hop does
the right thing for both. An originated packet that goes nowhere is counted and its errno returned; a received one is
counted.

    type      originated                       received
    REJECT    EHOSTUNREACH                     not forwardable; by a router its sender is told
    DISCARD   EHOSTUNREACH                     dropped without a word
    RECV      EADDRNOTAVAIL                    delivered here
    BRECV     broadcast out of an interface    delivered here
    MDISCARD  multicast out of an interface    dropped: nobody here is in the group
    MRECV     multicast out of an interface    delivered here
    LOCAL     delivered here                   delivered here
    UNICAST   L2 header, out of the interface  forwarded: then as if originated
    RESOLV    to the resolver's queue          forwarded
    HOLD      to the resolver's queue          forwarded
    DEAD      EHOSTUNREACH                     dropped without a word

Forwarding is ip/forward.py: whether this host is a router at all, what becomes of the header, what does not go on.

BRECV, MDISCARD and MRECV are in group.py. UNICAST, HOLD and DEAD are three lives of one object, a neighbour: see
neigh/machine.py.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from errno import EADDRNOTAVAIL, EHOSTUNREACH, ENOBUFS
from typing import ClassVar, Protocol

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.packet import BROADCAST, MULTICAST, Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.stats import Ip4Stats, Ip6Stats, IpStats
from ringbed.stack.link.offload import to_this_host

WHOLE = 1 << 32  # an MTU that no packet comes near


class Rnh(Enum):
    REJECT = "reject"
    DISCARD = "discard"
    RECV = "recv"
    BRECV = "brecv"
    MDISCARD = "mdiscard"
    MRECV = "mrecv"
    LOCAL = "local"
    UNICAST = "unicast"
    RESOLV = "resolv"
    HOLD = "hold"
    DEAD = "dead"


class NextHop:
    """`ifl_index`: the interface it leaves by, or 0. `references`: how many routes point here.

    `mtu` is the longest packet that it takes in one piece, in bytes from the network header on; 0: the interface that
    the packet names has one (`mtu_by`).

    `bad_source`: the cause for which a packet from outside is dropped that says it comes from such an address; None
    where it may. So whose address is nobody's is a matter of routes, and nothing is looked at beside them.
    """

    __slots__ = ("bad_source", "ifl_index", "local", "mtu", "references")
    kind: ClassVar[Rnh]

    def __init__(self, ifl_index: int = 0, local: int = 0, bad_source: Counter | None = None, mtu: int = WHOLE) -> None:
        self.ifl_index = ifl_index
        self.local = local
        self.bad_source = bad_source
        self.mtu = mtu
        self.references = 0

    @property
    def type(self) -> Rnh:
        return self.kind

    def source(self, dst: int, output_ifl: int) -> int:
        """The best local address for a packet to `dst` that has none, by the interface it names; or 0."""
        return self.local

    def mtu_by(self, output_ifl: int) -> int:
        """The longest packet by the interface that it names."""
        return self.mtu

    def gateway(self, dst: int) -> int:
        """The neighbour that a packet to `dst` goes to, or 0."""
        return 0

    @property
    def lladdr(self) -> bytes | None:
        """Its link address, where it is one neighbour, and known."""
        return None

    def output(self, packet: Packet, originated: bool) -> int:
        """End the packet or hand it on. Returns 0 or an errno for the sender."""
        raise NotImplementedError


class Forwarder(Protocol):
    """What sends on what others have sent: IP."""

    def ip_forward(self, packet: Packet, nexthop: NextHop) -> int:
        """A received packet, to `nexthop`: send it on, or end it. Returns 0 or an errno."""
        ...

    def ip_reject(self, packet: Packet) -> None:
        """A received packet that no route leads on: end it, and tell its sender if that is ours to do."""
        ...


class _End(NextHop):
    """Nothing goes further: counted by who sent it, `originated` here or `received` from outside."""

    __slots__ = ("_originated", "_received")

    def __init__(self, originated: Counter, received: Counter, bad_source: Counter | None) -> None:
        super().__init__(bad_source=bad_source)
        self._originated = originated
        self._received = received

    def output(self, packet: Packet, originated: bool) -> int:
        packet.drop(self._originated if originated else self._received)
        return EHOSTUNREACH


class Reject(_End):
    """`received` is the cause that is counted for packets from outside, where `forwarder` is not told of them."""

    __slots__ = ("_forwarder",)
    kind = Rnh.REJECT

    def __init__(
        self, stats: IpStats, received: Counter | None = None, bad_source: Counter | None = None,
        forwarder: Forwarder | None = None,
    ) -> None:  # fmt: skip
        super().__init__(stats.ips_noroute, received or stats.ips_cantforward, bad_source)
        self._forwarder = forwarder

    def output(self, packet: Packet, originated: bool) -> int:
        if originated or self._forwarder is None:
            return super().output(packet, originated)
        self._forwarder.ip_reject(packet)
        return EHOSTUNREACH


class Discard(_End):
    """`received` is the cause that is counted for packets from outside."""

    __slots__ = ()
    kind = Rnh.DISCARD

    def __init__(self, stats: IpStats, received: Counter | None = None, bad_source: Counter | None = None) -> None:
        super().__init__(stats.ips_odiscarded, received or stats.ips_discarded, bad_source)


class Receiver(Protocol):
    """Where packets for this host go: IP."""

    def ip_deliver(self, packet: Packet) -> None: ...

    def local_on(self, address: int, ifl_index: int) -> bool:
        """Whether the address is one of ours on this interface."""
        ...


class Recv(NextHop):
    """An address that we take packets for and let nobody here send to, such as a subnet's all-zeroes."""

    __slots__ = ("_receiver", "_stats")
    kind = Rnh.RECV

    def __init__(self, stats: Ip4Stats, receiver: Receiver, ifl_index: int = 0) -> None:
        super().__init__(ifl_index)
        self._stats = stats
        self._receiver = receiver

    def output(self, packet: Packet, originated: bool) -> int:
        if originated:
            packet.drop(self._stats.ips_recvonly)
            return EADDRNOTAVAIL
        self._receiver.ip_deliver(packet)
        return 0


class Local(NextHop):
    """One of our own addresses.

    It is no source from outside: an answer would come back to us, and its answer too (the LAND attack, CVE-1999-0016).
    """

    __slots__ = ("_receiver", "_stats")
    kind = Rnh.LOCAL

    def __init__(self, stats: IpStats, receiver: Receiver, local: int, ifl_index: int) -> None:
        super().__init__(ifl_index, local, stats.ips_ownaddr)
        self._stats = stats
        self._receiver = receiver

    def output(self, packet: Packet, originated: bool) -> int:
        if originated:
            packet.join()
            packet.end = packet.start + packet.length
            packet.flags = to_this_host(packet.flags)
        elif packet.flags & (BROADCAST | MULTICAST):  # RFC 1122, 3.3.6
            packet.drop(self._stats.ips_linkbcast)
            return 0
        self._receiver.ip_deliver(packet)
        return 0


class LinkLocal(Local):
    """One of our addresses that means something on its own link only (RFC 4007, 9): from others it is for nobody.

    Interfaces may have the same one; which of their routes was found says nothing, so it is the table that is asked.
    """

    __slots__ = ("_badscope",)

    def __init__(self, stats: Ip6Stats, receiver: Receiver, local: int, ifl_index: int) -> None:
        super().__init__(stats, receiver, local, ifl_index)
        self._badscope = stats.ip6s_badscope

    def output(self, packet: Packet, originated: bool) -> int:
        here = originated or packet.ifl_index == self.ifl_index
        if not here and not self._receiver.local_on(packet.dst, packet.ifl_index):
            packet.drop(self._badscope)
            return 0
        return super().output(packet, originated)


class Resolve(Message):
    """A packet of this host for the neighbour `address`, whose link address is not known: to the resolver's queue."""

    __slots__ = ("address", "packet")

    def __init__(self, packet: Packet, address: int) -> None:
        self.packet = packet
        self.address = address

    def drop(self, reason: Counter) -> None:
        self.packet.drop(reason)


class Resolv(NextHop):
    """A subnet whose neighbours must be found first: packets go to the resolver's service queue."""

    __slots__ = ("_forwarder", "resolve", "_queue")
    kind = Rnh.RESOLV

    def __init__(
        self, forwarder: Forwarder, queue: ServiceQueue, resolve: Callable[[int], NextHop | None], ifl_index: int,
        local: int, mtu: int,
    ) -> None:  # fmt: skip
        super().__init__(ifl_index, local, mtu=mtu)
        self._forwarder = forwarder
        self._queue = queue
        self.resolve = resolve  # the next hop for a neighbour of this subnet, made if need be; None: no room

    def gateway(self, dst: int) -> int:
        return dst

    def output(self, packet: Packet, originated: bool) -> int:
        if not originated:
            return self._forwarder.ip_forward(packet, self)
        return 0 if self._queue.post(Resolve(packet, packet.dst)) else ENOBUFS
