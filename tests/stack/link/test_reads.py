"""How often a payload is read for its sum: once each way in software, never where the card or nobody needs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ringbed.stack.kern.packet import IPV4_CSUM_IN_OK, L4_CSUM_IN_OK
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.wire import checksum
from ringbed.stack.wire.view import Buffer
from tests.stack.host import OUR, PEER, Host, icmp_frame, udp_frame

SIZE = 1000
SUMS = [  # every place that sums more than a header
    ("ringbed.stack.link.offload", "octets_sum"),
    ("ringbed.stack.link.offload", "segments_sum"),
    ("ringbed.stack.transport.udp", "octets_sum"),
    ("ringbed.stack.ip.icmp4", "octets_sum"),
]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all pieces with a payload in them, as they are summed."""
    seen: list[int] = []

    def counting(summing: Callable[[Any], int]) -> Callable[[Any], int]:
        def counts(data: Buffer | Iterable[Buffer]) -> int:
            pieces = [data] if isinstance(data, (bytes, bytearray, memoryview)) else list(data)
            seen.extend(len(piece) for piece in pieces if len(piece) >= SIZE)
            return summing(data if pieces[0] is data else pieces)

        return counts

    for module, name in SUMS:
        monkeypatch.setattr(importlib.import_module(module), name, counting(getattr(checksum, name)))
    return seen


FULL = Capabilities(tx_ipv4=True, tx_l4=Offload.FULL, rx_checksum=True)
PSEUDO = Capabilities(tx_ipv4=True, tx_l4=Offload.PSEUDO, rx_checksum=True)


@pytest.mark.parametrize(("capabilities", "times"), [(Capabilities(), 1), (PSEUDO, 0), (FULL, 0)])
def test_a_datagram_that_is_sent(reads: list[int], capabilities: Capabilities, times: int) -> None:
    host = Host(capabilities)
    host.stack.udp_socket().sendto(bytes(SIZE), (PEER, 9))
    host.stack.run()
    assert len(host.taken()[0]) == SIZE + 42
    assert len(reads) == times


@pytest.mark.parametrize(("verdict", "times"), [(0, 1), (IPV4_CSUM_IN_OK | L4_CSUM_IN_OK, 0)])
def test_a_datagram_that_is_received(reads: list[int], verdict: int, times: int) -> None:
    host = Host(FULL)
    sock = host.stack.udp_socket()
    sock.bind((OUR, 7))
    host.give(udp_frame(bytes(SIZE)), flags=verdict)
    assert sock.recvfrom()[0] == bytes(SIZE)
    assert len(reads) == times


def test_a_ping_is_read_once_each_way_since_no_card_knows_icmp(reads: list[int]) -> None:
    host = Host(FULL)
    host.give(icmp_frame(payload=bytes(SIZE)), flags=IPV4_CSUM_IN_OK)
    assert len(host.taken()) == 1
    assert len(reads) == 2


def test_what_a_host_sends_to_itself_is_not_read_at_all(reads: list[int]) -> None:
    host = Host()
    server, client = host.stack.udp_socket(), host.stack.icmp_socket()
    server.bind((OUR, 7))
    host.stack.udp_socket().sendto(bytes(SIZE), (OUR, 7))
    client.echo_request(OUR, 1, 1, bytes(SIZE))
    host.stack.run()
    assert len(server.recvfrom()[0]) == len(client.recv().payload) == SIZE
    assert reads == []
