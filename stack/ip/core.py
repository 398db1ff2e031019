"""What every part of one host shares: its scheduler and clock, timers, counters, IP, and the iffs by index.

There is one of these for each `Stack`, and nothing of it at module level, so hosts do not know of each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ringbed.stack.ip.ipv4 import Ip
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Stats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.route.nexthop import Broadcaster, BroadcastRecv, Discard, Recv, Reject
from ringbed.stack.route.table import Route, Rtt, prefix

_EVERYBODY = 0xFFFFFFFF
_CLASS_D = 0xE0000000
_CLASS_E = 0xF0000000


class Family(Broadcaster, Protocol):
    """An iff, as the host as a whole sees it: what adds itself here and is asked for what it adds up to."""

    def locals(self) -> Iterable[int]:
        """Our addresses on it."""
        ...

    def all_ones(self) -> Iterable[int]:
        """The broadcast addresses of its subnets."""
        ...


class Core:
    def __init__(self, now: int) -> None:
        self.scheduler = Scheduler(now)
        self.timers = Timers()
        self.stats = Stats()
        self.families: dict[int, Family] = {}  # by ifl_index, in its order
        self._last_index = 0
        self.ip = Ip(self.stats, self._permanent)

    def _permanent(self, ip: Ip) -> list[Route]:
        """The permanent routes of IPv4. 224/4 discards: there is no multicast yet, and every such packet is counted."""
        stats = self.stats.ip
        return [
            Route(prefix(0, 0), Rtt.PERM, Reject(stats)),
            Route(prefix(0), Rtt.PERM, Recv(stats, ip)),
            Route(prefix(_CLASS_D, 4), Rtt.PERM, Discard(stats, stats.ips_notmember)),
            Route(prefix(_CLASS_E, 4), Rtt.PERM, Discard(stats)),
            Route(prefix(_EVERYBODY), Rtt.PERM, BroadcastRecv(stats, ip, self._broadcaster)),
        ]

    def _broadcaster(self, ifl_index: int) -> Broadcaster | None:
        """Where a packet to 255.255.255.255 goes: the interface its sender named, or the first that has IPv4."""
        return self.families.get(ifl_index) if ifl_index else next(iter(self.families.values()), None)

    def add_family(self, ifl_index: int, family: Family) -> None:
        self.families = dict(sorted({**self.families, ifl_index: family}.items(), key=lambda item: item[0]))

    def remove_family(self, ifl_index: int) -> None:
        del self.families[ifl_index]

    def new_ifl_index(self) -> int:
        """Never 0, which is this host, and never one used before."""
        self._last_index += 1
        return self._last_index

    def refit_addresses(self) -> None:
        """Addresses changed: which ones can nobody outside have as a source (RFC 1122 3.2.1.3)."""
        families = self.families.values()
        self.ip.broadcasts = frozenset({_EVERYBODY, *(each for family in families for each in family.all_ones())})
        self.ip.locals = frozenset(each for family in families for each in family.locals())
