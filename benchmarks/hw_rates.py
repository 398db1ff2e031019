"""Clocks per frame of each direction alone, at register level, and what the DMA's data channels carried meanwhile.

No driver: all descriptors are ready when the first frame starts. Steady state: the first and last tenth of the frames
are left out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from ringbed.drivers.world import Direction
from ringbed.hw.formats import em
from ringbed.sim import cards
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.engine import Event
from ringbed.sim.wire.frame import to_wire

__all__ = ["Rate", "rx_rate", "tx_rate"]

FRAMES, STEP, LIMIT = 1000, 20, 1_000_000
DESCRIPTORS = 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """Per frame: clocks, and beats of the busier of the DMA's data channels, descriptors and status included."""

    clocks: float
    beats: float

    @property
    def over_beats(self) -> float:
        """Clocks for each beat of the busier channel: 1 is the bus used in every clock."""
        return self.clocks / self.beats

    @property
    def use(self) -> float:
        """Percent of the clocks in which the busier channel moved a beat."""
        return 100 * self.beats / self.clocks


class _Card:
    """The card with both rings set up and nothing in them. `rx_kb` is receive's share of the packet buffer."""

    def __init__(self, engine: str, latency: int, width: int, rx_kb: int) -> None:
        self.memory = HostMemory()
        self.engine: Any = open_engine(
            engine, cards.em(width=width), self.memory, read_latency=latency, write_latency=latency
        )  # fmt: skip
        self.rx, self.tx = self.memory.coherent(16 * DESCRIPTORS), self.memory.coherent(16 * DESCRIPTORS)
        self._share(rx_kb)
        self.write("CTRL", em.REGISTERS["CTRL"].mask("SLU"))
        for letter, ring in (("R", self.rx), ("T", self.tx)):
            self.write(f"{letter}DBAL", ring.iova & 0xFFFFFFFF)
            self.write(f"{letter}DBAH", ring.iova >> 32)
            self.write(f"{letter}DLEN", 16 * DESCRIPTORS)
        self.write("RXCSUM", em.REGISTERS["RXCSUM"].mask("IPOFL", "TUOFL", "IPV6OFL"))
        self.write("RCTL", em.REGISTERS["RCTL"].mask("EN", "UPE", "MPE", "BAM", "SECRC"))
        self.write("TCTL", em.REGISTERS["TCTL"].mask("EN", "PSP"))

    def _share(self, rx_kb: int) -> None:
        """PBA is in force from the next reset on."""
        self.write("PBA", rx_kb)
        reset = em.REGISTERS["CTRL"].mask("RST")
        self.write("CTRL", reset)
        while self.engine.read(em.REGISTERS["CTRL"].offset) & reset:
            pass

    def write(self, name: str, value: int) -> None:
        self.engine.write(em.REGISTERS[name].offset, value)

    def count(self, name: str) -> int:
        return int(self.engine.peek(em.REGISTERS[name].offset))

    def steady(self, counter: str, frames: int) -> Rate:
        """Per frame while `counter` goes from a tenth of `frames` to nine tenths."""
        marks, end = [], self.engine.now + LIMIT
        for part in (frames // 10, frames - frames // 10):
            while (done := self.count(counter)) < part:
                self.engine.run(self.engine.now + STEP, Event.FINDING)
                if self.engine.now > end:
                    raise RuntimeError(f"{counter} stands still at {done} of {frames}")
            stats = self.engine.stats()
            marks.append((self.engine.now, stats.read_beats, stats.write_beats, done))
        begin, read, written, done = (after - before for before, after in zip(*marks, strict=True))
        if findings := self.engine.findings():
            raise RuntimeError(f"the bus checker found {findings[0]}")
        return Rate(begin / done, max(read, written) / done)


def _frames(size: int) -> list[bytes]:
    rng = random.Random(size)
    return [rng.randbytes(60 if size == 64 else size) for _ in range(FRAMES)]


def rx_rate(size: int, engine: str = "native", latency: int = 50, width: int = 64) -> Rate:
    """Frames of `size` bytes (64 with FCS, others without) received, as fast as the wire can bring them.

    The wire's own beats may be more than the bus's: they carry the FCS.
    """
    card = _Card(engine, latency, width, 48)
    for index in range(FRAMES):
        buffer = card.memory.map(bytes(2048), Direction.FROM_DEVICE)
        card.rx.view[16 * index : 16 * index + 16] = em.RX_LEGACY.encode(address=buffer.iova)
    card.write("RDT", FRAMES)
    card.engine.read(em.REGISTERS["STATUS"].offset)  # everything before it has been done
    for frame in _frames(size):
        card.engine.wire_in(to_wire(b"\x02" + frame[1:]))
    rate = card.steady("RB_RXDONE", FRAMES)
    card.engine.close()
    return rate


def tx_rate(size: int, engine: str = "native", latency: int = 50, width: int = 64) -> Rate:
    """The same for frames sent. A wide card gets half the packet buffer: latency times width must fit there."""
    card = _Card(engine, latency, width, 48 if width == 64 else 32)
    for index, frame in enumerate(_frames(size)):
        buffer = card.memory.map(frame, Direction.TO_DEVICE)
        descriptor = em.TX_LEGACY.encode(address=buffer.iova, length=len(frame), EOP=1, IFCS=1, RS=1)
        card.tx.view[16 * index : 16 * index + 16] = descriptor
    card.write("TDT", FRAMES)
    rate = card.steady("RB_TXWIRE", FRAMES)
    card.engine.close()
    return rate
