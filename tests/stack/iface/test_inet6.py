from __future__ import annotations

import pytest

from ringbed.stack.ctl.ifconfig import ifconfig
from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.route.table import Rtt
from ringbed.stack.stack import Stack
from ringbed.stack.wire.address import ipv6
from ringbed.stack.wire.ipv6 import ALL_NODES, group_lladdr, solicited_node
from tests.stack.host import FakeInterface
from tests.stack.host6 import OUR6, OUR_LINK, Host6, icmp6_frame


def interface_routes(host: Host6) -> set[tuple[str, str, str]]:
    table = host.stack.instance().ip6.table
    return {(str(r.prefix), r.type.name, r.nexthop.type.name) for r in table if r.type is not Rtt.PERM}


ROUTES = {
    ("2001:db8::/64", "IF", "RESOLV"),
    ("2001:db8::2/128", "IF", "LOCAL"),
    ("fe80::/64", "IF", "RESOLV"),
    (f"{OUR_LINK}/128", "IF", "LOCAL"),
    ("ff02::1:ff00:2/128", "IF", "MRECV"),
}


def test_the_permanent_routes() -> None:
    table = Stack("host").instance().ip6.table
    assert {(str(r.prefix), r.type.name, r.nexthop.type.name) for r in table} == {
        ("::/0", "PERM", "REJECT"),
        ("::/128", "PERM", "REJECT"),
        ("::1/128", "PERM", "REJECT"),
        ("::ffff:0.0.0.0/96", "PERM", "DISCARD"),
        ("ff00::/8", "PERM", "MDISCARD"),
        ("ff02::1/128", "PERM", "MRECV"),
    }


def test_routes_and_groups_come_and_go_with_the_addresses() -> None:
    """Both addresses end alike, so one group of questions serves both, until the last of them has gone."""
    host = Host6(known=False)
    assert interface_routes(host) == ROUTES
    groups = [group_lladdr(ALL_NODES), group_lladdr(solicited_node(ipv6(OUR6)))]
    assert list(host.below.groups) == groups
    host.iff6.remove_ifa(f"{OUR6}/64")
    assert interface_routes(host) == {route for route in ROUTES if "2001" not in route[0]}
    assert list(host.below.groups) == groups
    host.iff6.remove_ifa(f"{OUR_LINK}/64")
    assert interface_routes(host) == set()
    assert list(host.below.groups) == groups[:1]
    host.ifl.remove_iff("inet6")
    assert host.below.groups == ()
    host.give(icmp6_frame())
    assert host.stats.ether.noproto.value == 1


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("::/64", "not an address a host can have"),
        ("::1/128", "not an address a host can have"),
        ("ff02::1/64", "not an address a host can have"),
        ("::ffff:10.0.0.1/96", "not an address a host can have"),
        ("2001:db8:1::1", "leaves no room for a neighbour: at most /127"),
        ("2001:db8:1::/64", "is the anycast address of its subnet's routers"),
        (f"{OUR6}/64", f"is there already, as {OUR6}/64"),
        ("2001:db8::7/63", f"overlaps {OUR6}/64, which has another length"),
        ("2001:db8::7/129", "prefix length of 0 to 128"),
        ("10.0.0.1/24", "is not an IPv6 address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_and_changes_nothing(address: str, why: str) -> None:
    host = Host6(known=False)
    with pytest.raises(InterfaceError, match=f"em0.0: .*{why}"):
        host.iff6.add_ifa(address)
    assert interface_routes(host) == ROUTES


def test_a_link_between_two_has_two_addresses() -> None:
    """RFC 6164."""
    host = Host6(known=False)
    host.iff6.add_ifa("2001:db8:1::/127")
    host.iff6.remove_ifa("2001:db8:1::/127")
    host.iff6.add_ifa("2001:db8:1::1/127")


@pytest.mark.parametrize("mtu", [1279, 1501])
def test_the_mtu_is_within_what_ipv6_and_the_hardware_allow(mtu: int) -> None:
    """RFC 8200, 5."""
    ifl = Stack("host").add_driver("ix").add_ifd(FakeInterface()).add_ifl()
    with pytest.raises(InterfaceError, match=rf"ix0.0: MTU {mtu} is not within 1280\.\.1500"):
        ifl.add_iff("inet6", mtu=mtu)


def test_both_families_are_on_one_interface_and_come_and_go_by_themselves() -> None:
    host = Host6()
    with pytest.raises(InterfaceError, match="em0.0 still has inet, inet6"):
        host.ifd.remove_ifl()
    with pytest.raises(InterfaceError, match="em0.0 inet6 still has the address"):
        host.ifl.remove_iff("inet6")
    with pytest.raises(InterfaceError, match="no protocol family 'ipx', only inet, inet6"):
        host.ifl.add_iff("ipx")
    with pytest.raises(InterfaceError, match="no protocol family 'ipx', only inet, inet6"):
        host.stack.udp_socket(family="ipx")


def test_ifconfig_shows_what_is_ours_and_what_is_not_yet() -> None:
    host = Host6(attempts=0)
    host.iff6.attempts = 1
    host.iff6.add_ifa("2001:db8:1::5/48")
    assert [line for line in ifconfig(host.ifl).splitlines() if "inet6" in line] == [
        f"\tinet6 {OUR_LINK}%em0.0 prefixlen 64 scopeid 0x1",
        f"\tinet6 {OUR6} prefixlen 64",
        "\tinet6 2001:db8:1::5 prefixlen 48 tentative",
    ]


def test_a_neighbour_dies_with_the_last_address_of_his_subnet() -> None:
    host = Host6()
    host.stack.add_route("2001:db8:7::/48", "2001:db8::1")
    host.iff6.remove_ifa(f"{OUR6}/64")
    assert ("2001:db8:7::/48", "USER", "DEAD") in interface_routes(host)
    with pytest.raises(OSError, match="No route to host"):
        host.stack.udp_socket(family="inet6").sendto(b"x", ("2001:db8:7::1", 9))
