"""The soak: traffic round a loop with every fault of link, bus and host in it, until the last frame is accounted for.

A cable joins the card's TX to its own RX. Frames of mixed sizes, in one to three pieces, some with checksums for the
card to fill in, are handed to the driver; what the driver delivers is counted, and held against what went in:

* the account: sent + doubled - dropped by the link = delivered + the card's exclusive causes + drops of the driver
* `changed`: what leaves the card is in the order, and has the bytes, of what its driver took; what the driver delivers
  is so of what came to the card with a good FCS. Frames may be missing from either, that is the account's business
* life: with the faults gone, a batch goes round whole, and after `down` no memory is held
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ringbed.drivers.world import TxFrame, TxSum
from ringbed.sim.faults.plan import FaultPlan, parse_plan
from ringbed.sim.testbed.accounting import Leg, lost
from ringbed.sim.testbed.assembly import account, open_host
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.cable import Loopback
from ringbed.sim.wire.frame import fcs_good, from_wire, pad
from ringbed.stack.wire.checksum import checksum, fold, octets_sum

__all__ = ["SoakResult", "every_fault", "soak"]

MAC = bytes.fromhex("020000000001")
BATCHES = (1, 1, 2, 3, 5, 8, 24)  # frames offered at once: mostly few are in flight when a queue stops
BATCH = max(BATCHES)
PATIENCE = 20
LEAST_GAP_NS, GAP_NS = 4_000, 20_000  # simulated time between two batches
RECOVERY_NS = 3_000_000_000  # a watchdog sees a silent ring at its second look
HOLD = 250  # clocks of interrupt latency
DISTINCT = 509
LENGTHS = (60, 61, 64, 128, 256, 511, 512, 513, 1024, 1500, 1514)


def every_fault(rate: float, seed: int) -> FaultPlan:
    """Every kind of fault at `rate` per frame, burst or interrupt."""
    lines = [f"seed = {seed}"]
    for part, kind, more in (
        ("link", "drop", ""), ("link", "duplicate", ""), ("link", "flip", "damage = 'wire'"),
        ("link", "flip", "damage = 'host'"), ("link", "truncate", "damage = 'wire'"),
        ("link", "truncate", "damage = 'host'"), ("link", "delay", ""), ("link", "reorder", "frames = 3"),
        ("bus", "latency", ""), ("bus", "jitter", ""), ("bus", "backpressure", ""), ("bus", "reorder", ""),
        ("bus", "slverr", ""), ("bus", "decerr", ""),
        ("host", "irq_lost", ""), ("host", "irq_late", ""), ("host", "slow", ""),
    ):  # fmt: skip
        lines.append(f"[[{part}]]\nkind = '{kind}'\nrate = {rate}\n{more}")
    return parse_plan("\n".join(lines))


@dataclass(slots=True)
class SoakResult:
    """`unaccounted`: frames nobody accounts for, on all legs; `alive`: the last batch went round whole."""

    offered: int
    seconds: float
    clocks: int
    simulated_ns: int
    unaccounted: int
    changed: int
    alive: bool
    findings: list[str]
    legs: list[Leg]
    faults: dict[str, int]
    counters: dict[str, int] = field(default_factory=dict)


class _Order:
    """A sequence of which another may leave out frames, and do nothing else."""

    def __init__(self) -> None:
        self._expected: deque[bytes] = deque()
        self.changed = 0

    def sent(self, frames: Iterable[bytes]) -> None:
        self._expected.extend(frames)

    def came(self, frame: bytes) -> None:
        """The next of what was sent that looks like it; a frame that is none of them is counted."""
        for index, sent in enumerate(self._expected):
            if sent == frame:
                for _ in range(index + 1):
                    self._expected.popleft()
                return
        self.changed += 1


class _Watched:
    """The card's wire, inside of the faults: what leaves is held against `taken`, what comes is `arrived`."""

    def __init__(self, engine: Any, taken: _Order, arrived: _Order) -> None:
        self._engine, self._taken, self._arrived = engine, taken, arrived

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        if fcs_good(frame) and not error:
            self._arrived.sent([from_wire(frame)])
        self._engine.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        left: list[tuple[int, bytes]] = self._engine.wire_out()
        for _, frame in left:
            self._taken.came(from_wire(frame) if fcs_good(frame) else b"a frame with a bad FCS")
        return left


def soak(
    frames: int, rate: float = 0.01, engine: str = "native", seed: int = 1, plan: FaultPlan | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> SoakResult:  # fmt: skip
    """`frames` frames round the loop under `plan`, by default everything at `rate`."""
    host = open_host("em0", Collector(), engine=engine, mac=MAC, irq_hold=HOLD)
    try:
        loop = _Loop(host, Faults(plan or every_fault(rate, seed)), seed)
        begin, before, start = time.perf_counter(), host.engine.stats().clocks, host.now
        loop.run(frames, progress)
        seconds = time.perf_counter() - begin
        return loop.result(seconds, host.engine.stats().clocks - before, host.now - start)
    finally:
        host.engine.close()


class _Loop:
    def __init__(self, host: Any, faults: Faults, seed: int) -> None:
        self.host, self.faults = host, faults
        self.taken, self.arrived = _Order(), _Order()
        self.offered = 0
        self.findings: list[str] = []
        self._rng = random.Random(seed)
        self._stock = _stock(self._rng)
        end = faults.end(host, _Watched(host.engine, self.taken, self.arrived))
        self.pump = Pump([host], [faults.link(Loopback(end))])
        faults.attach(host)
        host.up()

    def run(self, frames: int, progress: Callable[[int], object]) -> None:
        """Until so many were taken, or the driver takes none for `PATIENCE` watchdogs: then it is stuck for good."""
        refused = 0
        while self.offered < frames and refused < PATIENCE:
            before = self.offered
            self._offer(min(self._rng.choice(BATCHES), frames - self.offered))
            if not self._let(self.host.now + self._rng.randint(LEAST_GAP_NS, GAP_NS)):
                self._let(self.pump.deadline() + 1)  # a queue has stopped: no use in filling it until a watchdog looks
            refused = refused + 1 if self.offered == before else 0
            progress(self.offered - before)
        self._settle()

    def _offer(self, count: int) -> None:
        batch = [self._stock[(self.offered + index) % DISTINCT] for index in range(count)]
        taken = self.host.driver.transmit(0, [frame for frame, _ in batch])
        self.taken.sent(expected for _, expected in batch[:taken])
        self.offered += taken

    def _let(self, until: int) -> int:
        """Run to `until` ns; how many frames the driver delivered."""
        self.pump.run(until)
        delivered = self.host.upper.take()
        for frame in delivered:
            self.arrived.came(frame.data)
        self.findings += map(str, self.host.engine.findings())
        return len(delivered)

    def _settle(self) -> None:
        """All that is on its way arrives, or a watchdog finds that it does not."""
        self._let(self.host.now + RECOVERY_NS)

    def result(self, seconds: float, clocks: int, simulated_ns: int) -> SoakResult:
        self.faults.stop()
        self._settle()
        offered, legs = self.offered, [*account(self.host), *self.faults.legs()]
        alive = self._goes_round()
        self.host.down()  # raises when memory is held
        changed = self.taken.changed + self.arrived.changed
        return SoakResult(
            offered, seconds, clocks, simulated_ns, lost(legs), changed, alive, self.findings, legs,
            self.faults.counts(), self.host.driver.counters(),
        )  # fmt: skip

    def _goes_round(self) -> bool:
        """Without faults, what the driver takes of a batch comes back whole, and it takes some."""
        offered, before = self.offered, self.host.driver.counters()["rx_frames"]
        self._offer(BATCH)
        self._let(self.host.now + RECOVERY_NS)
        back = self.host.driver.counters()["rx_frames"] - before
        return bool(0 < self.offered - offered == back)


def _stock(rng: random.Random) -> list[tuple[TxFrame, bytes]]:
    """Frames as the driver is offered them, and as they must leave the card."""
    return [_udp(rng) if index % 4 == 0 else _plain(rng) for index in range(DISTINCT)]


def _plain(rng: random.Random) -> tuple[TxFrame, bytes]:
    """In one to three pieces."""
    data = MAC + rng.randbytes(rng.choice((*LENGTHS, rng.randint(14, 1514))) - 6)
    cuts = sorted(rng.choices(range(len(data)), k=rng.randint(0, 2)))
    pieces = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return TxFrame(pieces), pad(data)


def _udp(rng: random.Random) -> tuple[TxFrame, bytes]:
    """A datagram whose two sums the card fills in (RFC 768, RFC 791)."""
    payload = rng.randbytes(rng.randint(18, 1472))
    addresses, length = rng.randbytes(8), 8 + len(payload)
    header = b"\x45\0" + (20 + length).to_bytes(2, "big") + rng.randbytes(2) + b"\0\0\x40\x11\0\0" + addresses
    pseudo = addresses + b"\0\x11" + length.to_bytes(2, "big")
    udp = rng.randbytes(4) + length.to_bytes(2, "big")
    ether = MAC + rng.randbytes(6) + b"\x08\0"
    unsummed = ether + header + udp + fold(octets_sum(pseudo)).to_bytes(2, "big") + payload
    whole = udp + (checksum(octets_sum(pseudo + udp + b"\0\0" + payload)) or 0xFFFF).to_bytes(2, "big") + payload
    summed = ether + header[:10] + checksum(octets_sum(header)).to_bytes(2, "big") + header[12:] + whole
    return TxFrame([unsummed], TxSum.IPV4 | TxSum.UDP), summed
