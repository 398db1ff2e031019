"""A stack on QEMU's card: echo and datagrams through somebody else's NIC, and with our RTL at the cable's other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from ringbed.sim.testbed.assembly import StackHost, StackOnDriver, open_host
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.cable import Cable
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire
from ringbed.sim.wire.payload import payload
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack

pytestmark = pytest.mark.qemu
US, PEER, OURS, PEERS = "10.1.0.2", "10.1.0.1", "02:00:00:00:00:01", "02:00:00:00:99:01"
SIZES = (0, 1, 17, 18, 19, 255, 1471, 1472)
ECHO = 7
LIMIT_NS = 60_000_000_000
STEP_NS = 1_000_000


def host_on(engine: str, address: str, mac: str = OURS) -> StackHost:
    settings: dict[str, Any] = {"leap": True} if engine == "qemu" else {}
    host = open_host(
        "em0", StackOnDriver(Stack(engine)), engine=engine, mac=bytes.fromhex(mac.replace(":", "")), **settings
    )
    host.up()
    host.upper.ifd.add_ifl().add_iff().add_ifa(f"{address}/24")
    while not host.upper.ifd.link_up:
        host.advance(host.now + STEP_NS)
    return host


@pytest.fixture
def host() -> Iterator[StackHost]:
    made = host_on("qemu", US)
    yield made
    made.down()
    made.engine.close()


def exchange(host: StackHost, *frames: Packet) -> list[Packet]:
    """One answer for each frame, in order, their FCS right."""
    for frame in frames:
        host.engine.wire_in(to_wire(bytes(frame)), host.engine.now)
    answers: list[Packet] = []
    end = host.now + LIMIT_NS
    while len(answers) < len(frames):
        assert host.now < end
        host.advance(host.now + STEP_NS)
        for _, wire in host.engine.wire_out():
            assert fcs_good(wire)
            answers.append(Ether(from_wire(wire)))
    return answers


def test_echo_and_datagrams_are_answered_with_every_sum_right(host: StackHost) -> None:
    def echo(server: UdpSocket) -> None:
        while server.readable:
            message = server.recvmsg()
            server.sendmsg(message.data, message.source)

    server = host.upper.stack.udp_socket()
    server.bind(("0.0.0.0", ECHO))
    server.set_upcall(echo)
    exchange(host, Ether(src=PEERS, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=PEERS, psrc=PEER, pdst=US))
    head = Ether(src=PEERS, dst=OURS) / IP(src=PEER, dst=US)
    pings = exchange(host, *(head / ICMP(id=9, seq=size) / Raw(payload(1, size)) for size in SIZES))
    datagrams = exchange(host, *(head / UDP(sport=4000, dport=ECHO) / Raw(payload(3, size)) for size in SIZES))
    for seed, answers, kind in ((1, pings, ICMP), (3, datagrams, UDP)):
        for size, answer in zip(SIZES, answers, strict=True):
            assert bytes(answer[kind].payload)[:size] == payload(seed, size)
            again = answer.copy()
            for layer in (IP, kind):
                del again[layer].chksum
            assert bytes(again) == bytes(answer)
    udp = host.upper.stack.stats.udp
    assert (udp.udps_inhwcsum.value, udp.udps_inswcsum.value) == (0, len(SIZES))  # QEMU checks nothing on receive
    assert (udp.udps_outhwcsum.value, udp.udps_outswcsum.value) == (len(SIZES), 0)
    server.close()


def test_our_card_and_qemus_on_one_cable() -> None:
    """Wall time at one end, simulated time at the other: who is behind runs, and no frame is early."""
    ours, theirs = host_on("native", US), host_on("qemu", PEER, PEERS)
    cable = Cable(ours.engine, theirs.engine)
    pump = Pump([ours, theirs], [cable])
    client, server = ours.upper.stack.udp_socket(), theirs.upper.stack.udp_socket()
    server.bind(("0.0.0.0", ECHO))
    seen: list[bytes] = []
    server.set_upcall(lambda socket: seen.append(socket.recvmsg().data))
    for size in SIZES:
        client.sendto(payload(5, size), (PEER, ECHO))
        assert pump.run_until(lambda: len(seen) == SIZES.index(size) + 1, pump.now + LIMIT_NS)  # noqa: B023
    assert seen == [payload(5, size) for size in SIZES]
    for host in (ours, theirs):
        host.down()
        host.engine.close()
