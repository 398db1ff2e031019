"""The walk under faults: a stack echoes datagrams while link, bus and host are hurt, and every frame is accounted for.

The peer's own link is whole: what it sends and what comes back are the two ends of the account.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from ringbed.sim.faults.plan import parse_plan
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver, account, open_host
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.cable import Cable
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire
from ringbed.sim.wire.payload import payload
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack
from tests.test_walk import ECHO, OURS, PEER, PEERS, US

SECOND = 1_000_000_000
GAP = 50_000_000 // 8  # clocks: a stopped queue costs the frames of a second, not all
LINK = "".join(
    f"[[link]]\nkind = '{kind}'\nrate = 0.04\n{more}\n"
    for kind, more in (
        ("drop", ""), ("duplicate", ""), ("delay", ""), ("reorder", ""), ("flip", "damage = 'wire'"),
        ("flip", "damage = 'host'"), ("truncate", "damage = 'wire'"), ("truncate", "damage = 'host'"),
    )
)  # fmt: skip
SLOW = "".join(f"[[bus]]\nkind = '{kind}'\nrate = 0.2\n" for kind in ("latency", "jitter", "backpressure", "reorder"))
ERRORS = "".join(f"[[bus]]\nkind = '{kind}'\nrate = 0.01\n" for kind in ("slverr", "decerr"))
HOST = "".join(f"[[host]]\nkind = '{kind}'\nrate = 0.05\n" for kind in ("irq_lost", "irq_late", "slow"))


class Peer:
    """The other end of the cable: frames to send, one every 50 ms, and what came back."""

    def __init__(self, frames: list[bytes], begin: int) -> None:
        self._frames = [(begin + GAP * index, to_wire(frame)) for index, frame in enumerate(frames)]
        self.sent = len(frames)
        self.came: list[bytes] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.came.append(frame)

    def wire_out(self) -> list[tuple[int, bytes]]:
        frames, self._frames = self._frames, []
        return frames


@pytest.fixture
def host(engine: str) -> Iterator[StackHost]:
    made = open_host("em0", StackOnDriver(Stack("walk")), engine=engine)
    yield made
    made.engine.close()


def _echo(server: UdpSocket) -> None:
    while server.readable:
        message = server.recvmsg()
        server.sendmsg(message.data, message.source, message.control)


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        pytest.param("native", LINK, id="link"),
        pytest.param("native", SLOW, id="slow bus"),
        pytest.param("native", SLOW + ERRORS, id="bus"),
        pytest.param("native", LINK + SLOW + ERRORS + HOST, id="everything"),
        pytest.param("pysim", LINK + SLOW + ERRORS + HOST, id="everything on pysim", marks=pytest.mark.full),
    ],
)
def test_every_frame_of_an_exchange_is_accounted_for(host: StackHost, text: str) -> None:
    few = host.engine.kind == "pysim"
    sizes = [(37 * index) % (100 if few else 1473) for index in range(8 if few else 300)]
    faults = Faults(parse_plan("seed = 11\n" + text))
    faults.attach(host)
    host.up()
    host.upper.ifd.add_ifl().add_iff().add_ifa(f"{US}/24")
    server = host.upper.stack.udp_socket()
    server.bind(("0.0.0.0", ECHO))
    server.set_upcall(_echo)
    asked = [
        Ether(src=PEERS, dst=OURS) / IP(src=PEER, dst=US, id=index) / UDP(sport=4000 + size, dport=ECHO)
        / Raw(payload(3, size)) for index, size in enumerate(sizes)
    ]  # fmt: skip
    hello = Ether(src=PEERS, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=PEERS, psrc=PEER, pdst=US)
    peer = Peer([bytes(frame) for frame in (hello, hello, *asked)], host.engine.now)
    with Pump([host], [faults.link(Cable(faults.end(host), peer))]) as pump:
        pump.run(host.now + 16 * SECOND)
        faults.stop()
        pump.run(host.now + 3 * SECOND)
    legs = [*account(host), *faults.legs()]
    assert lost(legs) == 0, [str(leg) for leg in legs]
    ends = {leg.name: leg for leg in legs}
    assert ends["em0 link to wire"].sent == peer.sent
    assert ends["em0 wire to link"].delivered == len(peer.came)
    assert host.engine.findings() == []
    _check_answers(peer, text, len(sizes))
    host.down()


def _check_answers(peer: Peer, text: str, asked: int) -> None:
    """What came back whole carries the payload asked for; a bus that is only slow loses none."""
    answers = [Ether(from_wire(frame)) for frame in peer.came if fcs_good(frame)]
    echoed = [answer for answer in answers if answer.haslayer(UDP) and answer[UDP].sport == ECHO]
    right = [a for a in echoed if bytes(a[UDP].payload)[: a[UDP].dport - 4000] == payload(3, a[UDP].dport - 4000)]
    assert len(right) > asked // 8
    if text == SLOW:
        assert len(right) == len(echoed) == asked
    if "flip" not in text:
        assert len(right) == len(echoed)
