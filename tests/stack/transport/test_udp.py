from __future__ import annotations

from errno import EADDRINUSE, EADDRNOTAVAIL

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.ip.demux import Match
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.transport.udp import EPHEMERAL, binding
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.udp import Udp
from tests.stack.checker import udp_of
from tests.stack.host import OUR, PEER, Host, corrupt, ip_frame, udp_frame

pytestmark = pytest.mark.usefixtures("both_schedulers")


def listener(host: Host, port: int = 7, address: str = "0.0.0.0") -> UdpSocket:
    sock = host.stack.udp_socket()
    sock.bind((address, port))
    return sock


@given(st.binary(max_size=1472))
def test_every_payload_goes_both_ways(payload: bytes) -> None:
    host = Host()
    sock = listener(host)
    host.give(udp_frame(payload))
    data, peer = sock.recvfrom()
    assert (data, peer) == (payload, (PEER, 9999))
    sock.sendto(data, peer)
    host.stack.run()
    header, datagram = udp_of(*host.taken())
    assert datagram == Udp(7, 9999, payload)
    assert (header.src, header.dst) == (ipv4(OUR), ipv4(PEER))


@pytest.mark.parametrize("at", range(34, 49))
def test_any_damage_to_the_datagram_is_noticed(at: int) -> None:
    host = Host()
    sock = listener(host)
    host.give(corrupt(udp_frame(b"odd size"), at))
    assert not sock.readable
    assert sum(host.stack.drops().values()) == 1


def test_no_checksum_is_accepted_and_counted() -> None:
    host = Host()
    sock = listener(host)
    frame = bytearray(udp_frame())
    frame[40:42] = b"\0\0"
    host.give(bytes(frame))
    assert sock.recvfrom()[0] == b"hello"
    assert host.stats.udp.udps_nosum.value == 1
    assert host.stats.udp.udps_inswcsum.value == 0


def test_a_computed_zero_is_sent_as_ffff_and_taken_back() -> None:
    host = Host()
    sock = listener(host)
    plain = Udp(9999, 7, b"\0\0").emit(ipv4(PEER), ipv4(OUR))
    payload = plain[6:8]  # brings the sum to 0xFFFF, its complement to 0
    datagram = Udp(9999, 7, payload).emit(ipv4(PEER), ipv4(OUR))
    assert datagram[6:8] == b"\xff\xff"
    host.give(ip_frame(datagram, 17))
    assert sock.recvfrom()[0] == payload
    sock.sendto(payload, (PEER, 9999))
    host.stack.run()
    assert host.taken()[0][40:42] == b"\xff\xff"


def test_a_length_shorter_than_the_datagram_cuts_it() -> None:
    host = Host()
    sock = listener(host)
    short = Udp(9999, 7, b"abc").emit(ipv4(PEER), ipv4(OUR))
    host.give(ip_frame(short + b"trailer", 17))
    assert sock.recvfrom()[0] == b"abc"


def test_the_best_binding_gets_the_datagram() -> None:
    host = Host()
    wild, bound, connected = listener(host), listener(host, address=OUR), host.stack.udp_socket()
    connected.bind(("0.0.0.0", 8))
    connected.connect((PEER, 1000))
    host.give(udp_frame(b"1", 8, 1000), udp_frame(b"2", 7, 1000), udp_frame(b"3", 7, dst="10.0.0.255"))
    assert connected.recvfrom()[0] == b"1"
    assert bound.recvfrom()[0] == b"2"
    assert wild.recvfrom()[0] == b"3"
    assert not any(s.readable for s in (wild, bound, connected))
    host.give(udp_frame(b"4", 8, 1001))
    assert not connected.readable, "from somebody else"


def test_bindings_are_refused_when_taken_or_not_ours() -> None:
    host = Host()
    first = listener(host, 7)
    with pytest.raises(OSError, match="another socket has proto 17") as caught:
        listener(host, 7)
    assert caught.value.errno == EADDRINUSE
    with pytest.raises(OSError, match=r"10\.0\.0\.9 is not an address of this host") as caught:
        listener(host, 7, "10.0.0.9")
    assert caught.value.errno == EADDRNOTAVAIL
    with pytest.raises(OSError, match="bound to port 7 already"):
        first.bind(("0.0.0.0", 8))
    first.close()
    listener(host, 7)


def test_ephemeral_ports_are_in_order_and_skip_those_in_use() -> None:
    host = Host()
    listener(host, EPHEMERAL[1])
    ports = [listener(host, 0).lport for _ in range(3)]
    assert ports == [EPHEMERAL[0], EPHEMERAL[2], EPHEMERAL[3]]


def test_a_port_given_back_can_be_given_again() -> None:
    host = Host()
    sock = listener(host, 0)
    sock.close()
    with host.stack.config.change():
        host.stack._protocols[0].udp["inet"]._next = sock.lport
    assert listener(host, 0).lport == sock.lport


def test_all_ephemeral_ports_may_be_taken() -> None:
    host = Host()
    with host.stack.config.change():
        host.stack._protocols[0].udp["inet"]._ports = dict.fromkeys(EPHEMERAL, 1)
    with pytest.raises(OSError, match="all 16384 ephemeral ports are taken"):
        listener(host, 0)


def test_what_a_binding_matches() -> None:
    assert binding(0, 7) == Match(17, None, None, 7, 0xFFFF)
    assert binding(1, 7) == Match(17, 1, None, 7, 0xFFFF)
    assert binding(1, 7, 2, 9) == Match(17, 1, 2, 9 << 16 | 7, 0xFFFFFFFF)
