from __future__ import annotations

import pytest

from ringbed.stack.wire import icmpv4
from ringbed.stack.wire.address import ipv4
from tests.stack.checker import icmp_of
from tests.stack.host import OUR, PEER, Host, icmp_frame

pytestmark = pytest.mark.usefixtures("both_schedulers")


def test_ping_and_its_answer() -> None:
    host = Host()
    sock = host.stack.icmp_socket()
    sock.echo_request(PEER, 0x1234, 0x5678, b"payload", ttl=9)
    host.stack.run()
    header, request = icmp_of(*host.taken())
    assert (header.dst, header.ttl, request.type, request.rest) == (ipv4(PEER), 9, icmpv4.ECHO_REQUEST, 0x12345678)
    host.give(icmp_frame(icmpv4.ECHO_REPLY, request.rest, request.payload))
    reply = sock.recv()
    assert reply[:8] == (icmpv4.ECHO_REPLY, 0, 0x1234, 0x5678, b"payload", PEER, 64, host.ifl.index)
    with pytest.raises(BlockingIOError):
        sock.recv()


def test_every_raw_socket_sees_everything_but_echo_requests() -> None:
    host = Host()
    socks = [host.stack.icmp_socket(), host.stack.icmp_socket()]
    host.give(icmp_frame(), icmp_frame(13), icmp_frame(icmpv4.ECHO_REPLY))
    assert [[sock.recv().type for _ in range(2)] for sock in socks] == [[13, 0]] * 2
    assert all(not sock.buffer for sock in socks)


def test_the_host_can_ping_itself_without_a_sum_or_a_frame() -> None:
    host = Host()
    sock = host.stack.icmp_socket()
    sock.echo_request(OUR, 1, 2, b"self")
    host.stack.run()
    assert sock.recv()[:6] == (icmpv4.ECHO_REPLY, 0, 1, 2, b"self", OUR)
    assert host.taken() == []
    assert host.stats.icmp.icps_outswcsum.value == host.stats.icmp.icps_inswcsum.value == 0


def test_an_upcall_runs_within_run() -> None:
    host = Host()
    sock = host.stack.icmp_socket()
    seen: list[int] = []
    sock.set_upcall(lambda s: seen.append(s.recv().type))
    host.give(icmp_frame(icmpv4.ECHO_REPLY))
    assert seen == [icmpv4.ECHO_REPLY]


def test_broadcast_needs_permission() -> None:
    host = Host()
    sock = host.stack.icmp_socket()
    with pytest.raises(PermissionError, match=r"ping of 0 bytes to 10\.0\.0\.255"):
        sock.echo_request("10.0.0.255", 1, 1)
    sock.may_broadcast = True
    sock.echo_request("10.0.0.255", 1, 1)
    host.stack.run()
    assert len(host.taken()) == 1


def test_refusals_and_close() -> None:
    host = Host()
    sock = host.stack.icmp_socket()
    for ident, sequence in ((-1, 0), (0, 65536)):
        with pytest.raises(ValueError, match=r"is not within 0\.\.65535"):
            sock.echo_request(PEER, ident, sequence)
    with pytest.raises(OSError, match="Message too long"):
        sock.echo_request(PEER, 1, 1, bytes(65508))
    sock.close()
    sock.close()
    with pytest.raises(OSError, match="the socket is closed"):
        sock.echo_request(PEER, 1, 1)
    host.give(icmp_frame(icmpv4.ECHO_REPLY))
    assert host.stats.icmp.icps_nosocket.value == 1
