"""Routing instances: tables of their own for routes and for who on this host wants a packet (seed 004, 1113-1166).

An instance is named by a number; 0 is there from the start. An iff is in one, and its packets are looked up there and
nowhere else; its addresses make their routes there. A socket is in one as well. So the same addresses and ports may be
in use in several, on interfaces of the same host. What instances share is the hardware, time and the counters.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringbed.stack.ip.ipv4 import Ip4
from ringbed.stack.ip.ipv6 import Ip6
from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.config import Config
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Stats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.wire.family import Family


class Instance:
    """One `Ip` for each family: `instance[INET6]`. `config`: what must be held to change what is in it."""

    def __init__(
        self, number: int, stats: Stats, scheduler: Scheduler, timers: Timers, config: Config | None = None
    ) -> None:
        self.number = number
        self.ip = Ip4(stats, scheduler, timers)
        self.ip6 = Ip6(stats, scheduler, timers)
        self._families: dict[Family, Ip] = {ip.family: ip for ip in (self.ip, self.ip6)}
        self.ip.queue = self.ip6.queue = config

    def __getitem__(self, family: Family) -> Ip:
        return self._families[family]

    def __iter__(self) -> Iterator[Ip]:
        return iter(self._families.values())

    @property
    def interfaces(self) -> int:
        """How many families of interfaces are in it."""
        return sum(len(ip.interfaces) for ip in self)
