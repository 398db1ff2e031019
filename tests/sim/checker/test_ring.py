"""What a doorbell gives at the edges of a ring, whose doing it is, and when causes are read too late."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ringbed.drivers.world import Direction
from ringbed.hw.formats import em
from ringbed.hw.formats.em.rules import RULES
from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.world import checked
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.testbed.host import Collector
from tests.sim.checker.test_any_driver import AT, Card

SIZE = 8


class Bench:
    """A transmit ring of eight descriptors and a buffer for all of them, before a card that does nothing."""

    def __init__(self) -> None:
        card: Any = Card()
        memory = HostMemory(size=1 << 20)
        self.card, self.checker = card, Checker(RULES, card, memory)
        self.device, self.dma, _ = checked(self.checker, card, memory, Collector())
        self.ring = self.dma.coherent(16 * SIZE)
        self.buffer = self.dma.map(bytes(60), Direction.TO_DEVICE)
        for name, value in (("TDBAL", self.ring.iova & 0xFFFF_FFFF), ("TDBAH", self.ring.iova >> 32), ("TDLEN", 128)):
            self.write(name, value)

    def write(self, name: str, value: int) -> None:
        self.device.write(0, AT[name], value)

    def fill(self, *indices: int) -> None:
        for index in indices:
            raw = em.TX_DATA.pack(address=self.buffer.iova, DTALEN=60, DTYP=1, DEXT=1, EOP=1, IFCS=1, RS=1)
            self.ring.view[16 * index : 16 * index + 16] = raw.to_bytes(16, "little")

    def done(self, *indices: int) -> None:
        """The card writes back; its clock runs, as the host lets it."""
        for index in indices:
            word = int.from_bytes(self.ring.view[16 * index : 16 * index + 16], "little")
            self.ring.view[16 * index : 16 * index + 16] = (word | em.TX_DATA["DD"].mask).to_bytes(16, "little")
        self.card.now += 1
        self.checker.ran()

    def found(self) -> list[str]:
        return [each.rule for each in self.checker.take()]


@pytest.mark.parametrize(("tail", "rules"), [(SIZE - 1, []), (0, ["ring.full"])])
def test_a_tail_that_meets_the_head_is_an_empty_ring(tail: int, rules: list[str]) -> None:
    """Half of it is the card's already, and this doorbell gives the other half, or all but one."""
    bench = Bench()
    bench.fill(*range(4))
    bench.write("TDT", 4)
    bench.fill(*range(4, SIZE if tail == 0 else tail))
    bench.write("TDT", tail)
    assert bench.found() == rules


def test_what_was_done_is_free_for_the_next_round() -> None:
    bench = Bench()
    for start in range(0, 40, 4):
        indices = [at % SIZE for at in range(start, start + 4)]
        bench.fill(*indices)
        bench.write("TDT", (start + 4) % SIZE)
        bench.done(*indices)
    assert bench.found() == []


def test_a_descriptor_that_nobody_wrote_anew_is_the_doorbells_doing() -> None:
    """And not theirs who wrote it for a doorbell long before."""
    bench = Bench()
    bench.fill(*range(4))
    bench.write("TDT", 4)
    bench.done(*range(4))
    bench.fill(*range(4, SIZE))
    bench.write("TDT", 0)
    bench.done(*range(4, SIZE))
    line = sys._getframe().f_lineno + 1
    bench.device.write(0, AT["TDT"], 1)
    (found,) = bench.checker.take()
    assert found.rule == "ring.done_set"
    assert [(each.first, each.last) for each in found.where.ranges] == [(line, line)]


class Late:
    """Reads a buffer first and the causes then."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._buffer = bench.dma.map(bytes(60), Direction.FROM_DEVICE)

    def interrupt(self, vector: int) -> None:
        self._buffer.read(60)
        self._bench.device.read(0, AT["ICR"])


@pytest.mark.parametrize(("cause", "rules"), [("LSC", []), ("RXT0", ["irq.late"]), ("TXDW", ["irq.late"])])
def test_a_cause_of_no_ring_may_be_read_behind_them(cause: str, rules: list[str]) -> None:
    bench = Bench()
    driver: Any = Late(bench)
    bench.card.read = lambda bar, offset, size=4: em.REGISTERS["ICR"].mask(cause)
    bench.checker.interrupt(driver, bench.card)
    assert bench.found() == rules
