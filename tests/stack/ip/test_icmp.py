from __future__ import annotations

from errno import ECONNREFUSED, EHOSTUNREACH

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.packet import L4_CSUM_IN_BAD
from ringbed.stack.wire import arp, icmpv4
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.ethernet import BROADCAST
from ringbed.stack.wire.icmpv4 import Icmp
from ringbed.stack.wire.ipv4 import PROTO_ICMP, Ipv4
from ringbed.stack.wire.udp import Udp
from tests.stack.checker import icmp_of, udp_of
from tests.stack.host import OUR, PEER, SECOND, Host, arp_frame, carry, icmp_frame, ip_frame, udp_frame
from tests.stack.kern.test_stats import patched

pytestmark = pytest.mark.usefixtures("both_schedulers")


@given(st.binary(max_size=1472), st.integers(0, 2**32 - 1))
def test_an_echo_comes_back_with_the_same_data(payload: bytes, rest: int) -> None:
    host = Host()
    host.give(icmp_frame(rest=rest, payload=payload))
    header, reply = icmp_of(*host.taken())
    assert reply == Icmp(icmpv4.ECHO_REPLY, 0, rest, payload)
    assert (header.src, header.dst) == (ipv4(OUR), ipv4(PEER))


def test_an_echo_to_a_sibling_address_is_answered_from_it() -> None:
    host = Host()
    host.iff.add_ifa("10.0.0.3/24")
    host.give(icmp_frame(dst="10.0.0.3"))
    assert icmp_of(*host.taken())[0].src == ipv4("10.0.0.3")


OURS, GATE = bytes([10, 0, 0, 2]), bytes([10, 0, 0, 9])
ROUTE = [bytes([192, 0, 2, n]) for n in (1, 2)]
TIME = (0x80000000 | 5000).to_bytes(4, "big")  # at 5 s, and of no known relation to UT


@pytest.mark.parametrize(
    ("asked", "answered", "to"),
    [
        (b"\x01\x94\x04\0\0", b"", PEER),
        (b"\x07\x07\x04" + bytes(4), b"\x07\x07\x08" + OURS, PEER),
        (b"\x07\x0b\x08" + GATE + bytes(4), b"\x07\x0b\x0c" + GATE + OURS, PEER),
        (b"\x07\x07\x08" + GATE, b"\x07\x07\x08" + GATE, PEER),
        (b"\x44\x0c\x05\0" + bytes(8), b"\x44\x0c\x09\0" + TIME + bytes(4), PEER),
        (b"\x44\x0c\x05\x11" + bytes(8), b"\x44\x0c\x0d\x11" + OURS + TIME, PEER),
        (b"\x44\x0c\x05\x03" + OURS + bytes(4), b"\x44\x0c\x0d\x03" + OURS + TIME, PEER),
        (b"\x44\x0c\x05\x03" + GATE + bytes(4), b"\x44\x0c\x05\x03" + GATE + bytes(4), PEER),
        (b"\x44\x08\x09\xe0" + GATE, b"\x44\x08\x09\xf0" + GATE, PEER),
        (b"\x83\x03\x04", b"", PEER),
        (b"\x83\x07\x08" + GATE, b"\x83\x07\x04" + bytes([10, 0, 0, 1]), "10.0.0.9"),
        (b"\x89\x0f\x10" + b"".join(ROUTE) + GATE, b"\x89\x0f\x04" + ROUTE[1] + ROUTE[0] + bytes([10, 0, 0, 1]),
         "10.0.0.9"),
        (b"\x83\x0b\x0c" + bytes([10, 0, 0, 1]) + GATE, b"\x83\x07\x04" + bytes([10, 0, 0, 1]), "10.0.0.9"),
        (b"\x07\x07\x04" + bytes(4) + b"\x01\x44\x08\x05\0" + bytes(4),
         b"\x07\x07\x08" + OURS + b"\x44\x08\x09\0" + TIME, PEER),
    ],
)  # fmt: skip
def test_an_echo_goes_back_with_the_options_that_rfc_1122_names(asked: bytes, answered: bytes, to: str) -> None:
    """Record route, timestamps of each kind, source routes with and without their source: 3.2.1.8 and 3.2.2.6."""
    host = Host()
    host.give(arp_frame(arp.REQUEST, "10.0.0.9", OUR))
    host.stack.tick(5 * SECOND)
    host.taken()
    asked += bytes(-len(asked) % 4)
    frame = ip_frame(asked + Icmp(icmpv4.ECHO_REQUEST, 0, 7, b"ping").emit(), PROTO_ICMP)
    host.give(patched(frame, 14, bytes([0x45 + len(asked) // 4])))
    (sent,) = host.taken()
    header, reply = icmp_of(sent, answered + bytes(-len(answered) % 4))
    assert (header.src, header.dst) == (ipv4(OUR), ipv4(to))
    assert reply == Icmp(icmpv4.ECHO_REPLY, 0, 7, b"ping")
    assert host.stack.drops() == {}


def test_a_card_that_calls_icmp_bad_is_not_asked() -> None:
    host = Host()
    host.give(icmp_frame(), flags=L4_CSUM_IN_BAD)
    icmp_of(*host.taken())


def test_a_datagram_to_a_closed_port_is_answered_with_its_beginning() -> None:
    host = Host()
    frame = udp_frame(bytes(range(256)) * 4)
    host.give(frame)
    header, message = icmp_of(*host.taken())
    assert (message.type, message.code, message.rest) == (icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_PORT, 0)
    assert message.payload == frame[14 : 14 + 548]
    assert header.length + 20 == 576


def test_the_quote_ends_with_the_datagram_not_with_the_frame() -> None:
    host = Host()
    host.give(udp_frame(b"x"))
    assert len(icmp_of(*host.taken())[1].payload) == 29


QUOTED_ERROR = ip_frame(Icmp(icmpv4.UNREACHABLE, 2, 0, bytes(28)).emit(), PROTO_ICMP, dst=OUR)


@pytest.mark.parametrize(
    ("frame", "counter"),
    [
        (udp_frame(dst="10.0.0.255"), "icps_error"),
        (BROADCAST + udp_frame()[6:], "icps_error"),
        (udp_frame(src="0.0.0.0"), "icps_notsingle"),
        (udp_frame(src="10.0.0.0"), "icps_notsingle"),
        (ip_frame(b"1234", 132, dst="10.0.0.255", mac=BROADCAST), "icps_notsingle"),
    ],
)
def test_no_error_about_what_is_not_from_one_host_to_one_host(frame: bytes, counter: str) -> None:
    host = Host()
    host.give(frame)
    assert host.taken() == []
    assert sum(host.stack.drops().values()) == 1
    assert getattr(host.stats.icmp, counter).value == (counter != "icps_error")


def test_no_error_about_an_error_but_one_about_an_echo() -> None:
    host = Host()
    packet = _received(host, QUOTED_ERROR)
    host.stack._protocols[0].icmp["inet"].icmp_error(packet, icmpv4.UNREACHABLE, 1)
    host.stack.run()
    assert host.taken() == []
    assert host.stats.icmp.icps_oldicmp.value == 1
    reply = _received(host, icmp_frame(icmpv4.ECHO_REPLY))
    host.stack._protocols[0].icmp["inet"].icmp_error(reply, icmpv4.UNREACHABLE, 1)
    host.stack.run()
    assert icmp_of(*host.taken())[1].code == 1


def test_no_error_about_a_later_fragment_but_one_about_the_first() -> None:
    host = Host()
    for fragment, errors in ((0x2000, 1), (0x0005, 0)):
        packet = _received(host, ip_frame(b"12345678", 132, fragment=fragment))
        host.stack._protocols[0].icmp["inet"].icmp_error(packet, icmpv4.UNREACHABLE, 1)
        host.stack.run()
        assert len(host.taken()) == errors


def _received(host: Host, frame: bytes):  # type: ignore[no-untyped-def]
    from ringbed.stack.kern.packet import Packet

    packet = Packet([frame])
    host.ifd.ifiqs[0].input([packet])
    host.stack.run()
    host.taken()
    return packet


def test_errors_are_limited_by_simulated_time() -> None:
    host = Host()
    host.give(*[udp_frame()] * 150)
    assert len(host.taken()) == 100
    assert host.stats.icmp.icps_toofreq.value == 50
    host.stack.tick(SECOND)
    host.give(udp_frame())
    assert len(host.taken()) == 1


def test_errors_wait_for_their_turn_like_everything_else_and_too_many_are_counted() -> None:
    host = Host()
    packet = _received(host, ip_frame(b"12345678", 132))
    icmp = host.stack._protocols[0].icmp["inet"]
    icmp.queue.limit = 2
    for _ in range(3):
        icmp.icmp_error(packet, icmpv4.UNREACHABLE, 1)
    assert (host.taken(), host.stats.icmp.icps_toomany.value) == ([], 1)
    host.stack.run()
    assert len(host.taken()) == 2


def error_about(datagram: bytes, kind: int, code: int) -> bytes:
    return ip_frame(Icmp(kind, code, 0, datagram[14:][:28]).emit(), PROTO_ICMP)


@pytest.mark.parametrize(("kind", "code", "errno"), [(3, 3, ECONNREFUSED), (3, 1, EHOSTUNREACH), (11, 0, EHOSTUNREACH)])
def test_an_error_about_a_datagram_reaches_its_socket(kind: int, code: int, errno: int) -> None:
    host = Host()
    bystander = host.stack.udp_socket()
    bystander.bind((OUR, 5))
    sock = host.stack.udp_socket()
    sock.connect((PEER, 9))
    sock.send(b"x")
    host.stack.run()
    host.give(error_about(host.taken()[0], kind, code))
    assert bystander.recverr() is None
    with pytest.raises(OSError) as caught:  # noqa: PT011
        sock.send(b"y")
    assert caught.value.errno == errno
    assert sock.send(b"z") == 1, "told once"
    assert sock.recverr() == (errno, (PEER, 9), kind, code)
    assert sock.recverr() is None
    assert host.stack.drops() == {}


def test_an_unconnected_socket_is_not_disturbed_but_can_ask() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.sendto(b"x", (PEER, 9))
    host.stack.run()
    host.give(error_about(host.taken()[0], 3, 3))
    assert sock.sendto(b"y", (PEER, 9)) == 1
    assert sock.recverr() == (ECONNREFUSED, (PEER, 9), 3, 3)


def test_an_error_about_a_datagram_of_nobody_is_counted() -> None:
    host = Host()
    stranger = Ipv4(ipv4(OUR), ipv4(PEER), 17, 9).emit() + Udp(1234, 9, b"x").emit(ipv4(OUR), ipv4(PEER))
    host.give(error_about(bytes(14) + stranger, 3, 3))
    assert host.stack.drops() == {"icmp: messages dropped due to no socket": 1}


def test_two_stacks_over_a_cable() -> None:
    a, b = Host(known=False), Host(known=False, lladdr=b"\x02\0\0\0\0\x0b", our="10.0.0.3")
    pinger = a.stack.icmp_socket()
    pinger.echo_request("10.0.0.3", 7, 1, b"across")
    sock = a.stack.udp_socket()
    sock.connect(("10.0.0.3", 9))
    sock.send(b"to a closed port")
    carry(a, b)
    reply = [m for m in (pinger.recv(), pinger.recv()) if m.type == icmpv4.ECHO_REPLY]
    assert [(m.ident, m.sequence, m.payload, m.source) for m in reply] == [(7, 1, b"across", "10.0.0.3")]
    with pytest.raises(ConnectionRefusedError):
        sock.recvfrom()
    assert a.stack.drops() == {}
    assert b.stack.drops() == {"udp: dropped due to no socket": 1}


def test_the_histogram_counts_by_type() -> None:
    host = Host()
    host.give(icmp_frame(), icmp_frame(), icmp_frame(13))
    lines = [str(c) for c in host.stats.icmp.counters if c.value]
    assert "2 input echo" in lines
    assert "1 input type 13" in lines
    assert "2 output echo reply" in lines
    for frame in host.taken():
        with pytest.raises(AssertionError):
            udp_of(frame)
