"""iff and ifa: a protocol family on an interface, and its addresses (seed 004, 'The iffamily/ifaddr Structure').

Adding the iff is what makes packets of the family ours: it puts its entry into the ifd's L2 demux. Each ifa makes
routes: our address LOCAL, the subnet's prefix RESOLV, and what else the family has. Sibling ifas of one subnet share
all but LOCAL. When the last of them goes, its neighbours' routes go too, and routes through those neighbours are left
with a DEAD next hop. Which addresses there can be, and what goes with them, is each family's own: inet.py, inet6.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from ringbed.stack.ip.core import Core
from ringbed.stack.ip.instance import Instance
from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import IN_MASK, Packet
from ringbed.stack.link.carrier import Carrier
from ringbed.stack.link.ether import EtherLink
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.link.offload import ChecksumOutput
from ringbed.stack.neigh.resolver import Resolver
from ringbed.stack.route.nexthop import Local, Resolv, Rnh
from ringbed.stack.route.table import Route, RouteTable, Rtt, prefix
from ringbed.stack.wire.family import Family


class InterfaceError(ValueError):
    """A change of interface configuration that is refused, with the reason."""


@dataclass(frozen=True, slots=True)
class IfAddr:
    """A subnet ifa: our `local` address in the destination prefix `prefix`/`bits`."""

    family: Family
    local: int
    prefix: int
    bits: int

    @property
    def all_ones(self) -> int:
        return self.prefix | ~self.family.mask(self.bits) & self.family.ones

    def __contains__(self, address: int) -> bool:
        return address & self.family.mask(self.bits) == self.prefix

    def __str__(self) -> str:
        return f"{self.family.text(self.local)}/{self.bits}"


@dataclass(slots=True)
class Subnet:
    """What sibling ifas share."""

    resolv: Resolv
    routes: list[Route]
    ifas: list[IfAddr] = field(default_factory=list)

    def refit(self) -> None:
        """The eldest sibling's address is the best local one."""
        for route in self.routes:
            if route.nexthop.type in (Rnh.RESOLV, Rnh.BRECV):
                route.nexthop.local = self.ifas[0].local


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


class IfFamily(Owned, ABC):
    """A family on one ifl. `capabilities` may offer less than the hardware does, never more."""

    family: ClassVar[Family]

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
        self.ip: Ip = self.instance[self.family]
        self.table: RouteTable = self.ip.table
        self.ifas: list[IfAddr] = []
        self._subnets: dict[tuple[int, int], Subnet] = {}
        sums = ChecksumOutput(self.capabilities, core.stats, self.family)
        self.link = EtherLink(carrier, self.mtu, sums, core.stats.ether)
        self.resolver = self._new_resolver(core)
        believed = self.capabilities.rx_checksum or not hardware.rx_checksum
        handler = self.ip.ip_input if believed else self._input_unchecked
        self._entry = carrier.entry(self.family.ethertype, self.ifl_index, handler, self)
        self.queue = self.config = core.config

    def open(self) -> None:
        """Called by the ifl, once everything is there: packets are ours."""
        self.link.carrier.demux.add(self._entry)
        self.ip.add_interface(self.ifl_index, self, self.resolver.input)

    @abstractmethod
    def _new_resolver(self, core: Core) -> Resolver:
        """What finds our neighbours."""

    def _input_unchecked(self, packet: Packet, iff: IfFamily) -> None:
        """The card has an opinion of the sums, but this family was told not to rely on it."""
        packet.flags &= ~IN_MASK
        self.ip.ip_input(packet, iff)

    def _refuse_bad(self, carrier: Carrier) -> None:
        least = self.family.min_mtu
        if not least <= self.mtu <= carrier.mtu:
            raise InterfaceError(f"{self.name}: MTU {self.mtu} is not within {least}..{carrier.mtu}")
        if not carrier.capabilities.covers(self.capabilities):
            raise InterfaceError(f"{self.name}: the hardware does not offer {self.capabilities}")

    def close(self) -> None:
        """Called by the ifl. Raises InterfaceError while there are addresses."""
        if self.ifas:
            raise InterfaceError(f"{self.name} {self.family.name} still has the address {self.ifas[0]}")
        self.resolver.refit()
        self.link.carrier.demux.remove(self._entry.prefix, self._entry.bits)
        self.ip.remove_interface(self.ifl_index)

    # -- addresses ------------------------------------------------------------------------------------------

    @changing
    def add_ifa(self, address: str) -> IfAddr:
        """`10.0.0.1/24`: our address and the length of its subnet. Raises InterfaceError."""
        ifa = self._checked(address)
        self._install(ifa)
        self.ifas.append(ifa)
        return ifa

    def _install(self, ifa: IfAddr) -> None:
        """From now on the address is ours."""
        self.table.add(Route(prefix(self.family, ifa.local), Rtt.IF, self._local(ifa), self.ifl_index))
        key = (ifa.prefix, ifa.bits)
        subnet = self._subnets.get(key)
        if subnet is None:
            subnet = self._subnets[key] = self._new_subnet(ifa)
        subnet.ifas.append(ifa)
        subnet.refit()

    def _local(self, ifa: IfAddr) -> Local:
        """What packets to it meet."""
        return Local(self.ip.stats, self.ip, ifa.local, self.ifl_index)

    def _checked(self, address: str) -> IfAddr:
        """The rules of subnet addressing on a multiaccess interface (seed 004, page 15)."""
        try:
            local, bits = self.family.prefix(address)
        except ValueError as error:
            raise InterfaceError(f"{self.name}: {error}") from None
        ifa = IfAddr(self.family, local, local & self.family.mask(bits), bits)
        if why := self._refusal(ifa):
            raise InterfaceError(f"{self.name}: {why.format(address)}")
        for other in self.ifas:
            if other == ifa or other.local == local:
                raise InterfaceError(f"{self.name}: {address} is there already, as {other}")
            if other.bits != bits and (other.local in ifa or local in other):
                raise InterfaceError(f"{self.name}: {address} overlaps {other}, which has another length")
        return ifa

    @abstractmethod
    def _refusal(self, ifa: IfAddr) -> str:
        """Why the address, {} in the text, cannot be one of ours; "" when it can."""

    def _new_subnet(self, ifa: IfAddr) -> Subnet:
        index = self.ifl_index
        resolv = Resolv(self.ip, self.resolver.queue, self.resolver.resolve, index, ifa.local, self.mtu)
        routes = [Route(prefix(self.family, ifa.prefix, ifa.bits), Rtt.IF, resolv, index), *self._subnet_routes(ifa)]
        self.table.add(*routes)
        return Subnet(resolv, routes)

    def _subnet_routes(self, ifa: IfAddr) -> list[Route]:
        """Of addresses of the subnet that are no single host's."""
        return []

    @changing
    def remove_ifa(self, address: str) -> None:
        """Takes its routes along, and with the last of a subnet those of its neighbours. Raises InterfaceError."""
        ifa = next((i for i in self.ifas if str(i) == address), None)
        if ifa is None:
            raise InterfaceError(f"{self.name}: no address {address}")
        self.ifas.remove(ifa)
        self._uninstall(ifa)

    def _uninstall(self, ifa: IfAddr) -> None:
        self.table.delete(prefix(self.family, ifa.local), Rtt.IF, self.ifl_index)
        subnet = self._subnets[ifa.prefix, ifa.bits]
        subnet.ifas.remove(ifa)
        if subnet.ifas:
            subnet.refit()
        else:
            del self._subnets[ifa.prefix, ifa.bits]
            for route in subnet.routes:
                self.table.delete(route.prefix, Rtt.IF, self.ifl_index)
        self.resolver.refit()

    # -- what others ask --------------------------------------------------------------------------------------

    def local_for(self, address: int) -> int:
        """Our address on the subnet of a host address, or 0."""
        found = self.table.route(address, 0, lambda r: r.type is Rtt.IF and r.ifl_index == self.ifl_index)
        return found.nexthop.local if found is not None and found.nexthop.type is Rnh.RESOLV else 0

    def source_address(self, dst: int) -> int:
        """For a packet to a group, or to `dst` far away: any address of ours, or 0 when there is none yet."""
        return self.ifas[0].local if self.ifas else 0

    @abstractmethod
    def broadcast(self, packet: Packet) -> int:
        """The handle that delivers packets to all of a group out of this interface. Returns 0 or an errno."""
