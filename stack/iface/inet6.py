"""IPv6 on an interface: a link-local address of its own, groups, and no address in use before it was found free.

An ifa is `tentative` while neighbour discovery asks for it, then it is ours and has its routes, or it is `duplicated`
and stays as it is, for somebody to see and take away (RFC 4862, 5.4). For each there is a group of questions about it
(RFC 4291, 2.7.1), in which we are from before the first question on.
"""

from __future__ import annotations

from functools import partial

from ringbed.stack.iface.autoconf import Autoconf
from ringbed.stack.iface.iff import IfAddr, IfFamily, InterfaceError, Logical
from ringbed.stack.ip.core import Core
from ringbed.stack.ip.ipv6 import Ip6
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.neigh.nd import Nd
from ringbed.stack.neigh.routers import RouterDiscovery
from ringbed.stack.route.group import Multicast
from ringbed.stack.route.nexthop import LinkLocal, Local
from ringbed.stack.route.table import Route, Rtt, prefix
from ringbed.stack.wire import ra
from ringbed.stack.wire.family import INET6
from ringbed.stack.wire.ipv6 import (
    ALL_NODES,
    ALL_ROUTERS,
    GROUPS,
    LINK_LOCAL,
    LOOPBACK,
    MAPPED,
    group_lladdr,
    interface_id,
    is_link_local,
    solicited_node,
)

TENTATIVE, DUPLICATED = "tentative", "duplicated"
_LINK_SCOPE = 2  # of a group: beyond it go those of higher numbers (RFC 4291, 2.7)


class Inet6(IfFamily):
    """`attempts` is how often an address is asked for before it is used; 0: not at all (RFC 4862, 5.1).

    That is an option of the iff, and no part of what it is (shared). `unused` says of the ifas that are not ours, by
    address, why not.
    """

    shared = frozenset({"attempts"})

    family = INET6
    ip: Ip6
    resolver: Nd

    def __init__(self, ifl: Logical, mtu: int | None, capabilities: Capabilities | None, instance: int) -> None:
        super().__init__(ifl, mtu, capabilities, instance)
        self.attempts = 1
        self.unused: dict[int, str] = {}
        self.deprecated: set[int] = set()  # ours, and no source where another one fits (RFC 4862, 5.5.4)
        self.autoconf: Autoconf | None = None
        self._discovery: RouterDiscovery | None = None
        self._groups: dict[int, int] = {}  # of questions, with how many addresses are in each

    def _new_resolver(self, core: Core) -> Nd:
        return Nd(self, core)

    def open(self) -> None:
        self.link.carrier.groups.join(group_lladdr(ALL_NODES))
        super().open()

    def close(self) -> None:
        if not self.ifas:
            self.set_autoconf(False)
            self.set_advertise(None)
        super().close()
        self.link.carrier.groups.leave(group_lladdr(ALL_NODES))

    # -- routers --------------------------------------------------------------------------------------------------

    @changing
    def set_autoconf(self, on: bool) -> None:
        """Whether routers of the link are asked for and believed. Raises InterfaceError when this is one itself."""
        if on == (self.autoconf is not None):
            return
        if on:
            self._refuse_two_roles()
            self.autoconf = Autoconf(self, self._core)
            self._discover(RouterDiscovery(self.resolver, self.autoconf.heard))
        elif self.autoconf is not None:
            self._discover(None)
            self.autoconf.end()
            self.autoconf = None

    @changing
    def set_advertise(self, lifetime: int | None, valid: int = 86400, preferred: int = 14400) -> None:
        """Tell the link that this is a router, for `lifetime` s by default, and the prefixes that we have on it.

        The times are in seconds, those of RFC 4861, 6.2.1, shortened; None: tell no more. Raises InterfaceError when
        this is a host that believes others.
        """
        if lifetime is None:
            if self.autoconf is None and self._discovery is not None:
                self._discover(None)
                self._leave(ALL_ROUTERS)
            return
        self._refuse_two_roles()
        self._join(ALL_ROUTERS)
        say = partial(self._advertisement, lifetime, valid, preferred)
        self._discover(RouterDiscovery(self.resolver, lambda router, advert: None, say))

    def _refuse_two_roles(self) -> None:
        if self._discovery is not None:
            raise InterfaceError(f"{self.name} has to do with router discovery already")

    def _discover(self, discovery: RouterDiscovery | None) -> None:
        if self._discovery is not None:
            self._discovery.stop()
        self._discovery = discovery
        others = self.ip.discovering - {self.ifl_index}
        self.ip.discovering = others if discovery is None else others | {self.ifl_index}
        if discovery is not None:
            discovery.start()

    def _advertisement(self, lifetime: int, valid: int, preferred: int) -> ra.RouterAdvertisement:
        ours = {(ifa.prefix, ifa.bits) for ifa in self.ifas if not is_link_local(ifa.local)}
        prefixes = tuple(ra.Prefix(*each, valid, preferred) for each in sorted(ours))
        return ra.RouterAdvertisement(lifetime, prefixes, self.link.carrier.lladdr)

    # -- addresses ------------------------------------------------------------------------------------------------

    def link_local(self) -> str:
        """The address that an interface gives itself (RFC 4862, 5.3), for `add_ifa`."""
        return f"{INET6.text(LINK_LOCAL | interface_id(self.link.carrier.lladdr))}/64"

    def _refusal(self, ifa: IfAddr) -> str:
        local = ifa.local
        if local in (0, LOOPBACK) or local >= GROUPS or local >> 32 == MAPPED >> 32:
            return "{} is not an address a host can have"
        if ifa.bits > 127:
            return "{} leaves no room for a neighbour: at most /127"
        if local == ifa.prefix and ifa.bits < 127:  # RFC 4291, 2.6.1; RFC 6164 has no such address in a /127
            return "{} is the anycast address of its subnet's routers"
        return ""

    @changing
    def add_ifa(self, address: str) -> IfAddr:
        ifa = self._checked(address)
        self.ifas.append(ifa)
        self._join(solicited_node(ifa.local))
        if self.attempts:
            self.unused[ifa.local] = TENTATIVE
            self.resolver.attempt(ifa.local, self.attempts, lambda free: self._found(ifa, free))
        else:
            self._install(ifa)
        return ifa

    def _found(self, ifa: IfAddr, free: bool) -> None:
        """By the consumer of the resolver's queue, who may not change configuration."""
        self.config.later(lambda: self._tried(ifa, free))

    def _tried(self, ifa: IfAddr, free: bool) -> None:
        if not any(ifa is each for each in self.ifas):  # taken away meanwhile, and maybe there anew
            return
        if free:
            del self.unused[ifa.local]
            self._install(ifa)
            if self._discovery is not None and is_link_local(ifa.local):
                self._discovery.start()
        else:
            self.unused[ifa.local] = DUPLICATED

    def _local(self, ifa: IfAddr) -> Local:
        kind = LinkLocal if is_link_local(ifa.local) else Local
        return kind(self.ip.stats, self.ip, ifa.local, self.ifl_index)

    def _uninstall(self, ifa: IfAddr) -> None:
        if self.unused.pop(ifa.local, None) is None:
            super()._uninstall(ifa)
        else:
            self.resolver.abandon(ifa.local)
        self._leave(solicited_node(ifa.local))

    def _join(self, group: int) -> None:
        """With the group's Ethernet address at the device, and a route to whoever listens here."""
        self._groups[group] = self._groups.get(group, 0) + 1
        if self._groups[group] == 1:
            here = Multicast(self.ip.stats, lambda _: self, self.ip, self.ifl_index)
            self.table.add(Route(prefix(INET6, group), Rtt.IF, here, self.ifl_index))
            self.link.carrier.groups.join(group_lladdr(group))

    def _leave(self, group: int) -> None:
        self._groups[group] -= 1
        if not self._groups[group]:
            del self._groups[group]
            self.table.delete(prefix(INET6, group), Rtt.IF, self.ifl_index)
            self.link.carrier.groups.leave(group_lladdr(group))

    # -- what others ask --------------------------------------------------------------------------------------------

    def source_address(self, dst: int) -> int:
        """One that means something where the packet goes (RFC 6724, 5, rule 2), or any; the eldest of these."""
        ours = [ifa.local for ifa in self.ifas if ifa.local not in self.unused]
        ours.sort(key=self.deprecated.__contains__)  # which leaves the eldest of each kind first
        if dst >= GROUPS:
            on_link = dst >> 112 & 0xF <= _LINK_SCOPE
        else:
            on_link = is_link_local(dst)
        fitting = (local for local in ours if is_link_local(local) == on_link)
        return next(fitting, ours[0] if ours else 0)

    def broadcast(self, packet: Packet) -> int:
        header = self.link.carrier.header(group_lladdr(packet.dst), INET6.ethertype)
        return self.link.ether_output(packet, header)
