"""The loopback bench says what became of a frame that is not the next one: changed, or lost before it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ringbed.benchmarks.sim_loop import DISTINCT, _run
from ringbed.drivers.world import TxFrame

STOCK = [bytes([number]) * 60 for number in range(DISTINCT)]


class Wire:
    """A host and its cable in one, that does to the frames of a batch what `hurt` says."""

    def __init__(self, hurt: dict[int, bytes | None]) -> None:
        self.hurt, self.now, self.sent = hurt, 0, 0
        self.waiting: list[bytes] = []
        self.driver = self.upper = self

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        for number, frame in enumerate(frames, self.sent):
            data = self.hurt.get(number, b"".join(map(bytes, frame.segments)))
            self.waiting += [] if data is None else [data]
        self.sent += len(frames)
        return len(frames)

    def advance(self, until: int) -> None:
        self.now = until

    def move(self) -> None:
        pass

    def take(self) -> list[Any]:
        taken, self.waiting = self.waiting, []
        return [SimpleNamespace(data=data) for data in taken]


@pytest.mark.parametrize(
    ("hurt", "sentence"),
    [
        ({5: bytes([200]) * 60}, "frame 5 of the loop came back changed"),
        ({5: STOCK[4]}, "frame 5 of the loop came back changed"),
        ({95: STOCK[103 % len(STOCK)]}, "frame 95 of the loop came back changed"),  # 103 was never sent
        ({70: None}, "frame 70 of the loop never came back: frame 71 did"),
        ({70: None, 71: None, 72: None}, "frame 70 to 72 of the loop never came back: frame 73 did"),
        ({99: None}, "the loop stands still after 99 of 100 frames"),
    ],
)
def test_what_became_of_a_frame(hurt: dict[int, bytes | None], sentence: str) -> None:
    wire: Any = Wire(hurt)
    with pytest.raises(RuntimeError, match=f"^{sentence}$"):
        _run(wire, wire, STOCK, 100)


def test_all_come_back() -> None:
    wire: Any = Wire({})
    _run(wire, wire, STOCK, 1000)
    assert wire.sent == 1000
