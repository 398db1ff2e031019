"""Clocks per frame of each direction alone, at register level: no driver, all descriptors ready, 50 clocks of memory.

Steady state: the first and last tenth of the frames are left out.
"""

from __future__ import annotations

import random
from typing import Any

from ringbed.drivers.world import Direction
from ringbed.hw.formats import em
from ringbed.sim import cards
from ringbed.sim.engine import Event
from ringbed.sim.engines import open_engine
from ringbed.sim.memory import HostMemory
from ringbed.sim.wire import to_wire

__all__ = ["rx_clocks", "tx_clocks"]

FRAMES, STEP, LIMIT = 1000, 20, 1_000_000
DESCRIPTORS = 1024


class _Card:
    """The card with both rings set up and nothing in them."""

    def __init__(self, engine: str, latency: int) -> None:
        self.memory = HostMemory()
        self.engine: Any = open_engine(
            engine, cards.em(), self.memory, read_latency=latency, write_latency=latency
        )  # fmt: skip
        self.rx, self.tx = self.memory.coherent(16 * DESCRIPTORS), self.memory.coherent(16 * DESCRIPTORS)
        self.write("CTRL", em.REGISTERS["CTRL"].mask("SLU"))
        for letter, ring in (("R", self.rx), ("T", self.tx)):
            self.write(f"{letter}DBAL", ring.iova & 0xFFFFFFFF)
            self.write(f"{letter}DBAH", ring.iova >> 32)
            self.write(f"{letter}DLEN", 16 * DESCRIPTORS)
        self.write("RXCSUM", em.REGISTERS["RXCSUM"].mask("IPOFL", "TUOFL", "IPV6OFL"))
        self.write("RCTL", em.REGISTERS["RCTL"].mask("EN", "UPE", "MPE", "BAM", "SECRC"))
        self.write("TCTL", em.REGISTERS["TCTL"].mask("EN", "PSP"))

    def write(self, name: str, value: int) -> None:
        self.engine.write(em.REGISTERS[name].offset, value)

    def count(self, name: str) -> int:
        return int(self.engine.peek(em.REGISTERS[name].offset))

    def steady(self, counter: str, frames: int) -> float:
        """Clocks per frame while `counter` goes from a tenth of `frames` to nine tenths."""
        marks = []
        for part in (frames // 10, frames - frames // 10):
            while (done := self.count(counter)) < part:
                self.engine.run(self.engine.now + STEP, Event.FINDING)
                if self.engine.now > LIMIT:
                    raise RuntimeError(f"{counter} stands still at {done} of {frames}")
            marks.append((self.engine.now, done))
        (begin, first), (end, last) = marks
        if findings := self.engine.findings():
            raise RuntimeError(f"the bus checker found {findings[0].rule}: {findings[0].text}")
        return float((end - begin) / (last - first))


def _frames(size: int) -> list[bytes]:
    rng = random.Random(size)
    return [rng.randbytes(60 if size == 64 else size) for _ in range(FRAMES)]


def rx_clocks(size: int, engine: str = "native", latency: int = 50) -> float:
    """Clocks per received frame of `size` bytes (64 with FCS, others without)."""
    card = _Card(engine, latency)
    for index in range(FRAMES):
        buffer = card.memory.map(bytes(2048), Direction.FROM_DEVICE)
        card.rx.view[16 * index : 16 * index + 16] = em.RX_LEGACY.encode(address=buffer.iova)
    card.write("RDT", FRAMES)
    card.engine.read(em.REGISTERS["STATUS"].offset)  # everything before it has been done
    for frame in _frames(size):
        card.engine.wire_in(to_wire(b"\x02" + frame[1:]))
    clocks = card.steady("RB_RXDONE", FRAMES)
    card.engine.close()
    return clocks


def tx_clocks(size: int, engine: str = "native", latency: int = 50) -> float:
    """The same for frames sent."""
    card = _Card(engine, latency)
    for index, frame in enumerate(_frames(size)):
        buffer = card.memory.map(frame, Direction.TO_DEVICE)
        descriptor = em.TX_LEGACY.encode(address=buffer.iova, length=len(frame), EOP=1, IFCS=1, RS=1)
        card.tx.view[16 * index : 16 * index + 16] = descriptor
    card.write("TDT", FRAMES)
    clocks = card.steady("RB_TXWIRE", FRAMES)
    card.engine.close()
    return clocks
