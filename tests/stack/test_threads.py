"""A whole host on four workers, with four rings that receive at once and programs that send and change at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.threaded import Threaded
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack
from tests.stack.host import OUR, PEER, FakeInterface, arp_frame, udp_frame

RINGS, EACH, BATCH = 4, 120, 3
ROOM = 2 * RINGS * EACH
PATIENCE = 120.0


@dataclass
class Rig:
    """`em0` with four rings; everything that a socket upcall received, by source port, as it came."""

    scheduler: Threaded = field(default_factory=lambda: Threaded(4))
    got: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stack = Stack("host", scheduler=self.scheduler)
        self.below = FakeInterface(capabilities=Capabilities(queues=RINGS))
        self.ifd = self.stack.add_driver("em").add_ifd(self.below)
        for ifq in self.ifd.ifqs:  # a machine may let its driver wait until all is sent: that is no loss
            ifq.maxlen = ROOM
        self.ifl = self.ifd.add_ifl()
        self.iff = self.ifl.add_iff()
        self.iff.add_ifa(f"{OUR}/24")
        self.ifd.ifiqs[0].input([Packet([arp_frame(1, PEER, OUR)])])
        self.stack.run()
        self.below.sent.clear()

    def listen(self, port: int) -> UdpSocket:
        made = self.stack.udp_socket()
        made.bind((OUR, port))
        made.buffer.limit = 1 << 24
        made.set_upcall(self._read)
        return made

    def _read(self, socket: UdpSocket) -> None:
        while socket.readable:
            data, peer = socket.recvfrom()
            self.got.setdefault(peer[1], []).append(int.from_bytes(data, "big"))
            socket.sendto(data, peer)

    def receive(self, ring: int, port: int) -> Callable[[], None]:
        """A driver: a flow of its own, in batches."""
        frames = [udp_frame(n.to_bytes(2, "big"), port, 1000 + ring) for n in range(EACH)]

        def deliver() -> None:
            for at in range(0, EACH, BATCH):
                self.ifd.ifiqs[ring].input([Packet([frame]) for frame in frames[at : at + BATCH]])

        return deliver


def at_once(*work: Callable[[], None]) -> None:
    raised: list[BaseException] = []

    def caught(each: Callable[[], None]) -> None:
        try:
            each()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=caught, args=(each,), daemon=True) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert raised == []


@pytest.mark.parametrize("ports", [(7,) * RINGS, (7, 8, 9, 10)], ids=["one socket", "a socket each"])
def test_four_flows_by_four_rings_each_stay_in_order(impatient: None, ports: tuple[int, ...]) -> None:
    """A5: order within a flow is never broken. And everything is counted exactly once, whoever counted it."""
    rig = Rig()
    with rig.scheduler:
        for port in dict.fromkeys(ports):
            rig.listen(port)
        at_once(*(rig.receive(ring, port) for ring, port in enumerate(ports)))
        rig.stack.run()
        assert rig.got == {1000 + ring: list(range(EACH)) for ring in range(RINGS)}
        stats, frames = rig.stack.stats, RINGS * EACH
        assert [stats.ip.ips_total.value, stats.udp.udps_ipackets.value, stats.udp.udps_delivered.value] == [frames] * 3
        assert stats.ether.total.value == frames + 1
        assert stats.udp.udps_opackets.value == stats.ip.ips_localout.value == len(rig.below.sent) == frames
        assert rig.stack.drops() == {}


def test_packets_go_on_while_configuration_and_time_change(impatient: None) -> None:
    """A13: nothing is lost, and what is there at the end is what was left."""
    rig = Rig()

    def change() -> None:
        for n in range(40):
            rig.iff.add_ifa(f"10.1.{n}.2/24")
            rig.stack.add_route(f"10.2.{n}.0/24", PEER)
            rig.iff.remove_ifa(f"10.1.{n}.2/24")
            rig.stack.delete_route(f"10.2.{n}.0/24")

    def bind() -> None:
        for n in range(60):
            sock = rig.stack.udp_socket()
            sock.bind((OUR, 2000 + n))
            sock.sendto(b"x", (PEER, 9))
            sock.close()

    def time() -> None:
        for second in range(1, 30):
            rig.stack.tick(second * 1_000_000_000)

    with rig.scheduler:
        rig.listen(7)
        before = len(list(rig.stack.routes))
        at_once(*(rig.receive(ring, 7) for ring in range(RINGS)), change, bind, time)
        rig.stack.run()
        assert rig.got == {1000 + ring: list(range(EACH)) for ring in range(RINGS)}
        assert len(list(rig.stack.routes)) == before
        assert rig.stack.drops() == {}
        assert len([f for f in rig.below.sent if f[12:14] == b"\x08\0"]) == RINGS * EACH + 60
