from __future__ import annotations

import random

import pytest

from ringbed.stack.route.table import RouteError
from ringbed.stack.stack import Stack
from ringbed.stack.wire import arp, icmpv4
from ringbed.stack.wire.address import ipv4
from tests.stack.checker import udp_of
from tests.stack.host import OUR, OUR_MAC, PEER, Host, arp_frame, icmp_frame, udp_frame

pytestmark = pytest.mark.usefixtures("both_schedulers")


def test_hosts_share_nothing() -> None:
    a, b = Host(), Host(known=False)
    a.give(udp_frame())
    assert b.stack.drops() == {}
    assert not b.iff.resolver.neighbours


def test_time_goes_one_way() -> None:
    stack = Stack("host", now=5)
    stack.tick(7)
    assert stack.now == 7
    with pytest.raises(ValueError, match="time cannot go from 7 back to 6"):
        stack.tick(6)


def test_a_route_through_a_neighbour_that_is_not_known_yet() -> None:
    host = Host(known=False)
    host.stack.add_route("192.0.2.0/24", PEER)
    host.stack.udp_socket().sendto(b"x", ("192.0.2.7", 9))
    host.stack.run()
    assert host.taken()[0][12:14] == b"\x08\x06"
    host.give(arp_frame(arp.REPLY, PEER, OUR, dst=OUR_MAC))
    assert udp_of(*host.taken())[0].dst == ipv4("192.0.2.7")


@pytest.mark.parametrize(
    ("gateway", "interface", "why"),
    [
        (OUR, "", "its route is LOCAL"),
        ("10.0.0.255", "", "its route is BRECV"),
        ("10.0.0.0", "", "its route is RECV"),
        ("192.0.2.1", "", "is no neighbour"),
        (PEER, "ix0", "is no neighbour"),
    ],
)
def test_a_gateway_that_cannot_be_is_refused(gateway: str, interface: str, why: str) -> None:
    host = Host()
    host.stack.add_driver("ix").add_ifd(host.below).add_ifl()
    with pytest.raises(RouteError, match=f"{gateway} .*{why}"):
        host.stack.add_route("192.0.2.0/24", gateway, interface)


def test_routes_are_by_longest_prefix_and_can_be_deleted() -> None:
    host = Host()
    host.stack.add_route("0.0.0.0/0", PEER)
    host.stack.add_route("192.0.2.0/24", "discard")
    host.stack.add_route("192.0.2.128/25", PEER, "em0")
    sock = host.stack.udp_socket()
    outcomes = []
    for to in ("192.0.2.1", "192.0.2.129", "198.51.100.1"):
        try:
            sock.sendto(b"x", (to, 9))
            outcomes.append(True)
        except OSError:
            outcomes.append(False)
    assert outcomes == [False, True, True]
    host.stack.delete_route("192.0.2.0/24")
    assert sock.sendto(b"x", ("192.0.2.1", 9)) == 1
    with pytest.raises(RouteError, match=r"no USER route 192\.0\.2\.0/24"):
        host.stack.delete_route("192.0.2.0/24")


def test_every_frame_is_delivered_answered_or_counted_once() -> None:
    """Damaged frames of every kind: what came in is what was delivered, answered or dropped, stage by stage."""
    rng = random.Random(7)
    host = Host(known=False)
    sock = host.stack.udp_socket()
    sock.bind(("0.0.0.0", 7))
    host.ifd.ifiqs[0].maxlen = 60
    kinds = [
        lambda: udp_frame(rng.randbytes(rng.randrange(40))),
        lambda: udp_frame(dport=rng.randrange(5, 10), dst=rng.choice([OUR, "10.0.0.255", "192.0.2.1"])),
        lambda: icmp_frame(rng.choice([8, 8, rng.randrange(20)]), payload=rng.randbytes(rng.randrange(40))),
        lambda: arp_frame(rng.randrange(1, 4), rng.choice([PEER, OUR, "192.0.2.9"]), rng.choice([OUR, PEER])),
    ]
    given = 0
    for _ in range(120):
        batch = []
        for _ in range(rng.randrange(70)):
            frame = bytearray(rng.choice(kinds)())
            for _ in range(rng.randrange(3)):
                frame[rng.randrange(len(frame))] = rng.randrange(256)
            batch.append(bytes(frame[: rng.choice([len(frame), len(frame), rng.randrange(len(frame))])]))
        given += len(batch)
        host.give(*batch)
    read = 0
    while sock.readable:
        sock.recvfrom()
        read += 1
    s = host.stats
    ip_in = ["badsum", "tooshort", "toosmall", "badhlen", "badlen", "badoptions", "badvers", "badaddr"]
    ip_in += ["noproto", "cantforward", "notmember", "discarded", "linkbcast", "badfrags", "fragdup", "fragoverlap"]
    ip_dropped = sum(getattr(s.ip, f"ips_{name}").value for name in ip_in)
    ether = s.ether
    assert given == ether.total.value + host.ifd.ifiqs[0].qdrops.value
    assert ether.total.value == ether.short.value + ether.notours.value + ether.noproto.value + ether.delivered.value
    assert ether.delivered.value == s.arp.received.value + s.ip.ips_total.value
    reassembly = host.stack.instance().ip.reassembly
    parts = sum(len(d.parts) for d in reassembly.datagrams.values()) + s.ip.ips_fragjoined.value
    assert s.ip.ips_total.value == ip_dropped + s.ip.ips_delivered.value + parts - s.ip.ips_reassembled.value
    assert s.ip.ips_delivered.value == s.udp.udps_ipackets.value + s.icmp.icps_input.value
    assert s.udp.udps_ipackets.value == sum(s.udp.drops().values()) + s.udp.udps_delivered.value
    assert s.udp.udps_delivered.value == read
    answered = s.icmp.icps_reflect.value + s.icmp.icps_errordelivered.value
    assert s.icmp.icps_input.value == sum(s.icmp.drops().values()) + answered
    assert min(given, read, ip_dropped, s.icmp.icps_reflect.value, host.ifd.ifiqs[0].qdrops.value) > 20


def test_the_host_that_answers_a_flood_of_pings_sends_as_many() -> None:
    host = Host()
    host.give(*[icmp_frame(rest=n) for n in range(200)])
    sent = host.taken()
    assert [int.from_bytes(f[38:42], "big") for f in sent] == list(range(200))
    assert all(f[34] == icmpv4.ECHO_REPLY for f in sent)
