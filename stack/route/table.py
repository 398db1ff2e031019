"""One table of routes for a family and a routing instance (seed 004, 'Route Tables, Next Hops ...').

The key is `<destination><source>`, 64 bits for IPv4 and 256 for IPv6, matched by longest prefix; a route for a
destination alone is a prefix of up to half of that. A prefix may have several routes, in order of preference: by type,
then by lower ifl_index. Two lookups: 'forwarding' gives the best route of the longest prefix, with nothing but
addresses to go by; 'route' gives the longest prefix that has a route the caller can use, whether or not it is the one
used for forwarding.

Underneath is a persistent tree of prefixes (table/tree.py): a change, a replacement too, makes a new tree and publishes
it with one assignment, so a reader sees the table before or after, nothing between, and never waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from threading import Lock
from typing import TYPE_CHECKING, cast

from ringbed.stack.table.tree import Draft, PrefixTree
from ringbed.stack.wire.family import Family

if TYPE_CHECKING:
    from ringbed.stack.route.nexthop import NextHop


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
    """`bits` bits of a key of the family, kept at the left of it."""

    family: Family
    key: int
    bits: int

    @property
    def number(self) -> int:
        """The bits alone."""
        return self.key >> 2 * self.family.bits - self.bits

    def __str__(self) -> str:
        text, width = self.family.text, self.family.bits
        dst, src = self.key >> width, self.key & self.family.ones
        if self.bits <= width:
            return f"{text(dst)}/{self.bits}"
        return f"{text(dst)} from {text(src)}/{self.bits - width}"


def prefix(family: Family, dst: int, dst_bits: int | None = None, src: int = 0, src_bits: int = 0) -> Prefix:
    """`dst_bits` None: all. Raises RouteError when bits are set beyond the length, or a source is given without all."""
    width = family.bits
    dst_bits = width if dst_bits is None else dst_bits
    if src_bits and dst_bits != width:
        raise RouteError(f"a route by source needs a whole destination, not {dst_bits} bits of it")
    if dst & ~family.mask(dst_bits) or src & ~family.mask(src_bits):
        raise RouteError(f"{family.text(dst)}/{dst_bits} from {family.text(src)}/{src_bits} has bits beyond its length")
    return Prefix(family, dst << width | src, dst_bits + src_bits)


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


Routes = tuple[Route, ...]  # of one prefix, best first


if TYPE_CHECKING:

    class Whole(PrefixTree[Routes]):
        """A tree with a route for 0/0, as every published one is: a whole key finds something."""

        def lookup(self, key: int, bits: int) -> Routes: ...


class RouteTable:
    """Starts with its permanent routes, among them one for 0/0, so every lookup of a whole key finds something.

    Writers, who may be workers, wait for each other; readers for nobody. `tree` is what is published; its keys are of
    `key_bits`, twice the `bits` of an address.
    """

    __slots__ = ("_writer", "bits", "family", "key_bits", "tree")

    def __init__(self, family: Family, permanent: Iterable[Route]) -> None:
        self.family = family
        self.bits = family.bits
        self.key_bits = 2 * family.bits
        self._writer = Lock()
        self.tree: Whole
        draft, routes = PrefixTree[Routes]().draft(), list(permanent)
        for route in routes:
            _put(draft, route)
        self._publish(draft, [], routes)
        if self.tree.get(0, 0) is None:
            raise RouteError("a route table needs a permanent route for 0/0")

    @property
    def lookup(self) -> Callable[[int, int], Routes]:
        """(key, its bits) -> routes of the longest matching prefix, all in the table as it is now, whatever changes."""
        return self.tree.lookup

    def forwarding(self, dst: int, src: int = 0) -> Route:
        """The most preferred route of the longest matching prefix."""
        return self.lookup(dst << self.bits | src, self.key_bits)[0]

    def route(self, dst: int, src: int, accept: Callable[[Route], bool]) -> Route | None:
        """The longest matching prefix with a route that `accept` likes; the most preferred of these."""
        matches = self.tree.matches(dst << self.bits | src, self.key_bits)
        return next((route for _, routes in matches for route in routes if accept(route)), None)

    def add(self, *routes: Route) -> None:
        """All in one publication; each takes the place of one of the same prefix, type and ifl.

        Raises RouteError for a permanent route, one of another family, and a second interface route of the same prefix
        and ifl, and then none is added.
        """
        with self._writer:
            self._add(routes)

    def _add(self, routes: Iterable[Route]) -> None:
        draft, gone = self.tree.draft(), list[Route]()
        for route in routes:
            if route.prefix.family is not self.family:
                raise RouteError(f"{route.prefix.family} route {route.prefix} is none for a table of {self.family}")
            if route.type is Rtt.PERM:
                raise RouteError(f"permanent route {route.prefix} can only be made with the table")
            old = _put(draft, route)
            if old is not None:
                if route.type is Rtt.IF:
                    raise RouteError(f"interface route {route.prefix} of ifl {route.ifl_index} is there already")
                gone.append(old)
        self._publish(draft, gone, routes)

    def delete(self, where: Prefix, kind: Rtt, ifl_index: int = 0) -> Route:
        """The route taken out. Raises RouteError when there is none, or when it is permanent."""
        if kind is Rtt.PERM:
            raise RouteError(f"permanent route {where} cannot be deleted")
        with self._writer:
            return self._delete(where, kind, ifl_index)

    def _delete(self, where: Prefix, kind: Rtt, ifl_index: int) -> Route:
        number, bits = where.number, where.bits
        routes = self.tree.get(number, bits) or ()
        old = _same(routes, kind, ifl_index)
        if old is None:
            raise RouteError(f"no {kind.name} route {where}" + (f" of ifl {ifl_index}" if ifl_index else ""))
        draft = self.tree.draft()
        if len(routes) == 1:
            draft.remove(number, bits)
        else:
            draft.set(number, bits, tuple(route for route in routes if route is not old))
        self._publish(draft, [old], [])
        return old

    def __iter__(self) -> Iterator[Route]:
        """Longest prefixes first, then in order of preference."""
        by_length = sorted(self.tree, key=lambda item: -item[1])
        return (route for _, _, routes in by_length for route in routes)

    def _publish(self, draft: Draft[Routes], gone: Iterable[Route], come: Iterable[Route]) -> None:
        """By one assignment. 0/0 is permanent, so it is in what comes of any draft; said here alone."""
        self.tree = cast("Whole", draft.done())
        for route in come:
            route.nexthop.references += 1
        for route in gone:
            route.nexthop.references -= 1


def _same(routes: Routes, kind: Rtt, ifl_index: int) -> Route | None:
    return next((route for route in routes if route.type is kind and route.ifl_index == ifl_index), None)


def _put(draft: Draft[Routes], route: Route) -> Route | None:
    """In its place in the order of preference; returns the one it replaces."""
    number, bits = route.prefix.number, route.prefix.bits
    there = draft.get(number, bits) or ()
    old = _same(there, route.type, route.ifl_index)
    others = [each for each in there if each is not old]
    draft.set(number, bits, tuple(sorted([*others, route], key=lambda each: each.preference)) if others else (route,))
    return old
