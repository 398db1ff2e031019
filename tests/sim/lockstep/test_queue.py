"""A virtqueue from the device's side, over memory that a test writes as a driver would."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

from ringbed.sim.lockstep.memory import LentMemory
from ringbed.sim.lockstep.queue import Queue
from ringbed.sim.lockstep.vhost import Bad, MemRegion, MemTable, VringAddress
from ringbed.sim.serve.memory import ClientMemory

PLACE, OWN, SIZE = 0x10000, 0x50000, 4  # the guest's address of the memory, the kernel's own; entries
ADDRESS = VringAddress(0, OWN, OWN + 0x200, OWN + 0x100)
NEXT, WRITE, INDIRECT = 1, 2, 4


class Ring:
    """The driver's half."""

    def __init__(self) -> None:
        self.file = os.memfd_create("ring")
        os.ftruncate(self.file, 0x2000)
        self.lent = LentMemory(ClientMemory())
        self.lent.replace(MemTable((MemRegion(PLACE, 0x1000, OWN, 0x1000),)), [self.file])
        self.queue = Queue(self.lent, SIZE, ADDRESS, 0xFFFE)
        self.index = 0xFFFE
        self.put(0x102, struct.pack("<H", self.index))

    def put(self, at: int, data: bytes) -> None:
        os.pwrite(self.file, data, 0x1000 + at)

    def descriptor(self, number: int, at: int, size: int, flags: int, behind: int = 0) -> None:
        self.put(16 * number, struct.pack("<QIHH", PLACE + at, size, flags, behind))

    def offer(self, head: int) -> None:
        self.put(0x104 + 2 * (self.index % SIZE), struct.pack("<H", head))
        self.index = self.index + 1 & 0xFFFF
        self.put(0x102, struct.pack("<H", self.index))

    def used(self) -> tuple[int, bytes]:
        data = os.pread(self.file, 4 + 8 * SIZE, 0x1200)
        return int.from_bytes(data[2:4], "little"), data[4:]


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring()
    yield made
    os.close(made.file)


def test_chains_come_in_order_and_go_back_with_what_was_written(ring: Ring) -> None:
    """Round the end of the ring and of its index, which both wrap."""
    assert ring.queue.take() is None
    ring.put(0x800, b"hello, world")
    ring.descriptor(0, 0x800, 7, NEXT, 2)
    ring.descriptor(2, 0x807, 5, NEXT, 3)
    ring.descriptor(3, 0x900, 3, WRITE | NEXT, 1)
    ring.descriptor(1, 0x910, 9, WRITE)
    for number in range(6):
        ring.offer(0)
        chain = ring.queue.take()
        assert chain is not None
        assert (chain.head, chain.said, [len(each) for each in chain.room]) == (0, b"hello, world", [3, 9])
        assert ring.queue.take() is None
        assert chain.answer(b"abcdef") == 6
        assert os.pread(ring.file, 0x13, 0x1900) == b"abc" + bytes(13) + b"def"
        ring.queue.give(chain, number)
        assert ring.used()[0] == number + 1
        assert struct.unpack_from("<II", ring.used()[1], 8 * (number % SIZE)) == (0, number)


def test_an_answer_has_no_more_room_than_there_is(ring: Ring) -> None:
    ring.descriptor(0, 0x900, 3, WRITE)
    ring.offer(0)
    chain = ring.queue.take()
    assert chain is not None
    assert chain.answer(b"abcdef") == 3
    assert os.pread(ring.file, 4, 0x1900) == b"abc\0"


def test_what_cannot_be_is_refused(ring: Ring) -> None:
    for entries, why in (
        ([(0, 0x800, 4, INDIRECT, 0)], "descriptor 0 of 4 bytes has flags 0x4"),
        ([(0, 0x800, 4, WRITE | NEXT, 1), (1, 0x800, 4, 0, 0)], "descriptor 1 of 4 bytes has flags 0x0"),
        ([(0, 0x800, 4, NEXT, 4)], "descriptor 4 of a queue of 4"),
        ([(0, 0x800, 4, NEXT, 0)], "the chain from descriptor 0 on has no end"),
        ([(0, 0xFFF, 2, 0, 0)], "2 bytes at 0x10fff are in no memory that was lent"),
        ([(0, -1, 1, 0, 0)], "1 bytes at 0xffff are in no memory"),
        ([(0, 0, 1 << 18, 0, 0)], "descriptor 0 of 262144 bytes has flags 0x0"),
    ):
        for entry in entries:
            ring.descriptor(*entry)
        ring.offer(0)
        with pytest.raises(Bad, match=why):
            ring.queue.take()
        ring.index = ring.index - 1 & 0xFFFF  # it stands as it was: the driver takes it back
    ring.put(0x102, struct.pack("<H", ring.index + SIZE + 1 & 0xFFFF))
    with pytest.raises(Bad, match="a queue of 4 entries says that 5 are available"):
        ring.queue.take()
    ring.put(0x104 + 2 * (ring.index % SIZE), struct.pack("<H", 9))
    ring.put(0x102, struct.pack("<H", ring.index + 1 & 0xFFFF))
    with pytest.raises(Bad, match="descriptor 9 of a queue of 4"):
        ring.queue.take()


def test_its_parts_lie_in_lent_memory(ring: Ring) -> None:
    for address in (
        VringAddress(0, OWN + 0xFF0, OWN, OWN), VringAddress(0, OWN, OWN + 0xFF0, OWN),
        VringAddress(0, OWN, OWN, OWN + 0xFFE), VringAddress(0, PLACE, OWN, OWN),
    ):  # fmt: skip
        with pytest.raises(Bad, match="are in no memory that was lent"):
            Queue(ring.lent, SIZE, address)


def test_a_table_that_is_refused_lends_nothing(ring: Ring) -> None:
    good, bad = MemRegion(PLACE, 0x1000, OWN, 0), MemRegion(PLACE + 0x1000, 0x3000, OWN + 0x1000, 0)
    with pytest.raises(Bad, match="it has 8192 bytes"):
        ring.lent.replace(MemTable((good, bad)), [ring.file, ring.file])
    assert ring.lent.card.windows == 0
    with pytest.raises(Bad):
        ring.lent.at(PLACE, 1)
    ring.lent.replace(MemTable((good,)), [ring.file])
    ring.lent.replace(MemTable((good,)), [ring.file])
    assert ring.lent.card.windows == 1, "the last takes the place of all before"
    os.pwrite(ring.file, b"x", 5)
    assert bytes(ring.lent.at(PLACE + 5, 1)) == bytes(ring.lent.own(OWN + 5, 1)) == b"x"
