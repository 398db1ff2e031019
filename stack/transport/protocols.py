"""The protocols above IP of one routing instance, put together."""

from __future__ import annotations

from ringbed.stack.ip.icmp import Icmp
from ringbed.stack.ip.instance import Instance
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Stats
from ringbed.stack.transport.udp import Udp
from ringbed.stack.wire.ipv4 import PROTO_UDP


class Protocols:
    """Each with its own ports, queues and limits; the counters are the host's."""

    def __init__(self, instance: Instance, stats: Stats, scheduler: Scheduler) -> None:
        self.instance = instance
        self.icmp = Icmp(instance.ip, stats, scheduler)
        self.udp = Udp(instance.ip, stats, scheduler)
        self.icmp.quoted[PROTO_UDP] = self.udp.udp_ctlinput

    @property
    def sockets(self) -> int:
        """How many are open or bound."""
        return len(self.icmp.raw) + self.udp.bound
