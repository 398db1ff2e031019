"""IPv4 on an interface: subnets of at most 30 bits, with a broadcast address and one of zeroes, and ARP."""

from __future__ import annotations

from ringbed.stack.iface.iff import IfAddr, IfFamily, Logical
from ringbed.stack.ip.core import Core
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.neigh.arp import Arp
from ringbed.stack.route.group import BroadcastRecv
from ringbed.stack.route.nexthop import Recv
from ringbed.stack.route.table import Route, Rtt, prefix
from ringbed.stack.wire import ethernet
from ringbed.stack.wire.family import INET


def refusal(ifa: IfAddr) -> str:
    """Why a host cannot have the address, {} in the text; "" when it can."""
    local = ifa.local
    if ifa.bits > 30:
        return "{} leaves no room for a neighbour: at most /30"
    if local in (ifa.prefix, ifa.all_ones):
        return "the host part of {} is all zeroes or all ones"
    if local >= 0xE0000000 or local >> 24 in (0, 127):
        return "{} is not an address a host can have"
    return ""


class Inet(IfFamily):
    """The first ifa adds ARP's entry to the L2 demux; an ifa also makes all-ones BRECV and all-zeroes RECV."""

    family = INET
    resolver: Arp

    def __init__(self, ifl: Logical, mtu: int | None, capabilities: Capabilities | None, instance: int) -> None:
        super().__init__(ifl, mtu, capabilities, instance)
        self._everybody = self.link.carrier.header(ethernet.BROADCAST, self.family.ethertype)
        self._arp_entry = self.link.carrier.entry(ethernet.ETHERTYPE_ARP, self.ifl_index, self.resolver.input)

    def _new_resolver(self, core: Core) -> Arp:
        return Arp(self, core)

    def _refusal(self, ifa: IfAddr) -> str:
        return refusal(ifa)

    @changing
    def add_ifa(self, address: str) -> IfAddr:
        ifa = super().add_ifa(address)
        if len(self.ifas) == 1:
            self.link.carrier.demux.add(self._arp_entry)
        return ifa

    @changing
    def remove_ifa(self, address: str) -> None:
        super().remove_ifa(address)
        if not self.ifas:
            self.link.carrier.demux.remove(self._arp_entry.prefix, self._arp_entry.bits)

    def _subnet_routes(self, ifa: IfAddr) -> list[Route]:
        ip, stats, index = self.ip, self._core.stats.ip, self.ifl_index
        brecv = BroadcastRecv(stats, ip, lambda _: self, index)
        return [
            Route(prefix(INET, ifa.all_ones), Rtt.IF, brecv, index),
            Route(prefix(INET, ifa.prefix), Rtt.IF, Recv(stats, ip, index), index),
        ]

    def broadcast(self, packet: Packet) -> int:
        return self.link.ether_output(packet, self._everybody)
