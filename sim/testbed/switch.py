"""A learning switch: whole frames in, looked at, and out on the ports where their destination may be (IEEE 802.1D).

It stores and forwards. A frame counts from when its last byte is in; `forward_ns` later it stands in the queue of each
port it goes to, and leaves at that port's speed, preamble and gap included. Time is simulated, in nanoseconds: the
clock of a `Port`, which is a `WireEnd`, counts them. Frames are taken in the order (time of arrival, number of port),
in whatever order they were handed over, so nothing depends on who was moved first. Whoever moves frames says by
`advance` up to when no earlier frame can come any more.

Every frame is accounted for, at a port and over all of them (`legs` says it, `accounting.py` has the words):

    in + copies made by flooding = passed + drops of the port it came in by
    given to the port's queue    = out + queue_full
    passed, all ports            = given, all ports
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from ringbed.sim.seam.clock import GAP, LINK_SPEEDS, PREAMBLE
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.testbed.accounting import Leg
from ringbed.sim.wire.frame import FCS_LENGTH, MIN_LENGTH, fcs_good

__all__ = ["DROPS_IN", "Learnt", "Port", "Switch"]


RESERVED = bytes.fromhex("0180c20000")  # and a last byte of 00 to 0F: a bridge never forwards them (802.1D 7.12.6)
SHORTEST = MIN_LENGTH + FCS_LENGTH
BYTE = 8 * 10**9  # what one byte takes, in 1 / (bits per second) of a nanosecond: exact at every speed
DROPS_IN = ("symbol_error", "bad_fcs", "runt", "giant", "reserved", "same_port", "nowhere")


@dataclass(frozen=True, slots=True)
class Learnt:
    """One row of the table: where a station was last heard, and when, ns."""

    address: bytes
    port: int
    seen: int


class Port:
    """One port, its own output queue behind it; its clock counts nanoseconds.

    Counters, all of frames but the octets (FCS included): `in`, `in_octets`, `out`, `out_octets`; `copies`, made beyond
    the first when a frame from here was flooded; `passed` and `given`, see the head of the file. Drops, one a cause:
    `symbol_error`, `bad_fcs`, `runt`, `giant` of what came in damaged; `reserved`, for the bridge itself; `same_port`,
    its destination is where it came from; `nowhere`, flooded with no other port; `queue_full`, on the way out.
    """

    def __init__(self, switch: Switch, number: int, link_bps: int, queue_bytes: int) -> None:
        self.number = number
        self.link_bps = link_bps
        names = ("in", "in_octets", "out", "out_octets", "copies", "passed", "given", *DROPS_IN, "queue_full")
        self.counters = dict.fromkeys(names, 0)
        self.peak = 0  # most bytes that stood in the queue
        self._switch = switch
        self._limit = queue_bytes
        self._free = 0  # when the wire is free again, in nanoseconds times bits per second
        self._standing: deque[tuple[int, int]] = deque()  # when they will have left, and how long they are
        self._bytes = 0
        self._ready: list[tuple[int, bytes]] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        """A frame whose last byte is in at `at` ns; kept until `advance` says that none can come before it."""
        self._switch.arrive(self.number, frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        """What has been sent since the last call, with the time its last byte leaves; that may be still to come."""
        ready, self._ready = self._ready, []
        return ready

    def enqueue(self, frame: bytes, now: int) -> None:
        """Send `frame` behind what stands in the queue at `now` ns, or drop it when there is no room for it."""
        counters, standing, length = self.counters, self._standing, len(frame)
        counters["given"] += 1
        while standing and standing[0][0] <= now:
            self._bytes -= standing.popleft()[1]
        if self._bytes + length > self._limit:
            counters["queue_full"] += 1
            return
        left = max(self._free, now * self.link_bps) + (PREAMBLE + length) * BYTE
        self._free = left + GAP * BYTE
        leaves = -(-left // self.link_bps)
        standing.append((leaves, length))
        self._bytes += length
        self.peak = max(self.peak, self._bytes)
        counters["out"] += 1
        counters["out_octets"] += length
        self._ready.append((leaves, frame))


class Switch:
    """`ports` is how many, or the speed of each in bits per second. Raises ValueError for what no switch has.

    `queue_bytes` stand in a port's queue at most, the frame being sent included. A station not heard for `aging_ns` is
    forgotten (802.1D table 7-5: 300 s); when `table_size` are known, others are not learnt, and are flooded to.
    `longest` is the longest frame with FCS. Counters: `learnt`, `moved` to another port, `aged`, `table_full`.
    """

    def __init__(
        self, ports: int | Sequence[int], *, link_bps: int = 10**9, forward_ns: int = 1000,
        queue_bytes: int = 256 * 1024, table_size: int = 8192, aging_ns: int = 300 * 10**9, longest: int = 1522,
    ) -> None:  # fmt: skip
        speeds = [link_bps] * ports if isinstance(ports, int) else list(ports)
        if not speeds or not all(LINK_SPEEDS[0] <= speed <= LINK_SPEEDS[-1] for speed in speeds):
            raise ValueError(f"a switch has ports of 10M to 100G bits per second, not {speeds}")
        if longest < SHORTEST or queue_bytes < longest or table_size < 1 or aging_ns < 1 or forward_ns < 0:
            raise ValueError(
                f"frames of {longest} bytes in queues of {queue_bytes}, {table_size} stations for {aging_ns} ns, "
                f"forwarded after {forward_ns} ns: no switch is like that"
            )
        self.ports = tuple(Port(self, number, speed, queue_bytes) for number, speed in enumerate(speeds))
        self.counters = dict.fromkeys(("learnt", "moved", "aged", "table_full"), 0)
        self.now = 0  # every frame that came in before has been forwarded
        self._forward_ns, self._longest = forward_ns, longest
        self._table_size, self._aging_ns = table_size, aging_ns
        self._table: dict[bytes, tuple[int, int]] = {}  # address: port, when seen; the longest unheard first
        self._arrived: list[tuple[int, int, int, bytes, bool]] = []  # a heap: time, port, number in order of coming
        self._count = 0

    def arrive(self, port: int, frame: bytes, at: int, error: bool = False) -> None:
        """For a Port: keep a frame until its turn."""
        heappush(self._arrived, (at, port, self._count, frame, error))
        self._count += 1

    def due(self) -> int:
        """When the next frame of those kept will be in, ns."""
        return self._arrived[0][0] if self._arrived else NEVER

    def advance(self, until: int) -> int:
        """Forward what came in up to `until` ns, in order; how many frames. Nothing earlier may arrive afterwards."""
        count = 0
        while self._arrived and self._arrived[0][0] <= until:
            at, port, _, frame, error = heappop(self._arrived)
            self._receive(self.ports[port], frame, at, error)
            count += 1
        self.now = max(self.now, until)
        return count

    def table(self) -> list[Learnt]:
        """The stations known at `now`, by address."""
        alive = [Learnt(address, *entry) for address, entry in self._table.items() if not self._old(entry[1], self.now)]
        return sorted(alive, key=lambda learnt: learnt.address)

    def legs(self) -> list[Leg]:
        """The rules at the head of this file: two legs a port, and one through the switch."""
        legs = []
        for port in self.ports:
            c, name = port.counters, f"switch port {port.number}"
            legs.append(Leg(f"{name} in", c["in"] + c["copies"], c["passed"], {drop: c[drop] for drop in DROPS_IN}))
            legs.append(Leg(f"{name} out", c["given"], c["out"], {"queue_full": c["queue_full"]}))
        passed, given = (sum(port.counters[name] for port in self.ports) for name in ("passed", "given"))
        return [*legs, Leg("switch", passed, given)]

    # ------------------------------------------------------------------------------------------------------------

    def _receive(self, port: Port, frame: bytes, at: int, error: bool) -> None:
        """One frame: is it whole, who sent it, where to?"""
        counters = port.counters
        counters["in"] += 1
        counters["in_octets"] += len(frame)
        if cause := self._damaged(frame, error):
            counters[cause] += 1
            return
        if not frame[6] & 1:  # a group address sends nothing (802.1D 7.8)
            self._learn(frame[6:12], port.number, at)
        outs = self._lookup(frame[:6], port, at)
        if isinstance(outs, str):
            counters[outs] += 1
            return
        counters["copies"] += len(outs) - 1
        counters["passed"] += len(outs)
        for out in outs:
            out.enqueue(frame, at + self._forward_ns)

    def _damaged(self, frame: bytes, error: bool) -> str:
        if error:
            return "symbol_error"
        if len(frame) < SHORTEST:
            return "runt"
        if len(frame) > self._longest:
            return "giant"
        return "" if fcs_good(frame) else "bad_fcs"

    def _lookup(self, destination: bytes, port: Port, now: int) -> list[Port] | str:
        """The ports it goes to, or the cause of its drop. Unknown and group addresses go to all others."""
        if destination[:5] == RESERVED and destination[5] < 16:
            return "reserved"
        known = None if destination[0] & 1 else self._table.get(destination)
        if known is None or self._old(known[1], now):
            return [out for out in self.ports if out is not port] or "nowhere"
        return [self.ports[known[0]]] if known[0] != port.number else "same_port"

    def _learn(self, address: bytes, port: int, now: int) -> None:
        """The station is at `port` now. Those unheard for too long go, from the front of the table."""
        known = self._table.pop(address, None)
        while self._table and self._old(next(iter(self._table.values()))[1], now):
            self._table.pop(next(iter(self._table)))
            self.counters["aged"] += 1
        if known is not None and self._old(known[1], now):
            self.counters["aged"] += 1
            known = None
        if known is None:
            full = len(self._table) >= self._table_size
            self.counters["table_full" if full else "learnt"] += 1
            if full:
                return
        elif known[0] != port:
            self.counters["moved"] += 1
        self._table[address] = (port, now)

    def _old(self, seen: int, now: int) -> bool:
        return now - seen >= self._aging_ns
