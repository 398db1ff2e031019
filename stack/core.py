"""What every part of one host shares: its scheduler and clock, counters, IP, and the ifls by index.

There is one of these for each `Stack`, and nothing of it at module level, so hosts do not know of each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbed.stack.ip import Ip
from ringbed.stack.nexthop import Broadcaster, BroadcastRecv, Discard, Recv, Reject
from ringbed.stack.route import Route, Rtt, prefix
from ringbed.stack.scheduler import Scheduler
from ringbed.stack.stats import Stats

if TYPE_CHECKING:
    from ringbed.stack.iff import IfFamily
    from ringbed.stack.interfaces import IfLogical

_EVERYBODY = 0xFFFFFFFF
_CLASS_D = 0xE0000000
_CLASS_E = 0xF0000000


class Core:
    def __init__(self, now: int) -> None:
        self.scheduler = Scheduler(now)
        self.stats = Stats()
        self.ifls: dict[int, IfLogical] = {}
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
        iffs = {iff.ifl_index: iff for iff in self.iffs()}
        return iffs.get(ifl_index) if ifl_index else next(iter(iffs.values()), None)

    def iffs(self) -> list[IfFamily]:
        return [iff for ifl in self.ifls.values() for iff in ifl.iffs.values()]

    def new_ifl_index(self) -> int:
        """Never 0, which is this host, and never one used before."""
        self._last_index += 1
        return self._last_index

    def refit_broadcasts(self) -> None:
        """Addresses changed: which ones can nobody have as a source (RFC 1122 3.2.1.3)."""
        ones = {ifa.all_ones for iff in self.iffs() for ifa in iff.ifas}
        self.ip.broadcasts = frozenset({_EVERYBODY, *ones})
