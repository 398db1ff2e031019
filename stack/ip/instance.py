"""Routing instances: tables of their own for routes and for who on this host wants a packet (seed 004, 1113-1166).

An instance is named by a number; 0 is there from the start. An iff is in one, and its packets are looked up there and
nowhere else; its addresses make their routes there. A socket is in one as well. So the same addresses and ports may be
in use in several, on interfaces of the same host. What instances share is the hardware, time and the counters.
"""

from __future__ import annotations

from ringbed.stack.ip.ipv4 import Ip
from ringbed.stack.kern.stats import IpStats, Stats
from ringbed.stack.route.nexthop import Broadcaster, BroadcastRecv, Discard, Recv, Reject
from ringbed.stack.route.table import Route, RouteTable, Rtt, prefix

_EVERYBODY = 0xFFFFFFFF
_CLASS_D = 0xE0000000
_CLASS_E = 0xF0000000
_LOOPBACK = 0x7F000000


class Instance:
    """`families` are the iffs in it, by ifl_index."""

    def __init__(self, number: int, stats: Stats) -> None:
        self.number = number
        self.families: dict[int, Broadcaster] = {}
        self.default: Broadcaster | None = None  # where a broadcast to everybody goes: the iff of the lowest index
        self.ip = Ip(stats, lambda ip: self._permanent(stats.ip, ip))

    @property
    def table(self) -> RouteTable:
        return self.ip.table

    def _permanent(self, stats: IpStats, ip: Ip) -> list[Route]:
        """The permanent routes of IPv4. 224/4 discards: there is no multicast yet, and every such packet is counted.

        127/8 is of this host alone (RFC 1122 3.2.1.3), which is not on the wire; until there is lo0 it leads nowhere.
        From all but 0.0.0.0 no packet comes that is anybody's.
        """
        bad = stats.ips_badaddr
        return [
            Route(prefix(0, 0), Rtt.PERM, Reject(stats)),
            Route(prefix(0), Rtt.PERM, Recv(stats, ip)),
            Route(prefix(_LOOPBACK, 8), Rtt.PERM, Reject(stats, bad, bad_source=bad)),
            Route(prefix(_CLASS_D, 4), Rtt.PERM, Discard(stats, stats.ips_notmember, bad_source=bad)),
            Route(prefix(_CLASS_E, 4), Rtt.PERM, Discard(stats, bad_source=bad)),
            Route(prefix(_EVERYBODY), Rtt.PERM, BroadcastRecv(stats, ip, self.broadcaster)),
        ]

    def broadcaster(self, ifl_index: int) -> Broadcaster | None:
        """Where a packet to 255.255.255.255 goes: the interface that its sender named, or the default one."""
        return self.families.get(ifl_index) if ifl_index else self.default

    def add_family(self, ifl_index: int, family: Broadcaster) -> None:
        self.families[ifl_index] = family
        self._choose_default()

    def remove_family(self, ifl_index: int) -> None:
        del self.families[ifl_index]
        self._choose_default()

    def _choose_default(self) -> None:
        self.default = self.families[min(self.families)] if self.families else None
