"""The demo on the pcap wire: a capture replayed into the card, clean and damaged, verdicts compared with scapy's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ringbed.conformance.replay import Answer
from ringbed.drivers.world import Verdict
from ringbed.sim.capture import CaptureWriter, Direction
from ringbed.sim.host import Collector, Host
from ringbed.sim.wire import to_wire

__all__ = ["BATCH", "ReplayCard"]

BATCH = 64  # frames queued at once: fewer than the receive ring has descriptors
DRAIN_NS = 10_000_000  # far more than a batch takes; at rest the clock stops by itself


class ReplayCard:
    """A `CardUnderTest`: the simulated card behind its driver, promiscuous. What goes in and comes out is captured."""

    def __init__(self, host: Host[Collector], capture: CaptureWriter) -> None:
        self.host, self.capture = host, capture
        self.progress: Callable[[int], object] = lambda count: None
        self.wire = capture.interface("em0", "em0, what was replayed into it")
        self.up = capture.interface("em0 driver", "what the driver delivered, verdicts as comments", with_fcs=False)
        self.verdicts: Counter[Verdict] = Counter()

    def __call__(self, frames: Sequence[bytes]) -> list[Answer]:
        answers: list[Answer] = []
        for begin in range(0, len(frames), BATCH):
            answers += self._batch(frames[begin : begin + BATCH])
            self.progress(min(BATCH, len(frames) - begin))
        return answers

    def _batch(self, frames: Sequence[bytes]) -> list[Answer]:
        host = self.host
        for frame in frames:
            wire = to_wire(frame)
            self.capture.write(self.wire, wire, host.now, Direction.IN)
            host.engine.wire_in(wire, host.engine.now)
        host.advance(host.now + DRAIN_NS)
        answers = []
        for received in host.upper.take():
            verdict = received.verdict
            self.verdicts[verdict] += 1
            comment = f"IPv4 header {verdict.l3}, TCP/UDP {verdict.l4}, packet checksum {received.checksum:#06x}"
            self.capture.write(self.up, received.data, host.now, Direction.IN, [comment])
            answers.append(Answer(received.data, verdict, received.checksum))
        return answers
