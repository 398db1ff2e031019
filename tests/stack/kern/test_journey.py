from __future__ import annotations

from ringbed.stack.kern.packet import Packet
from ringbed.stack.socket.udp import UdpSocket
from tests.stack.host import OUR, SECOND, Host, icmp_frame, udp_frame


def follow(host: Host, frame: bytes):  # type: ignore[no-untyped-def]
    journey = host.stack.journey()
    host.ifd.ifiqs[0].input([Packet([frame], journey=journey)])
    host.stack.run()
    return journey


def test_a_ping_goes_up_to_icmp_and_down_to_the_driver() -> None:
    host = Host()
    host.stack.tick(3 * SECOND)
    journey = follow(host, icmp_frame())
    assert [(s.stage, s.context) for s in journey.steps] == [
        ("ifiq_input", "process"),  # the driver's own context: nobody runs it here
        ("ether_input", "input"),
        ("ip_input", "input"),
        ("ip_deliver", "input"),
        ("icmp_input", "worker"),
        ("icmp_output", "worker"),
        ("ip_output", "worker"),
        ("ether_output", "worker"),
        ("ifq_start", "interrupt"),
    ]
    assert {s.time for s in journey.steps} == {3 * SECOND}
    assert [s.queue for s in journey.steps if s.queue] == [
        "em0:0:rxq:0", "icmp", "icmp", "em0:0:txq:0", "em0:0:txq:0",
    ]  # fmt: skip


def test_a_datagram_goes_through_the_socket_and_back() -> None:
    host = Host()
    server = host.stack.udp_socket()
    server.bind((OUR, 7))

    def echo(sock: UdpSocket) -> None:
        message = sock.recvmsg()
        sock.sendmsg(message.data, message.source, message.control, message.journey)

    server.set_upcall(echo)
    journey = follow(host, udp_frame())
    assert [(s.stage, s.context) for s in journey.steps][3:] == [
        ("ip_deliver", "input"),
        ("udp_input", "worker"),
        ("sbappend", "worker"),
        ("soreceive", "process"),
        ("udp_output", "process"),
        ("ip_output", "process"),
        ("ether_output", "process"),
        ("ifq_start", "interrupt"),
    ]


def test_a_drop_is_the_last_step() -> None:
    host = Host()
    journey = follow(host, udp_frame(dst="192.0.2.1"))
    assert (journey.steps[-1].stage, journey.steps[-1].queue) == ("drop", "packets not forwardable")


def test_text_and_steps_of_others() -> None:
    journey = Host().stack.journey()
    journey.add("wire", "card", "", 5)
    journey.step("ip_input")
    assert journey.text().splitlines() == [
        "             5 ns  card       wire",
        "             0 ns  process    ip_input",
    ]


def test_a_packet_without_a_journey_records_nothing() -> None:
    assert Packet([b""]).journey is None
