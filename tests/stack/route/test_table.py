from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.stack.kern.stats import Ip4Stats
from ringbed.stack.route.nexthop import NextHop, Reject
from ringbed.stack.route.table import Route, RouteError, RouteTable, Rtt, prefix
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.family import FAMILIES, INET, INET6, Family
from tests.stack import naive


def hop() -> NextHop:
    return Reject(Ip4Stats())


def table(family: Family = INET) -> RouteTable:
    return RouteTable(family, [Route(prefix(family, 0, 0), Rtt.PERM, hop())])


def route(text: str, bits: int = 32, kind: Rtt = Rtt.IF, ifl: int = 1) -> Route:
    return Route(prefix(INET, ipv4(text), bits), kind, hop(), ifl if kind in (Rtt.IF, Rtt.IFDEST) else 0)


# few distinct bits, so that prefixes nest and collide; in numbers of 32 bits, to be stretched
ADDRESS = st.integers(0, 15).map(lambda n: (n >> 2) << 30 | n & 3)
SPEC = st.tuples(ADDRESS, st.sampled_from([0, 1, 2, 31, 32]), ADDRESS, st.sampled_from([0, 0, 2, 32]))
CHANGE = st.tuples(SPEC, st.sampled_from([Rtt.USER, Rtt.IF, Rtt.IFDEST]), st.integers(1, 3), st.booleans())


def wide(address: int, family: Family) -> int:
    """The first two bits first and the last two last."""
    return address >> 30 << family.bits - 2 | address & 3


def as_route(family: Family, spec: tuple[int, int, int, int], kind: Rtt, ifl: int) -> Route:
    dst, dst_bits, src, src_bits = spec
    src_bits = src_bits if dst_bits == 32 else 0
    dst, src = wide(dst, family), wide(src, family)
    dst_bits, src_bits = (n if n < 3 else n + family.bits - 32 for n in (dst_bits, src_bits))
    cut = prefix(family, dst & family.mask(dst_bits), dst_bits, src & family.mask(src_bits), src_bits)
    return Route(cut, kind, hop(), 0 if kind is Rtt.USER else ifl)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
@settings(max_examples=150)
@given(st.lists(CHANGE, max_size=12), st.lists(st.tuples(ADDRESS, ADDRESS), min_size=1, max_size=6))
def test_both_lookups_agree_with_a_list(
    family: Family, changes: list[tuple[tuple[int, int, int, int], Rtt, int, bool]], keys: list[tuple[int, int]]
) -> None:
    tested = table(family)
    plain = list(tested)
    for spec, kind, ifl, add in changes:
        made = as_route(family, spec, kind, ifl)
        same = [r for r in plain if (r.prefix, r.type, r.ifl_index) == (made.prefix, made.type, made.ifl_index)]
        if add and (kind is not Rtt.IF or not same):
            tested.add(made)
            plain = [r for r in plain if r not in same] + [made]
        elif not add and same:
            assert tested.delete(made.prefix, kind, made.ifl_index) is same[0]
            plain.remove(same[0])
    assert sorted(map(id, tested)) == sorted(map(id, plain))
    for dst, src in [(wide(dst, family), wide(src, family)) for dst, src in keys]:
        assert tested.forwarding(dst, src) is naive_lookup(plain, dst, src, set(Rtt), 0)
        for ifl in (1, 2):
            typed = tested.route(dst, src, lambda r, ifl=ifl: r.type is Rtt.IF and r.ifl_index == ifl)  # type: ignore[misc]
            assert typed is naive_lookup(plain, dst, src, {Rtt.IF}, ifl)


def naive_lookup(routes: list[Route], dst: int, src: int, kinds: set[Rtt], ifl: int) -> Route | None:
    width = routes[0].prefix.family.bits
    key = naive.bits(dst << width | src, 2 * width)
    usable = [r for r in routes if r.type in kinds and ifl in (0, r.ifl_index)]
    best = sorted(usable, key=lambda r: (r.type, r.ifl_index), reverse=True)  # the best of a prefix comes last
    fitting = [(naive.bits(r.prefix.key, 2 * width)[: r.prefix.bits], r) for r in best]
    return naive.longest_prefix(key, list({text: (text, r) for text, r in fitting}.values()))


def test_the_order_of_preference_is_user_perm_if_ifdest_then_ifl_index() -> None:
    t = table()
    made = [route("10.0.0.0", 8, kind, ifl) for kind, ifl in [(Rtt.IFDEST, 1), (Rtt.IF, 2), (Rtt.IF, 1), (Rtt.USER, 0)]]
    for r in made:
        t.add(r)
        assert t.forwarding(ipv4("10.1.1.1")) is r
    for r, left in zip(made[::-1], made[-2::-1], strict=False):
        t.delete(r.prefix, r.type, r.ifl_index)
        assert t.forwarding(ipv4("10.1.1.1")) is left


def test_a_permanent_route_can_be_overridden_not_deleted() -> None:
    t = table()
    permanent = t.forwarding(1)
    user = Route(prefix(INET, 0, 0), Rtt.USER, hop())
    t.add(user)
    assert t.forwarding(1) is user
    with pytest.raises(RouteError, match=r"permanent route 0\.0\.0\.0/0 cannot be deleted"):
        t.delete(prefix(INET, 0, 0), Rtt.PERM)
    t.delete(prefix(INET, 0, 0), Rtt.USER)
    assert t.forwarding(1) is permanent


def test_a_user_route_replaces_another_of_its_prefix() -> None:
    t = table()
    first, second = route("10.0.0.0", 8, Rtt.USER), route("10.0.0.0", 8, Rtt.USER)
    t.add(first)
    t.add(second)
    assert [r for r in t if r.type is Rtt.USER] == [second]
    assert (first.nexthop.references, second.nexthop.references) == (0, 1)


class Watched(RouteTable):
    """Notes, at every publication, which route a reader finds for 192.0.2.1."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "tree" and value:  # not the empty tree that a table begins with
            self.__dict__.setdefault("seen", []).append(self.forwarding(ipv4("192.0.2.1")))


def test_a_change_is_one_publication_and_nobody_sees_the_hole_between() -> None:
    """O3: a route replaced in two showed REJECT between them; with a subnet's routes it was four."""
    permanent = Route(prefix(INET, 0, 0), Rtt.PERM, hop())
    t = Watched(INET, [permanent])
    first, second = route("192.0.2.0", 24, Rtt.USER), route("192.0.2.0", 24, Rtt.USER)
    t.add(first)
    t.add(second)
    t.add(route("192.0.2.1"), route("192.0.2.2"), route("192.0.3.0", 24))
    t.delete(prefix(INET, ipv4("192.0.2.1")), Rtt.IF, 1)
    t.delete(second.prefix, Rtt.USER)
    assert [r if r in (permanent, first, second) else r.prefix.bits for r in t.__dict__["seen"]] == [
        permanent, first, second, 32, second, permanent
    ]  # fmt: skip


def test_of_several_that_are_added_all_are_or_none_and_the_last_of_a_prefix_stays() -> None:
    t = table()
    a, b = route("10.0.0.0", 8, Rtt.USER), route("10.0.0.0", 8, Rtt.USER)
    t.add(a, b)
    assert [(r.type, r.nexthop.references) for r in (t.forwarding(ipv4("10.0.0.1")), a)] == [
        (Rtt.USER, 1),
        (Rtt.USER, 0),
    ]
    assert t.forwarding(ipv4("10.0.0.1")) is b
    c = route("11.0.0.0", 8)
    with pytest.raises(RouteError, match="is there already"):
        t.add(c, c)
    assert (t.forwarding(ipv4("11.0.0.1")).type, c.nexthop.references) == (Rtt.PERM, 0)


def test_refusals() -> None:
    t = table()
    t.add(route("10.0.0.0", 8))
    with pytest.raises(RouteError, match=r"interface route 10\.0\.0\.0/8 of ifl 1 is there already"):
        t.add(route("10.0.0.0", 8))
    with pytest.raises(RouteError, match="can only be made with the table"):
        t.add(route("11.0.0.0", 8, Rtt.PERM))
    with pytest.raises(RouteError, match=r"no IF route 10\.0\.0\.0/8 of ifl 2"):
        t.delete(prefix(INET, ipv4("10.0.0.0"), 8), Rtt.IF, 2)
    with pytest.raises(RouteError, match="needs a permanent route for 0/0"):
        RouteTable(INET, [])
    with pytest.raises(RouteError, match="has bits beyond its length"):
        prefix(INET, ipv4("10.0.0.1"), 24)
    with pytest.raises(RouteError, match="needs a whole destination, not 24 bits of it"):
        prefix(INET, ipv4("10.0.0.0"), 24, 1, 32)


def test_a_reader_keeps_the_table_it_began_with() -> None:
    t = table()
    t.add(route("10.0.0.0", 8))
    reader = iter(t)
    seen = [next(reader)]
    t.add(route("10.0.0.1"))
    t.delete(prefix(INET, ipv4("10.0.0.0"), 8), Rtt.IF, 1)
    assert [r.prefix.bits for r in [*seen, *reader]] == [8, 0]


def test_a_prefix_says_what_it_is() -> None:
    assert str(prefix(INET, ipv4("10.0.0.0"), 8)) == "10.0.0.0/8"
    assert str(prefix(INET, ipv4("10.0.0.1"), 32, ipv4("10.0.1.0"), 24)) == "10.0.0.1 from 10.0.1.0/24"


def test_a_route_of_another_family_is_refused() -> None:
    t = table()
    with pytest.raises(RouteError, match="inet6 route 2001:db8::/32 is none for a table of inet"):
        t.add(route("10.0.0.1"), Route(prefix(INET6, 0x20010DB8 << 96, 32), Rtt.USER, hop()))
    assert len(list(t)) == 1
    with pytest.raises(RouteError, match="needs a whole destination, not 64 bits of it"):
        prefix(INET6, 0, 64, 1, 128)
    assert str(prefix(INET6, 1, 128, 0xFE80 << 112, 10)) == "::1 from fe80::/10"
