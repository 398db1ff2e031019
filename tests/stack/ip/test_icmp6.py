"""ICMPv6 (RFC 4443), on frames."""

from __future__ import annotations

from errno import ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire import icmpv6
from ringbed.stack.wire.address import ipv6
from ringbed.stack.wire.icmpv6 import Icmpv6
from ringbed.stack.wire.ipv6 import Ipv6
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


@given(rest=st.integers(0, 2**32 - 1), payload=st.binary(max_size=64))
def test_an_echo_request_is_answered_with_its_data(rest: int, payload: bytes) -> None:
    host = Host6()
    host.give(icmp6_frame(rest=rest, payload=payload))
    header, reply = icmp6_of(*host.taken())
    assert (header.src, header.dst) == (ipv6(OUR6), ipv6(PEER6))
    assert reply == Icmpv6(icmpv6.ECHO_REPLY, 0, rest, payload)


def test_an_echo_request_to_every_node_is_answered_from_the_best_address() -> None:
    """RFC 4443, 4.2: from one address, and for a link-local sender by the interface it came by."""
    host = Host6()
    host.give(icmp6_frame(dst="ff02::1"))
    assert icmp6_of(*host.taken())[0].src == ipv6(OUR6)
    host.give(icmp6_frame(src=PEER_LINK, dst="ff02::1"))
    host.taken()
    host.give(nd_frame(advert(PEER_LINK), src=PEER_LINK, dst=OUR_LINK))
    header, reply = icmp6_of(*host.taken())
    assert (header.src, header.dst, reply.type) == (ipv6(OUR_LINK), ipv6(PEER_LINK), icmpv6.ECHO_REPLY)


def test_a_ping_of_ours_is_answered() -> None:
    host = Host6()
    sock = host.stack.icmp_socket(family="inet6")
    sock.echo_request(PEER6, 1, 2, b"data")
    host.stack.run()
    header, request = icmp6_of(*host.taken())
    assert (header.hop_limit, request) == (64, Icmpv6(icmpv6.ECHO_REQUEST, 0, 0x00010002, b"data"))
    host.give(icmp6_frame(icmpv6.ECHO_REPLY, payload=b"data"))
    message = sock.recv()
    assert (message.type, message.ident, message.sequence) == (icmpv6.ECHO_REPLY, 1, 2)
    assert (message.payload, message.source, message.ttl) == (b"data", PEER6, 64)
    sock.echo_request(OUR6, 1, 2, b"self")
    host.stack.run()
    assert sock.recv().payload == b"self"


def test_a_closed_port_is_reported_with_as_much_as_fits_the_least_mtu() -> None:
    """RFC 4443, 2.4 (c)."""
    for size in (10, 1300):
        host = Host6()
        frame = udp6_frame(bytes(size))
        host.give(frame)
        header, error = icmp6_of(*host.taken())
        assert (error.type, error.code, error.rest) == (icmpv6.UNREACHABLE, 4, 0)
        assert error.payload == frame[14:][: 1280 - 48]
        assert header.length <= 1240
        assert host.stack.drops() == {"udp: dropped due to no socket": 1}


ERROR = Icmpv6(icmpv6.UNREACHABLE, 0, 0, bytes(60)).emit(ipv6(PEER6), ipv6(OUR6))
BEHIND = bytes([58, 0, 1, 4, 0, 0, 0, 0])  # destination options, then ICMPv6
UNKNOWN = bytes([58, 0, 0xC2, 4, 0, 0, 0, 0])  # likewise, with one that is not known


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (ip6_frame(UNKNOWN + ERROR, 60), "icps_oldicmp"),
        (udp6_frame(dst="ff02::1"), None),  # nobody at a port of a group: not even asked for
        (udp6_frame(src="::"), "icps_notsingle"),
        (ip6_frame(b"x" * 16, 200, dst="ff02::1"), "icps_notsingle"),
    ],
)
def test_no_error_is_sent_about_an_error_nor_to_many_nor_to_nobody(frame: bytes, why: str | None) -> None:
    """RFC 4443, 2.4 (e), also behind headers that cannot be walked."""
    host = Host6()
    host.give(frame)
    assert host.taken() == []
    if why is not None:
        assert getattr(host.stats.icmp6, why).value == 1


def test_errors_are_limited() -> None:
    """RFC 4443, 2.4 (f)."""
    host = Host6()
    for _ in range(150):
        host.give(udp6_frame())
    assert len(host.taken()) == 100
    host.later(1)
    host.give(udp6_frame())
    assert len(host.taken()) == 1


QUOTED = {
    (icmpv6.UNREACHABLE, 0): ENETUNREACH,
    (icmpv6.UNREACHABLE, 3): EHOSTUNREACH,
    (icmpv6.UNREACHABLE, 4): ECONNREFUSED,
    (icmpv6.UNREACHABLE, 6): EHOSTUNREACH,
    (icmpv6.TOO_BIG, 0): EMSGSIZE,
    (icmpv6.PARAMETER_PROBLEM, 1): ECONNREFUSED,
    (100, 0): EHOSTUNREACH,  # an error that is not known goes up all the same (2.4 (a))
}


@pytest.mark.parametrize(("kind", "code"), QUOTED)
@pytest.mark.parametrize("headers", [False, True])
def test_an_error_is_told_to_the_socket_whose_datagram_it_quotes(kind: int, code: int, headers: bool) -> None:
    host = Host6()
    sock = host.stack.udp_socket(family="inet6")
    sock.connect((PEER6, 9))
    sock.send(b"x")
    host.stack.run()
    (sent,) = host.taken()
    quote = sent[14:]
    if headers:
        quote = quote[:6] + b"\x3c" + quote[7:40] + bytes([17, 0, 1, 4, 0, 0, 0, 0]) + quote[40:]
    host.give(icmp6_frame(kind, 0, quote, code))
    error = sock.recverr()
    assert error is not None
    assert (error.errno, error.peer, error.type, error.code) == (QUOTED[kind, code], (PEER6, 9), kind, code)


@pytest.mark.parametrize("size", [0, 39, 40, 43])
def test_an_error_that_does_not_quote_enough_is_counted(size: int) -> None:
    host = Host6()
    quote = Ipv6(ipv6(OUR6), ipv6(PEER6), 17, 8).emit() + bytes(8)
    host.give(icmp6_frame(icmpv6.UNREACHABLE, 0, quote[:size]))
    assert host.stack.drops() == {"icmp6: messages with bad length": 1}


def test_a_bad_sum_is_counted_and_the_addresses_are_part_of_it() -> None:
    host = Host6()
    frame = bytearray(icmp6_frame())
    frame[22 + 15] ^= 1  # of another source
    host.give(bytes(frame))
    assert host.stack.drops() == {"icmp6: bad checksums": 1}


def test_discovery_from_where_no_interface_is_goes_nowhere() -> None:
    host = Host6()
    sock = host.stack.icmp_socket(family="inet6")
    sock._icmp.output(icmpv6.NEIGHBOUR_SOLICITATION, 0, 0, bytes(16), ipv6(OUR6))
    host.stack.run()
    assert host.stack.drops() == {"icmp6: neighbour messages from no interface of this family": 1}


def test_the_two_families_have_counters_limits_and_sockets_of_their_own() -> None:
    host = Host6()
    four, six = host.stack.icmp_socket(), host.stack.icmp_socket(family="inet6")
    host.give(icmp6_frame(icmpv6.ECHO_REPLY))
    assert (len(four.buffer), len(six.buffer)) == (0, 1)
    assert host.stats.icmp.icps_input.value == 0
    sock = host.stack.udp_socket(family="inet6")
    sock.bind(("::", 7))
    host.stack.udp_socket().bind(("0.0.0.0", 7))
    host.give(udp6_frame())
    sock.sendto(sock.recvfrom()[0], (PEER6, 1))
    host.stack.run()
    udp6_of(*host.taken())
