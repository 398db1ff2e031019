"""Assertions on frames that were sent: every length and every sum, by the naive references."""

from __future__ import annotations

from ringbed.stack.wire import ipv4, udp
from ringbed.stack.wire.ethernet import Ethernet
from ringbed.stack.wire.icmpv4 import Icmp
from ringbed.stack.wire.ipv4 import Ipv4
from ringbed.stack.wire.udp import Udp
from tests.stack.host import OUR_MAC, PEER_MAC
from tests.stack.naive import ones_complement_sum, pseudo_header


def ip_of(frame: bytes, dst: bytes = PEER_MAC, options: bytes = b"") -> tuple[Ipv4, bytes]:
    """An IPv4 frame from us with a good header and these options; its header and its payload."""
    assert Ethernet.parse(frame) == Ethernet(dst, OUR_MAC, 0x0800)
    header = Ipv4.parse(frame, 14)
    end = 34 + len(options)
    assert frame[14] == 0x45 + len(options) // 4
    assert frame[34:end] == options
    assert header.fragment == 0
    assert ones_complement_sum(frame[14:end]) == 0xFFFF, "IPv4 header checksum"
    assert len(frame) == end + header.length
    return header, frame[end:]


def udp_of(frame: bytes, dst: bytes = PEER_MAC) -> tuple[Ipv4, Udp]:
    """A UDP datagram from us with a good checksum, or with none where the field is 0."""
    header, payload = ip_of(frame, dst)
    assert header.proto == udp.PROTO_UDP
    datagram = Udp.parse(payload)
    if payload[udp.CHECKSUM_AT : udp.CHECKSUM_AT + 2] != b"\0\0":
        pseudo = pseudo_header(header.src, header.dst, header.proto, len(payload))
        assert ones_complement_sum(pseudo + payload) == 0xFFFF, "UDP checksum"
    return header, datagram


def icmp_of(frame: bytes, options: bytes = b"") -> tuple[Ipv4, Icmp]:
    header, payload = ip_of(frame, options=options)
    assert header.proto == ipv4.PROTO_ICMP
    assert ones_complement_sum(payload) == 0xFFFF, "ICMP checksum"
    return header, Icmp.parse(payload)
