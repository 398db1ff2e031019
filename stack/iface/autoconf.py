"""What a host makes of router advertisements (RFC 4861, 6.3.4; RFC 4862, 5.5): a default route, addresses, lifetimes.

The state is configuration, and so is what follows from it: a default route by a router that has said it is one, beside
and behind one that somebody set; an address in each prefix that is offered, tried before it is used like any other. A
prefix that is preferred no more leaves its address to those who use it; when it is no longer valid the address goes.
One interface takes what 16 routers and 16 prefixes say, and no more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from ringbed.stack.iface.iff import IfAddr, InterfaceError
from ringbed.stack.ip.core import Core
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.owned import Owned
from ringbed.stack.neigh.nd import Nd
from ringbed.stack.neigh.resolver import SECOND
from ringbed.stack.route.nexthop import NextHop, Rnh
from ringbed.stack.route.table import Route, RouteTable, Rtt, prefix
from ringbed.stack.wire.family import INET6
from ringbed.stack.wire.ipv6 import GROUPS, interface_id, is_link_local
from ringbed.stack.wire.ra import FOREVER, Prefix, RouterAdvertisement

ROUTERS_MAX = PREFIXES_MAX = 16
WAITING_MAX = 32
_BITS = 64  # of a prefix that an interface identifier goes with (RFC 2464, 4)
_NEVER = 1 << 63
_TWO_HOURS = 7200 * SECOND  # no single advertisement brings the end of an address nearer (RFC 4862, 5.5.3 e)


class Site(Protocol):
    """What this needs of its iff."""

    @property
    def ifl_index(self) -> int: ...

    @property
    def table(self) -> RouteTable: ...

    @property
    def resolver(self) -> Nd: ...

    @property
    def ifas(self) -> list[IfAddr]: ...

    @property
    def deprecated(self) -> set[int]: ...

    def add_ifa(self, address: str) -> IfAddr: ...

    def remove_ifa(self, address: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Life:
    """In ns of simulated time."""

    preferred: int
    valid: int


class Autoconf(Owned):
    """`routers` live until a time in ns; `addresses` are ours that were made here, by their text.

    Shared: `_waiting`, which discovery puts what it hears into and a change of configuration takes it out of. It keeps
    the last few: of a flood, the rest is old. `_taking` is a mark that such a change is on its way.
    """

    shared = frozenset({"_waiting", "_taking"})

    def __init__(self, iff: Site, core: Core) -> None:
        self._iff = iff
        self._core = core
        self.routers: dict[int, int] = {}
        self.addresses: dict[str, Life] = {}
        self._by: int | None = None  # the router that the default route goes by
        self._nexthop: NextHop | None = None  # which it is
        self._waiting: deque[tuple[int, RouterAdvertisement]] = deque(maxlen=WAITING_MAX)
        self._taking = False
        self._timer = core.timers.timer(iff.resolver.queue, self._due)
        self.queue = self.config = core.config

    def heard(self, router: int, advert: RouterAdvertisement) -> None:
        """By the consumer of discovery's queue, who may not change configuration."""
        self._waiting.append((router, advert))
        if not self._taking:
            self._taking = True
            self.config.later(self._take)

    def _take(self) -> None:
        self._taking = False  # first: what comes from now on brings another turn
        while self._waiting:
            self.advertised(*self._waiting.popleft())

    def _due(self) -> None:
        """Likewise: something ends now."""
        self.config.later(self.look)

    @changing
    def advertised(self, router: int, advert: RouterAdvertisement) -> None:
        now = self._core.scheduler.now
        if advert.lifetime and (router in self.routers or len(self.routers) < ROUTERS_MAX):
            self.routers[router] = now + advert.lifetime * SECOND
        elif not advert.lifetime:
            self.routers.pop(router, None)
        for offered in advert.prefixes:
            if self._acceptable(offered):
                self._offered(offered, now)
        self.look()

    @changing
    def end(self) -> None:
        """Nobody listens any more: what was made here goes."""
        self.routers.clear()
        for address in list(self.addresses):
            self._remove(address)
        self.look()

    @changing
    def look(self) -> None:
        """What has ended by now goes, and the default route is by a router that lives."""
        now = self._core.scheduler.now
        for router in [each for each, ends in self.routers.items() if ends <= now]:
            del self.routers[router]
        for address in [each for each, life in self.addresses.items() if life.valid <= now]:
            self._remove(address)
        for address, life in self.addresses.items():
            self._mark(address, life.preferred <= now)
        self._route()
        self._set_timer(now)

    # -- addresses ------------------------------------------------------------------------------------------------

    def _acceptable(self, offered: Prefix) -> bool:
        """RFC 4862, 5.5.3 (a) to (d)."""
        if not (offered.autonomous and offered.on_link) or offered.bits != _BITS or offered.preferred > offered.valid:
            return False
        return offered.prefix < GROUPS and not is_link_local(offered.prefix)

    def _offered(self, offered: Prefix, now: int) -> None:
        own = offered.prefix & INET6.mask(_BITS) | interface_id(self._iff.resolver.lladdr)
        address = f"{INET6.text(own)}/{_BITS}"
        old, valid = self.addresses.get(address), _end(now, offered.valid)
        if old is None:
            if not offered.valid or len(self.addresses) >= PREFIXES_MAX or not self._add(address):
                return
        elif valid < old.valid and valid - now < _TWO_HOURS:
            valid = min(old.valid, now + _TWO_HOURS)
        self.addresses[address] = Life(_end(now, offered.preferred), valid)

    def _add(self, address: str) -> bool:
        """False when it is there already, by somebody's own will, or cannot be."""
        try:
            self._iff.add_ifa(address)
        except InterfaceError:
            return False
        return True

    def _remove(self, address: str) -> None:
        del self.addresses[address]
        if any(str(ifa) == address for ifa in self._iff.ifas):  # unless somebody took it away
            self._mark(address, False)
            self._iff.remove_ifa(address)

    def _mark(self, address: str, deprecated: bool) -> None:
        number, _ = INET6.prefix(address)
        if deprecated:
            self._iff.deprecated.add(number)
        else:
            self._iff.deprecated.discard(number)

    # -- the default route ----------------------------------------------------------------------------------------

    def _route(self) -> None:
        """By the first router that came and lives; one that was set by hand is preferred, by its lower ifl_index."""
        by = next(iter(self.routers), None)
        if by == self._by and (self._nexthop is None or self._nexthop.type is not Rnh.DEAD):
            return
        where, index, table = prefix(INET6, 0, 0), self._iff.ifl_index, self._iff.table
        nexthop = None if by is None else self._iff.resolver.resolve(by)
        if nexthop is not None:
            table.add(Route(where, Rtt.USER, nexthop, index))
        elif self._by is not None:
            table.delete(where, Rtt.USER, index)
        self._by, self._nexthop = (by, nexthop) if nexthop is not None else (None, None)

    def _set_timer(self, now: int) -> None:
        ends = list(self.routers.values())
        for life in self.addresses.values():
            ends += [life.preferred, life.valid]
        first = min((end for end in ends if now < end < _NEVER), default=None)
        with self._iff.resolver.queue:
            if first is None:
                self._timer.stop()
            else:
                self._timer.set(first)


def _end(now: int, seconds: int) -> int:
    return _NEVER if seconds == FOREVER else now + seconds * SECOND
