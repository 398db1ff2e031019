"""A ring's memory is seen by the card before the card is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.drivers.em.ring.memory import RingMemory
from tests.drivers.fake_dma import FakeDma


class Told(FakeDma):
    """Mapping layer and hardware at once: notes barriers and registers in order."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, int]] = []

    def sync(self) -> None:
        self.log.append(("sync", 0))

    def write(self, name: str, value: int) -> None:
        self.log.append((name, value))


@pytest.mark.parametrize("way", ["R", "T"])
def test_a_barrier_stands_before_the_registers(way: str) -> None:
    told: Any = Told()
    memory = RingMemory(told, way, 16)
    memory.stage()
    memory.program(told, 15)
    names = [name for name, _ in told.log]
    assert names == ["sync", *(f"{way}D{register}" for register in ("BAL", "BAH", "LEN", "H", "T"))]
    assert told.log[-1] == (f"{way}DT", 15)
    memory.release()
    assert told.live == 0
