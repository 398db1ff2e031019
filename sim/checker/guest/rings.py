"""The rings of a driver that runs while the card does: what is told of one is true however the two are interleaved.

Such a driver sees a done bit as soon as it is in memory, and may have cleared it before anybody here has looked. So a
descriptor is the card's without doubt only while the head has not passed it and no write-back is out that the head
waits for.
"""

from __future__ import annotations

from typing import Protocol

from ringbed.sim.checker.buffers import UNIT, Buffers
from ringbed.sim.checker.places import NOWHERE, Stretch
from ringbed.sim.checker.registers import Registers
from ringbed.sim.checker.ring import Ring
from ringbed.sim.checker.rx import RxRing
from ringbed.sim.checker.scene import Scene
from ringbed.sim.checker.tx import TxRing
from ringbed.sim.processor.mirror import Change
from ringbed.sim.seam.engine import Event

__all__ = ["GuestRing", "GuestRx", "GuestTx", "Served"]

LONGEST, STEP = 10_000, 16  # clocks that a write-back may take to be answered; between two looks


class Served(Protocol):
    """The engine of a card whose driver does not wait for it: native."""

    @property
    def now(self) -> int: ...

    def peek(self, offset: int) -> int: ...

    def run(self, until: int, stop: Event = Event.IRQ) -> Event: ...

    def in_flight(self, iova: int, length: int) -> int: ...


class GuestRing(Ring):
    """`look` before anything is said of it. `served` is the card's engine."""

    served: Served

    def look(self) -> None:
        """Take what the card gave back, then what the driver stored since the last look."""
        memory = self._memory
        if memory is None:
            return
        changes = memory.mirror.take()
        self.written_back([change.index for change in changes])
        self._pass(self.served.peek(self._head))
        for change in changes:
            memory.written.add(change.index)
            self.stored(change.index, change, Stretch(NOWHERE, NOWHERE))

    def reset(self) -> None:
        super().reset()
        self._memory = None  # until its registers say anew where it is

    def doorbell(self, tail: int) -> None:
        if self._memory is None:
            self._place()  # its memory may have come after its registers
        super().doorbell(tail)
        self._filled.clear()  # of stores for the next doorbell some are there already: they are not counted

    def stored(self, index: int, change: Change, where: Stretch) -> None:
        self._fresh.add(index)
        done = int.from_bytes(change.now, "little") & self._done
        if not done and self.has(index):
            self._not_its_own(index, change, where)

    def has(self, index: int) -> bool:
        """Whether the card has this descriptor, without doubt."""
        if not self.owns(index):
            return False
        assert self._memory is not None
        end = self.served.now + LONGEST
        while self.served.in_flight(self._memory.iova, self.size * UNIT) and self.served.now < end:
            self.served.run(self.served.now + STEP, Event.NONE)
        self.served.run(self.served.now + STEP, Event.NONE)  # the head moves behind the answer
        self._pass(self.served.peek(self._head))
        return self.owns(index)

    def pointing(self, address: int, size: int) -> int | None:
        """A descriptor that the card has without doubt, whose buffer begins in these bytes."""
        held = [index for index, lent in self.held.items() if address <= lent.iova < address + size]
        return next((index for index in held if self.has(index)), None)

    def lies_in(self, address: int, size: int) -> bool:
        memory = self._memory
        return memory is not None and memory.iova < address + size and address < memory.iova + memory.length

    def taken_away(self, freed: bool) -> None:
        """The memory it is in is not there any more; `freed`: by its driver."""
        if freed:
            self.freed()
        self._memory = None

    @property
    def _head(self) -> int:
        return self._scene.rules.registers[self.names.head].offset

    def _pass(self, head: int) -> None:
        """What the head has passed is the driver's. One that is not among the card's is of another time: a reset that
        is still to come.
        """
        size = self.size
        if not size or (head - self.first) % size > (self.tail - self.first) % size:
            return
        while self.first != head:
            self.release(self.first)
            self.first = (self.first + 1) % size


class GuestTx(GuestRing, TxRing):
    """Transmit."""

    def __init__(self, scene: Scene, registers: Registers, buffers: Buffers, served: Served) -> None:
        super().__init__(scene, registers, buffers)
        self.served = served


class GuestRx(GuestRing, RxRing):
    """Receive; what is done with a frame is not seen."""

    def __init__(self, scene: Scene, registers: Registers, buffers: Buffers, served: Served) -> None:
        super().__init__(scene, registers, buffers)
        self.served = served
