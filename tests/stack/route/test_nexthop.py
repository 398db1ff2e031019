"""Each next hop crossed with 'originated' and 'received': what becomes of the packet, and what the sender is told."""

from __future__ import annotations

from errno import EACCES, EADDRNOTAVAIL, EHOSTUNREACH, ENETUNREACH

import pytest

from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.route.table import Rtt
from ringbed.stack.stack import Stack
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.ipv4 import Ipv4
from tests.stack.host import OUR, PEER, Host, errno_of, udp_frame

# destination of the packet for each type; the host below has routes that lead there
WHERE = {
    Rnh.REJECT: "192.0.2.1",
    Rnh.DISCARD: "198.51.100.1",
    Rnh.RECV: "10.0.0.0",
    Rnh.BRECV: "10.0.0.255",
    Rnh.LOCAL: OUR,
    Rnh.UNICAST: PEER,
    Rnh.RESOLV: "10.0.0.77",
    Rnh.HOLD: "10.0.0.78",
    Rnh.DEAD: "203.0.113.1",
}
# what originated packets do: errno, what is sent, drops
ORIGINATED = {
    Rnh.REJECT: (EHOSTUNREACH, "", "ip: output packets discarded due to no route"),
    Rnh.DISCARD: (EHOSTUNREACH, "", "ip: output packets discarded by route"),
    Rnh.RECV: (EADDRNOTAVAIL, "", "ip: output packets to an address that only receives"),
    Rnh.BRECV: (EACCES, "", "ip: output broadcasts without permission or interface"),
    Rnh.LOCAL: (0, "delivered", ""),
    Rnh.UNICAST: (0, "ipv4", ""),
    Rnh.RESOLV: (0, "arp", ""),
    Rnh.HOLD: (0, "", ""),
    Rnh.DEAD: (EHOSTUNREACH, "", "ip: output packets discarded by route"),
}
RECEIVED = {
    Rnh.REJECT: "ip: packets not forwardable",
    Rnh.DISCARD: "ip: packets discarded by route",
    Rnh.RECV: "delivered",
    Rnh.BRECV: "delivered",
    Rnh.LOCAL: "delivered",
    Rnh.UNICAST: "ip: packets not forwardable",
    Rnh.RESOLV: "ip: packets not forwardable",
    Rnh.HOLD: "ip: packets not forwardable",
    Rnh.DEAD: "ip: packets discarded by route",
}
ROUTED = RECEIVED | {  # by a router: what is sent, or the cause with what its sender is told
    Rnh.REJECT: "ip: packets not forwarded due to no route",
    Rnh.UNICAST: "ipv4",
    Rnh.RESOLV: "arp",
    Rnh.HOLD: "",
}


def host() -> Host:
    h = Host()
    h.stack.add_route("198.51.100.0/24", "discard")
    h.iff.add_ifa("172.16.0.2/24")
    h.stack.add_route("203.0.113.0/24", "172.16.0.1")
    h.iff.remove_ifa("172.16.0.2/24")
    h.iff.resolver.resolve(ipv4(WHERE[Rnh.HOLD]))
    asker = h.stack.udp_socket()
    asker.sendto(b"", (WHERE[Rnh.HOLD], 9))
    h.stack.run()
    h.taken()
    return h


@pytest.mark.parametrize("kind", WHERE)
def test_originated(kind: Rnh) -> None:
    h = host()
    assert h.stack.routes.forwarding(ipv4(WHERE[kind])).nexthop.type is kind
    server = h.stack.udp_socket()
    server.bind(("0.0.0.0", 7))
    errno, becomes, drop = ORIGINATED[kind]
    told = errno_of(lambda: server.sendto(b"x", (WHERE[kind], 7)))
    h.stack.run()
    sent = {b"\x08\x00": "ipv4", b"\x08\x06": "arp"}
    assert told == errno
    assert [sent[frame[12:14]] for frame in h.taken()] == ([becomes] if becomes in ("arp", "ipv4") else [])
    assert server.readable is (becomes == "delivered")
    assert h.stack.drops() == ({drop: 1} if drop else {})


@pytest.mark.parametrize("kind", WHERE)
def test_received(kind: Rnh) -> None:
    h = host()
    server = h.stack.udp_socket()
    server.bind(("0.0.0.0", 7))
    h.give(udp_frame(dst=WHERE[kind]))
    becomes = RECEIVED[kind]
    assert server.readable is (becomes == "delivered")
    assert h.stack.drops() == ({} if becomes == "delivered" else {becomes: 1})
    assert h.taken() == []


@pytest.mark.parametrize("kind", WHERE)
def test_received_by_a_router(kind: Rnh) -> None:
    h = host()
    h.stack.set_forwarding(True)
    server = h.stack.udp_socket()
    server.bind(("0.0.0.0", 7))
    h.give(udp_frame(src="10.0.0.66", dst=WHERE[kind]))
    becomes = ROUTED[kind]
    assert server.readable is (becomes == "delivered")
    assert h.stack.drops() == ({becomes: 1} if becomes.startswith("ip:") else {})
    sent = {b"\x08\x00": "ipv4", b"\x08\x06": "arp"}
    asker = ipv4("10.0.0.66").to_bytes(4, "big")  # who is told of redirects and errors, and is asked for first
    on = [frame for frame in h.taken() if frame[38:42] != asker]
    assert [sent[frame[12:14]] for frame in on] == ([becomes] if becomes in sent.values() else [])


def test_a_broadcast_that_may_leaves_by_the_interface_of_its_subnet() -> None:
    h = host()
    sock = h.stack.udp_socket()
    sock.set_broadcast(True)
    for to in ("10.0.0.255", "255.255.255.255"):
        sock.sendto(b"x", (to, 9))
        h.stack.run()
        (frame,) = h.taken()
        assert frame[:6] == b"\xff" * 6
        assert frame[26:30] == ipv4(OUR).to_bytes(4, "big")


def test_a_broadcast_comes_from_the_address_of_its_subnet() -> None:
    """With two subnets on one interface: RFC 1122 3.3.4.2."""
    host = Host()
    host.iff.add_ifa("10.1.0.2/24")
    sock = host.stack.udp_socket()
    sock.set_broadcast(True)
    for to in ("10.1.0.255", "10.0.0.255"):
        sock.sendto(b"x", (to, 9))
    host.stack.run()
    assert [Ipv4.parse(frame, 14).src for frame in host.taken()] == [ipv4("10.1.0.2"), ipv4(OUR)]


def test_a_broadcast_with_no_interface_has_no_network() -> None:
    sock = Stack("alone").udp_socket()
    sock.set_broadcast(True)
    with pytest.raises(OSError, match="unreachable") as error:
        sock.sendto(b"x", ("255.255.255.255", 9))
    assert error.value.errno == ENETUNREACH


def test_references_follow_the_table() -> None:
    h = Host()
    gateway = h.stack.routes.forwarding(ipv4(PEER)).nexthop
    before = gateway.references
    h.stack.add_route("192.0.2.0/24", PEER)
    assert gateway.references == before + 1
    h.stack.delete_route("192.0.2.0/24")
    assert gateway.references == before


def test_the_permanent_routes() -> None:
    h = Host()
    permanent = {str(r.prefix): r.nexthop.type for r in h.stack.routes if r.type is Rtt.PERM}
    assert permanent == {
        "0.0.0.0/0": Rnh.REJECT,
        "0.0.0.0/32": Rnh.RECV,
        "127.0.0.0/8": Rnh.REJECT,
        "224.0.0.0/4": Rnh.DISCARD,
        "240.0.0.0/4": Rnh.DISCARD,
        "255.255.255.255/32": Rnh.BRECV,
    }
