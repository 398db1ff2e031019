"""The descriptors of the `em` transmit ring: put one by one, given to the card in groups, taken back when done.

A group's last descriptor has RS: done there means done before it. A group ends with every `rs_every`-th frame, and
where the owner of the ring ends it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.memory import HIGH, RingMemory
from ringbed.drivers.world import Dma, Mapping
from ringbed.hw.formats import em

__all__ = ["TxDescriptors"]

RS = em.TX_DATA.mask("RS") >> HIGH
DONE = em.TX_DATA.mask("DD") >> HIGH


@dataclass(slots=True)
class _Group:
    """Frames that one RS covers: give their buffers back when the descriptor at `last` is done."""

    last: int = 0
    descriptors: int = 0
    frames: int = 0
    buffers: list[Mapping] = field(default_factory=list)


class TxDescriptors:
    """At most N-1 of `size` N descriptors are the card's. Of `counters` it has `tx_reset`: see TxRing."""

    def __init__(self, dma: Dma, hardware: EmHardware, size: int, counters: dict[str, int]) -> None:
        self._memory = RingMemory(dma, "T", size)
        self.size, self.counters = size, counters
        self.completed = 0  # groups given back since the start: the watchdog's sign of life
        self._dma = dma
        self._hardware = hardware
        self._rs_every = max(1, size // 8)
        self._words = self._memory.words
        self._card_frames = 0
        self._empty()

    def _empty(self) -> None:
        self._tail = 0
        self._free = self.size - 1
        self._groups: deque[_Group] = deque()
        self._open = _Group()
        self._posted = 0  # frames since the ring was programmed

    def stage(self) -> None:
        """Allocate the ring, once for many resets."""
        self._memory.stage()
        self._words = self._memory.words

    def release(self) -> None:
        """Free the ring; only after `abandon`."""
        self._memory.release()

    def program(self) -> None:
        """Write the ring's registers; the card has been reset. TCTL.EN comes after."""
        self._card_frames = self._hardware.read("RB_TXFRAME")
        self._memory.program(self._hardware, tail=0)

    @property
    def used(self) -> int:
        """Descriptors the card has, done or not."""
        return self.size - 1 - self._free

    @property
    def posted(self) -> int:
        """Frames since the ring was programmed."""
        return self._posted

    def _end_frame(self) -> None:
        self._open.frames += 1
        self._posted += 1
        if self._open.frames == self._rs_every:
            self._close_group()

    def _put(self, low: int, high: int) -> None:
        tail = self._tail
        self._words[2 * tail] = low
        self._words[2 * tail + 1] = high
        self._tail = tail + 1 if tail + 1 < self.size else 0
        self._free -= 1
        self._open.descriptors += 1

    def _close_group(self) -> None:
        """Ask for a write-back of the last frame's last descriptor."""
        self._words[2 * self._open.last + 1] |= RS
        self._groups.append(self._open)
        self._open = _Group()

    def clean(self) -> None:
        """Give back the buffers of every group that is done, the newest looked at last."""
        groups, words, unmap = self._groups, self._words, self._dma.unmap
        while groups and words[2 * groups[0].last + 1] & DONE:
            group = groups.popleft()
            for buffer in group.buffers:
                unmap(buffer)
            self._free += group.descriptors
            self.completed += 1

    def abandon(self) -> None:
        """After a reset of the card: give back everything, count what the card had not taken.

        A card without the RB window reads 0 there; then all that was not seen done counts as lost.
        """
        in_flight = sum(group.frames for group in self._groups)
        taken = self._hardware.read("RB_TXFRAME") - self._card_frames & 0xFFFF_FFFF
        self.counters["tx_reset"] += min(in_flight, max(0, self._posted - taken))
        for group in self._groups:
            for buffer in group.buffers:
                self._dma.unmap(buffer)
        self._empty()
