"""Next hops of addresses that are many hosts': what is sent to them leaves by an interface that the packet names.

`choose` gives it for a packet's `output_ifl`: always the same one for a subnet's own addresses. No packet comes from
such an address.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EACCES, EADDRNOTAVAIL, ENETUNREACH
from typing import Protocol

from ringbed.stack.kern.packet import MAY_BROADCAST, Packet
from ringbed.stack.kern.stats import Ip4Stats, Ip6Stats
from ringbed.stack.route.nexthop import WHOLE, NextHop, Receiver, Rnh


class Broadcaster(Protocol):
    """An iff, seen as something that delivers to a group of hosts, or to all of them."""

    @property
    def name(self) -> str: ...

    @property
    def mtu(self) -> int: ...

    def local_for(self, address: int) -> int: ...

    def source_address(self, dst: int) -> int: ...

    def broadcast(self, packet: Packet) -> int: ...


class BroadcastRecv(NextHop):
    """Everybody on a subnet, or on any. What is longer than the link's MTU is refused: nothing to all is in pieces."""

    __slots__ = ("_choose", "_receiver", "_stats")
    kind = Rnh.BRECV

    def __init__(
        self, stats: Ip4Stats, receiver: Receiver, choose: Callable[[int], Broadcaster | None], ifl_index: int = 0
    ) -> None:
        super().__init__(ifl_index, bad_source=stats.ips_badaddr)
        self._stats = stats
        self._receiver = receiver
        self._choose = choose

    def source(self, dst: int, output_ifl: int) -> int:
        if self.local:
            return self.local
        out = self._choose(output_ifl)
        return out.source_address(dst) if out else 0

    def output(self, packet: Packet, originated: bool) -> int:
        if not originated:
            self._receiver.ip_deliver(packet)
            return 0
        out = self._choose(packet.output_ifl)
        if out is not None and packet.flags & MAY_BROADCAST:
            return out.broadcast(packet)
        packet.drop(self._stats.ips_nobroadcast)
        return ENETUNREACH if out is None else EACCES


class Multicast(NextHop):
    """A group, or all of them. `receiver` gets what comes in for it: MRECV; without one, nobody is in it: MDISCARD.

    What it takes in one piece is a matter of the interface.
    """

    __slots__ = ("_choose", "_receiver", "_stats")

    def __init__(
        self, stats: Ip6Stats, choose: Callable[[int], Broadcaster | None], receiver: Receiver | None = None,
        ifl_index: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(ifl_index, bad_source=stats.ips_badaddr, mtu=0)
        self._stats = stats
        self._choose = choose
        self._receiver = receiver

    @property
    def type(self) -> Rnh:
        return Rnh.MDISCARD if self._receiver is None else Rnh.MRECV

    def mtu_by(self, output_ifl: int) -> int:
        out = self._choose(output_ifl)
        return out.mtu if out else WHOLE

    def source(self, dst: int, output_ifl: int) -> int:
        out = self._choose(output_ifl)
        return out.source_address(dst) if out else 0

    def output(self, packet: Packet, originated: bool) -> int:
        if originated:
            return self._send(packet)
        if self._receiver is None:
            packet.drop(self._stats.ips_notmember)
        else:
            self._receiver.ip_deliver(packet)
        return 0

    def _send(self, packet: Packet) -> int:
        out = self._choose(packet.output_ifl)
        if out is None:
            packet.drop(self._stats.ip6s_nogroupif)
            return ENETUNREACH
        if not packet.src:
            packet.drop(self._stats.ip6s_nosource)
            return EADDRNOTAVAIL
        return out.broadcast(packet)
