"""A stack at the far end of a card's wire, with no card under it: somebody for a card under test to talk to.

    peer = Peer(host.engine, "10.0.0.1/24", host.frequency)
    ping(host, peer, bytes(1472))
    host.advance(host.now + 20_000); peer.move(host.now)

It has no offload: every sum it sends is made by the stack, and every one it gets is checked there. What does not come
in time is told with all that might be why: findings first, then what driver, card and wire have counted, and what the
stacks at both ends threw away, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, Self

from ringbed.hw.formats.number import several
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Event, Finding
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver
from ringbed.sim.testbed.host import Host
from ringbed.sim.wire.cable import LATENCY_NS
from ringbed.sim.wire.frame import WireEnd, fcs_good, from_wire, to_wire
from ringbed.stack.kern.ifq import Ifq
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.interface import Attachment, Capabilities, Ring
from ringbed.stack.stack import Stack
from ringbed.stack.wire import icmpv4
from ringbed.stack.wire.address import ipv4

__all__ = ["Echo", "Mover", "NoAnswer", "Peer", "move_until", "ping", "told"]

BATCH = 64
STEP_NS = 20_000  # between two looks at what the peer makes of it
SHOWN = 5  # findings of a sentence


class Mover(Protocol):
    """What hangs on the wire and is to be looked after: a Peer."""

    def move(self, now: int) -> int: ...


class NoAnswer(TimeoutError):
    """The text has what might be why; `findings` were taken for it."""

    def __init__(self, what: str, host: Host[Any], movers: Iterable[Mover]) -> None:
        self.findings = host.engine.findings()
        super().__init__(f"{host.name}: {what}\n{told(host, movers, self.findings)}")


class Peer:
    """`stack` has one interface, `wire0`, with `address`. What it sends arrives a cable's latency later.

    `bad_fcs` counts frames that came with a wrong one and were dropped, as a card would; `came` and `sent` all frames.
    `last` is the last that came, without FCS.
    """

    def __init__(
        self, end: WireEnd, address: str, frequency: Frequency, *, lladdr: bytes = bytes.fromhex("020000009901"),
        name: str = "peer", latency_ns: int = LATENCY_NS,
    ) -> None:  # fmt: skip
        self.stack, self.bad_fcs, self.came, self.sent = Stack(name), 0, 0, 0
        self.last = b""
        self.pings = 0  # that it was asked for by `ping`
        self.address = address.partition("/")[0]
        self.lladdr, self.capabilities = lladdr, Capabilities()
        self.attachment = Attachment("mainbus0", "the far end of a wire", 0, "polled")
        self._end, self._frequency, self._latency_ns = end, frequency, latency_ns
        self._ifd = self.stack.add_driver("wire", "wire without a card").add_ifd(self, 0)
        self._ifd.link_up = True
        self._ifd.add_ifl().add_iff().add_ifa(address)

    def rings(self) -> Sequence[Ring]:
        return ()

    def set_groups(self, groups: Sequence[bytes]) -> None:
        """There is no filter: every frame comes."""

    def start(self, ifq: Ifq) -> None:
        batch = ifq.begin(BATCH)
        at = self._frequency.clocks(self.stack.now + self._latency_ns)
        for packet in batch:
            self._end.wire_in(to_wire(packet.bytes()), at)
        ifq.commit(len(batch))
        self.sent += len(batch)

    def move(self, now: int) -> int:
        """At `now` ns: take what the card has sent, and let the stack run; how many frames came."""
        frames = [frame for _, frame in self._end.wire_out()]
        self.came += len(frames)
        self.bad_fcs += sum(not fcs_good(frame) for frame in frames)
        self.last = from_wire(frames[-1]) if frames else self.last
        self._ifd.ifiqs[0].input([Packet([from_wire(frame)]) for frame in frames if fcs_good(frame)])
        self.stack.tick(max(now, self.stack.now))
        return len(frames)


class Echo:
    """One echo request and its answer, by number. A raw socket sees every answer there is: those of others, and late
    ones, are not this one's.
    """

    def __init__(self, stack: Stack, to: str, number: int, payload: bytes) -> None:
        self._socket, self._to, self._number, self._payload = stack.icmp_socket(), to, number & 0xFFFF, payload
        self._answer: bytes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self._socket.close()

    def ask(self) -> None:
        """Raises OSError with what the stack answered."""
        self._socket.echo_request(self._to, ident=1, sequence=self._number, payload=self._payload)

    def answered(self) -> bool:
        while self._socket.buffer:
            came = self._socket.recv()
            number = (came.ident, came.sequence) == (1, self._number)
            if came.type == icmpv4.ECHO_REPLY and number and ipv4(came.source) == ipv4(self._to):
                self._answer = came.payload
        return self._answer is not None

    def check(self) -> None:
        """Raises OSError when the answer has other bytes."""
        if self._answer != self._payload:
            raise OSError(f"the answer of {self._to} carries other bytes than were sent")


def ping(host: StackHost, peer: Peer, payload: bytes = b"ringbed", within_ns: int = 1_000_000) -> int:
    """One echo request of the host's stack and the peer's answer: the time between them in ns.

    Raises NoAnswer after `within_ns` of simulated time, OSError when the answer has other bytes. A millisecond is much
    for a card that works, and too little for one that is slow, behind a memory that is: such a test gives more.
    """
    peer.pings += 1
    begin = host.now
    with Echo(host.upper.stack, peer.address, peer.pings, payload) as echo:
        echo.ask()
        if not move_until(host, [peer], begin + within_ns, echo.answered):
            raise NoAnswer(
                f"no answer of {peer.address} within {within_ns} ns of simulated time (within_ns)", host, [peer]
            )
        echo.check()
    return host.now - begin


def move_until(host: Host[Any], movers: Sequence[Mover], until: int, done: Callable[[], bool]) -> bool:
    """Let time pass, host and movers at work, to `until` ns or to `done()`, which it returns."""
    while True:
        moved = sum(mover.move(host.now) for mover in movers)
        host.upper.work(host.now)
        if done():
            return True
        if host.now >= until:
            return False
        host.advance(min(until, host.now + (1 if moved else STEP_NS)), Event.WIRE)


def told(host: Host[Any], movers: Iterable[Mover], findings: Sequence[Finding]) -> str:
    """What was found and what was counted, a line each."""
    lines = [str(finding) for finding in findings[:SHOWN]] or ["no findings"]
    if len(findings) > SHOWN:
        lines.append(f"... and {len(findings) - SHOWN} more findings")
    return "\n".join(f"  {line}" for line in (*lines, *counts(host, movers)))


def counts(host: Host[Any], movers: Iterable[Mover] = ()) -> list[str]:
    """What was counted on the way of a frame: driver, memory, wire, and what each stack threw away. Raises EngineClosed
    for a host whose engine is.
    """
    stats, lines = host.engine.stats(), _of_the_driver(host)
    lines.append(f"memory: {several(stats.read_beats, 'word')} read by the card, {stats.write_beats} written")
    lines.append(f"wire: {several(stats.wire_in, 'frame')} into the card, {stats.wire_out} out of it")
    for peer in (mover for mover in movers if isinstance(mover, Peer)):
        if peer.bad_fcs:
            lines.append(f"of the frames that came out of the card {peer.bad_fcs} have a bad FCS")
        begins = f"; the last frame that came begins {peer.last[:14].hex(':')}"  # a byte order shows there
        lines += [line + begins for line in _thrown_away(f"the {peer.stack.hostname}", peer.stack)]
    if dropped := _counts(stats.dropped):
        lines.append(f"before the card, where a MAC would drop them: {dropped}")
    if isinstance(host.upper, StackOnDriver):
        lines += _thrown_away(f"the stack of {host.name}", host.upper.stack)
    return lines


def _of_the_driver(host: Host[Any]) -> list[str]:
    told = _counts(host.driver.counters()) or "all counters are 0"
    lines = [f"driver: {told}; interrupts: {host.interrupts}"]
    if not getattr(getattr(host.upper, "ifd", host.upper), "link_up", True):
        lines.append("link: the driver has said that it is down, or never that it is up")
    return lines


def _counts(counters: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counters.items() if count)


def _thrown_away(who: str, stack: Stack) -> list[str]:
    """What ended in a stack, by the words of `netstat -s`: of frames that came it did not want, above all."""
    causes = {
        f"{group.title}: {text}": count for group in stack.stats.groups() for text, count in group.drops().items()
    }
    return [f"{who} threw away: {_counts(causes)}"] if causes else []
