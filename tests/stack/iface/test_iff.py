from __future__ import annotations

import pytest

from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.kern.packet import IPV4_CSUM_IN_BAD, IPV4_CSUM_IN_OK, L4_CSUM_IN_BAD, L4_CSUM_IN_OK
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.route.table import Rtt
from ringbed.stack.wire import arp
from ringbed.stack.wire.address import ipv4
from tests.stack.host import OUR, PEER, Host, arp_frame, udp_frame


def interface_routes(host: Host) -> set[tuple[str, str, str]]:
    return {(str(r.prefix), r.type.name, r.nexthop.type.name) for r in host.stack.routes if r.type is not Rtt.PERM}


SUBNET = {
    ("10.0.0.0/24", "IF", "RESOLV"),
    ("10.0.0.0/32", "IF", "RECV"),
    ("10.0.0.255/32", "IF", "BRECV"),
}


def test_the_routes_of_an_ifa_come_and_go_with_it() -> None:
    host = Host(known=False)
    assert interface_routes(host) == SUBNET | {("10.0.0.2/32", "IF", "LOCAL")}
    host.iff.remove_ifa(f"{OUR}/24")
    assert interface_routes(host) == set()


def test_siblings_share_the_subnet() -> None:
    host = Host()
    host.iff.add_ifa("10.0.0.3/24")
    locals_ = {("10.0.0.2/32", "IF", "LOCAL"), ("10.0.0.3/32", "IF", "LOCAL")}
    assert interface_routes(host) == SUBNET | locals_ | {("10.0.0.1/32", "IFDEST", "UNICAST")}
    host.iff.remove_ifa("10.0.0.2/24")
    assert interface_routes(host) == SUBNET | {("10.0.0.3/32", "IF", "LOCAL"), ("10.0.0.1/32", "IFDEST", "UNICAST")}
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    host.stack.run()
    (frame,) = host.taken()
    assert frame[26:30] == bytes([10, 0, 0, 3]), "the best local address is the sibling's now"
    sock = host.stack.udp_socket()
    sock.connect(("10.0.0.77", 9))
    assert sock.getsockname()[0] == "10.0.0.3", "also for neighbours not yet known"


def test_removal_takes_the_neighbours_along_and_leaves_dead_next_hops() -> None:
    host = Host()
    host.stack.add_route("192.0.2.0/24", PEER)
    host.iff.remove_ifa(f"{OUR}/24")
    assert interface_routes(host) == {("192.0.2.0/24", "USER", "DEAD")}
    with pytest.raises(OSError, match="No route to host"):
        host.stack.udp_socket().sendto(b"x", ("192.0.2.1", 9))
    host.iff.add_ifa(f"{OUR}/24")
    assert host.stack.routes.forwarding(ipv4("192.0.2.1")).nexthop.type is Rnh.DEAD, "it is not revived"
    host.stack.add_route("192.0.2.0/24", PEER)
    assert host.stack.routes.forwarding(ipv4("192.0.2.1")).nexthop.type is Rnh.HOLD


def test_removal_of_one_subnet_leaves_the_other() -> None:
    host = Host()
    host.iff.add_ifa("172.16.0.1/16")
    before = interface_routes(host)
    host.iff.add_ifa("192.168.0.1/30")
    host.iff.remove_ifa("192.168.0.1/30")
    assert interface_routes(host) == before


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.1.0.1/31", "leaves no room for a neighbour: at most /30"),
        ("10.1.0.1", "at most /30"),
        ("10.1.0.0/24", "host part of 10.1.0.0/24 is all zeroes or all ones"),
        ("10.1.0.255/24", "all zeroes or all ones"),
        ("10.0.0.2/24", "is there already, as 10.0.0.2/24"),
        ("10.0.0.9/25", "overlaps 10.0.0.2/24, which has another length"),
        ("10.0.9.9/16", "overlaps 10.0.0.2/24, which has another length"),
        ("224.0.0.5/24", "is not an address a host can have"),
        ("127.0.0.1/8", "is not an address a host can have"),
        ("0.0.0.1/8", "is not an address a host can have"),
        ("10.1.0.1/33", "prefix length of 0 to 32"),
        ("10.1.0/24", "is not an IPv4 address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_and_changes_nothing(address: str, why: str) -> None:
    host = Host()
    before = interface_routes(host)
    with pytest.raises(InterfaceError, match=f"em0.0: .*{why}"):
        host.iff.add_ifa(address)
    assert interface_routes(host) == before


def test_equal_prefixes_with_other_locals_and_separate_prefixes_are_fine() -> None:
    host = Host()
    for address in ("10.0.0.7/24", "10.0.1.7/24", "10.0.2.1/30", "10.0.2.5/30"):
        host.iff.add_ifa(address)
    assert [str(ifa) for ifa in host.iff.ifas] == [
        "10.0.0.2/24", "10.0.0.7/24", "10.0.1.7/24", "10.0.2.1/30", "10.0.2.5/30",
    ]  # fmt: skip
    with pytest.raises(InterfaceError, match="no address 10.9.9.9/24"):
        host.iff.remove_ifa("10.9.9.9/24")


def test_packets_are_ours_from_the_iff_on_and_arp_from_the_first_ifa_on() -> None:
    host = Host(known=False)
    host.iff.remove_ifa(f"{OUR}/24")
    host.give(arp_frame(arp.REQUEST, PEER, OUR), udp_frame(dst="255.255.255.255"))
    assert host.stats.ether.noproto.value == 1
    assert host.stats.ip.ips_total.value == 1
    host.ifl.remove_iff()
    host.give(udp_frame())
    assert host.stats.ether.noproto.value == 2


@pytest.mark.parametrize("mtu", [67, 1501, 0])
def test_the_mtu_is_within_what_ipv4_and_the_hardware_allow(mtu: int) -> None:
    host = Host()
    ifl = host.stack.add_driver("ix").add_ifd(host.below).add_ifl()
    with pytest.raises(InterfaceError, match=rf"ix0.0: MTU {mtu} is not within 68\.\.1500"):
        ifl.add_iff(mtu=mtu)


def test_a_family_may_rely_on_less_than_the_hardware_offers_not_on_more() -> None:
    host = Host(Capabilities(tx_ipv4=True, tx_l4=Offload.PSEUDO))
    ifl = host.stack.add_driver("ix").add_ifd(host.below).add_ifl()
    for asked in (Capabilities(tx_l4=Offload.FULL), Capabilities(rx_checksum=True)):
        with pytest.raises(InterfaceError, match="the hardware does not offer"):
            ifl.add_iff(capabilities=asked)
    with pytest.raises(InterfaceError, match="routing instance 1 does not exist"):
        ifl.add_iff(instance=1)
    assert ifl.add_iff(capabilities=Capabilities()).capabilities == Capabilities()


@pytest.mark.parametrize("relied_on", [True, False])
def test_a_family_that_does_not_rely_on_the_cards_checks_makes_its_own(relied_on: bool) -> None:
    """The card calls a good datagram good and bad; what a family that does not ask for it makes of that."""
    card = Capabilities(rx_checksum=True)
    host = Host(card)
    host.iff.remove_ifa(f"{OUR}/24")
    host.ifl.remove_iff()
    host.ifl.add_iff(capabilities=card if relied_on else Capabilities()).add_ifa(f"{OUR}/24")
    host.give(udp_frame(), flags=IPV4_CSUM_IN_OK | L4_CSUM_IN_OK)
    host.give(udp_frame(), flags=IPV4_CSUM_IN_OK | L4_CSUM_IN_BAD)
    host.give(udp_frame(), flags=IPV4_CSUM_IN_BAD)
    ip, udp = host.stats.ip, host.stats.udp
    hardware = (ip.ips_inhwcsum.value, ip.ips_badsum.value, udp.udps_inhwcsum.value, udp.udps_badsum.value)
    software = (ip.ips_inswcsum.value, udp.udps_inswcsum.value)
    assert hardware == ((3, 1, 2, 1) if relied_on else (0, 0, 0, 0))
    assert software == ((0, 0) if relied_on else (3, 3))


def test_two_interfaces_may_be_on_one_subnet() -> None:
    host = Host()
    other = host.stack.add_driver("ix").add_ifd(host.below).add_ifl()
    other.add_iff().add_ifa("10.0.0.3/24")
    best = host.stack.routes.forwarding(ipv4("10.0.0.99"))
    assert best.ifl_index == host.ifl.index, "lower ifl_index first"
    typed = host.stack.routes.route(ipv4("10.0.0.99"), 0, lambda r: r.ifl_index == other.index)
    assert typed is not None
    assert typed.nexthop.ifl_index == other.index
