"""A host with IPv6, and IPv6 frames to give it; see host.py."""

from __future__ import annotations

from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.wire import icmpv6, nd
from ringbed.stack.wire.address import ipv6 as ip6
from ringbed.stack.wire.checksum import checksum, octets_sum, pseudo_sum
from ringbed.stack.wire.ethernet import Ethernet
from ringbed.stack.wire.icmpv6 import Icmpv6
from ringbed.stack.wire.ipv6 import Ipv6, group_lladdr, solicited_node
from ringbed.stack.wire.udp import HEADER, PROTO_UDP, Udp
from tests.stack.host import OUR_MAC, PEER_MAC, SECOND, Host, ether_frame
from tests.stack.naive import ones_complement_sum, pseudo_header6

OUR6, PEER6, OTHER6 = "2001:db8::2", "2001:db8::1", "2001:db8::9"
OUR_LINK, PEER_LINK = "fe80::ff:fe00:2", "fe80::ff:fe00:1"


class Host6(Host):
    """`em0` with a link-local address and `OUR6`/64 as well; `known`: the neighbour `PEER6` is, and answers."""

    def __init__(self, capabilities: Capabilities | None = None, known: bool = True, attempts: int = 0) -> None:
        super().__init__(capabilities, known=False)
        iff = self.ifl.add_iff("inet6")
        assert isinstance(iff, Inet6)
        self.iff6 = iff
        self.iff6.attempts = attempts
        self.iff6.add_ifa(self.iff6.link_local())
        self.iff6.add_ifa(f"{OUR6}/64")
        self.stack.run()
        self.taken()
        if known:
            sock = self.stack.udp_socket(family="inet6")
            sock.sendto(b"", (PEER6, 9))
            self.stack.run()
            self.give(nd_frame(advert(PEER6)))
            sock.close()
            self.taken()
            self.below.wanted.clear()

    def later(self, seconds: float) -> None:
        self.stack.tick(self.stack.now + int(seconds * SECOND))


def ip6_frame(
    payload: bytes, proto: int, src: str = PEER6, dst: str = OUR6, mac: bytes | None = None, hops: int = 64,
    source_mac: bytes = PEER_MAC,
) -> bytes:  # fmt: skip
    group = ip6(dst) >> 120 == 0xFF
    mac = mac or (group_lladdr(ip6(dst)) if group else OUR_MAC)
    header = Ipv6(ip6(src), ip6(dst), proto, len(payload), hops).emit()
    return ether_frame(header + payload, 0x86DD, mac, source_mac)


def udp6_frame(
    payload: bytes = b"hello", dport: int = 7, sport: int = 9999, src: str = PEER6, dst: str = OUR6
) -> bytes:
    length = 8 + len(payload)
    head = HEADER.pack(sport, dport, length, 0)
    total = octets_sum(head) + octets_sum(payload) + pseudo_sum(ip6(src), ip6(dst), PROTO_UDP, length)
    return ip6_frame(head[:6] + (checksum(total) or 0xFFFF).to_bytes(2, "big") + payload, PROTO_UDP, src, dst)


def icmp6_frame(
    kind: int = icmpv6.ECHO_REQUEST, rest: int = 0x00010002, payload: bytes = b"ping", code: int = 0,
    src: str = PEER6, dst: str = OUR6,
) -> bytes:  # fmt: skip
    return ip6_frame(Icmpv6(kind, code, rest, payload).emit(ip6(src), ip6(dst)), 58, src, dst)


def nd_frame(
    message: nd.Neighbour, src: str = PEER6, dst: str | None = OUR6, hops: int = 255, source_mac: bytes = PEER_MAC
) -> bytes:
    """`dst` None: the group of its target."""
    to = ip6(dst) if dst else solicited_node(message.target)
    body = message.emit(ip6(src), to)
    mac = OUR_MAC if dst and to >> 120 != 0xFF else group_lladdr(to)
    header = Ipv6(ip6(src), to, 58, len(body), hops).emit()
    return ether_frame(header + body, 0x86DD, mac, source_mac)


def solicit(target: str = OUR6, lladdr: bytes | None = PEER_MAC) -> nd.Neighbour:
    return nd.Neighbour(icmpv6.NEIGHBOUR_SOLICITATION, ip6(target), lladdr)


def advert(
    target: str = PEER6, lladdr: bytes | None = PEER_MAC, flags: int = nd.SOLICITED | nd.OVERRIDE
) -> nd.Neighbour:
    return nd.Neighbour(icmpv6.NEIGHBOUR_ADVERTISEMENT, ip6(target), lladdr, flags)


# -- what was sent, by the naive references ---------------------------------------------------------------------------


def ip6_of(frame: bytes, dst: bytes = PEER_MAC) -> tuple[Ipv6, bytes]:
    assert Ethernet.parse(frame) == Ethernet(dst, OUR_MAC, 0x86DD)
    header = Ipv6.parse(frame, 14)
    assert len(frame) == 54 + header.length
    return header, frame[54:]


def udp6_of(frame: bytes, dst: bytes = PEER_MAC) -> tuple[Ipv6, Udp]:
    header, payload = ip6_of(frame, dst)
    assert header.next_header == PROTO_UDP
    assert payload[6:8] != b"\0\0", "RFC 8200, 8.1: never without a sum"
    pseudo = pseudo_header6(header.src, header.dst, PROTO_UDP, len(payload))
    assert ones_complement_sum(pseudo + payload) == 0xFFFF, "UDP checksum"
    return header, Udp.parse(payload)


def icmp6_of(frame: bytes, dst: bytes = PEER_MAC) -> tuple[Ipv6, Icmpv6]:
    header, payload = ip6_of(frame, dst)
    assert header.next_header == 58
    assert ones_complement_sum(pseudo_header6(header.src, header.dst, 58, len(payload)) + payload) == 0xFFFF
    return header, Icmpv6.parse(payload)


def nd_of(frame: bytes) -> tuple[bytes, Ipv6, nd.Neighbour]:
    """Where it went, its header, the message: whole and of this link."""
    mac = frame[:6]
    header, _ = icmp6_of(frame, mac)
    assert header.hop_limit == 255
    return mac, header, nd.Neighbour.parse(frame[54:])
