"""Routing instances: the same addresses and ports in each, on one host, and nothing goes from one to another."""

from __future__ import annotations

import pytest

from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.iface.tree import IfDevice
from ringbed.stack.ip.instance import Instance
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Stats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.route.table import RouteError
from ringbed.stack.socket.udp import Control
from ringbed.stack.wire import arp
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.family import INET
from tests.stack.checker import udp_of
from tests.stack.host import OUR, PEER, FakeInterface, Host, arp_frame, icmp_frame, udp_frame

pytestmark = pytest.mark.usefixtures("both_schedulers")


class Twins:
    """One host, and `OUR`/24 with a neighbour `PEER` on em0 in instance 0 and on ix0 in instance 1."""

    def __init__(self) -> None:
        self.host = Host()
        self.stack = self.host.stack
        self.stack.add_instance(1)
        self.below = [self.host.below, FakeInterface()]
        self.ifds: list[IfDevice] = [self.host.ifd, self.stack.add_driver("ix").add_ifd(self.below[1])]
        self.iff = self.ifds[1].add_ifl().add_iff(instance=1)
        self.iff.add_ifa(f"{OUR}/24")
        self.give(1, arp_frame(arp.REQUEST, PEER, OUR))
        self.taken()

    def give(self, which: int, *frames: bytes) -> None:
        self.ifds[which].ifiqs[0].input([Packet([frame]) for frame in frames])
        self.stack.run()

    def taken(self) -> list[list[bytes]]:
        sent = [below.sent[:] for below in self.below]
        for below in self.below:
            below.sent.clear()
        return sent


def test_the_same_binding_in_each_and_every_datagram_at_its_own() -> None:
    t = Twins()
    socks = [t.stack.udp_socket(instance=n) for n in (0, 1)]
    for sock in socks:
        sock.bind((OUR, 7))
    for n in (0, 1):
        t.give(n, udp_frame(bytes([n])))
    for n, sock in enumerate(socks):
        message = sock.recvmsg()
        assert (message.data, message.control.ifl_index) == (bytes([n]), n + 1)
        assert not sock.readable
        sock.sendmsg(b"answer", message.source, message.control)
        t.stack.run()
        sent = t.taken()
        assert [len(frames) for frames in sent] == [1 - n, n]
        udp_of(sent[n][0])
    assert t.stack.drops() == {}


def test_ports_names_of_interfaces_and_errors_are_each_instances_own() -> None:
    t = Twins()
    sock, other = t.stack.udp_socket(1), t.stack.udp_socket()
    for each in (sock, other):
        each.connect((PEER, 9))
    assert sock.getsockname() == other.getsockname() == (OUR, 49152)
    t.give(0, udp_frame(b"", 5))  # nobody is at this port: an ICMP error, by the interface it came by
    t.give(1, icmp_frame())
    assert [len(frames) for frames in t.taken()] == [1, 1]
    raw = t.stack.icmp_socket(instance=1)
    raw.echo_request(PEER, 1, 1)
    sock.sendmsg(b"x", None, Control(OUR, 1))  # em0.0 is no interface of instance 1: only a wish
    t.stack.run()
    assert [len(frames) for frames in t.taken()] == [0, 2]


def test_routes_and_neighbours_are_each_instances_own() -> None:
    t = Twins()
    t.stack.add_route("192.0.2.0/24", PEER, instance=1)
    with pytest.raises(OSError, match="No route to host"):
        t.stack.udp_socket().sendto(b"x", ("192.0.2.1", 9))
    assert t.stack.udp_socket(1).sendto(b"x", ("192.0.2.1", 9)) == 1
    with pytest.raises(RouteError, match="10.0.0.1 is no neighbour of this host"):
        t.stack.add_route("198.51.100.0/24", PEER, "ix0")  # in instance 0, where ix0 is not
    t.stack.delete_route("192.0.2.0/24", instance=1)
    t.iff.remove_ifa(f"{OUR}/24")
    assert t.stack.routes.forwarding(ipv4(OUR)).nexthop.type is Rnh.LOCAL
    assert t.stack.instance(1)[INET].table.forwarding(ipv4(OUR)).nexthop.type is Rnh.REJECT
    t.give(1, udp_frame())
    assert t.stack.drops()["ip: packets not forwardable"] == 1


def test_a_broadcast_to_everybody_leaves_by_an_interface_of_the_sockets_instance() -> None:
    t = Twins()
    for n in (0, 1):
        sock = t.stack.udp_socket(n)
        sock.set_broadcast(True)
        sock.sendto(b"x", ("255.255.255.255", 9))
        t.stack.run()
        assert [len(frames) for frames in t.taken()] == [1 - n, n]
        with pytest.raises(OSError, match="Network is unreachable"):
            sock.sendmsg(b"x", ("255.255.255.255", 9), Control("0.0.0.0", 2 - n))


def test_instances_come_and_go() -> None:
    t = Twins()
    stack = t.stack
    for number, why in ((1, "is there already"), (0, "is there already"), (-1, "is negative")):
        with pytest.raises(InterfaceError, match=f"routing instance {number} {why}"):
            stack.add_instance(number)
    sock = stack.udp_socket(1)
    sock.bind((OUR, 7))
    with pytest.raises(InterfaceError, match="routing instance 1 still has 1 interfaces and 1 sockets"):
        stack.remove_instance(1)
    with pytest.raises(InterfaceError, match="routing instance 0 is always there"):
        stack.remove_instance(0)
    sock.close()
    t.iff.remove_ifa(f"{OUR}/24")
    t.ifds[1].ifls[0].remove_iff()
    stack.remove_instance(1)
    for missing in (lambda: stack.udp_socket(1), lambda: stack.instance(1), lambda: stack.remove_instance(1)):
        with pytest.raises(InterfaceError, match="routing instance 1 does not exist"):
            missing()
    with pytest.raises(InterfaceError, match="routing instance 1 does not exist"):
        t.ifds[1].ifls[0].add_iff(instance=1)


def test_the_default_interface_is_the_one_of_the_lowest_index() -> None:
    class Some:
        name, mtu = "some", 1500

        def local_for(self, address: int) -> int:
            return 0

        def source_address(self, dst: int) -> int:
            return 0

        def broadcast(self, packet: Packet) -> int:
            return 0

    instance, a, b = Instance(5, Stats(), Scheduler(), Timers())[INET], Some(), Some()
    assert instance.outgoing(0) is None
    instance.add_interface(9, a, Packet.trim)
    instance.add_interface(4, b, Packet.trim)
    assert [instance.outgoing(index) for index in (0, 9, 4, 7)] == [b, a, b, None]
    instance.remove_interface(4)
    assert instance.default is a
