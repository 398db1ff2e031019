from __future__ import annotations

from errno import EACCES, EADDRNOTAVAIL, EHOSTUNREACH, EMSGSIZE

import pytest

from ringbed.stack.kern.scheduler import NeverEmpty, Scheduler
from ringbed.stack.socket.udp import Control, UdpSocket
from ringbed.stack.transport.pcb import CtlInput
from ringbed.stack.wire import arp, icmpv4
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.icmpv4 import Icmp
from ringbed.stack.wire.ipv4 import PROTO_ICMP
from tests.stack.checker import udp_of
from tests.stack.host import OUR, PEER, FakeInterface, Host, arp_frame, ip_frame, udp_frame

pytestmark = pytest.mark.usefixtures("both_schedulers")


def listener(host: Host, port: int = 7) -> UdpSocket:
    sock = host.stack.udp_socket()
    sock.bind(("0.0.0.0", port))
    return sock


def test_control_data_handed_back_unchanged_routes_the_answer() -> None:
    host = Host()
    host.iff.add_ifa("10.0.0.3/24")
    sock = listener(host)
    for to in (OUR, "10.0.0.3"):
        host.give(udp_frame(dst=to))
        message = sock.recvmsg()
        assert message.control == Control(to, host.ifl.index)
        sock.sendmsg(message.data, message.source, message.control)
        host.stack.run()
        assert udp_of(*host.taken())[0].src == ipv4(to)


def test_a_server_on_a_thousand_addresses_with_one_socket() -> None:
    host = Host()
    addresses = [f"10.1.{n >> 8}.{n & 255}" for n in range(1, 1001)]
    for address in addresses:
        host.iff.add_ifa(f"{address}/16")
    sock = listener(host)
    for address in addresses:
        host.give(udp_frame(dst=address))
        message = sock.recvmsg()
        sock.sendmsg(b"x", message.source, message.control)
        host.stack.run()
        assert udp_of(*host.taken())[0].src == ipv4(address)


def two_interfaces() -> tuple[Host, FakeInterface, int]:
    """em0 and ix0 on one subnet; the peer is known on both."""
    host = Host()
    other = FakeInterface(lladdr=b"\x02\0\0\0\0\x22")
    ifd = host.stack.add_driver("ix").add_ifd(other)
    ifl = ifd.add_ifl()
    ifl.add_iff().add_ifa("10.0.0.22/24")
    host.ifd, ours = ifd, host.ifd
    host.give(arp_frame(arp.REQUEST, PEER, "10.0.0.22"))
    host.ifd = ours
    other.sent.clear()
    return host, other, ifl.index


def test_an_answer_leaves_by_the_interface_the_question_came_by() -> None:
    host, other, index = two_interfaces()
    sock = listener(host)
    sock.sendto(b"x", (PEER, 9))
    host.stack.run()
    assert (len(host.taken()), len(other.sent)) == (1, 0), "by itself the lower index is used"
    sock.sendmsg(b"x", (PEER, 9), Control("10.0.0.22", index))
    host.stack.run()
    assert (len(host.taken()), len(other.sent)) == (0, 1)
    assert other.sent[0][26:30] == bytes([10, 0, 0, 22])
    sock.sendmsg(b"x", (PEER, 9), Control(OUR, host.ifl.index))
    host.stack.run()
    assert (len(host.taken()), len(other.sent)) == (1, 1)


def test_an_interface_with_no_way_there_is_only_a_wish() -> None:
    host, other, index = two_interfaces()
    host.stack.add_route("192.0.2.0/24", PEER, "em0")
    listener(host).sendmsg(b"x", ("192.0.2.1", 9), Control("10.0.0.22", index))
    host.stack.run()
    assert (len(host.taken()), len(other.sent)) == (1, 0)


def test_a_datagram_to_a_broadcast_address_is_answered_from_the_best_address() -> None:
    host = Host()
    sock = listener(host)
    host.give(udp_frame(dst="10.0.0.255"))
    message = sock.recvmsg()
    assert message.control.destination == "10.0.0.255"
    sock.sendmsg(b"x", message.source, message.control)
    host.stack.run()
    assert udp_of(*host.taken())[0].src == ipv4(OUR)


@pytest.mark.parametrize("broadcast", ["10.0.0.255", "255.255.255.255"])
def test_nothing_is_sent_from_a_broadcast_address_that_a_socket_is_bound_to(broadcast: str) -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.bind((broadcast, 7))
    host.give(udp_frame(dst=broadcast), udp_frame())
    message = sock.recvmsg()
    assert not sock.readable, "the other one was not for it"
    sock.sendto(b"x", message.source)
    sock.sendmsg(b"x", message.source, message.control)
    sock.connect(message.source)
    sock.send(b"x")
    assert sock.getsockname() == (OUR, 7)
    host.stack.run()
    sent = [udp_of(frame)[0].src for frame in host.taken() if frame[23] == 17]
    assert sent == [ipv4(OUR)] * 3


def test_dontroute_looks_at_neighbours_only() -> None:
    host = Host()
    host.stack.add_route("0.0.0.0/0", PEER)
    host.stack.add_route("10.0.0.1/32", "reject")
    sock = listener(host)
    sock.sendto(b"x", ("192.0.2.1", 9))
    with pytest.raises(OSError, match="No route to host"):
        sock.sendto(b"x", (PEER, 9))
    sock.set_dontroute(True)
    with pytest.raises(OSError, match="No route to host"):
        sock.sendto(b"x", ("192.0.2.1", 9))
    assert sock.sendto(b"x", (PEER, 9)) == 1, "by the IFDEST route under the USER one"
    host.stack.run()
    assert len(host.taken()) == 2


@pytest.mark.parametrize(
    ("to", "size", "errno"),
    [("192.0.2.1", 1, EHOSTUNREACH), ("10.0.0.255", 1, EACCES), (PEER, 1473, EMSGSIZE), (PEER, 65508, EMSGSIZE)],
)
def test_errors_are_raised_at_the_call(to: str, size: int, errno: int) -> None:
    host = Host()
    sock = listener(host)
    sock.set_dontfragment(size == 1473)
    with pytest.raises(OSError, match=f"{size} bytes to {to} port 9") as caught:
        sock.sendto(bytes(size), (to, 9))
    assert caught.value.errno == errno


def test_the_calls_that_make_no_sense() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    with pytest.raises(BlockingIOError):
        sock.recvfrom()
    with pytest.raises(OSError, match="the socket is not connected"):
        sock.send(b"x")
    with pytest.raises(OSError, match="the socket is not connected"):
        sock.sendmsg(b"x")
    with pytest.raises(OSError, match="cannot connect to"):
        sock.connect((PEER, 0))
    with pytest.raises(OSError, match=r"no route to 192\.0\.2\.1"):
        sock.connect(("192.0.2.1", 9))
    sock.connect((PEER, 9))
    with pytest.raises(OSError, match="the socket is connected"):
        sock.sendto(b"x", (PEER, 9))
    with pytest.raises(ValueError, match="port 65536"):
        host.stack.udp_socket().sendto(b"x", (PEER, 65536))
    sock.close()
    for call in (lambda: sock.send(b"x"), sock.recvfrom, lambda: sock.bind((OUR, 1)), lambda: sock.connect((PEER, 1))):
        with pytest.raises(OSError, match="the socket is closed"):
            call()


def test_connect_chooses_our_address_and_a_port() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.connect((PEER, 9))
    assert sock.getsockname() == (OUR, 49152)
    sock.sendmsg(b"x")
    host.stack.run()
    _, datagram = udp_of(*host.taken())
    assert (datagram.src, datagram.dst) == (49152, 9)


def test_a_socket_can_talk_to_itself_without_a_frame_or_a_sum() -> None:
    host = Host()
    server, client = listener(host), host.stack.udp_socket()
    client.sendto(b"hello", (OUR, 7))
    data, peer = server.recvfrom()
    server.sendto(data[::-1], peer)
    message = client.recvmsg()
    assert (message.data, message.source, message.control.ifl_index) == (b"olleh", (OUR, 7), 0)
    assert host.taken() == []
    udp = host.stats.udp
    assert [c.value for c in (udp.udps_inhwcsum, udp.udps_inswcsum, udp.udps_nosum, udp.udps_outswcsum)] == [0] * 4


def test_the_upcall_gets_everything_within_run() -> None:
    host = Host()
    sock = listener(host)
    seen: list[bytes] = []

    def upcall(socket: UdpSocket) -> None:
        while socket.readable:
            seen.append(socket.recvfrom()[0])

    sock.set_upcall(upcall)
    host.give(udp_frame(b"1"), udp_frame(b"2"))
    host.give(udp_frame(b"3"))
    assert seen == [b"1", b"2", b"3"]
    sock.set_upcall(None)
    host.give(udp_frame(b"4"))
    assert sock.recvfrom()[0] == b"4"


def test_the_ttl_and_tos_of_a_socket_are_sent() -> None:
    host = Host()
    sock = listener(host)
    sock.ttl, sock.tos = 3, 0x10
    sock.sendto(b"", (PEER, 9))
    host.stack.run()
    header, datagram = udp_of(*host.taken())
    assert (header.ttl, header.tos, datagram.payload) == (3, 0x10, b"")


def test_no_more_errors_are_kept_than_a_few() -> None:
    sock = Host().stack.udp_socket()
    for n in range(20):
        sock.queue.post(CtlInput(EHOSTUNREACH, (PEER, n), 3, 1))
    kept = []
    while (error := sock.recverr()) is not None:
        kept.append(error.peer[1])
    assert kept == list(range(4, 20))


def echo(sock: UdpSocket) -> None:
    while sock.readable:
        data, peer = sock.recvfrom()
        sock.sendto(data, peer)


def test_a_datagram_with_our_own_address_as_source_is_no_source_of_datagrams_without_end() -> None:
    """The LAND attack on an echo server, by UDP and by ICMP, from any of our addresses."""
    host = Host()
    host.iff.add_ifa("10.0.0.3/24")
    listener(host).set_upcall(echo)
    for source in (OUR, "10.0.0.3"):
        host.give(udp_frame(b"x", 7, 7, src=source))
        host.give(ip_frame(Icmp(icmpv4.ECHO_REQUEST, 0, 1, b"x").emit(), PROTO_ICMP, src=source))
    assert host.stack.drops() == {"ip: datagrams from outside with an address of this host as source": 4}
    host.iff.remove_ifa("10.0.0.3/24")
    host.give(udp_frame(b"x", 7, 7, src="10.0.0.3"))
    assert host.stats.ip.ips_ownaddr.value == 4, "not ours any more"


def test_a_program_that_answers_itself_ends_in_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbed.stack.kern.scheduler.RUN_LIMIT", 500)
    host = Host()
    sock = listener(host)
    sock.set_upcall(echo)
    sock.sendto(b"x", (OUR, 7))
    alone = type(host.stack.scheduler) is Scheduler  # of threads, whoever comes to the end of the account says so
    where = "process context, queue udp socket" if alone else r"\w+ context"
    with pytest.raises(NeverEmpty, match=f"^still not empty after 500 pieces of work at 0 ns, the next one in {where}"):
        host.stack.run()
    assert sum(map(len, host.stack.scheduler._ready)) <= 2, "each queue waits once, whatever happened"
    sock.set_upcall(None)
    host.stack.run()
    assert host.stats.udp.udps_upcallerr.value == 0


@pytest.mark.parametrize(
    ("frame", "errno"),
    [
        (udp_frame(b"x", src="8.8.8.8"), EHOSTUNREACH),
        (udp_frame(b"x" * 1476), EMSGSIZE),
        (udp_frame(b"x", src="10.0.0.0"), EADDRNOTAVAIL),
        (udp_frame(b"x", src="0.0.0.0"), EADDRNOTAVAIL),
    ],
)
def test_what_an_answer_to_a_stranger_costs_is_counted_and_run_does_not_raise(frame: bytes, errno: int) -> None:
    host = Host()
    errors: list[int | None] = []

    def upcall(sock: UdpSocket) -> None:
        try:
            echo(sock)
        except OSError as error:
            errors.append(error.errno)
            raise

    sock = listener(host)
    sock.set_dontfragment(True)
    sock.set_upcall(upcall)
    host.give(frame, frame)
    sock.set_dontfragment(False)
    host.give(udp_frame(b"good"))
    assert errors == [errno] * 2
    assert host.stats.udp.udps_upcallerr.value == 2
    assert udp_of(*host.taken())[1].payload == b"good", "the server still serves"


def test_an_echo_server_over_a_full_output_queue_goes_on_when_there_is_room() -> None:
    host = Host()
    listener(host).set_upcall(echo)
    host.below.room = 0
    for n in range(400):
        host.give(udp_frame(n.to_bytes(2, "big")))
    assert host.stats.udp.udps_upcallerr.value == 400 - 255
    host.below.room = 1 << 30
    host.ifd.ifqs[0].restart()
    host.stack.run()
    assert len(host.taken()) == 255
    host.give(udp_frame(b"after"))
    assert udp_of(*host.taken())[1].payload == b"after"
