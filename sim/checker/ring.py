"""One descriptor ring: which descriptors are the card's, who stored what, and what the tail gives to the card.

The card has those from `first` up to `tail`. It takes them at the doorbell; it gives them back by writing back a done
bit, and all at once by a reset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringbed.hw.formats.field import Register
from ringbed.hw.formats.rules import RingRegisters
from ringbed.sim.checker.buffers import UNIT, Buffers, Lent, Shared
from ringbed.sim.checker.places import NOWHERE, Stretch, here
from ringbed.sim.checker.registers import Registers
from ringbed.sim.checker.scene import Scene
from ringbed.sim.processor.mirror import Change

__all__ = ["Ring"]

FILLED = 8  # bytes of a descriptor that are not 0 in one that means something: its address, or a context's offsets


class Ring(ABC):
    """What both ways have in common. `give` is one way's own: a descriptor is the card's from now on."""

    def __init__(self, scene: Scene, registers: Registers, buffers: Buffers, names: RingRegisters, done: int) -> None:
        self.names, self.size = names, 0
        self.first = self.tail = 0
        self.held: dict[int, Lent] = {}  # the buffer of each descriptor that the card has
        self.wrote: dict[int, Stretch] = {}  # who wrote each descriptor last
        self._fresh: set[int] = set()  # written and not given since
        self._filled: set[int] = set()  # written with an address, or a context, since the last doorbell
        self._scene, self._registers, self._buffers, self._done = scene, registers, buffers, done
        self._memory: Shared | None = None
        self._offset = 0  # of the ring in its memory, in units
        self._pointers = {names.base, names.base_high, names.length, names.head}

    def owns(self, index: int) -> bool:
        """Whether the card has it."""
        return bool(self.size) and (index - self.first) % self.size < (self.tail - self.first) % self.size

    def name(self, index: int) -> str:
        return f"descriptor {index} of the {self.names.name} ring"

    def unit(self, index: int) -> bytes:
        assert self._memory is not None
        return self._memory.mirror.unit(self._offset + index)

    # ---- registers ----

    def written(self, register: Register, value: int) -> None:
        """A register of this ring, perhaps."""
        name = register.name
        if name == self.names.tail:
            self.doorbell(value)
        elif name in self._pointers:
            if self._registers.is_on(self.names.enable):
                on = f"{self.names.enable.register}.{self.names.enable.field}"
                self._scene.find_here("ring.live", f"{name} was written {value:#x} with {on} = 1")
            else:
                if name == self.names.head:
                    self.first = value
                self._place()

    def _place(self) -> None:
        """Where the ring is, as far as its registers say."""
        names, value = self.names, self._registers.value
        base = value(names.base) & ~(UNIT - 1) | value(names.base_high) << 32
        self.size = value(names.length) // UNIT
        self.first, self.tail = (at % self.size if self.size else 0 for at in (self.first, self.tail))
        for shared in self._buffers.of_ring(self):
            shared.rings = [each for each in shared.rings if each[2] is not self]
        self._memory = self._buffers.of_base(base, self.size * UNIT)
        if self._memory is not None:
            self._offset = (base - self._memory.iova) // UNIT
            self._memory.rings.append((self._offset, self.size, self))

    def reset(self) -> None:
        """The card has nothing any more; where the ring is has to be said anew."""
        for index in list(self.held):
            self.release(index)
        self.first = self.tail = self.size = 0
        self._fresh.clear()
        self._filled.clear()

    # ---- the doorbell ----

    def doorbell(self, tail: int) -> None:
        size = self.size
        if tail >= size:
            if tail or size:
                text = f"{self.names.tail} was written {tail}, and the ring has {size} descriptors"
                self._scene.find_here("ring.tail_outside", text)
            return
        if not self._has_memory():
            return
        given, had = (tail - self.tail) % size, (self.tail - self.first) % size
        if given + had >= size or (len(self._filled) == size and given != size - 1):
            text = f"{self.names.tail} was written {tail}: {had} and {given} of {size} descriptors"
            text += f", and {len(self._filled)} were filled" if given + had < size else " are the card's at once"
            self._scene.find_here("ring.full", text)
        self._filled.clear()
        before, self.tail = self.tail, tail
        if self._registers.is_on(self.names.enable):
            self._must_be_seen(before, f"{self.names.tail} was written {tail}")
        for offset in range(given):
            index = (before + offset) % size
            if index not in self._fresh:  # nobody wrote it for this doorbell: what is in it is the doorbell's doing
                self.wrote.pop(index, None)
            self._fresh.discard(index)
            if self._is_complete(index):
                self.give(index, self.unit(index))
        self.given()

    def turned_on(self) -> None:
        """Its direction was off until now: the doorbells rung before count from here."""
        if self._memory is not None:
            self._must_be_seen(self.first, f"{self.names.enable.register}.{self.names.enable.field} was set")

    def _must_be_seen(self, begin: int, bell: str) -> None:
        """The stores into all descriptors from `begin` up to the tail."""
        assert self._memory is not None
        if not self._memory.unseen:
            return
        indices = (
            [(begin + offset) % self.size for offset in range((self.tail - begin) % self.size)] if self.size else []
        )
        unseen = [index for index in indices if self._offset + index in self._memory.unseen]
        if unseen:
            more = f", and {len(unseen) - 1} more" if len(unseen) > 1 else ""
            text = f"{self.name(unseen[0])} (stored at {self.writer(unseen[0])}){more}"
            self._scene.find_here("ring.unsynced", f"{bell} before the stores into descriptors are seen: {text}")

    def _has_memory(self) -> bool:
        memory = self._memory
        if memory is not None and (self._offset + self.size) * UNIT <= memory.length:
            return True
        text = f"{self.names.tail} was written, and the ring of {self.size} descriptors is not in coherent memory"
        self._scene.find_here("ring.base", text)
        return False

    def _is_complete(self, index: int) -> bool:
        assert self._memory is not None
        if self._offset + index not in self._memory.written:
            self._scene.find_here("ring.unwritten", f"{self.name(index)} was given to the card and never written")
            return False
        if int.from_bytes(self.unit(index), "little") & self._done:
            text = f"{self.name(index)} was given to the card with its done bit set"
            self._scene.find("ring.done_set", text, self.writer(index))
            return False
        return True

    def writer(self, index: int) -> Stretch:
        """Who wrote a descriptor last; where nobody knows, the line that rings the bell."""
        return self.wrote.get(index) or Stretch(NOWHERE, here(), exact=True)

    @abstractmethod
    def give(self, index: int, raw: bytes) -> None:
        """The card has this descriptor from now on."""

    @abstractmethod
    def given(self) -> None:
        """All that this doorbell gave was looked at."""

    def hold(self, index: int, lent: Lent) -> None:
        self.release(index)
        self.held[index] = lent
        lent.owned += 1

    def release(self, index: int) -> None:
        lent = self.held.pop(index, None)
        if lent is not None:
            lent.owned -= 1

    # ---- memory ----

    def stored(self, index: int, change: Change, where: Stretch) -> None:
        if self.owns(index):
            self._not_its_own(index, change, where)
        self._fresh.add(index)
        if any(change.now[:FILLED]):
            self._filled.add(index)
        self.wrote[index] = where

    def _not_its_own(self, index: int, change: Change, where: Stretch) -> None:
        at = [byte for byte in range(len(change.now)) if change.now[byte] != change.before[byte]]
        text = f"{self.name(index)} was written (bytes {at[0]} to {at[-1]}) while the card has it"
        self._scene.find("ring.owned", text, where)

    @abstractmethod
    def written_back(self, indices: list[int]) -> None:
        """By the card: what is done is the driver's again."""

    def freed(self) -> None:
        """Its memory is about to go."""
        if self._registers.is_on(self.names.enable):
            on = f"{self.names.enable.register}.{self.names.enable.field}"
            self._scene.find_here("dma.early_free", f"the memory of the {self.names.name} ring was freed with {on} = 1")
        self.reset()
        self._memory = None
