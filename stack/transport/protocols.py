"""The protocols above IP of one routing instance, put together."""

from __future__ import annotations

from ringbed.stack.ip.core import Core
from ringbed.stack.ip.icmp import Icmp
from ringbed.stack.ip.icmp4 import Icmp4
from ringbed.stack.ip.icmp6 import Icmp6
from ringbed.stack.ip.instance import Instance
from ringbed.stack.transport.udp import Udp
from ringbed.stack.wire.family import INET, INET6
from ringbed.stack.wire.udp import PROTO_UDP


class Protocols:
    """Each family with its own ports, queues and limits; the counters are the host's."""

    def __init__(self, instance: Instance, core: Core) -> None:
        stats, scheduler = core.stats, core.scheduler
        self.instance = instance
        self.icmp: dict[str, Icmp] = {
            INET.name: Icmp4(instance.ip, stats.icmp, scheduler, core.config),
            INET6.name: Icmp6(instance.ip6, stats.icmp6, scheduler, core.config),
        }
        self.udp = {ip.family.name: Udp(ip, core) for ip in instance}
        for name, icmp in self.icmp.items():
            icmp.quoted[PROTO_UDP] = self.udp[name].udp_ctlinput

    @property
    def sockets(self) -> int:
        """How many are open or bound."""
        return sum(len(icmp.raw) for icmp in self.icmp.values()) + sum(udp.bound for udp in self.udp.values())
