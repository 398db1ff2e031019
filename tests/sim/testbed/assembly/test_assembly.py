"""The adapter between stack and driver, and whole hosts: on the fake card, and walks on RTL with both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether

from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import TxFrame, TxSum, Verdict
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import FLAGS, SUMS, StackHost, StackOnDriver, account, open_host
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.cable import Cable, Loopback
from ringbed.sim.wire.frame import from_wire, pad, to_wire
from ringbed.stack.ctl.ifconfig import ifconfig
from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.packet import (
    ICMP_CSUM_OUT,
    IPV4_CSUM_IN_BAD,
    IPV4_CSUM_IN_OK,
    IPV4_CSUM_OUT,
    L4_CSUM_IN_BAD,
    L4_CSUM_IN_OK,
    OUT_MASK,
    TCP_CSUM_OUT,
    UDP_CSUM_OUT,
    Packet,
)
from ringbed.stack.link.carrier import vlan
from ringbed.stack.link.interface import Offload
from ringbed.stack.socket.icmp import IcmpSocket
from ringbed.stack.stack import Stack
from tests.drivers.bench import frame
from tests.drivers.em.ring.test_rx import udp
from tests.sim.conftest import needs_native
from tests.sim.testbed.stack_hosts import configure, stack_host

SECOND = 1_000_000_000


def joined(a: StackHost, b: StackHost) -> Pump:
    """Both on one cable, their clocks together."""
    pump = Pump([a, b], [Cable(a.engine, b.engine)])
    pump.run(max(a.now, b.now) + 1000)
    return pump


def echo(pump: Pump, client: StackHost, server: StackHost, sizes: list[int]) -> None:
    """UDP datagrams of these sizes to port 7 of 10.0.0.2 and back, compared."""
    service = server.upper.stack.udp_socket()
    service.bind(("0.0.0.0", 7))

    def answer(_: object) -> None:
        while service.readable:
            message = service.recvmsg()
            service.sendmsg(message.data, message.source, message.control, message.journey)

    service.set_upcall(answer)
    socket = client.upper.stack.udp_socket()
    for size in sizes:
        data = frame(size, size)
        socket.sendto(data, ("10.0.0.2", 7))
        assert pump.run_until(lambda: socket.readable, pump.now + SECOND), f"no answer to {size} bytes"
        assert socket.recvfrom() == (data, ("10.0.0.2", 7))


# ---- the adapter ----


def test_verdicts_become_flags_three_values_a_layer() -> None:
    naive = {"good": (IPV4_CSUM_IN_OK, L4_CSUM_IN_OK), "bad": (IPV4_CSUM_IN_BAD, L4_CSUM_IN_BAD), "not checked": (0, 0)}
    for l3 in (Verdict.NONE, Verdict.L3_GOOD, Verdict.L3_BAD):
        for l4 in (Verdict.NONE, Verdict.L4_GOOD, Verdict.L4_BAD):
            verdict = l3 | l4
            assert FLAGS[verdict] == naive[verdict.l3][0] | naive[verdict.l4][1]


def test_flags_become_the_sums_asked_for() -> None:
    assert len(SUMS) == OUT_MASK + 1
    assert SUMS[0] == SUMS[ICMP_CSUM_OUT] == TxSum.NONE
    assert SUMS[IPV4_CSUM_OUT | UDP_CSUM_OUT] == TxSum.IPV4 | TxSum.UDP
    assert SUMS[TCP_CSUM_OUT] == TxSum.TCP


def test_everything_the_driver_can_do_is_told_to_the_stack() -> None:
    """The whole list, so that the next capability cannot be forgotten."""
    host = stack_host(1, features=Features(True, True, tso=True, vlan_strip=True, vlan_insert=True, vlan_filter=True))
    of, told = host.driver.capabilities, host.upper.capabilities
    names = [each.name for each in fields(told)]
    assert [each.name for each in fields(of)] == [name for name in names if name != "tx_l4_ipv6"]
    assert told.tx_l4_ipv6 is Offload.NONE, "of IPv6 a driver says nothing yet: those sums are the stack's"
    for each in fields(of):
        value = getattr(of, each.name)
        assert value, f"{each.name} is not switched on: nothing would be seen"
        wanted = {"tx_l4": Offload(of.tx_l4.value), "mtu": host.driver.mtu}.get(each.name, value)
        assert getattr(told, each.name) == wanted


VLANS = [(5, 0), (0x6FFF, 0), (0, 1), (0xE000, 1)]  # a tag, and how many answers there are to it


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize(("tag", "answers"), VLANS)
def test_a_frame_of_a_vlan_is_not_ours_and_one_of_priority_is(strip: bool, tag: int, answers: int) -> None:
    """Whoever takes the tag out: what was in it counts. Nothing is learned of such a frame, and it is counted."""
    host = stack_host(2, features=Features(True, True, vlan_strip=strip, vlan_insert=strip))
    peer, ours, theirs = bytes.fromhex("020000000077"), bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1])
    asks = bytes.fromhex("0001080006040001") + peer + theirs + bytes(6) + ours
    wire = b"\xff" * 6 + peer + b"\x81\0" + tag.to_bytes(2, "big") + b"\x08\x06" + asks + bytes(18)
    host.engine.wire_in(to_wire(wire), host.engine.now)
    host.advance(host.now + 1_000_000)
    assert len(host.engine.wire_out()) == answers
    assert sum(host.upper.stack.drops().values()) == 1 - answers
    assert lost(account(host)) == 0
    assert host.driver.counters()["rx_frames"] == 1


def test_a_packets_own_offsets_reach_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of an untagged header without options, which nearly every packet has."""
    host, given = stack_host(1), list[TxFrame]()

    def take(queue: int, frames: list[TxFrame]) -> int:
        given.extend(frames)
        return len(frames)

    monkeypatch.setattr(host.driver, "transmit", take)
    packet = Packet([bytes(100)], IPV4_CSUM_OUT | TCP_CSUM_OUT)
    packet.l3, packet.l4 = 18, 42
    host.upper.ifd.ifqs[0].enqueue(packet)
    host.upper.stack.run()
    assert given == [TxFrame([bytes(100)], TxSum.IPV4 | TxSum.TCP, 18, 42)]


def test_the_stack_sees_what_the_driver_has() -> None:
    adapter = stack_host(1, mtu=9000).upper
    assert adapter.lladdr == bytes.fromhex("020000000001")
    assert (adapter.capabilities.tx_l4, adapter.capabilities.mtu) == (Offload.PSEUDO, 9000)
    assert [(ring.name, ring.size) for ring in adapter.rings()] == [("rxq", 256), ("txq", 256)]
    bare = stack_host(1, offloads=()).upper
    assert (bare.capabilities.tx_l4, bare.capabilities.tx_ipv4, bare.capabilities.rx_checksum) == (
        Offload.NONE, False, False,
    )  # fmt: skip


def test_link_state_reaches_the_device() -> None:
    host = stack_host(1)
    assert host.upper.ifd.link_up
    assert "status: active" in ifconfig(host.upper.stack.ifl("em0"))
    host.engine.set_pin("link_up", 0)
    host.advance(host.now + 1000)
    assert "status: no carrier" in ifconfig(host.upper.stack.ifl("em0"))


@pytest.mark.parametrize("offloads", [("rx_checksum", "tx_checksum"), ()])
def test_bad_sums_are_dropped_whoever_finds_them(offloads: tuple[str, ...]) -> None:
    host = stack_host(2, offloads=offloads)
    ours = bytes.fromhex("020000000002")
    for damage in (0, 1):
        host.engine.wire_in(to_wire(ours + udp(b"payload" * 9, damage)[6:]), host.engine.now)
    Pump([host]).run(host.now + 1_000_000)
    udps = host.upper.stack.stats.udp
    assert (udps.udps_ipackets.value, udps.udps_badsum.value, udps.udps_noport.value) == (2, 1, 1)
    assert (udps.udps_inhwcsum.value, udps.udps_inswcsum.value) == ((2, 0) if offloads else (0, 2))


@pytest.mark.parametrize("offloads", [("rx_checksum", "tx_checksum"), ()])
def test_two_hosts_exchange_datagrams_and_nothing_is_lost(offloads: tuple[str, ...]) -> None:
    a, b = stack_host(1, offloads=offloads), stack_host(2)
    pump = joined(a, b)
    echo(pump, a, b, [0, 1, 18, 19, 511, 1472])
    pump.run(pump.now + 100_000, at_rest=True)
    udps = a.upper.stack.stats.udp
    assert udps.udps_outhwcsum.value == (6 if offloads else 0)
    assert udps.udps_outswcsum.value == (0 if offloads else 6)
    for host in (a, b):
        assert lost(account(host)) == 0
        assert account(host)[2].delivered == 7  # one ARP
        host.down()


def test_a_full_ring_holds_the_queue_and_loses_nothing() -> None:
    a, b = stack_host(1, tx_ring=8), stack_host(2)
    pump = joined(a, b)
    echo(pump, a, b, [1])
    sink = b.upper.stack.udp_socket()
    sink.bind(("0.0.0.0", 9))
    source = a.upper.stack.udp_socket()
    for index in range(100):
        source.sendto(bytes([index]) * 30, ("10.0.0.2", 9))
    ifq = a.upper.ifd.ifqs[0]
    assert ifq.oactive
    assert ifq.oactives > 0
    assert pump.run_until(lambda: a.driver.counters()["tx_frames"] >= 102, pump.now + SECOND)
    pump.run(pump.now + 1_000_000, at_rest=True)
    received = []
    while sink.readable:
        received.append(sink.recvfrom()[0][0])
    assert received == list(range(100))
    assert not ifq.oactive
    assert lost(account(a) + account(b)) == 0


def test_frames_wait_while_the_link_is_down() -> None:
    a, b = stack_host(1), stack_host(2)
    pump = joined(a, b)
    echo(pump, a, b, [1])
    a.engine.set_pin("link_up", 0)
    pump.run(pump.now + 100_000, at_rest=True)
    socket = a.upper.stack.udp_socket()
    socket.sendto(b"later", ("10.0.0.2", 7))
    pump.run(pump.now + 100_000)
    legs = account(a)
    assert legs[3].causes["waiting in ifq"] == 1
    assert lost(legs) == 0
    a.engine.set_pin("link_up", 1)
    assert pump.run_until(lambda: socket.readable, pump.now + SECOND)


def test_one_packet_is_followed_through_driver_and_stack() -> None:
    a, b = stack_host(1), stack_host(2)
    pump = joined(a, b)
    found: list[Journey] = []

    def follow(data: bytes) -> Journey | None:
        if found or data[12:14] != b"\x08\x00":
            return None
        found.append(b.upper.stack.journey())
        return found[0]

    b.upper.follow = follow
    echo(pump, a, b, [30, 31])
    assert len(found) == 1
    stages = [step.stage for step in found[0].steps]
    assert stages[0] == "ifiq_input"
    assert stages[-1] == "driver_transmit"
    assert {"ether_input", "ip_input", "udp_input", "ifq_start"} <= set(stages)
    times = [step.time for step in found[0].steps]
    assert times == sorted(times)
    assert 0 < b.now - times[0] < SECOND


# ---- on RTL ----


@pytest.fixture
def rtl(engine_kind: str) -> Iterator[Callable[..., Any]]:
    """Opens real cards, and closes them when their checkers had nothing to say."""
    hosts: list[Host[Any]] = []

    def open_one(upper: Any, number: int = 1, **driver: Any) -> Host[Any]:
        mac = bytes([2, 0, 0, 0, 0, number])
        host: Host[Any] = open_host("em0", upper, engine=engine_kind, mac=mac, driver_options=driver)
        hosts.append(host)
        host.up()
        return host

    yield open_one
    for host in hosts:
        assert host.engine.findings() == []
        host.down()
        host.engine.close()


def test_loopback_of_a_bare_host(rtl: Callable[..., Host[Collector]]) -> None:
    host = rtl(Collector())
    pump = Pump([host], [Loopback(host.engine)])
    sent = [frame(length, length, host.driver.lladdr) for length in (14, 59, 60, 61, 64, 65, 333, 1514)]
    assert host.driver.transmit(0, [TxFrame([data]) for data in sent]) == len(sent)
    assert pump.run_until(lambda: len(host.upper.frames) == len(sent), pump.now + SECOND // 100)
    pump.run(pump.now + 1000, at_rest=True)
    assert [item.data for item in host.upper.frames] == [pad(data) for data in sent]
    assert lost(account(host)) == 0


@pytest.mark.parametrize("engine_kind", [pytest.param("native", marks=needs_native)])
def test_two_stacks_on_rtl(rtl: Callable[..., StackHost]) -> None:
    a, b = (configure(rtl(StackOnDriver(Stack(f"h{n}")), n), n) for n in (1, 2))
    pump = joined(a, b)
    echo(pump, a, b, [0, 19, 300])
    ping(pump, a)
    pump.run(pump.now + 100_000, at_rest=True)
    assert lost(account(a) + account(b)) == 0
    assert a.upper.stack.stats.udp.udps_inhwcsum.value == 3


@pytest.mark.parametrize("engine_kind", [pytest.param("native", marks=needs_native)])
def test_ipv6_between_two_stacks_on_rtl(rtl: Callable[..., StackHost]) -> None:
    """Addresses tried before use, then discovery: in groups, which the cards' filters have been told of."""
    a, b = (rtl(StackOnDriver(Stack(f"h{n}")), n) for n in (1, 2))
    pump = joined(a, b)
    for host in (a, b):
        iff = host.upper.ifd.add_ifl().add_iff("inet6")
        assert isinstance(iff, Inet6)
        iff.add_ifa(iff.link_local())
    pump.run(pump.now + SECOND + SECOND // 10)
    name = "fe80::ff:fe00:2"
    service, socket = (host.upper.stack.udp_socket(family="inet6") for host in (b, a))
    service.bind((f"{name}%em0.0", 7))
    for size in (0, 19, 300):
        data = frame(size, size)
        socket.sendto(data, (f"{name}%em0", 7))
        assert pump.run_until(lambda: service.readable, pump.now + SECOND), f"{size} bytes did not come"
        message = service.recvmsg()
        assert (message.data, message.source[0]) == (data, "fe80::ff:fe00:1%em0.0")
        service.sendto(data, message.source)
        assert pump.run_until(lambda: socket.readable, pump.now + SECOND), f"no answer to {size} bytes"
        assert socket.recvfrom() == (data, (f"{name}%em0.0", 7))
    pump.run(pump.now + 100_000, at_rest=True)
    assert lost(account(a) + account(b)) == 0
    nd = b.upper.stack.stats.nd
    assert (nd.dadprobes.value, nd.solicits_in.value, nd.adverts_out.value) == (1, 1, 1)
    assert a.upper.stack.stats.udp.udps_inhwcsum.value == 3, "the card sums what comes in of either family"
    assert b.upper.stack.drops() == {}


@pytest.mark.parametrize("engine_kind", [pytest.param("native", marks=needs_native)])
def test_a_datagram_from_our_own_address_does_not_hold_the_clock(rtl: Callable[..., StackHost]) -> None:
    """The LAND attack on an echo server, over the wire: one datagram, answered without end, and `advance` with it."""
    host = configure(rtl(StackOnDriver(Stack("h1"))), 1)
    stack = host.upper.stack
    service = stack.udp_socket()
    service.bind(("0.0.0.0", 7))

    def answer(_: object) -> None:
        while service.readable:
            service.sendto(*service.recvfrom())

    service.set_upcall(answer)
    host.advance(host.now + 1000)
    land = bytes(Ether(dst=host.driver.lladdr) / IP(src="10.0.0.1", dst="10.0.0.1") / UDP(sport=7, dport=7) / b"x")
    host.engine.wire_in(to_wire(land), host.engine.now)
    host.advance(host.now + 1_000_000)
    assert stack.drops() == {"ip: datagrams from outside with an address of this host as source": 1}
    assert lost(account(host)) == 0


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("engine_kind", [pytest.param("native", marks=needs_native)])
def test_a_vlan_on_a_card_that_takes_tags_out_and_on_one_that_does_not(
    rtl: Callable[..., StackHost], strip: bool
) -> None:
    """The same answers on the wire, every sum in them what scapy makes of it; another VLAN is nobody's."""
    host = configure(
        rtl(StackOnDriver(Stack("h1")), features=Features(True, True, vlan_strip=strip, vlan_insert=strip)), 1
    )
    host.upper.ifd.add_ifl(5, vlan(5)).add_iff().add_ifa("10.5.0.1/24")
    service = host.upper.stack.udp_socket()
    service.bind(("10.5.0.1", 7))

    def answer(_: object) -> None:
        message = service.recvmsg()
        service.sendmsg(message.data, message.source, message.control)

    service.set_upcall(answer)
    peer, ours = "02:00:00:00:00:77", "02:00:00:00:00:01"
    asks = Ether(src=peer, dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=5) / ARP(hwsrc=peer, psrc="10.5.0.7", pdst="10.5.0.1")
    datagram = IP(src="10.5.0.7", dst="10.5.0.1") / UDP(sport=4000, dport=7) / frame(333, 9)
    tagged = [Ether(src=peer, dst=ours) / Dot1Q(vlan=vid, prio=3) / datagram for vid in (5, 6)]
    for data in (asks, *tagged):
        host.engine.wire_in(to_wire(bytes(data)), host.engine.now)
    host.advance(host.now + 1_000_000)
    reply, echo = (Ether(from_wire(wire)) for _, wire in host.engine.wire_out())
    assert (reply[Dot1Q].vlan, reply[ARP].hwsrc, reply[ARP].psrc) == (5, ours, "10.5.0.1")
    assert (echo[Dot1Q].vlan, echo[IP].dst, bytes(echo[UDP].payload)) == (5, "10.5.0.7", frame(333, 9))
    made = echo.copy()
    del made[IP].chksum, made[UDP].chksum
    assert bytes(made) == bytes(echo)
    assert host.upper.stack.drops() == {"ether: frames for unknown/unsupported protocol": 1}


def ping(pump: Pump, host: StackHost) -> None:
    socket: IcmpSocket = host.upper.stack.icmp_socket()
    socket.echo_request("10.0.0.2", 7, 1, b"ping")
    assert pump.run_until(lambda: len(socket.buffer) > 0, pump.now + SECOND)
    assert socket.recv().payload == b"ping"
