"""The stack at the far end of a wire, on a wire of the test's own; and a ping's answer among others."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Event
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver
from ringbed.sim.testbed.peer import STEP_NS, Echo, NoAnswer, Peer, move_until, ping, told
from ringbed.sim.wire.frame import from_wire, to_wire
from ringbed.stack.stack import Stack
from tests.sim.fake_engine import fake_host

FREQUENCY = Frequency()
WHO_HAS = bytes(
    Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01")
    / ARP(hwsrc="02:00:00:00:00:01", psrc="10.0.0.2", pdst="10.0.0.1")
)


class Ends:
    """Both ends of a wire by hand: `came` for the peer to take, `went` what it gave, and when."""

    def __init__(self) -> None:
        self.came: list[tuple[int, bytes]] = []
        self.went: list[tuple[int, bytes]] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.went.append((at, frame))

    def wire_out(self) -> list[tuple[int, bytes]]:
        came, self.came = self.came, []
        return came


def opened(latency_ns: int = 0) -> tuple[StackHost, Peer]:
    """A host of the stack on a card without RTL, and a peer at its wire."""
    upper = StackOnDriver(Stack("mine"))
    host = fake_host(upper)
    upper.ifd.add_ifl().add_iff().add_ifa("10.0.0.2/24")
    return host, Peer(host.engine, "10.0.0.1/24", host.frequency, latency_ns=latency_ns)


def test_an_answer_comes_a_latency_later() -> None:
    for latency in (0, 1000, 80_000):
        ends = Ends()
        peer = Peer(ends, "10.0.0.1/24", FREQUENCY, latency_ns=latency)
        ends.came = [(5, to_wire(WHO_HAS))]
        assert peer.move(2000) == 1
        [(at, frame)] = ends.went
        assert at == FREQUENCY.clocks(2000 + latency)
        answer = Ether(from_wire(frame))[ARP]
        assert (answer.op, answer.hwsrc, answer.psrc) == (2, "02:00:00:00:99:01", "10.0.0.1")
        assert (peer.came, peer.sent, peer.bad_fcs) == (1, 1, 0)


def test_a_frame_with_a_bad_fcs_is_counted_and_nothing_else() -> None:
    ends = Ends()
    peer = Peer(ends, "10.0.0.1/24", FREQUENCY)
    wire = to_wire(WHO_HAS)
    ends.came = [(5, wire[:-1] + bytes([wire[-1] ^ 1])), (9, b"\x01\x02\x03")]
    assert peer.last == b""
    assert peer.move(2000) == 2
    assert ends.went == []
    assert (peer.came, peer.sent, peer.bad_fcs) == (2, 0, 2)
    ends.came = [(11, wire), (12, to_wire(b"the last".ljust(80)))]
    for _ in range(2):  # none has come since
        peer.move(3000)
        assert peer.last == b"the last".ljust(80)


def test_a_ping_takes_the_latency() -> None:
    """Of the way back, to the end of a step."""
    times = []
    for latency in (0, 200_000):
        host, peer = opened(latency)
        ping(host, peer)  # with the question who has it
        times.append(ping(host, peer, bytes(range(200))))
        assert peer.pings == 2
    assert abs(times[1] - times[0] - 200_000) <= STEP_NS


def test_a_ping_leaves_the_answers_of_others() -> None:
    """One that was given up comes later, between a question and its answer."""
    host, peer = opened(40_000)
    ping(host, peer)
    sockets = len(host.upper.stack._protocols[0].icmp["inet"].raw)
    with pytest.raises(NoAnswer, match=r"no answer of 10.0.0.1 within 1000 ns(?s:.*)wire: \d+ frames? into the card"):
        ping(host, peer, b"too late", within_ns=1000)
    ping(host, peer, b"another")
    assert len(host.upper.stack._protocols[0].icmp["inet"].raw) == sockets


def test_two_echoes_each_have_their_answer() -> None:
    host, peer = opened()
    stack = host.upper.stack
    with Echo(stack, peer.address, 1, b"one") as one, Echo(stack, peer.address, 65_538, b"two") as two:
        two.ask()
        one.ask()
        assert not one.answered()
        assert move_until(host, [peer], host.now + 1_000_000, lambda: one.answered() and two.answered())
        one.check()
        two.check()


def test_an_answer_with_other_bytes_is_told() -> None:
    host, peer = opened()

    class Liar:
        """Answers in the peer's place."""

        def move(self, _now: int) -> int:
            frames = [Ether(from_wire(frame)) for _, frame in host.engine.wire_out()]
            for frame in frames:
                if ICMP in frame:
                    answer: Any = Ether(src=frame.dst, dst=frame.src) / IP(src=frame[IP].dst, dst=frame[IP].src)
                    answer /= ICMP(type=0, id=frame[ICMP].id, seq=frame[ICMP].seq) / b"others!"
                    host.engine.wire_in(to_wire(bytes(answer)), host.engine.now)
            return len(frames)

    ping(host, peer)
    with Echo(host.upper.stack, peer.address, 9, b"ringbed") as echo:
        echo.ask()
        assert move_until(host, [Liar()], host.now + 1_000_000, echo.answered)
        with pytest.raises(OSError, match="the answer of 10.0.0.1 carries other bytes than were sent"):
            echo.check()


def test_what_was_dropped_before_the_card_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    host, peer = opened()
    stats = host.engine.stats()
    stats.dropped = {"bad_fcs": 2, "error": 0, "runt": 1}
    monkeypatch.setattr(host.engine, "stats", lambda: stats)
    assert "before the card, where a MAC would drop them: bad_fcs 2, runt 1" in told(host, [peer], [])
    host.advance(host.now + 1000, Event.WIRE)
