"""Ask a card about frames and compare every answer with the oracle's.

The thing under test is a callable: wire frames without FCS go in, in order, and for each that came through it gives the
bytes, the verdict and the packet checksum, in order. It may be a card behind its driver, somebody else's RTL, or a
model; nothing here knows. A frame that never comes out is `lost`, one nobody sent is `extra`, one that came out changed
differs in its `bytes`: a diff of the two lists tells which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringbed.conformance.references.align import align
from ringbed.conformance.references.oracle import Oracle
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.wire.frame import pad

__all__ = ["Answer", "CardUnderTest", "Disagreement", "align", "check_replay"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out of a card for one frame, `data` without FCS; a `checksum` of None is not compared."""

    data: bytes
    verdict: Verdict
    checksum: int | None = None


class CardUnderTest(Protocol):
    """Takes frames of at least 60 bytes, all with a good FCS on the wire, and gives its answers in the same order."""

    def __call__(self, frames: Sequence[bytes]) -> Sequence[Answer]: ...


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Frame number `index` of those sent (for `extra`, of the one before which it came) and what differs.

    `what` is `lost`, `extra`, `bytes`, `l3`, `l4` or `checksum`.
    """

    index: int
    what: str
    kind: str
    expected: str
    got: str
    frame: bytes

    @property
    def words(self) -> str:
        """What happened, for a person."""
        if self.what == "lost":
            return "never came out of the card"
        if self.what == "extra":
            return f"{self.got} came out that nobody sent"
        return f"{self.what} is {self.got}, must be {self.expected}"

    def __str__(self) -> str:
        return f"frame {self.index} ({self.kind}): {self.words}"


def check_replay(
    card: CardUnderTest, frames: Sequence[bytes], oracle: Oracle, progress: Callable[[int], object] = lambda count: None
) -> list[Disagreement]:
    """Send `frames`, padded as a wire pads them, and list every disagreement in the order of the frames.

    `progress` is told of each frame that was compared: the number of frames, 1.
    """
    sent = [pad(frame) for frame in frames]
    found: list[Disagreement] = []
    for index, frame, answer in _pairs(sent, card(sent)):
        if frame is None and answer is not None:
            found.append(Disagreement(index, "extra", "", "nothing", f"{len(answer.data)} bytes", answer.data))
        elif frame is not None:
            found += _compare(index, frame, answer, oracle)
            progress(1)
    return found


def _pairs(sent: Sequence[bytes], answers: Sequence[Answer]) -> Iterator[tuple[int, bytes | None, Answer | None]]:
    """Each frame with its answer: by their order, and by their bytes where that does not go up."""
    for index, of, to in align(sent, [answer.data for answer in answers]):
        yield index, None if of is None else sent[of], None if to is None else answers[to]


def _compare(index: int, frame: bytes, answer: Answer | None, oracle: Oracle) -> Iterator[Disagreement]:
    expected = oracle(frame)
    if answer is None:
        yield Disagreement(index, "lost", expected.kind, "delivered", "lost", frame)
        return
    rows = [("bytes", frame.hex(), answer.data.hex())]
    rows += [("l3", expected.verdict.l3, answer.verdict.l3), ("l4", expected.verdict.l4, answer.verdict.l4)]
    if answer.checksum is not None:
        rows.append(("checksum", f"{expected.checksum:#06x}", f"{answer.checksum:#06x}"))
    for what, must, got in rows:
        if must != got:
            yield Disagreement(index, what, expected.kind, must, got, frame)
