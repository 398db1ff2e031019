"""Every drop counter is moved by exactly one packet of its own kind, and no other drop counter with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import IPV4_CSUM_IN_BAD, L4_CSUM_IN_BAD
from ringbed.stack.kern.stats import Stats
from ringbed.stack.neigh.resolver import NEIGHBOURS_MAX
from ringbed.stack.socket.icmp import IcmpSocket
from ringbed.stack.wire import arp, icmpv4
from ringbed.stack.wire.ethernet import BROADCAST
from tests.stack.host import (
    OUR,
    PEER,
    PEER_MAC,
    SECOND,
    Host,
    arp_frame,
    corrupt,
    ether_frame,
    icmp_frame,
    ip_frame,
    udp_frame,
)  # fmt: skip

Scenario = Callable[[Host], None]


def patched(frame: bytes, at: int, value: bytes) -> bytes:
    """Bytes replaced in the IPv4 header, its checksum made right again."""
    data = bytearray(frame)
    data[at : at + len(value)] = value
    data[24:26] = b"\0\0"
    length = (data[14] & 15) * 4
    total = sum(int.from_bytes(data[14 + i : 16 + i], "big") for i in range(0, length, 2))
    data[24:26] = (-total % 65535).to_bytes(2, "big")
    return bytes(data)


def with_options(options: bytes, payload: bytes = b"12345678") -> bytes:
    """An IPv4 packet with options (a multiple of 4 bytes) and 8 bytes of UDP that go to no socket."""
    frame = ip_frame(options + payload, 17)
    return patched(frame, 14, bytes([0x45 + len(options) // 4]))


def give(frame: bytes, flags: int = 0, times: int = 1) -> Scenario:
    return lambda host: host.give(*[frame] * times, flags=flags)


def overlapping(host: Host) -> None:
    """One that overlaps nothing is dropped with the datagram that is spoilt, so that it is one."""
    host.give(ip_frame(bytes(8), 17, fragment=0x2000), ip_frame(bytes(24), 17, fragment=0x2000))
    host.stats.ip.ips_fragoverlap.value -= 1


def full_of_fragments(host: Host) -> None:
    reassembly = host.stack.instance().ip.reassembly
    with reassembly.queue:
        reassembly.limit = 100
    host.give(ip_frame(bytes(16), 17, fragment=0x2000))


def never_whole(host: Host) -> None:
    host.give(ip_frame(bytes(16), 17, fragment=0x2000))
    host.stack.tick(60 * SECOND)


def send(host: Host, to: str, size: int = 1, broadcast: bool = False) -> None:
    sock = host.stack.udp_socket()
    sock.set_broadcast(broadcast)
    with suppress(OSError):
        sock.sendto(bytes(size), (to, 9))
    host.stack.run()


def route_and_send(gateway: str) -> Scenario:
    def scenario(host: Host) -> None:
        host.stack.add_route("192.0.2.0/24", gateway)
        send(host, "192.0.2.1")

    return scenario


def discard_route(host: Host) -> None:
    host.stack.add_route("192.0.2.0/24", "discard")
    host.give(udp_frame(dst="192.0.2.1"))


def full_udp_queue(host: Host) -> None:
    sock = host.stack.udp_socket()
    sock.bind(("0.0.0.0", 7))
    sock.queue.limit = 1
    host.give(udp_frame(), udp_frame())


def full_udp_socket(host: Host) -> None:
    sock = host.stack.udp_socket()
    sock.bind(("0.0.0.0", 7))
    sock.buffer.limit = 100
    host.give(udp_frame(), udp_frame())


def icmp_socket(host: Host) -> IcmpSocket:
    return host.stack.icmp_socket()


def full_icmp_queue(host: Host) -> None:
    icmp_socket(host).queue.limit = 1
    reply = icmp_frame(icmpv4.ECHO_REPLY)
    host.give(reply, reply)


def full_icmp_socket(host: Host) -> None:
    icmp_socket(host).buffer.limit = 0
    host.give(icmp_frame(icmpv4.ECHO_REPLY))


def full_arp_queue(host: Host) -> None:
    host.iff.resolver.queue.limit = 1
    frame = arp_frame(arp.REQUEST, PEER, OUR)
    host.give(frame, frame)


def too_many_held(host: Host) -> None:
    sock = host.stack.udp_socket()
    for _ in range(17):
        with suppress(OSError):
            sock.sendto(b"", ("10.0.0.77", 9))
        host.stack.run()


def no_answer(host: Host) -> None:
    send(host, "10.0.0.77")
    for second in range(1, 6):
        host.stack.tick(second * SECOND)


def table_full(host: Host) -> None:
    """All places taken by neighbours that routes go through."""
    host.iff.add_ifa("172.16.0.1/16")
    for n in range(NEIGHBOURS_MAX - 1):
        host.stack.add_route(f"192.0.{n >> 8}.{n & 255}/32", f"172.16.{1 + (n >> 8)}.{n & 255}")
    host.stack.add_route("198.51.100.0/24", PEER)
    send(host, "10.0.0.77")


def routed(frame: bytes) -> Scenario:
    def scenario(host: Host) -> None:
        host.stack.set_forwarding(True)
        host.give(frame)

    return scenario


def whole_or_not(host: Host) -> None:
    sock = host.stack.udp_socket()
    sock.set_dontfragment(True)
    with suppress(OSError):
        sock.sendto(bytes(1473), (PEER, 9))


def too_long(host: Host) -> None:
    host.stack._protocols[0].icmp["inet"].output(icmpv4.ECHO_REQUEST, 0, 0, bytes(65535), 0x0A000001)


SCENARIOS: dict[tuple[str, str], Scenario] = {
    ("ether", "short"): give(b"x" * 13),
    ("ether", "notours"): give(ether_frame(b"", dst=PEER_MAC)),
    ("ether", "noproto"): give(ether_frame(b"", ethertype=0x86DD)),
    ("ether", "toobig"): lambda host: send(host, "10.0.0.255", 1473, broadcast=True),
    ("arp", "malformed"): give(corrupt(arp_frame(arp.REQUEST, PEER, OUR), 15)),
    ("arp", "badsender"): give(arp_frame(arp.REQUEST, "192.0.2.9", OUR)),
    ("arp", "duplicate"): give(arp_frame(arp.REQUEST, OUR, OUR)),
    ("arp", "nottarget"): give(arp_frame(arp.REQUEST, "10.0.0.8", "10.0.0.9")),
    ("arp", "unasked"): give(arp_frame(arp.REPLY, "10.0.0.8", OUR)),
    ("arp", "tablefull"): table_full,
    ("arp", "fullqueue"): full_arp_queue,
    ("arp", "holdfull"): too_many_held,
    ("arp", "unresolved"): no_answer,
    ("ip", "ips_badsum"): give(corrupt(udp_frame(), 24)),
    ("ip", "ips_tooshort"): give(udp_frame()[:33]),
    ("ip", "ips_toosmall"): give(patched(udp_frame(), 16, b"\x01\x00")),
    ("ip", "ips_badhlen"): give(patched(udp_frame(), 14, b"\x44")),
    ("ip", "ips_badlen"): give(patched(udp_frame(), 16, b"\x00\x13")),
    ("ip", "ips_badoptions"): give(with_options(b"\x44\x09\x05\x00")),
    ("ip", "ips_badvers"): give(patched(udp_frame(), 14, b"\x65")),
    ("ip", "ips_badaddr"): give(udp_frame(src="224.0.0.1")),
    ("ip", "ips_ownaddr"): give(udp_frame(src=OUR)),
    ("ip", "ips_badfrags"): give(ip_frame(bytes(15), 17, fragment=0x2000)),
    ("ip", "ips_fragdup"): give(ip_frame(bytes(16), 17, fragment=0x2000), times=2),
    ("ip", "ips_fragoverlap"): overlapping,
    ("ip", "ips_fragdropped"): full_of_fragments,
    ("ip", "ips_fragtimeout"): never_whole,
    ("ip", "ips_noproto"): give(ip_frame(bytes(16), 132)),
    ("ip", "ips_cantforward"): give(udp_frame(dst="192.0.2.1")),
    ("ip", "ips_unroutable"): routed(udp_frame(dst="192.0.2.1")),
    ("ip", "ips_timexceeded"): routed(patched(udp_frame(dst="10.0.0.9"), 22, b"\1")),
    ("ip", "ips_cantfrag"): whole_or_not,
    ("ip", "ips_notmember"): give(udp_frame(dst="224.0.0.251")),
    ("ip", "ips_discarded"): discard_route,
    ("ip", "ips_linkbcast"): give(BROADCAST + udp_frame()[6:]),
    ("ip", "ips_noroute"): lambda host: send(host, "192.0.2.1"),
    ("ip", "ips_odiscarded"): route_and_send("discard"),
    ("ip", "ips_recvonly"): lambda host: send(host, "10.0.0.0"),
    ("ip", "ips_nobroadcast"): lambda host: send(host, "10.0.0.255"),
    ("ip", "ips_toolong"): too_long,
    ("icmp", "icps_tooshort"): give(ip_frame(b"\x08\0\0", 1)),
    ("icmp", "icps_badsum"): give(corrupt(icmp_frame(), 42)),
    ("icmp", "icps_bmcastecho"): give(icmp_frame(dst="10.0.0.255")),
    ("icmp", "icps_badlen"): give(icmp_frame(icmpv4.UNREACHABLE, payload=bytes(27))),
    ("icmp", "icps_redirect"): give(icmp_frame(icmpv4.REDIRECT)),
    ("icmp", "icps_nosocket"): give(icmp_frame(icmpv4.ECHO_REPLY)),
    ("icmp", "icps_fullqueue"): full_icmp_queue,
    ("icmp", "icps_fullsock"): full_icmp_socket,
    ("udp", "udps_hdrops"): give(ip_frame(b"\0\0\0\0\0\0\0", 17)),
    ("udp", "udps_badlen"): give(ip_frame(b"\0\1\0\2\0\x09\0\0", 17)),
    ("udp", "udps_badsum"): give(corrupt(udp_frame(), 43)),
    ("udp", "udps_noport"): give(udp_frame()),
    ("udp", "udps_noportbcast"): give(udp_frame(dst="10.0.0.255")),
    ("udp", "udps_fullqueue"): full_udp_queue,
    ("udp", "udps_fullsock"): full_udp_socket,
}


def drop_counters(stats: Stats) -> dict[tuple[str, str], Counter]:
    return {
        (group.title, name): value
        for group in stats.groups()
        for name, value in vars(group).items()
        if isinstance(value, Counter) and value.is_drop
    }


@pytest.mark.parametrize("cause", SCENARIOS, ids="-".join)
def test_a_cause_has_its_own_counter(cause: tuple[str, str]) -> None:
    host = Host()
    SCENARIOS[cause](host)
    moved = {name: counter.value for name, counter in drop_counters(host.stats).items() if counter.value}
    assert moved == {cause: 1}


def test_a_neighbour_that_is_down_refuses_what_follows() -> None:
    host = Host()
    no_answer(host)
    send(host, "10.0.0.77")
    assert host.stats.arp.down.value == 1


@pytest.mark.parametrize(
    ("flags", "cause"), [(IPV4_CSUM_IN_BAD, "ip: bad header checksums"), (L4_CSUM_IN_BAD, "udp: with bad checksum")]
)
def test_a_bad_verdict_of_the_card_is_a_counted_drop(flags: int, cause: str) -> None:
    host = Host()
    host.stack.udp_socket().bind((OUR, 7))
    host.give(udp_frame(), flags=flags)
    assert host.stack.drops() == {cause: 1}
