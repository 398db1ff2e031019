"""Weak stores against a machine that keeps every store in order, and against a naive list of what may be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.world import PciIdentity
from ringbed.sim.memory.host import HostMemory, MappingError
from ringbed.sim.memory.regions import POISON
from ringbed.sim.processor.weak import LATEST_NS, Weak
from ringbed.sim.processor.world import WeakDevice, WeakDma

SIZE = 64


class Clock:
    """A device whose clock is ns. `does` is what the card does when next it runs."""

    pci = PciIdentity(0, 0, 0, 0, (), "intx")

    def __init__(self) -> None:
        self.now = 0
        self.does: Callable[[], None] = lambda: None
        self.delays: list[int] = []
        self.seen: list[tuple[int, bytes]] = []  # what the card's memory was whenever it ran, and when
        self.ring: Any = None

    def _run(self, nanoseconds: int) -> None:
        if self.ring is not None:
            self.seen.append((self.now, bytes(self.ring.inner.view)))
        self.now += nanoseconds
        does, self.does = self.does, lambda: None
        does()

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self._run(100)
        return 0

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        pass

    def peek(self, bar: int, offset: int) -> int:
        return 0

    def delay(self, nanoseconds: int) -> None:
        self.delays.append(nanoseconds)
        self._run(nanoseconds)

    def interrupted(self, nanoseconds: int) -> bool:
        self._run(nanoseconds)
        return True


class Machine:
    """A driver's view of it, and beside it `order`: the same memory where no store waits. `may` has, for each byte,
    all that the card may see there: what it was at the last barrier, and what was stored since.
    """

    def __init__(self, seed: int) -> None:
        self.clock = Clock()
        self.weak = Weak(seed, self.clock, lambda: self.clock.now)
        self.device, self.dma = WeakDevice(self.clock, self.weak), WeakDma(HostMemory(size=1 << 20), self.weak)
        self.ring: Any = self.dma.coherent(SIZE)
        self.clock.ring = self.ring
        self.order = bytearray(SIZE)
        self.may = [{0} for _ in range(SIZE)]

    @property
    def cards(self) -> bytes:
        return bytes(self.ring.inner.view)

    def store(self, at: int, data: bytes) -> None:
        data = data[: SIZE - at]
        for memory in (self.ring.view, self.order):
            memory[at : at + len(data)] = data
        for place, byte in enumerate(data, at):
            self.may[place].add(byte)

    def card_writes(self, at: int, data: bytes) -> None:
        """When its clock runs next; only where it may see one thing, as it has what nobody stored into since."""
        places = [place for place in range(at, min(SIZE, at + len(data))) if len(self.may[place]) == 1]

        def write() -> None:
            for place in places:
                self.ring.inner.view[place] = self.order[place] = data[place - at]
                self.may[place] = {data[place - at]}

        self.clock.does = write

    def barrier(self) -> None:
        self.may = [{byte} for byte in self.order]


def step(machine: Machine, what: str, at: int, data: bytes) -> None:
    if what == "store":
        machine.store(at, data)
    elif what == "card":
        machine.card_writes(at, data)
        machine.device.delay(len(data) * 100)
    elif what == "write":
        machine.device.write(0, 0, at)
    elif what == "read":
        machine.device.read(0, 0)
        machine.barrier()
    else:  # a doorbell as it should be
        machine.dma.sync()
        machine.barrier()
        machine.device.write(0, 0, at)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("store", "store", "store", "card", "write", "read", "bell")),
        st.integers(0, SIZE - 1),
        st.binary(min_size=1, max_size=20),
    ),
    max_size=30,
)


@given(STEPS, st.integers(0, 1000))
@settings(max_examples=200)
def test_with_a_barrier_before_each_doorbell_the_card_sees_what_order_would_show(
    steps: list[tuple[str, int, bytes]], seed: int
) -> None:
    """At each doorbell and read; in between, at each byte, one of what was stored there. The driver sees its own."""
    machine = Machine(seed)
    for what, at, data in steps:
        step(machine, what, at, data)
        if what in ("bell", "read"):
            assert machine.cards == machine.order
        assert all(byte in may for byte, may in zip(machine.cards, machine.may, strict=True))
        assert bytes(machine.ring.view) == machine.order
    machine.weak.drain()
    assert machine.cards == machine.order


def seen(seed: int) -> list[tuple[int, bytes]]:
    """What the card has behind two stores and a doorbell without a barrier, each time that it runs."""
    machine = Machine(seed)
    machine.store(0, b"\1")
    machine.store(8, b"\2")
    machine.device.write(0, 0, 1)
    machine.weak.drain()
    return [*machine.clock.seen, (machine.clock.now, machine.cards)]


def test_without_one_stores_come_late_and_in_any_order() -> None:
    """Before, one of the two, both; which one first is the seed's."""
    firsts = set()
    for seed in range(20):
        states = [(memory[0], memory[8]) for _, memory in seen(seed)]
        assert states[0] == (0, 0)
        assert states[-1] == (1, 2)
        assert all(late <= LATEST_NS for late, _ in seen(seed))
        firsts |= {state for state in states if state in ((1, 0), (0, 2))}
    assert firsts == {(1, 0), (0, 2)}


def test_a_seed_gives_one_order() -> None:
    assert seen(5) == seen(5)
    assert len({str(seen(seed)) for seed in range(5)}) == 5


def test_a_word_is_one_store() -> None:
    """What is changed again before it was seen is seen as it is then."""
    for seed in range(10):
        machine = Machine(seed)
        machine.store(16, bytes(range(1, 9)))
        machine.weak.look()
        machine.store(16, b"\xff")
        machine.weak.drain()
        words = {memory[16:24] for _, memory in machine.clock.seen} | {machine.cards[16:24]}
        assert words <= {bytes(8), b"\xff" + bytes(range(2, 9))}


def test_where_both_wrote_the_drivers_is_there_last() -> None:
    machine = Machine(3)
    machine.store(8, b"\7")
    machine.device.write(0, 0, 0)

    def write_back() -> None:
        machine.ring.inner.view[8:12] = b"\x55\x66\x77\x88"

    machine.clock.does = write_back
    machine.clock.delay(1)
    machine.weak.look()
    assert bytes(machine.ring.view[8:12]) == b"\7\x66\x77\x88"
    assert machine.cards[8:12] == b"\x55\x66\x77\x88"
    machine.weak.drain()
    assert machine.cards[8:12] == b"\7\x66\x77\x88"


def test_time_is_the_devices_own() -> None:
    """With nothing to wait for, a delay is one delay, and no other time passes."""
    machine = Machine(1)
    machine.device.delay(500)
    machine.device.delay(0)
    machine.weak.drain()
    assert machine.clock.delays == [500, 0]
    machine.store(0, b"\1\2\3")
    machine.store(40, b"\1")
    machine.device.delay(LATEST_NS)
    assert sum(machine.clock.delays) == 500 + LATEST_NS
    assert machine.cards == machine.order


def test_a_delay_is_not_longer_for_what_waits() -> None:
    machine = Machine(1)
    machine.store(0, bytes(range(1, 65)))
    machine.device.delay(100)
    assert sum(machine.clock.delays) == 100
    assert machine.cards != machine.order
    machine.device.delay(LATEST_NS)
    assert machine.cards == machine.order


def test_what_the_card_wrote_is_there_behind_a_read_and_a_delay() -> None:
    """And is the card's: it may be written again, and waits for nothing."""
    machine = Machine(1)
    for byte in range(1, 5):
        machine.card_writes(4, bytes([byte]) * 9)
        if byte % 2:
            machine.device.read(0, 0)
        else:
            machine.device.delay(1)
        assert bytes(machine.ring.view) == machine.order == machine.cards
        assert machine.ring.view[12] == byte
        machine.device.write(0, 0, 0)
        assert machine.ring.waiting == {}


def test_a_wait_for_an_interrupt_lets_stores_be_seen_and_brings_what_came() -> None:
    machine = Machine(1)
    machine.store(0, b"\1")
    assert machine.device.interrupted(100)
    assert machine.cards == machine.order
    machine.card_writes(4, b"\5")
    assert machine.device.interrupted(100)
    assert machine.ring.view[4] == 5


def test_freed_memory() -> None:
    """A use of the view fails, one of a cast reads poison, and is told where it stores."""
    machine = Machine(1)
    cast = machine.ring.view.cast("Q")
    machine.store(0, b"\1")
    card = memoryview(machine.dma._data)
    at = machine.ring.inner.slot
    machine.dma.free(machine.ring)
    assert card[at] == POISON
    with pytest.raises(ValueError, match="released"):
        machine.ring.view[0] = 1
    assert cast[1] == int.from_bytes(bytes([POISON]) * 8, "little")
    assert machine.weak.written_late() == []
    cast[1] = 0
    (text,) = machine.weak.written_late()
    assert text == f"{machine.ring!r} was written (byte 8 to 15) after it was freed"
    assert machine.weak.written_late() == []
    with pytest.raises(MappingError, match="second free of the coherent memory of 64 bytes"):
        machine.dma.free(machine.ring)
