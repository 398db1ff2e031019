"""iff and ifa: a protocol family on an interface, and its addresses (seed 004, 'The iffamily/ifaddr Structure').

Adding the iff is what makes packets of the family ours: it puts its entry into the ifd's L2 demux. The first ifa adds
the one of ARP. Each ifa also makes routes: the subnet's prefix RESOLV, our address LOCAL, all-ones BRECV, all-zeroes
RECV. Sibling ifas of one subnet share all but LOCAL. When the last of them goes, its neighbours' routes go too, and
routes through those neighbours are left with a DEAD next hop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ringbed.stack.ip.core import Core
from ringbed.stack.ip.instance import Instance
from ringbed.stack.kern.packet import IN_MASK, Packet
from ringbed.stack.link.carrier import Carrier
from ringbed.stack.link.ether import EtherLink
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.link.offload import ChecksumOutput
from ringbed.stack.neigh.arp import Arp
from ringbed.stack.route.nexthop import BroadcastRecv, Local, Recv, Resolv, Rnh
from ringbed.stack.route.table import Route, RouteTable, Rtt, prefix
from ringbed.stack.wire import ethernet
from ringbed.stack.wire.address import ipv4_prefix, ipv4_text, netmask

MIN_MTU = 68  # RFC 791


class InterfaceError(ValueError):
    """A change of interface configuration that is refused, with the reason."""


@dataclass(frozen=True, slots=True)
class IfAddr:
    """A subnet ifa: our `local` address in the destination prefix `prefix`/`bits`."""

    local: int
    prefix: int
    bits: int

    @property
    def all_ones(self) -> int:
        return self.prefix | ~netmask(self.bits) & 0xFFFFFFFF

    def __contains__(self, address: int) -> bool:
        return address & netmask(self.bits) == self.prefix

    def __str__(self) -> str:
        return f"{ipv4_text(self.local)}/{self.bits}"


@dataclass(slots=True)
class _Subnet:
    """What sibling ifas share."""

    resolv: Resolv
    brecv: BroadcastRecv
    routes: list[Route]
    ifas: list[IfAddr] = field(default_factory=list)

    def refit(self) -> None:
        """The eldest sibling's address is the best local one."""
        self.resolv.local = self.brecv.local = self.ifas[0].local


class Logical(Protocol):
    """What an iff needs of the ifl it sits on."""

    @property
    def name(self) -> str: ...

    @property
    def index(self) -> int: ...

    @property
    def carrier(self) -> Carrier: ...

    @property
    def core(self) -> Core: ...


class IfFamily:
    """IPv4 on one ifl. `capabilities` may offer less than the hardware does, never more."""

    def __init__(self, ifl: Logical, mtu: int | None, capabilities: Capabilities | None, instance: int) -> None:
        carrier = ifl.carrier
        hardware = carrier.capabilities
        self.name = ifl.name
        self.ifl_index = ifl.index
        self.capabilities = capabilities or hardware
        self.mtu = carrier.mtu if mtu is None else mtu
        self._refuse_bad(carrier)
        self._core = core = ifl.core
        if instance not in core.instances:
            raise InterfaceError(f"{self.name}: routing instance {instance} does not exist")
        self.instance: Instance = core.instances[instance]
        self.table: RouteTable = self.instance.table
        self.ifas: list[IfAddr] = []
        self._subnets: dict[tuple[int, int], _Subnet] = {}
        self._link = EtherLink(carrier, self.mtu, ChecksumOutput(self.capabilities, core.stats), core.stats.ether)
        self._broadcast_header = carrier.header(ethernet.BROADCAST, ethernet.ETHERTYPE_IPV4)
        self.arp = Arp(
            self.name, self.ifl_index, self._link, self.table, core.stats, core.scheduler, core.timers, self.local_for,
            self.instance.ip.is_local,
        )  # fmt: skip
        believed = self.capabilities.rx_checksum or not hardware.rx_checksum
        handler = self.instance.ip.ip_input if believed else self._input_unchecked
        self._ip_entry = carrier.entry(ethernet.ETHERTYPE_IPV4, self.ifl_index, handler, self)
        self._arp_entry = carrier.entry(ethernet.ETHERTYPE_ARP, self.ifl_index, self.arp.arp_input)
        carrier.demux.add(self._ip_entry)
        self.instance.add_family(self.ifl_index, self)

    def _input_unchecked(self, packet: Packet, iff: IfFamily) -> None:
        """The card has an opinion of the sums, but this family was told not to rely on it."""
        packet.flags &= ~IN_MASK
        self.instance.ip.ip_input(packet, iff)

    def _refuse_bad(self, carrier: Carrier) -> None:
        if not MIN_MTU <= self.mtu <= carrier.mtu:
            raise InterfaceError(f"{self.name}: MTU {self.mtu} is not within {MIN_MTU}..{carrier.mtu}")
        if not carrier.capabilities.covers(self.capabilities):
            raise InterfaceError(f"{self.name}: the hardware does not offer {self.capabilities}")

    def close(self) -> None:
        """Called by the ifl. Raises InterfaceError while there are addresses."""
        if self.ifas:
            raise InterfaceError(f"{self.name} inet still has the address {self.ifas[0]}")
        self.arp.refit()
        self._link.carrier.demux.remove(self._ip_entry.prefix, self._ip_entry.bits)
        self.instance.remove_family(self.ifl_index)

    # -- addresses ------------------------------------------------------------------------------------------

    def add_ifa(self, address: str) -> IfAddr:
        """`10.0.0.1/24`: our address and the length of its subnet. Raises InterfaceError."""
        ifa = self._checked(address)
        key = (ifa.prefix, ifa.bits)
        local = Local(self._core.stats.ip, self.instance.ip, ifa.local, self.ifl_index)
        self.table.add(Route(prefix(ifa.local), Rtt.IF, local, self.ifl_index))
        subnet = self._subnets.get(key)
        if subnet is None:
            subnet = self._subnets[key] = self._new_subnet(ifa)
        subnet.ifas.append(ifa)
        subnet.refit()
        if not self.ifas:
            self._link.carrier.demux.add(self._arp_entry)
        self.ifas.append(ifa)
        return ifa

    def _checked(self, address: str) -> IfAddr:
        """The rules of subnet addressing on a multiaccess interface (seed 004, page 15)."""
        try:
            local, bits = ipv4_prefix(address)
        except ValueError as error:
            raise InterfaceError(f"{self.name}: {error}") from None
        mask = netmask(bits)
        ifa = IfAddr(local, local & mask, bits)
        if bits > 30:
            raise InterfaceError(f"{self.name}: {address} leaves no room for a neighbour: at most /30")
        if local == ifa.prefix or local == ifa.all_ones:
            raise InterfaceError(f"{self.name}: the host part of {address} is all zeroes or all ones")
        if local >= 0xE0000000 or local >> 24 in (0, 127):
            raise InterfaceError(f"{self.name}: {address} is not an address a host can have")
        for other in self.ifas:
            if other == ifa or other.local == local:
                raise InterfaceError(f"{self.name}: {address} is there already, as {other}")
            if other.bits != bits and (other.local in ifa or local in other):
                raise InterfaceError(f"{self.name}: {address} overlaps {other}, which has another length")
        return ifa

    def _new_subnet(self, ifa: IfAddr) -> _Subnet:
        ip, stats, index = self.instance.ip, self._core.stats.ip, self.ifl_index
        resolv = Resolv(stats, self.arp.queue, self.arp.resolve, index, ifa.local)
        brecv = BroadcastRecv(stats, ip, lambda _: self, index)
        routes = [
            Route(prefix(ifa.prefix, ifa.bits), Rtt.IF, resolv, index),
            Route(prefix(ifa.all_ones), Rtt.IF, brecv, index),
            Route(prefix(ifa.prefix), Rtt.IF, Recv(stats, ip, index), index),
        ]
        self.table.add(*routes)
        return _Subnet(resolv, brecv, routes)

    def remove_ifa(self, address: str) -> None:
        """Takes its routes along, and with the last of a subnet those of its neighbours. Raises InterfaceError."""
        ifa = next((i for i in self.ifas if str(i) == address), None)
        if ifa is None:
            raise InterfaceError(f"{self.name}: no address {address}")
        self.ifas.remove(ifa)
        self.table.delete(prefix(ifa.local), Rtt.IF, self.ifl_index)
        subnet = self._subnets[ifa.prefix, ifa.bits]
        subnet.ifas.remove(ifa)
        if subnet.ifas:
            subnet.refit()
        else:
            del self._subnets[ifa.prefix, ifa.bits]
            for route in subnet.routes:
                self.table.delete(route.prefix, Rtt.IF, self.ifl_index)
        self.arp.refit()
        if not self.ifas:
            self._link.carrier.demux.remove(self._arp_entry.prefix, self._arp_entry.bits)

    # -- what others ask --------------------------------------------------------------------------------------

    def local_for(self, address: int) -> int:
        """Our address on the subnet of a host address, or 0."""
        found = self.table.route(address, 0, lambda r: r.type is Rtt.IF and r.ifl_index == self.ifl_index)
        return found.nexthop.local if found is not None and found.nexthop.type is Rnh.RESOLV else 0

    def source_address(self) -> int:
        """For a broadcast to everybody: any address of ours, or 0 when there is none yet."""
        return self.ifas[0].local if self.ifas else 0

    def broadcast(self, packet: Packet) -> int:
        """The handle that delivers broadcasts out of this interface. Returns 0 or an errno."""
        return self._link.ether_output(packet, self._broadcast_header)
