from __future__ import annotations

from itertools import product

import pytest

from ringbed.stack.kern.packet import Packet
from ringbed.stack.neigh.resolver import NEIGHBOURS_MAX
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.route.table import RouteError, Rtt
from ringbed.stack.wire import arp
from ringbed.stack.wire.address import ipv4, ipv4_text
from ringbed.stack.wire.arp import Arp
from ringbed.stack.wire.ethernet import BROADCAST, Ethernet
from tests.stack.checker import udp_of
from tests.stack.host import OUR, OUR_MAC, PEER, PEER_MAC, SECOND, Host, arp_frame

pytestmark = pytest.mark.usefixtures("both_schedulers")

OTHER_MAC = b"\x02\0\0\0\0\x09"


def arp_of(frame: bytes) -> tuple[bytes, Arp]:
    """Destination and message of an ARP frame from us."""
    header = Ethernet.parse(frame)
    assert (header.src, header.ethertype) == (OUR_MAC, 0x0806)
    return header.dst, Arp.parse(frame, 14)


def nexthop(host: Host, address: str = PEER) -> Rnh:
    return host.stack.routes.forwarding(ipv4(address)).nexthop.type


def test_a_request_is_answered_and_its_sender_learned() -> None:
    host = Host(known=False)
    assert nexthop(host) is Rnh.RESOLV
    host.give(arp_frame(arp.REQUEST, PEER, OUR))
    ((dst, reply),) = [arp_of(f) for f in host.taken()]
    assert dst == PEER_MAC
    assert reply == Arp(arp.REPLY, OUR_MAC, ipv4(OUR), PEER_MAC, ipv4(PEER))
    assert nexthop(host) is Rnh.UNICAST
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    host.stack.run()
    udp_of(*host.taken())


def test_packets_wait_in_order_until_the_neighbour_answers() -> None:
    host = Host(known=False)
    sock = host.stack.udp_socket()
    for n in range(3):
        sock.sendto(bytes([n]), (PEER, 9))
    host.stack.run()
    ((dst, request),) = [arp_of(f) for f in host.taken()]
    assert dst == BROADCAST
    assert request == Arp(arp.REQUEST, OUR_MAC, ipv4(OUR), bytes(6), ipv4(PEER))
    assert nexthop(host) is Rnh.HOLD
    host.give(arp_frame(arp.REPLY, PEER, OUR, dst=OUR_MAC))
    assert [udp_of(f)[1].payload for f in host.taken()] == [b"\0", b"\1", b"\2"]
    assert nexthop(host) is Rnh.UNICAST


def test_asking_is_repeated_then_given_up_then_forgotten() -> None:
    host = Host(known=False)
    sock = host.stack.udp_socket()
    sock.sendto(b"x", (PEER, 9))
    host.stack.run()
    asked = [len(host.taken())]
    for second in (1, 2, 3, 4):
        assert host.stack.deadline() == second * SECOND
        host.stack.tick(second * SECOND - 1)
        assert host.taken() == []
        host.stack.tick(second * SECOND)
        asked.append(len(host.taken()))
    assert asked == [1] * 5
    host.stack.tick(5 * SECOND)
    assert host.stack.drops() == {"arp: packets dropped: neighbour did not answer": 1}
    with pytest.raises(OSError, match=r"1 bytes to 10\.0\.0\.1 port 9: Host is down"):
        sock.sendto(b"x", (PEER, 9))
    assert host.stack.deadline() == 25 * SECOND
    host.stack.tick(25 * SECOND)
    assert nexthop(host) is Rnh.RESOLV
    assert host.stack.deadline() is None
    sock.sendto(b"x", (PEER, 9))
    host.stack.run()
    assert len(host.taken()) == 1, "a new packet asks again"


def test_a_sender_is_told_when_the_resolvers_queue_is_full() -> None:
    """O2: three sends into a queue of one all succeeded, and were counted as sent."""
    host = Host(known=False)
    host.iff.resolver.queue.limit = 1
    sock = host.stack.udp_socket()
    with host.iff.resolver.queue:  # so that no worker empties it
        sock.sendto(b"x", ("10.0.0.50", 9))
        for to in ("10.0.0.51", "10.0.0.50"):
            with pytest.raises(OSError, match="No buffer space available"):
                sock.sendto(b"x", (to, 9))
    host.stack.run()
    assert host.stats.ip.ips_localout.value == 1
    assert host.stack.drops() == {"arp: packets dropped due to full ARP queue": 2}
    host.iff.resolver.queue.limit = 2
    with host.iff.resolver.queue:
        for _ in range(2):  # the same neighbour is HOLD by now
            sock.sendto(b"x", ("10.0.0.50", 9))
        with pytest.raises(OSError, match="No buffer space available"):
            sock.sendto(b"x", ("10.0.0.50", 9))


def test_what_waits_for_a_neighbour_leaves_in_order_when_the_answer_is_before_it_in_the_queue() -> None:
    host = Host(known=False)
    sock = host.stack.udp_socket()
    sock.sendto(b"\0", (PEER, 9))
    host.stack.run()
    host.taken()
    answer = Packet([arp_frame(arp.REPLY, PEER, OUR, dst=OUR_MAC)])
    answer.ifl_index, answer.l3 = host.ifl.index, 14
    with host.iff.resolver.queue:  # so that no worker answers between the two
        host.iff.resolver.input(answer)
        for n in (1, 2):
            sock.sendto(bytes([n]), (PEER, 9))
    host.stack.run()
    assert [udp_of(f)[1].payload for f in host.taken()] == [b"\0", b"\1", b"\2"]


def test_time_is_found_without_looking_at_every_neighbour() -> None:
    """O11: a heap, not a walk. Those whose time it is are asked again, in order; nothing else is touched."""
    host = Host(known=False)
    host.iff.remove_ifa(f"{OUR}/24")
    host.iff.add_ifa(f"{OUR}/8")
    sock = host.stack.udp_socket()
    for n in range(10):
        host.stack.tick(n * SECOND // 10)
        sock.sendto(b"x", (f"10.1.0.{n}", 9))
        host.stack.run()
    host.taken()
    host.stack.tick(SECOND + SECOND // 4)
    assert [arp_of(f)[1].target for f in host.taken()] == [ipv4(f"10.1.0.{n}") for n in range(3)]
    assert host.stack.deadline() == SECOND + 3 * SECOND // 10
    assert len(host.stack._core.timers._heap) == 10


def test_an_answer_while_down_brings_it_back() -> None:
    host = Host(known=False)
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    for second in range(6):
        host.stack.tick(second * SECOND)
    host.taken()
    host.give(arp_frame(arp.REQUEST, PEER, OUR))
    assert nexthop(host) is Rnh.UNICAST


def test_a_neighbour_in_use_is_refreshed_by_unicast_before_it_runs_out() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.sendto(b"x", (PEER, 9))
    host.stack.run()
    host.taken()
    due = 19 * 60 * SECOND
    assert host.stack.deadline() == due
    host.stack.tick(due)
    ((dst, request),) = [arp_of(f) for f in host.taken()]
    assert (dst, request) == (PEER_MAC, Arp(arp.REQUEST, OUR_MAC, ipv4(OUR), PEER_MAC, ipv4(PEER)))
    assert nexthop(host) is Rnh.UNICAST, "still good while asking"
    host.give(arp_frame(arp.REPLY, PEER, OUR, OTHER_MAC, OUR_MAC))
    sock.sendto(b"x", (PEER, 9))
    host.stack.run()
    udp_of(host.taken()[0], OTHER_MAC)
    assert host.stack.deadline() == due + due


def test_use_before_a_refresh_is_not_use_after_it() -> None:
    host = Host()
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    due = 19 * 60 * SECOND
    host.stack.tick(due)
    host.give(arp_frame(arp.REPLY, PEER, OUR, dst=OUR_MAC))
    host.taken()
    host.stack.tick(2 * due)
    assert host.taken() == []
    assert nexthop(host) is Rnh.RESOLV


def test_a_neighbour_that_answers_no_refresh_is_asked_for_anew() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.sendto(b"x", (PEER, 9))
    due = 19 * 60
    for second in range(due, due + 6):
        host.stack.tick(second * SECOND)
    assert nexthop(host) is Rnh.RESOLV
    assert host.stats.arp.expired.value == 1


def test_an_unused_neighbour_is_forgotten_without_asking() -> None:
    host = Host()
    host.stack.tick(19 * 60 * SECOND)
    assert host.taken() == []
    assert nexthop(host) is Rnh.RESOLV


def test_a_neighbour_that_a_route_needs_stays_and_is_asked_again() -> None:
    host = Host()
    host.stack.add_route("192.0.2.0/24", PEER)
    host.stack.tick(19 * 60 * SECOND)
    assert nexthop(host) is Rnh.HOLD
    host.stack.udp_socket().sendto(b"x", ("192.0.2.1", 9))
    host.stack.run()
    ((dst, request),) = [arp_of(f) for f in host.taken()]
    assert (dst, request.target) == (BROADCAST, ipv4(PEER))
    host.give(arp_frame(arp.REPLY, PEER, OUR, dst=OUR_MAC))
    header, _ = udp_of(*host.taken())
    assert header.dst == ipv4("192.0.2.1")


@pytest.mark.parametrize("operation", [arp.REQUEST, arp.REPLY])
def test_what_is_not_for_us_only_updates_what_we_know(operation: int) -> None:
    host = Host()
    host.give(arp_frame(operation, PEER, "10.0.0.50", OTHER_MAC), arp_frame(operation, "10.0.0.51", "10.0.0.50"))
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    host.stack.run()
    udp_of(host.taken()[0], OTHER_MAC)
    assert nexthop(host, "10.0.0.51") is Rnh.RESOLV


def test_an_unasked_reply_is_not_believed() -> None:
    host = Host(known=False)
    host.give(arp_frame(arp.REPLY, PEER, OUR, dst=OUR_MAC), arp_frame(arp.REPLY, "0.0.0.0", OUR, dst=OUR_MAC))
    assert nexthop(host) is Rnh.RESOLV
    assert host.stack.drops() == {"arp: ARP replies that nobody asked for": 2}


def test_every_arp_frame_is_answered_believed_or_counted() -> None:
    """Every operation, sender, target and link address, known before or not, two of each."""
    host = Host()
    senders = ["0.0.0.0", PEER, OUR, "10.0.0.7", "10.0.0.255", "192.0.2.1"]
    for operation, sender, target in product((0, 1, 2, 3), senders, (OUR, "10.0.0.9")):
        for mac in (PEER_MAC, OUR_MAC, BROADCAST):
            host.give(*[arp_frame(operation, sender, target, mac)] * 2)
    s = host.stats.arp
    ends = [s.malformed, s.badsender, s.duplicate, s.nottarget, s.unasked, s.replies_out, s.updates]
    assert s.received.value == sum(each.value for each in ends) == 1 + 4 * 6 * 2 * 3 * 2
    assert all(each.value for each in ends)


def strangers(count: int) -> list[bytes]:
    """Requests of so many that nobody has heard of, all in 10.0.0.0/8."""
    return [arp_frame(arp.REQUEST, f"10.1.{n >> 8}.{n & 255}", OUR) for n in range(1, count + 1)]


def full(known: bool = True) -> Host:
    host = Host(known=False)
    host.iff.remove_ifa(f"{OUR}/24")
    host.iff.add_ifa(f"{OUR}/8")
    if known:
        host.give(arp_frame(arp.REQUEST, PEER, OUR))
        host.stack.udp_socket().sendto(b"x", (PEER, 9))
        host.stack.run()
    for frame in strangers(NEIGHBOURS_MAX + 40):
        host.give(frame)
    return host


def test_a_flood_of_strangers_is_answered_and_takes_no_place_of_one_in_use() -> None:
    host = full()
    assert len(host.taken()) == 2 + NEIGHBOURS_MAX + 40, "the datagram, and an answer to each"
    assert len(host.iff.resolver.neighbours) == NEIGHBOURS_MAX
    assert len([r for r in host.stack.routes if r.type is Rtt.IFDEST]) == NEIGHBOURS_MAX
    assert nexthop(host) is Rnh.UNICAST
    assert host.stats.arp.evicted.value == 41
    assert nexthop(host, "10.1.0.41") is Rnh.RESOLV, "the oldest went"
    assert nexthop(host, "10.1.0.42") is Rnh.UNICAST


def test_a_full_table_makes_room_for_whom_we_send_to() -> None:
    host = full()
    sock = host.stack.udp_socket()
    for n in range(42, 42 + NEIGHBOURS_MAX - 1):  # all of them are in use now
        sock.sendto(b"x", (f"10.1.{n >> 8}.{n & 255}", 9))
        host.stack.run()
    host.taken()
    host.give(arp_frame(arp.REQUEST, "10.2.0.1", OUR))
    assert len(host.taken()) == 1, "answered all the same"
    assert nexthop(host, "10.2.0.1") is Rnh.RESOLV
    assert host.stats.arp.notlearned.value == 1
    sock.sendto(b"x", ("10.2.0.2", 9))
    host.stack.run()
    ((dst, request),) = [arp_of(f) for f in host.taken()]
    assert (dst, request.target) == (BROADCAST, ipv4("10.2.0.2"))
    assert len(host.iff.resolver.neighbours) == NEIGHBOURS_MAX


def test_a_full_table_of_neighbours_that_routes_need_has_no_room_for_a_gateway() -> None:
    host = full(known=False)
    for n, address in enumerate(list(host.iff.resolver.neighbours)):
        host.stack.add_route(f"192.0.{n >> 8}.{n & 255}/32", ipv4_text(address))
    with pytest.raises(RouteError, match=r"10\.3\.0\.1 cannot be a next hop: the table is full of neighbours"):
        host.stack.add_route("198.51.100.0/24", "10.3.0.1")
    assert host.stats.arp.evicted.value == 40


def test_a_probe_is_answered_and_not_learned() -> None:
    host = Host(known=False)
    host.give(arp_frame(arp.REQUEST, "0.0.0.0", OUR))
    ((_, reply),) = [arp_of(f) for f in host.taken()]
    assert (reply.sender, reply.target) == (ipv4(OUR), 0)
    assert not host.iff.resolver.neighbours


@pytest.mark.parametrize("sender", ["10.0.0.255", "10.0.0.0", "192.0.2.1"])
def test_a_sender_that_cannot_be_a_neighbour_is_dropped(sender: str) -> None:
    host = Host(known=False)
    host.give(arp_frame(arp.REQUEST, sender, OUR))
    assert host.taken() == []
    assert host.stack.drops() == {"arp: ARP packets with an impossible sender": 1}


@pytest.mark.parametrize("mac", [BROADCAST, b"\x01\0\x5e\0\0\1", OUR_MAC])
def test_a_link_address_that_cannot_be_a_neighbours_is_dropped(mac: bytes) -> None:
    host = Host(known=False)
    frame = arp_frame(arp.REQUEST, PEER, OUR, mac)
    host.give(frame)
    assert host.taken() == []
    assert host.stats.arp.badsender.value == 1


def test_cut_frames_are_malformed() -> None:
    host = Host(known=False)
    for length in range(14, 42):
        host.give(arp_frame(arp.REQUEST, PEER, OUR)[:length])
    assert host.stats.arp.malformed.value == 28


def test_each_neighbour_is_one_ifdest_route() -> None:
    host = Host()
    routes = [r for r in host.stack.routes if r.type is Rtt.IFDEST]
    assert [(str(r.prefix), r.ifl_index) for r in routes] == [("10.0.0.1/32", host.ifl.index)]


def test_packets_that_wait_for_the_resolver_when_the_subnet_goes_are_counted() -> None:
    host = Host(known=False)
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    host.iff.remove_ifa(f"{OUR}/24")
    host.stack.run()
    assert host.stack.drops() == {"arp: packets dropped: neighbour did not answer": 1}
