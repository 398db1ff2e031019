"""The demo on the pcap wire: a capture replayed into the card, clean and damaged, verdicts compared with scapy's."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ringbed.conformance.references.oracle import Oracle
from ringbed.conformance.references.replay import Answer, check_replay
from ringbed.drivers.world import Verdict
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.capture import CaptureWriter, Direction, TappedEnd
from ringbed.sim.wire.frame import FCS_LENGTH, MIN_LENGTH, WireEnd, fcs_good, from_wire, to_wire

__all__ = ["BATCH", "FaultyReplayCard", "ReplayCard"]

BATCH = 64  # frames queued at once: fewer than the receive ring has descriptors
DRAIN_NS = 10_000_000  # far more than a batch takes; at rest the clock stops by itself
REPAIR_NS = 3_000_000_000  # with faults: the driver's watchdog finds a silent ring at its second look


Wire = tuple[bytes, bool]  # a whole frame with its FCS, and whether a symbol error is seen in it


class ReplayCard:
    """A `CardUnderTest`: the simulated card behind its driver, promiscuous. What goes in and comes out is captured.

    `unsound` are frames that the card must drop, by the number of the frame before which each goes over the wire.
    """

    def __init__(self, host: Host[Collector], capture: CaptureWriter) -> None:
        self.host, self.capture = host, capture
        self.progress: Callable[[int], object] = lambda count: None
        self.wire = capture.interface("em0", "em0, what was replayed into it")
        self.up = capture.interface("em0 driver", "what the driver delivered, verdicts as comments", with_fcs=False)
        self.verdicts: Counter[Verdict] = Counter()
        self.unsound: Mapping[int, Sequence[Wire]] = {}

    def __call__(self, frames: Sequence[bytes]) -> list[Answer]:
        answers: list[Answer] = []
        for begin in range(0, len(frames), BATCH):
            wires: list[Wire] = []
            for number, frame in enumerate(frames[begin : begin + BATCH], begin):
                wires += [*self.unsound.get(number, ()), (to_wire(frame), False)]
            answers += self._batch(wires)
            self.progress(min(BATCH, len(frames) - begin))
        return answers + self._batch(self.unsound.get(len(frames), ()))

    def _batch(self, wires: Sequence[Wire]) -> list[Answer]:
        host = self.host
        for begin in range(0, len(wires), BATCH):
            self._send(wires[begin : begin + BATCH])
        answers = []
        for received in host.upper.take():
            verdict = received.verdict
            self.verdicts[verdict] += 1
            comment = f"IPv4 header {verdict.l3}, TCP/UDP {verdict.l4}, packet checksum {received.checksum:#06x}"
            self.capture.write(self.up, received.data, host.now, Direction.IN, [comment])
            answers.append(Answer(received.data, verdict, received.checksum))
        return answers

    def _send(self, wires: Sequence[Wire]) -> None:
        for wire, error in wires:
            self.capture.write(self.wire, wire, self.host.now, Direction.IN, error=error)
            self.host.engine.wire_in(wire, self.host.engine.now, error)
        self.host.advance(self.host.now + DRAIN_NS)


class FaultyReplayCard(ReplayCard):
    """The same with faults between the capture and the card. What is judged is what came to the card with a good FCS.

    Of those any may be missing, which the account explains; none may be changed, out of order or wrongly judged.
    """

    def __init__(self, host: Host[Collector], capture: CaptureWriter, faults: Faults) -> None:
        super().__init__(host, capture)
        tapped = TappedEnd(_Arrivals(host.engine, self), capture, self.wire, host.frequency.ns)
        self._end = faults.end(host, tapped)
        self._pump = Pump([host], [faults.link(self)])
        self.arrived: list[bytes] = []

    def move(self) -> int:
        """A Link that only lets the end look after what it holds back: nothing is sent by a replay."""
        return len(self._end.wire_out())

    def _send(self, wires: Sequence[Wire]) -> None:
        for wire, error in wires:
            self._end.wire_in(wire, self.host.engine.now, error)
        self._pump.run(self.host.now + REPAIR_NS)

    def check(
        self, frames: Sequence[bytes], oracle: Oracle, progress: Callable[[int], object] = lambda count: None
    ) -> list[str]:
        """Replay `frames`; a line for each disagreement about one that came through."""
        self.arrived.clear()
        found, came, at = [], [], 0
        answers = self(frames)
        places: dict[bytes, list[int]] = {}
        for place, data in enumerate(self.arrived):
            places.setdefault(data, []).append(place)
        for answer in answers:
            of_these = places.get(answer.data, [])
            next_one = bisect_left(of_these, at)
            if next_one == len(of_these):
                found.append(f"{len(answer.data)} bytes came out that did not come to the card, or out of order")
                continue
            at = of_these[next_one] + 1
            came.append(answer)
        for bad in check_replay(lambda _: came, [answer.data for answer in came], oracle, progress):
            found.append(f"a frame of {len(bad.frame)} bytes ({bad.kind}): {bad.words}")
        return found


class _Arrivals:
    """The card's end of the wire, inside of all faults: notes what comes with a good FCS."""

    def __init__(self, end: WireEnd, card: FaultyReplayCard) -> None:
        self._end, self._card = end, card

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        if fcs_good(frame) and len(frame) >= MIN_LENGTH + FCS_LENGTH and not error:
            self._card.arrived.append(from_wire(frame))
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        return self._end.wire_out()
