"""Next hops of IPv6 crossed with 'originated' and 'received', those of groups among them; see test_nexthop.py."""

from __future__ import annotations

from errno import EHOSTUNREACH

import pytest

from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.wire.address import ipv6
from tests.stack.host import errno_of
from tests.stack.host6 import OUR6, PEER6, Host6, udp6_frame
from tests.stack.route.test_nexthop import WHERE as WHERE_IN_IPV4

WHERE = {
    Rnh.REJECT: "2001:db8:1::1",
    Rnh.DISCARD: "2001:db8:2::1",
    Rnh.MDISCARD: "ff02::fb",
    Rnh.MRECV: "ff02::1",
    Rnh.LOCAL: OUR6,
    Rnh.UNICAST: PEER6,
    Rnh.RESOLV: "2001:db8::77",
    Rnh.HOLD: "2001:db8::78",
    Rnh.DEAD: "2001:db8:3::1",
}
ORIGINATED = {  # errno, type of what is sent, drops
    Rnh.REJECT: (EHOSTUNREACH, 0, "ip6: output packets discarded due to no route"),
    Rnh.DISCARD: (EHOSTUNREACH, 0, "ip6: output packets discarded by route"),
    Rnh.MDISCARD: (0, 17, ""),
    Rnh.MRECV: (0, 17, ""),
    Rnh.LOCAL: (0, 0, ""),
    Rnh.UNICAST: (0, 17, ""),
    Rnh.RESOLV: (0, 58, ""),
    Rnh.HOLD: (0, 0, ""),
    Rnh.DEAD: (EHOSTUNREACH, 0, "ip6: output packets discarded by route"),
}
RECEIVED = {
    Rnh.REJECT: "ip6: packets not forwardable",
    Rnh.DISCARD: "ip6: packets discarded by route",
    Rnh.MDISCARD: "ip6: multicast packets which we don't join",
    Rnh.MRECV: "",
    Rnh.LOCAL: "",
    Rnh.UNICAST: "ip6: packets not forwardable",
    Rnh.RESOLV: "ip6: packets not forwardable",
    Rnh.HOLD: "ip6: packets not forwardable",
    Rnh.DEAD: "ip6: packets discarded by route",
}
DELIVERED = {Rnh.LOCAL}, {Rnh.LOCAL, Rnh.MRECV}  # of what was originated, of what was received


def host() -> Host6:
    h = Host6()
    h.stack.add_route("2001:db8:2::/64", "discard")
    h.iff6.add_ifa("2001:db8:9::2/64")
    h.stack.add_route("2001:db8:3::/64", "2001:db8:9::1")
    h.iff6.remove_ifa("2001:db8:9::2/64")
    h.stack.udp_socket(family="inet6").sendto(b"", (WHERE[Rnh.HOLD], 9))
    h.stack.run()
    h.taken()
    return h


def test_no_next_hop_is_left_out() -> None:
    assert set(WHERE) | set(WHERE_IN_IPV4) == set(Rnh)


@pytest.mark.parametrize("kind", WHERE)
def test_originated(kind: Rnh) -> None:
    h = host()
    assert h.stack.instance().ip6.table.forwarding(ipv6(WHERE[kind])).nexthop.type is kind
    server = h.stack.udp_socket(family="inet6")
    server.bind(("::", 7))
    errno, sent, drop = ORIGINATED[kind]
    told = errno_of(lambda: server.sendto(b"x", (WHERE[kind], 7)))
    h.stack.run()
    assert told == errno
    assert [frame[20] for frame in h.taken()] == ([sent] if sent else [])
    assert server.readable is (kind in DELIVERED[0])
    assert h.stack.drops() == ({drop: 1} if drop else {})


@pytest.mark.parametrize("kind", WHERE)
def test_received(kind: Rnh) -> None:
    h = host()
    server = h.stack.udp_socket(family="inet6")
    server.bind(("::", 7))
    h.give(udp6_frame(dst=WHERE[kind]))
    assert server.readable is (kind in DELIVERED[1])
    assert h.stack.drops() == ({RECEIVED[kind]: 1} if RECEIVED[kind] else {})
    assert h.taken() == []


def test_a_group_is_reached_by_its_ethernet_group() -> None:
    h = host()
    h.stack.udp_socket(family="inet6").sendto(b"x", ("ff05::1:3", 547))
    h.stack.run()
    (frame,) = h.taken()
    assert frame[:6] == bytes.fromhex("333300010003")
