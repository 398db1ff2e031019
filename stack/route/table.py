"""One table of routes for a family and a routing instance (seed 004, 'Route Tables, Next Hops ...').

The key is `<destination><source>`, 64 bits for IPv4, matched by longest prefix; a route for a destination alone is a
prefix of up to 32 bits. A prefix may have several routes, in order of preference: by type, then by lower ifl_index. Two
lookups: 'forwarding' gives the best route of the longest prefix, with nothing but addresses to go by; 'route' gives the
longest prefix that has a route the caller can use, whether or not it is the one used for forwarding.

Copy-on-write: a change builds the new level (all prefixes of one length) and publishes it with one assignment, so a
reader sees the table before or after, and never waits. That makes a change cost as much as the level is large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ringbed.stack.wire.address import ipv4_text, netmask

if TYPE_CHECKING:
    from ringbed.stack.route.nexthop import NextHop

KEY_BITS = 64


class Rtt(IntEnum):
    """Who installed the route and why; the order is that of preference, best first."""

    USER = 0  # replaces another USER route of the same prefix
    PERM = 1  # made with the table; cannot be deleted, can be overridden
    IF = 2  # comes and goes with an ifa
    IFDEST = 3  # to one neighbour, named by its link address; goes with what it depends on


class RouteError(ValueError):
    """A change that the table refuses, with the reason."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """`bits` bits of a key, kept at the left of 64."""

    key: int
    bits: int

    def __str__(self) -> str:
        dst, src = self.key >> 32, self.key & 0xFFFFFFFF
        if self.bits <= 32:
            return f"{ipv4_text(dst)}/{self.bits}"
        return f"{ipv4_text(dst)} from {ipv4_text(src)}/{self.bits - 32}"


def prefix(dst: int, dst_bits: int = 32, src: int = 0, src_bits: int = 0) -> Prefix:
    """Raises RouteError when bits are set beyond the length, or a source is given without a whole destination."""
    if src_bits and dst_bits != 32:
        raise RouteError(f"a route by source needs a whole destination, not {dst_bits} bits of it")
    if dst & ~netmask(dst_bits) or src & ~netmask(src_bits):
        raise RouteError(f"{ipv4_text(dst)}/{dst_bits} from {ipv4_text(src)}/{src_bits} has bits beyond its length")
    return Prefix(dst << 32 | src, dst_bits + src_bits)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """`ifl_index`: the iff that an IF or IFDEST route depends on; 0 for the others."""

    prefix: Prefix
    type: Rtt
    nexthop: NextHop
    ifl_index: int = 0

    @property
    def preference(self) -> tuple[int, int]:
        return self.type, self.ifl_index


_Level = dict[int, tuple[Route, ...]]


class RouteTable:
    """Starts with its permanent routes, among them one for 0/0, so every lookup finds something."""

    __slots__ = ("_levels",)

    def __init__(self, permanent: Iterable[Route]) -> None:
        self._levels: tuple[tuple[int, _Level], ...] = ()  # (shift, routes by prefix), longest prefix first
        for route in permanent:
            self._insert(route)
        if not any(route.prefix.bits == 0 for route in self):
            raise RouteError("a route table needs a permanent route for 0/0")

    def forwarding(self, dst: int, src: int = 0) -> Route:
        """The most preferred route of the longest matching prefix."""
        key = dst << 32 | src
        for shift, level in self._levels:
            if (routes := level.get(key >> shift)) is not None:
                return routes[0]
        raise AssertionError("no route for 0/0")

    def route(self, dst: int, src: int, accept: Callable[[Route], bool]) -> Route | None:
        """The longest matching prefix with a route that `accept` likes; the most preferred of these."""
        key = dst << 32 | src
        for shift, level in self._levels:
            for route in level.get(key >> shift, ()):
                if accept(route):
                    return route
        return None

    def add(self, route: Route) -> None:
        """Raises RouteError for a permanent route and for a second interface route of the same prefix and ifl."""
        if route.type is Rtt.PERM:
            raise RouteError(f"permanent route {route.prefix} can only be made with the table")
        old = self._same(route.prefix, route.type, route.ifl_index)
        if old is not None:
            if route.type is Rtt.IF:
                raise RouteError(f"interface route {route.prefix} of ifl {route.ifl_index} is there already")
            self._take_out(old)
        self._insert(route)

    def delete(self, where: Prefix, kind: Rtt, ifl_index: int = 0) -> Route:
        """The route taken out. Raises RouteError when there is none, or when it is permanent."""
        if kind is Rtt.PERM:
            raise RouteError(f"permanent route {where} cannot be deleted")
        old = self._same(where, kind, ifl_index)
        if old is None:
            raise RouteError(f"no {kind.name} route {where}" + (f" of ifl {ifl_index}" if ifl_index else ""))
        self._take_out(old)
        return old

    def __iter__(self) -> Iterator[Route]:
        """Longest prefixes first, then in order of preference."""
        for _, level in self._levels:
            for routes in level.values():
                yield from routes

    def _same(self, where: Prefix, kind: Rtt, ifl_index: int) -> Route | None:
        routes = dict(self._levels).get(KEY_BITS - where.bits, {}).get(where.key >> (KEY_BITS - where.bits), ())
        return next((r for r in routes if r.type is kind and r.ifl_index == ifl_index), None)

    def _insert(self, route: Route) -> None:
        route.nexthop.references += 1
        self._publish(route.prefix, lambda routes: tuple(sorted((*routes, route), key=lambda r: r.preference)))

    def _take_out(self, route: Route) -> None:
        route.nexthop.references -= 1
        self._publish(route.prefix, lambda routes: tuple(r for r in routes if r is not route))

    def _publish(self, where: Prefix, change: Callable[[tuple[Route, ...]], tuple[Route, ...]]) -> None:
        shift = KEY_BITS - where.bits
        levels = dict(self._levels)
        level = dict(levels.get(shift, {}))
        short = where.key >> shift
        level[short] = change(level.get(short, ()))
        if not level[short]:
            del level[short]
        levels[shift] = level
        self._levels = tuple((s, entries) for s, entries in sorted(levels.items()) if entries)
