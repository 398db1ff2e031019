"""One host's network stack, put together: interfaces below, sockets above, no clock of its own.

It has no thread of its own either, unless it is given a scheduler that has (kern/threaded.py).

The owner calls `run` after it has put something in (frames into an `ifiq`, datagrams into a socket), and `tick(now)`
when simulated time has passed, at the latest at `deadline()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.iface.tree import IfDevice, IfDriver, IfLogical
from ringbed.stack.ip.core import Core
from ringbed.stack.ip.instance import Instance
from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.counters import Group
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Stats
from ringbed.stack.route.nexthop import Discard, NextHop, Reject, Resolv, Rnh
from ringbed.stack.route.table import Route, RouteError, RouteTable, Rtt, prefix
from ringbed.stack.socket.icmp import IcmpSocket
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.transport.protocols import Protocols
from ringbed.stack.wire.family import FAMILIES, INET, family_of

_NEIGHBOURS = frozenset({Rtt.IF, Rtt.IFDEST})


class Stack:
    """`now` is in nanoseconds of simulated time, here and everywhere.

    `scheduler` is the host's own, by default one worker, who is the caller of `run`.
    """

    def __init__(self, hostname: str, now: int = 0, scheduler: Scheduler | None = None) -> None:
        self.hostname = hostname
        self._core = core = Core(Scheduler() if scheduler is None else scheduler)
        core.scheduler.now = now
        self.config = core.config
        self.drivers: dict[str, IfDriver] = {}
        with self.config.change():
            self._protocols = {0: Protocols(core.instances[0], core)}

    # -- time and work ----------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self._core.scheduler.now

    @property
    def scheduler(self) -> Scheduler:
        return self._core.scheduler

    @property
    def stats(self) -> Stats:
        return self._core.stats

    @property
    def routes(self) -> RouteTable:
        """The table of IPv4, routing instance 0."""
        return self.instance()[INET].table

    def run(self) -> None:
        """Run every context to empty: interface queues, service queues, upcalls.

        Whatever came in, and whatever an upcall raises, this does not. Raises NeverEmpty (kern/scheduler.py) when
        there is no end of it.
        """
        self._core.scheduler.run()

    def tick(self, now: int) -> None:
        """Simulated time is `now`: timers that are due go to their queues, then run.

        Raises ValueError when time would go backwards.
        """
        if now < self.now:
            raise ValueError(f"time cannot go from {self.now} back to {now}")
        self._core.scheduler.now = now
        self._core.timers.post_due(now)
        self.run()

    def skip(self, now: int) -> None:
        """Simulated time is `now`, and nothing was due before: what is done next is done then. Backwards is ignored."""
        scheduler = self._core.scheduler
        if now > scheduler.now and not scheduler.waiting:
            scheduler.now = now

    def deadline(self) -> int | None:
        """When `tick` next has something to do: now, while something put in waits for `run`; None: not by itself."""
        if self._core.scheduler.waiting:
            return self.now
        return self._core.timers.deadline()

    def journey(self) -> Journey:
        """To be given to one packet, which will record its way."""
        return Journey(self._core.scheduler)

    # -- routing instances ------------------------------------------------------------------------------------

    def instance(self, number: int = 0) -> Instance:
        """Raises InterfaceError when there is none of this number."""
        return self._of(number).instance

    def _of(self, number: int) -> Protocols:
        if number not in self._protocols:
            raise InterfaceError(f"routing instance {number} does not exist")
        return self._protocols[number]

    @changing
    def add_instance(self, number: int) -> Instance:
        """Tables of its own, for interfaces and sockets to be put into. Raises InterfaceError."""
        core = self._core
        if number < 0 or number in core.instances:
            raise InterfaceError(f"routing instance {number} is {'there already' if number >= 0 else 'negative'}")
        made = core.instances[number] = Instance(number, core.stats, core.scheduler, core.timers, core.config)
        self._protocols[number] = Protocols(made, core)
        return made

    @changing
    def set_forwarding(self, on: bool, family: str = INET.name, instance: int = 0) -> None:
        """Whether this host is a router, and sends on what is not for it. Raises InterfaceError."""
        self.instance(instance)[FAMILIES[_known(family)]].forwarding = on

    @changing
    def remove_instance(self, number: int) -> None:
        """Raises InterfaceError for 0, and while an interface or a socket is in it."""
        protocols = self._of(number)
        if not number:
            raise InterfaceError("routing instance 0 is always there")
        if protocols.instance.interfaces or protocols.sockets:
            uses = f"{protocols.instance.interfaces} interfaces and {protocols.sockets} sockets"
            raise InterfaceError(f"routing instance {number} still has {uses}")
        del self._protocols[number], self._core.instances[number]

    # -- interfaces -------------------------------------------------------------------------------------------

    @changing
    def add_driver(self, name: str, description: str = "") -> IfDriver:
        """Raises InterfaceError when there is one of this name, or the name is not letters."""
        if name in self.drivers:
            raise InterfaceError(f"driver {name} is there already")
        made = self.drivers[name] = IfDriver(name, description, self._core)
        return made

    @changing
    def remove_driver(self, name: str) -> None:
        """Raises InterfaceError while it has devices."""
        if name not in self.drivers:
            raise InterfaceError(f"no driver {name}")
        if ifds := self.drivers[name].ifds:
            raise InterfaceError(f"driver {name} still has {', '.join(d.name for d in ifds.values())}")
        del self.drivers[name]

    def devices(self) -> Iterator[IfDevice]:
        for driver in self.drivers.values():
            yield from driver.ifds.values()

    def ifl(self, name: str) -> IfLogical:
        """`em0.0`, or `em0` for short. Raises InterfaceError."""
        full = name if "." in name else f"{name}.0"
        for ifl in self._ifls():
            if ifl.name == full:
                return ifl
        raise InterfaceError(f"no interface {full}")

    def ifl_by_index(self, index: int) -> IfLogical | None:
        """None when it is gone, which anybody who kept an index must expect."""
        return next((ifl for ifl in self._ifls() if ifl.index == index), None)

    def _ifls(self) -> Iterator[IfLogical]:
        for ifd in self.devices():
            yield from ifd.ifls.values()

    # -- routes -----------------------------------------------------------------------------------------------

    @changing
    def add_route(self, destination: str, gateway: str, interface: str = "", instance: int = 0) -> Route:
        """A USER route through a neighbour, or `reject` or `discard` for `gateway`. Replaces one of the same prefix.

        Raises RouteError when the gateway is no neighbour (on `interface`, if given), or an address of ours.
        """
        family = family_of(destination)
        ifl_index = self.ifl(interface).index if interface else 0
        ip = self.instance(instance)[family]
        route = Route(prefix(family, *family.prefix(destination)), Rtt.USER, self._next_hop(ip, gateway, ifl_index))
        ip.table.add(route)
        return route

    @changing
    def delete_route(self, destination: str, instance: int = 0) -> None:
        """Raises RouteError when there is no USER route of this prefix."""
        family = family_of(destination)
        self.instance(instance)[family].table.delete(prefix(family, *family.prefix(destination)), Rtt.USER)

    def _next_hop(self, ip: Ip, gateway: str, ifl_index: int) -> NextHop:
        if gateway == "reject":
            return Reject(ip.stats, forwarder=ip)
        if gateway == "discard":
            return Discard(ip.stats)
        address = ip.family.parse(gateway)
        found = ip.table.route(address, 0, lambda r: r.type in _NEIGHBOURS and ifl_index in (0, r.ifl_index))
        if found is None:
            raise RouteError(f"{gateway} is no neighbour of this host")
        if found.nexthop.type not in (Rnh.RESOLV, Rnh.UNICAST, Rnh.HOLD):
            raise RouteError(f"{gateway} cannot be a next hop: its route is {found.nexthop.type.name}")
        nexthop = found.nexthop.resolve(address) if isinstance(found.nexthop, Resolv) else found.nexthop
        if nexthop is None:
            raise RouteError(f"{gateway} cannot be a next hop: the table is full of neighbours that are needed")
        return nexthop

    # -- sockets ----------------------------------------------------------------------------------------------

    def udp_socket(self, instance: int = 0, family: str = INET.name) -> UdpSocket:
        """In a routing instance: its addresses, ports and routes. Raises InterfaceError when there is none of it."""
        return UdpSocket(self._of(instance).udp[_known(family)])

    def icmp_socket(self, instance: int = 0, family: str = INET.name) -> IcmpSocket:
        """Likewise."""
        return IcmpSocket(self._of(instance).icmp[_known(family)], self._core.scheduler)

    # -- what happened ----------------------------------------------------------------------------------------

    def groups(self) -> list[Group]:
        """All counters: of protocols, then of interface queues."""
        queues = [queue for ifd in self.devices() for queue in (*ifd.ifiqs, *ifd.ifqs)]
        return [*self.stats.groups(), *queues]

    def drops(self) -> dict[str, int]:
        """Every cause for which a packet ended in this stack, with how many; causes that never happened left out."""
        return {f"{g.title}: {text}": n for g in self.groups() for text, n in g.drops().items()}


def _known(family: str) -> str:
    """Raises InterfaceError when it is none."""
    if family not in FAMILIES:
        raise InterfaceError(f"no protocol family {family!r}, only {', '.join(FAMILIES)}")
    return family
