"""The whole walk, on every engine and with every kind of card: frames a peer sends climb to a socket, answers go down.

The peer is scapy: it makes the frames and judges the answers, sums included.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from ringbed.sim.cards import OFFLOADS
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver, account, open_host
from ringbed.sim.wire.capture import CaptureWriter, bpf_tap
from ringbed.sim.wire.frame import from_wire, to_wire
from ringbed.sim.wire.payload import payload
from ringbed.stack.ctl.ifconfig import attach_line, ifconfig
from ringbed.stack.ctl.netstat import netstat_ss
from ringbed.stack.link.interface import Offload
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack

US, PEER, OURS, PEERS = "10.1.0.2", "10.1.0.1", "02:00:00:00:00:01", "02:00:00:00:99:01"
SIZES = (0, 1, 17, 18, 19, 255, 1471, 1472)
ECHO = 7


class Walk:
    """A host on a card, and the peer's end of its wire."""

    def __init__(self, engine: str, offloads: tuple[str, ...]) -> None:
        self.offloads = offloads
        self.upper = StackOnDriver(Stack("walk"))
        self.host: StackHost = open_host("em0", self.upper, engine=engine, offloads=offloads)
        self.host.up()
        self.upper.ifd.add_ifl().add_iff().add_ifa(f"{US}/24")
        self.stack = self.upper.stack

    def exchange(self, *frames: Packet | bytes) -> list[Packet]:
        """Send `frames`, wait until all is at rest, and give what came back, its sums and FCS checked."""
        for frame in frames:
            self.host.engine.wire_in(to_wire(bytes(frame)), self.host.engine.now)
        self.host.advance(self.host.now + 1_000_000)
        answers = []
        for _, wire in self.host.engine.wire_out():
            data = from_wire(wire)
            assert to_wire(data) == wire
            answers.append(_checked(data))
        return answers


def _checked(data: bytes) -> Packet:
    """The frame, every sum in it being what scapy makes of the same bytes."""
    found = Ether(data)
    again = found.copy()
    for layer in (IP, UDP, ICMP):
        if again.haslayer(layer):
            del again[layer].chksum
    assert bytes(again) == data
    return found


def _cards(engine: str) -> Iterator[Any]:
    """The second card is another minute of building wherever it is compiled, so it is pysim's."""
    for name, offloads in (("offloads", OFFLOADS), ("plain", ())):
        marks = [pytest.mark.cocotb] if engine.startswith("cocotb") else []
        marks += [pytest.mark.full] if engine != "pysim" and not offloads else []
        yield pytest.param((engine, offloads), id=f"{name}-{engine}", marks=marks)


ENGINES = ("native", "pysim", "cocotb-verilator", "cocotb-icarus")


@pytest.fixture(scope="module", params=[card for engine in ENGINES for card in _cards(engine)])
def walk(request: pytest.FixtureRequest) -> Iterator[Walk]:
    engine, offloads = request.param
    made = Walk(engine, tuple(offloads))
    answers = made.exchange(Ether(src=PEERS, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=PEERS, psrc=PEER, pdst=US))
    assert [answer[ARP].hwsrc for answer in answers] == [OURS]
    yield made
    assert made.host.engine.findings() == []
    assert lost(account(made.host)) == 0, [str(leg) for leg in account(made.host)]
    made.host.down()
    made.host.engine.close()


def _udp(size: int, port: int = ECHO) -> Packet:
    packet = Ether(src=PEERS, dst=OURS) / IP(src=PEER, dst=US, id=size) / UDP(sport=4000 + size, dport=port)
    return packet / Raw(payload(3, size))


def _count(walk: Walk) -> dict[str, int]:
    udp = walk.stack.stats.udp
    return {name: getattr(udp, f"udps_{name}").value for name in ("inhwcsum", "inswcsum", "outhwcsum", "outswcsum")}


def test_it_attaches_and_says_what_it_is(walk: Walk) -> None:
    line = attach_line(walk.upper.ifd)
    assert line.startswith('em0 at pci0 dev 3 function 0 "Intel 82540EM" rev 0x02')
    assert line.endswith(f"address {OURS}")
    block = ifconfig(walk.upper.ifd.ifls[0])
    assert "flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500" in block
    assert f"inet {US} netmask 0xffffff00 broadcast 10.1.0.255" in block
    wanted = Offload.PSEUDO if walk.offloads else Offload.NONE
    assert walk.upper.capabilities.tx_l4 is wanted


def test_echo_requests_are_answered(walk: Walk) -> None:
    asked = [Ether(src=PEERS, dst=OURS) / IP(src=PEER, dst=US) / ICMP(id=9, seq=n) / Raw(payload(1, n)) for n in SIZES]
    answers = walk.exchange(*asked)
    assert [(answer[ICMP].type, answer[ICMP].seq) for answer in answers] == [(0, size) for size in SIZES]
    for size, answer in zip(SIZES, answers, strict=True):
        assert bytes(answer[ICMP].payload)[:size] == payload(1, size)


def test_udp_is_echoed_and_the_card_does_the_sums_it_offers(walk: Walk) -> None:
    seen = []

    def echo(server: UdpSocket) -> None:
        while server.readable:
            message = server.recvmsg()
            seen.append((message.control, message.journey))
            server.sendmsg(message.data, message.source, message.control, message.journey)

    server = walk.stack.udp_socket()
    server.bind(("0.0.0.0", ECHO))
    server.set_upcall(echo)
    walk.upper.follow = lambda frame: walk.stack.journey()
    before = _count(walk)
    answers = walk.exchange(*(_udp(size) for size in SIZES))
    walk.upper.follow = None
    server.close()
    assert [answer[UDP].dport for answer in answers] == [4000 + size for size in SIZES]
    for size, answer in zip(SIZES, answers, strict=True):
        assert bytes(answer[UDP].payload)[:size] == payload(3, size)
    done = {name: count - before[name] for name, count in _count(walk).items()}
    hardware, software = (len(SIZES), 0) if walk.offloads else (0, len(SIZES))
    assert done == {"inhwcsum": hardware, "inswcsum": software, "outhwcsum": hardware, "outswcsum": software}
    assert all((control.destination, control.ifl_index) == (US, 1) for control, _ in seen)
    journey = seen[0][1]
    assert journey is not None
    stages = [step.stage for step in journey.steps]
    wanted = ["ifiq_input", "ether_input", "ip_input", "udp_input", "soreceive", "udp_output", "ip_output", "ifq_start"]
    assert [stage for stage in stages if stage in wanted] == wanted


@pytest.mark.parametrize("at", [24, 26, 40, 50], ids=["ip sum", "source address", "udp sum", "payload"])
def test_a_damaged_datagram_is_a_counted_drop(walk: Walk, at: int) -> None:
    """The FCS is right: only checksums can tell, the card's where it has engines, the stack's where not."""
    ip, udp = walk.stack.stats.ip, walk.stack.stats.udp
    before = ip.ips_badsum.value, udp.udps_badsum.value
    spoilt = bytearray(bytes(_udp(100)))
    spoilt[at] ^= 0x5A
    assert walk.exchange(bytes(spoilt)) == []
    in_header = at < 34
    assert (ip.ips_badsum.value, udp.udps_badsum.value) == (before[0] + in_header, before[1] + (not in_header))


def test_what_is_not_for_us_is_counted(walk: Walk) -> None:
    before = walk.stack.stats.ip.ips_cantforward.value
    other = Ether(src=PEERS, dst=OURS) / IP(src=PEER, dst="10.9.9.9") / UDP(dport=9)
    assert walk.exchange(other) == []
    assert walk.stack.stats.ip.ips_cantforward.value == before + 1
    assert "not forwardable" in netstat_ss(walk.stack)
    refused = walk.exchange(_udp(20, port=4711))
    assert [(answer[ICMP].type, answer[ICMP].code) for answer in refused] == [(3, 3)]


def test_captured_where_frames_enter_and_leave(walk: Walk, tmp_path: Path) -> None:
    """The bpf taps: in at `ifiq_input`, out at the driver's start. Sums the card is to make are not there yet."""
    path = tmp_path / "bpf.pcapng"
    with CaptureWriter(path) as capture:
        walk.upper.ifd.set_tap(bpf_tap(capture, "em0", lambda: walk.host.now))
        walk.exchange(Ether(src=PEERS, dst=OURS) / IP(src=PEER, dst=US) / ICMP(id=5, seq=1) / Raw(b"tapped" * 10))
        walk.upper.ifd.set_tap(None)
    seen = [(packet[IP].src, packet[ICMP].type) for packet in rdpcap(str(path))]
    assert seen == [(PEER, 8), (US, 0)]
