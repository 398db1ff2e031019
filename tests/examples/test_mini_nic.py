"""Somebody else's NIC in Verilog with its own small driver: the walk, batches, overload and down and up again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from ringbed.drivers.world import TxFrame
from ringbed.sim.processor.model import Processor
from ringbed.sim.processor.world import WeakDma
from ringbed.sim.testbed.assembly import StackOnDriver
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.wire.frame import from_wire, to_wire
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack
from tests.examples.mini import LLADDR, NIC, Open, mini_hosts

US, PEER, OURS, PEERS = "10.1.0.2", "10.1.0.1", LLADDR.hex(":"), "02:00:00:00:99:01"
ENGINES = ["native", pytest.param("cocotb-verilator", marks=[pytest.mark.cocotb, pytest.mark.full])]


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    with mini_hosts(NIC / "mini_nic.toml", request.param, monkeypatch) as open_one:
        yield open_one


def exchange(host: Host[Any], *frames: Packet | bytes, clocks_ns: int = 400_000) -> list[bytes]:
    for frame in frames:
        host.engine.wire_in(to_wire(bytes(frame)), host.engine.now)
    host.advance(host.now + clocks_ns)
    return [from_wire(wire) for _, wire in host.engine.wire_out()]


def echo(server: UdpSocket) -> None:
    while server.readable:
        message = server.recvmsg()
        server.sendmsg(message.data[::-1], message.source)


def test_the_walk(opened: Open) -> None:
    """ARP, ping and UDP of every corner of sizes climb to the stack and come back."""
    upper = StackOnDriver(Stack("mini"))
    host = opened(upper)
    upper.ifd.add_ifl().add_iff().add_ifa(f"{US}/24")
    socket = upper.stack.udp_socket()
    socket.bind((US, 7))
    socket.set_upcall(echo)
    (answer,) = exchange(host, Ether(dst="ff:ff:ff:ff:ff:ff", src=PEERS) / ARP(psrc=PEER, pdst=US, hwsrc=PEERS))
    assert Ether(answer)[ARP].hwsrc == OURS
    for size in (0, 1, 17, 18, 255, 1472):
        data = random.Random(size).randbytes(size)
        ip = Ether(dst=OURS, src=PEERS) / IP(src=PEER, dst=US)
        (pong,) = exchange(host, ip / ICMP() / Raw(data))
        assert bytes(Ether(pong)[ICMP].payload)[:size] == data
        (back,) = exchange(host, ip / UDP(sport=99, dport=7) / Raw(data))
        assert bytes(Ether(back)[UDP].payload)[:size] == data[::-1]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"read_latency": 100, "write_latency": 90},
        {"backpressure": 0.4, "seed": 3},
        {"processor": Processor(weak=1), "size": 8},
    ],
)
def test_batches_of_every_size_both_ways(opened: Open, settings: dict[str, Any]) -> None:
    host = opened(Collector(), link_bps=1_000_000_000, **settings)
    rng = random.Random(1)
    frames = [rng.randbytes(rng.randrange(60, 1515)) for _ in range(150)]
    sent, arrived = list[bytes](), list[bytes]()
    waiting = [TxFrame([frame]) for frame in frames]
    for at in range(0, len(frames), 10):
        waiting = waiting[host.driver.transmit(0, waiting) :]
        sent += exchange(host, *frames[at : at + 10], clocks_ns=1_500_000)
        arrived += [frame.data for frame in host.upper.take()]
    while waiting:
        waiting = waiting[host.driver.transmit(0, waiting) :]
        sent += exchange(host, clocks_ns=1_500_000)
    assert arrived == frames
    assert sent == frames


def test_without_a_barrier_a_descriptor_comes_too_late(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stores are weak, and only there."""
    frames = [bytes([number]) * 100 for number in range(10)]
    for processor, same in ((None, True), (Processor(), True), (Processor(weak=1), False)):
        with monkeypatch.context() as patch:
            patch.setattr(WeakDma, "sync", lambda self: None)
            host = opened(Collector(), processor=processor)
            host.driver.transmit(0, [TxFrame([frame]) for frame in frames])
            assert (exchange(host) == frames) is same
            assert bool(host.engine.findings()) is not same


def test_what_does_not_fit_is_counted(opened: Open) -> None:
    """More than buffer and ring hold, at once: what came in order is there, the rest the card has counted."""
    host = opened(Collector(), size=8, read_latency=250)
    frames = [bytes([number]) * 1000 for number in range(60)]
    exchange(host, *frames, clocks_ns=3_000_000)
    arrived = [frame.data for frame in host.upper.take()]
    assert arrived == sorted(arrived)
    assert 8 <= len(arrived) < 60
    assert host.driver.counters()["rx_missed"] == 60 - len(arrived)
    assert host.driver.counters()["rx_frames"] == len(arrived)


def test_what_is_held_when_it_goes_down_does_not_come_up_again(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four descriptors and nobody who empties them: all eight frames are counted in `down`, none is delivered later."""
    host = opened(Collector(), size=4)
    monkeypatch.setattr(host.driver, "interrupt", lambda vector: host.device.write(0, 4, host.device.read(0, 4)))
    exchange(host, *(bytes([number]) * 100 for number in range(8)))
    host.down()
    counters = host.driver.counters()
    assert (counters["rx_frames"], counters["rx_reset"], counters["rx_missed"]) == (0, 4, 4)
    monkeypatch.undo()
    host.up()
    exchange(host, bytes(99))
    assert [len(frame.data) for frame in host.upper.take()] == [99]
    assert host.driver.counters() == counters | {"rx_frames": 1}


def test_a_bad_fcs_is_dropped_where_the_mac_would(opened: Open) -> None:
    host = opened(Collector())
    host.engine.wire_in(to_wire(bytes(100))[:-1] + b"!", host.engine.now)
    exchange(host, bytes(99))
    assert [len(frame.data) for frame in host.upper.take()] == [99]
    engine: Any = host.engine
    assert engine.edge.counters == {"bad_fcs": 1, "error": 0, "runt": 0}


def test_down_and_up_again(opened: Open) -> None:
    host = opened(Collector())
    for number in range(3):
        host.driver.transmit(0, [TxFrame([bytes([number]) * 100])])
        assert exchange(host, bytes([number]) * 80) == [bytes([number]) * 100]
        assert [frame.data for frame in host.upper.take()] == [bytes([number]) * 80]
        host.down()
        host.up()
