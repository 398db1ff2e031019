"""As test_stats.py, for IPv6: every drop counter is moved by one packet of its own kind, and no other with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.kern.stats import Stats
from ringbed.stack.neigh.resolver import NEIGHBOURS_MAX
from ringbed.stack.wire import icmpv6
from ringbed.stack.wire.address import ipv6
from ringbed.stack.wire.ra import RouterAdvertisement
from tests.stack.host import OUR_MAC, corrupt
from tests.stack.host6 import (
    OUR6,
    OUR_LINK,
    PEER6,
    PEER_LINK,
    Host6,
    advert,
    icmp6_frame,
    ip6_frame,
    nd_frame,
    solicit,
    udp6_frame,
)
from tests.stack.kern.test_stats import SCENARIOS as SCENARIOS_OF_IPV4
from tests.stack.kern.test_stats import drop_counters

Scenario = Callable[[Host6], None]


def give(*frames: bytes) -> Scenario:
    return lambda host: host.give(*frames)


def patched(frame: bytes, at: int, value: bytes) -> bytes:
    return frame[:at] + value + frame[at + len(value) :]


def send(host: Host6, to: str, size: int = 1) -> None:
    with suppress(OSError):
        host.stack.udp_socket(family="inet6").sendto(bytes(size), (to, 9))
    host.stack.run()


def route_and(gateway: str, then: Scenario) -> Scenario:
    def scenario(host: Host6) -> None:
        host.stack.add_route("2001:db8:7::/48", gateway)
        then(host)

    return scenario


def other_link(host: Host6) -> None:
    """A packet that came by em0.0, for an address of another interface's link."""
    iff = host.stack.add_driver("ix").add_ifd(host.below).add_ifl().add_iff("inet6")
    assert isinstance(iff, Inet6)
    iff.attempts = 0
    iff.add_ifa("fe80::77/64")
    host.give(icmp6_frame(dst="fe80::77"))


def no_interface(host: Host6) -> None:
    for ifa in list(host.iff6.ifas):
        host.iff6.remove_ifa(str(ifa))
    host.ifl.remove_iff("inet6")
    send(host, "ff02::fb")


def no_source(host: Host6) -> None:
    for ifa in list(host.iff6.ifas):
        host.iff6.remove_ifa(str(ifa))
    send(host, "ff02::fb")


def routed(frame: bytes) -> Scenario:
    def scenario(host: Host6) -> None:
        host.stack.set_forwarding(True, "inet6")
        host.give(frame)

    return scenario


def whole_or_not(host: Host6) -> None:
    sock = host.stack.udp_socket(family="inet6")
    sock.set_dontfragment(True)
    with suppress(OSError):
        sock.sendto(bytes(1453), (PEER6, 9))


def too_long(host: Host6) -> None:
    host.stack._protocols[0].icmp["inet6"].output(icmpv6.ECHO_REQUEST, 0, 0, bytes(65535), ipv6(PEER6))


def full_icmp_queue(host: Host6) -> None:
    host.stack.icmp_socket(family="inet6").queue.limit = 1
    host.give(*[icmp6_frame(icmpv6.ECHO_REPLY)] * 2)


def full_icmp_socket(host: Host6) -> None:
    host.stack.icmp_socket(family="inet6").buffer.limit = 0
    host.give(icmp6_frame(icmpv6.ECHO_REPLY))


def to_nobody(host: Host6) -> None:
    host.stack._protocols[0].icmp["inet6"].output(icmpv6.NEIGHBOUR_SOLICITATION, 0, 0, bytes(16), ipv6(OUR6))
    host.stack.run()


def full_nd_queue(host: Host6) -> None:
    host.iff6.resolver.queue.limit = 1
    send_two = host.stack.udp_socket(family="inet6")
    for n in (1, 2):
        with suppress(OSError):
            send_two.sendto(b"", (f"2001:db8::7{n}", 9))
    host.stack.run()


def part(at: int = 0, size: int = 16) -> bytes:
    """A fragment of UDP, more to come."""
    return ip6_frame(bytes([17, 0]) + (at | 1).to_bytes(2, "big") + bytes([0, 0, 0, 9]) + bytes(size), 44)


def overlapping(host: Host6) -> None:
    """Both are dropped, so that it is one."""
    host.give(part(), part(8))
    host.stats.ip6.ips_fragoverlap.value -= 1


def full_of_fragments(host: Host6) -> None:
    reassembly = host.stack.instance().ip6.reassembly
    with reassembly.queue:
        reassembly.limit = 100
    host.give(part())


def never_whole(host: Host6) -> None:
    host.give(part())
    host.later(60)


def in_pieces(host: Host6) -> None:
    whole = nd_frame(solicit())[54:]
    for at, data in ((1, whole[:16]), (16, whole[16:])):
        host.give(ip6_frame(bytes([58, 0, 0, at]) + bytes([0, 0, 0, 9]) + data, 44, hops=255))


def router_at_a_router(host: Host6) -> None:
    host.iff6.set_advertise(1800)
    src, dst = ipv6(PEER_LINK), ipv6("ff02::1")
    host.give(ip6_frame(RouterAdvertisement(1800).emit(src, dst), 58, PEER_LINK, "ff02::1", hops=255))


def too_many_held(host: Host6) -> None:
    for _ in range(17):
        send(host, "2001:db8::77")


def no_answer(host: Host6) -> None:
    send(host, "2001:db8::77")
    for _ in range(3):
        host.later(1)


def table_full(host: Host6) -> None:
    """All places taken by neighbours that routes go through."""
    for n in range(NEIGHBOURS_MAX - 1):
        host.stack.add_route(f"2001:db8:7:{n:x}::/64", f"2001:db8::1:{n:x}")
    host.stack.add_route("2001:db8:8::/64", PEER6)
    send(host, "2001:db8::77")


def without_sum(host: Host6) -> None:
    host.stack.udp_socket(family="inet6").bind(("::", 7))
    host.give(patched(udp6_frame(), 60, b"\0\0"))


FAR = "2001:db8:7::1"
SCENARIOS: dict[tuple[str, str], Scenario] = {
    ("ip6", "ips_tooshort"): give(udp6_frame()[:53]),
    ("ip6", "ips_toosmall"): give(patched(udp6_frame(), 18, b"\x01\x00")),
    ("ip6", "ips_badoptions"): give(ip6_frame(bytes([17, 0, 0xC2, 4, 0, 0, 0, 0]), 60)),
    ("ip6", "ip6s_nonext"): give(ip6_frame(bytes(8), 59)),
    ("ip6", "ip6s_badscope"): other_link,
    ("ip6", "ips_badvers"): give(patched(udp6_frame(), 14, b"\x40")),
    ("ip6", "ips_badaddr"): give(udp6_frame(src="ff02::1")),
    ("ip6", "ips_ownaddr"): give(udp6_frame(src=OUR6)),
    ("ip6", "ips_badfrags"): give(part(0, 15)),
    ("ip6", "ips_fragdup"): give(part(), part()),
    ("ip6", "ips_fragoverlap"): overlapping,
    ("ip6", "ips_fragdropped"): full_of_fragments,
    ("ip6", "ips_fragtimeout"): never_whole,
    ("ip6", "ips_noproto"): give(ip6_frame(bytes(16), 132)),
    ("ip6", "ips_cantforward"): give(udp6_frame(dst=FAR)),
    ("ip6", "ips_unroutable"): routed(udp6_frame(dst=FAR)),
    ("ip6", "ips_timexceeded"): routed(patched(udp6_frame(dst="2001:db8::9"), 21, b"\1")),
    ("ip6", "ips_cantfrag"): whole_or_not,
    ("ip6", "ips_notmember"): give(udp6_frame(dst="ff02::fb")),
    ("ip6", "ips_discarded"): route_and("discard", give(udp6_frame(dst=FAR))),
    ("ip6", "ips_linkbcast"): give(b"\x33\x33\0\0\0\1" + udp6_frame()[6:]),
    ("ip6", "ips_noroute"): lambda host: send(host, FAR),
    ("ip6", "ips_odiscarded"): route_and("discard", lambda host: send(host, FAR)),
    ("ip6", "ip6s_nogroupif"): no_interface,
    ("ip6", "ip6s_nosource"): no_source,
    ("ip6", "ips_toolong"): too_long,
    ("icmp6", "icps_tooshort"): give(ip6_frame(b"\x80\0\0", 58)),
    ("icmp6", "icps_badsum"): give(corrupt(icmp6_frame(), 62)),
    ("icmp6", "icps_badlen"): give(icmp6_frame(icmpv6.UNREACHABLE, payload=bytes(39))),
    ("icmp6", "icps_redirect"): give(icmp6_frame(icmpv6.REDIRECT, payload=bytes(32))),
    ("icmp6", "icps_nosocket"): give(icmp6_frame(icmpv6.ECHO_REPLY)),
    ("icmp6", "icps_fullqueue"): full_icmp_queue,
    ("icmp6", "icps_fullsock"): full_icmp_socket,
    ("icmp6", "icp6s_nolink"): to_nobody,
    ("nd", "malformed"): give(nd_frame(solicit("ff02::1"))),
    ("nd", "badsender"): give(nd_frame(solicit(lladdr=OUR_MAC))),
    ("nd", "nottarget"): give(nd_frame(solicit("2001:db8::77"))),
    ("nd", "hoplimit"): give(nd_frame(solicit(), hops=254)),
    ("nd", "unasked"): give(nd_frame(advert("2001:db8::77"))),
    ("nd", "fragmented"): in_pieces,
    ("nd", "notourrole"): router_at_a_router,
    ("nd", "dadfailed"): give(nd_frame(advert(OUR_LINK))),
    ("nd", "tablefull"): table_full,
    ("nd", "fullqueue"): full_nd_queue,
    ("nd", "holdfull"): too_many_held,
    ("nd", "unresolved"): no_answer,
    ("udp", "udps_nosum6"): without_sum,
}


@pytest.mark.parametrize("cause", SCENARIOS, ids="-".join)
def test_a_cause_has_its_own_counter(cause: tuple[str, str]) -> None:
    host = Host6()
    SCENARIOS[cause](host)
    moved = {name: counter.value for name, counter in drop_counters(host.stats).items() if counter.value}
    assert moved == {cause: 1}


def test_a_neighbour_that_is_down_refuses_what_follows() -> None:
    host = Host6()
    no_answer(host)
    send(host, "2001:db8::77")
    assert host.stats.nd.down.value == 1


def test_no_cause_is_left_out() -> None:
    down = {("arp", "down"), ("nd", "down")}
    assert set(SCENARIOS) | set(SCENARIOS_OF_IPV4) | down == set(drop_counters(Stats()))
