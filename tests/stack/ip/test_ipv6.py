"""IPv6 input and output, on frames."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import UDP as ScapyUdp
from scapy.layers.inet6 import HBHOptUnknown, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw

from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.wire import icmpv6
from ringbed.stack.wire.address import ipv6, ipv6_text
from ringbed.stack.wire.ipv6 import Ipv6
from tests.stack.host import ether_frame
from tests.stack.host6 import (
    OUR6,
    OUR_LINK,
    PEER6,
    PEER_LINK,
    Host6,
    advert,
    icmp6_frame,
    icmp6_of,
    ip6_frame,
    nd_frame,
    udp6_frame,
    udp6_of,
)


def test_a_datagram_comes_and_its_answer_goes() -> None:
    host = Host6()
    sock = host.stack.udp_socket(family="inet6")
    sock.bind(("::", 7))
    host.give(udp6_frame(b"hello"))
    message = sock.recvmsg()
    assert (message.data, message.source, message.control.destination) == (b"hello", (PEER6, 9999), OUR6)
    sock.sendmsg(b"answer", message.source, message.control)
    host.stack.run()
    header, datagram = udp6_of(*host.taken())
    assert (header.src, header.dst, header.hop_limit) == (ipv6(OUR6), ipv6(PEER6), 64)
    assert (datagram.src, datagram.dst, datagram.payload) == (7, 9999, b"answer")


@pytest.mark.parametrize("l4", Offload)
@pytest.mark.parametrize("size", [0, 1, 18, 1452])
def test_sums_are_the_stacks_or_the_cards(l4: Offload, size: int) -> None:
    """A card that says nothing of IPv6 gets finished sums, whatever it does for IPv4."""
    for capabilities, asked in ((Capabilities(tx_l4=l4), 0), (Capabilities(tx_l4_ipv6=l4), l4 is not Offload.NONE)):
        host = Host6(capabilities)
        host.stack.udp_socket(family="inet6").sendto(bytes(size), (PEER6, 9))
        host.stack.run()
        (frame,) = host.taken()
        assert bool(host.below.wanted[-1]) == asked
        assert host.below.offsets[-1] == (14, 54)
        if not asked:
            udp6_of(frame)
    sock = host.stack.udp_socket(family="inet6")
    sock.set_dontfragment(True)
    with pytest.raises(OSError, match="Message too long"):
        sock.sendto(bytes(1453), (PEER6, 9))


def test_padding_behind_the_datagram_is_no_part_of_it() -> None:
    host = Host6()
    sock = host.stack.udp_socket(family="inet6")
    sock.bind(("::", 7))
    host.give(udp6_frame(b"") + b"\xa5" * 20)
    assert sock.recvfrom()[0] == b""


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("ff02::1", "datagrams with bad address in header"),
        ("::1", "datagrams with bad address in header"),
        ("::ffff:10.0.0.1", "datagrams with bad address in header"),
        (OUR6, "datagrams from outside with an address of this host as source"),
        (OUR_LINK, "datagrams from outside with an address of this host as source"),
    ],
)
def test_nobody_is_these(source: str, cause: str) -> None:
    host = Host6()
    host.give(udp6_frame(src=source))
    assert host.stack.drops() == {f"ip6: {cause}": 1}
    assert host.taken() == []


@pytest.mark.parametrize(
    ("destination", "cause"),
    [
        ("::", "datagrams with bad address in header"),
        ("::1", "datagrams with bad address in header"),
        ("::ffff:10.0.0.2", "datagrams with bad address in header"),
        ("ff02::fb", "multicast packets which we don't join"),
        ("2001:db8:7::1", "packets not forwardable"),
        (PEER6, "packets not forwardable"),
        ("2001:db8::77", "packets not forwardable"),
    ],
)
def test_what_is_not_for_us(destination: str, cause: str) -> None:
    host = Host6()
    host.give(udp6_frame(dst=destination))
    assert host.stack.drops() == {f"ip6: {cause}": 1}
    assert host.taken() == []


def with_headers(*layers: ScapyPacket, dst: str = OUR6) -> bytes:
    packet = IPv6(src=PEER6, dst=dst)
    for layer in layers:
        packet = packet / layer
    return ether_frame(bytes(packet / ScapyUdp(sport=1, dport=7) / Raw(b"payload")), 0x86DD)


def test_headers_in_front_are_walked_through() -> None:
    host = Host6()
    sock = host.stack.udp_socket(family="inet6")
    sock.bind((OUR6, 7))
    layers = [IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]), IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment(id=5)]
    for count in range(4):
        host.give(with_headers(*layers[:count]))
        assert sock.recvfrom()[0] == b"payload"
    assert host.stack.drops() == {}


def test_an_unknown_option_is_reported_with_its_place() -> None:
    host = Host6()
    frame = with_headers(IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0xC2, optdata=bytes(4))]))
    host.give(frame)
    header, error = icmp6_of(*host.taken())
    assert (header.src, header.dst) == (ipv6(OUR6), ipv6(PEER6))
    assert (error.type, error.code, error.rest) == (icmpv6.PARAMETER_PROBLEM, 2, 42)
    assert error.payload == frame[14:]
    assert host.stack.drops() == {"ip6: with bad options": 1}


@pytest.mark.parametrize(("kind", "answers"), [(0x40, 0), (0x80, 1), (0xC2, 0)])
def test_to_a_group_only_the_option_says_whether_it_is_reported(kind: int, answers: int) -> None:
    """RFC 8200, 4.2, and RFC 4443, 2.4 (e.3)."""
    host = Host6()
    frame = with_headers(IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=kind, optdata=bytes(4))]), dst="ff02::1")
    host.give(b"\x33\x33\0\0\0\1" + frame[6:])
    assert len(host.taken()) == answers


def test_options_for_everybody_are_looked_at_wherever_the_packet_goes_those_for_its_end_only_there() -> None:
    host = Host6()
    bad = [HBHOptUnknown(otype=0x40, optdata=bytes(4))]
    host.give(with_headers(IPv6ExtHdrHopByHop(options=bad), dst="2001:db8:7::1"))
    assert host.stack.drops() == {"ip6: with bad options": 1}
    host.give(with_headers(IPv6ExtHdrDestOpt(options=bad), dst="2001:db8:7::1"))
    assert host.stack.drops() == {"ip6: with bad options": 1, "ip6: packets not forwardable": 1}


@pytest.mark.parametrize("headers", [0, 1])
def test_a_protocol_that_nobody_knows_is_reported_at_what_names_it(headers: int) -> None:
    host = Host6()
    packet = bytearray(ip6_frame(b"x" * 16, 200))
    if headers:
        packet = bytearray(ip6_frame(bytes([200, 0, 1, 4, 0, 0, 0, 0]) + b"x" * 16, 60))
    host.give(bytes(packet))
    _, error = icmp6_of(*host.taken())
    assert (error.type, error.code, error.rest) == (icmpv6.PARAMETER_PROBLEM, 1, 40 if headers else 6)
    assert host.stack.drops() == {"ip6: packets for unknown/unsupported protocol": 1}


def test_parts_of_packets_are_counted() -> None:
    """15 bytes cannot be what others follow; as the last ones they wait for the others."""
    host = Host6()
    host.give(with_headers(IPv6ExtHdrFragment(offset=0, m=1)), with_headers(IPv6ExtHdrFragment(offset=4)))
    assert host.stats.ip6.ips_fragments.value == 2
    assert host.stack.drops() == {"ip6: malformed fragments dropped": 1}
    assert len(host.stack.instance().ip6.reassembly.datagrams) == 1


def test_an_address_of_one_link_is_for_nobody_on_another() -> None:
    """RFC 4007, 9; and interfaces may have the same one, as VLANs of one card do."""
    host = Host6()
    other = host.stack.add_driver("ix").add_ifd(host.below)
    other.add_ifl().add_iff("inet6")
    host.give(icmp6_frame(src=PEER_LINK, dst=OUR_LINK))
    assert len(host.taken()) == 1

    def on_other() -> None:
        other.ifiqs[0].input([Packet([icmp6_frame(src=PEER_LINK, dst=OUR_LINK)])])
        host.stack.run()

    on_other()
    assert host.stack.drops() == {"ip6: packets that violated scope rules": 1}
    iff = other.ifls[0].iffs["inet6"]
    assert isinstance(iff, Inet6)
    iff.attempts = 0
    iff.add_ifa(f"{OUR_LINK}/64")
    on_other()
    assert host.stats.icmp6.icps_reflect.value == 2


def test_the_source_is_one_that_means_something_where_the_packet_goes() -> None:
    """RFC 6724, 5, rule 2: also through a router that is known by its link-local address, as routers are."""
    host = Host6()
    host.stack.add_route("2001:db8:7::/48", PEER_LINK)
    sock = host.stack.udp_socket(family="inet6")
    for to in ("2001:db8:7::1", PEER_LINK, PEER6):
        sock.sendto(b"x", (to, 9))
        host.stack.run()
    host.give(nd_frame(advert(PEER_LINK), src=PEER_LINK, dst=OUR_LINK))
    sent = {ipv6_text(header.dst): ipv6_text(header.src) for header, _ in map(udp6_of, _udp(host.taken()))}
    assert sent == {"2001:db8:7::1": OUR6, PEER_LINK: OUR_LINK, PEER6: OUR6}
    peer = host.stack.udp_socket(family="inet6")
    peer.connect(("2001:db8:7::1", 9))
    assert peer.getsockname()[0] == OUR6


def _udp(frames: list[bytes]) -> list[bytes]:
    return [frame for frame in frames if frame[20] == 17]


def test_a_group_needs_an_interface_and_a_source() -> None:
    host = Host6()
    sock = host.stack.udp_socket(family="inet6")
    sock.sendto(b"x", ("ff02::fb", 9))
    sock.sendto(b"x", ("ff0e::fb", 9))
    host.stack.run()
    sent = [udp6_of(frame, b"\x33\x33\0\0\0\xfb")[0] for frame in host.taken()]
    assert [header.src for header in sent] == [ipv6(OUR_LINK), ipv6(OUR6)]
    for ifa in list(host.iff6.ifas):
        host.iff6.remove_ifa(str(ifa))
    with pytest.raises(OSError, match="Cannot assign requested address"):
        sock.sendto(b"x", ("ff02::fb", 9))
    host.ifl.remove_iff("inet6")
    with pytest.raises(OSError, match="Network is unreachable"):
        sock.sendto(b"x", ("ff02::fb", 9))
    assert host.stack.drops() == {
        "ip6: output packets without a source address": 1, "ip6: output multicasts without an interface": 1,
    }  # fmt: skip


@settings(max_examples=300)
@given(st.data())
def test_no_frame_is_an_exception_and_each_has_one_end(data: st.DataObject) -> None:
    """Good frames with bytes changed anywhere, and cut anywhere."""
    host = _ONE
    frame = bytearray(data.draw(st.sampled_from(GOOD)))
    for at, value in data.draw(st.lists(st.tuples(st.integers(12, len(frame) - 1), st.integers(0, 255)), max_size=4)):
        frame[at] = value
    before, total = host.stack.drops(), host.stats.ether.total.value
    host.give(bytes(frame[: data.draw(st.integers(14, len(frame)))]))
    host.taken()
    gone = sum(host.stack.drops().values()) - sum(before.values())
    assert host.stats.ether.total.value == total + 1
    assert gone <= 1, "a frame ends once"


_ONE = Host6()
GOOD = [
    udp6_frame(),
    icmp6_frame(),
    with_headers(IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment()),
    icmp6_frame(icmpv6.UNREACHABLE, payload=Ipv6(ipv6(OUR6), ipv6(PEER6), 17, 8).emit() + bytes(8)),
]
