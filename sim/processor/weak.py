"""Stores that are seen late: the driver has a copy of all coherent memory, and what it changes there waits.

A word of eight bytes is one store. What a driver stored since the last look gets a time each, drawn from a seed, and is
written into the card's memory when that time has come, so the order is another than it was stored in; a barrier ends
the waiting. Two stores into one word are one, the later: a processor keeps those of one place in order.

What the card writes is brought into the copy at every look; clocks never run without one behind them. Where both wrote
the same byte, the driver goes on seeing its own, which is there last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from ringbed.drivers.world import Coherent, Device
from ringbed.sim.memory.regions import POISON
from ringbed.sim.processor.mirror import Mirror

__all__ = ["LATEST_NS", "Copied", "Weak"]

WORD = 8  # bytes
LATEST_NS = 3_000  # long enough for a card to read a descriptor that is not there yet
FREED = 64  # copies that are looked at for stores behind their end


@dataclass(slots=True)
class _Waiting:
    """A word that the driver changed: its bytes, by their place in memory, and when they are seen, in ns."""

    due: int
    places: set[int] = field(default_factory=set)


class Copied:
    """Coherent memory for the driver: `view` is its copy, `inner` what the card has."""

    def __init__(self, inner: Coherent) -> None:
        self.inner, self.iova = inner, inner.iova
        self._data = bytearray(inner.view)
        self.view = memoryview(self._data)
        self._mine, self._cards = Mirror(memoryview(self._data), WORD), Mirror(inner.view, WORD)
        self.waiting: dict[int, _Waiting] = {}  # by word

    def look(self, due: Callable[[], int]) -> None:
        """What the driver stored waits from now on, what the card wrote is in the copy."""
        for change in self._mine.take():
            if change.index not in self.waiting:
                self.waiting[change.index] = _Waiting(due())
            at = change.index * WORD
            differs = {at + byte for byte, now in enumerate(change.now) if now != change.before[byte]}
            self.waiting[change.index].places |= differs
        for change in self._cards.take():
            at = change.index * WORD
            mine = self.waiting[change.index].places if change.index in self.waiting else set()
            for byte, now in enumerate(change.now):
                if now != change.before[byte] and at + byte not in mine:
                    self._data[at + byte] = now
        self._mine.take()

    def release(self, until: int | None) -> None:
        """Into the card's memory goes what is due at `until` ns, or all; behind a `look`."""
        for word in [word for word, each in self.waiting.items() if until is None or each.due <= until]:
            for place in self.waiting.pop(word).places:
                self.inner.view[place] = self._data[place]

    def end(self) -> None:
        """It is freed: what is left of it reads as the card's does."""
        self.view.release()
        self._data[:] = bytes([POISON]) * len(self._data)

    def written_late(self) -> str:
        """A sentence on what was stored behind `end`, or ""."""
        mark, data = bytes([POISON]), bytes(self._data)
        first, end = len(data) - len(data.lstrip(mark)), len(data.rstrip(mark))
        return f"{self!r} was written (byte {first} to {end - 1}) after it was freed" if first < end else ""

    def __repr__(self) -> str:
        return repr(self.inner)


class Weak:
    """All coherent memory of one driver. `now` gives ns, `device` lets them pass."""

    def __init__(self, seed: int, device: Device, now: Callable[[], int]) -> None:
        self._random, self._device, self._now = Random(seed), device, now
        self._copies: dict[int, Copied] = {}
        self._freed: deque[Copied] = deque(maxlen=FREED)

    def share(self, inner: Coherent) -> Copied:
        copied = self._copies[inner.iova] = Copied(inner)
        return copied

    def take_back(self, memory: Coherent) -> Coherent:
        """What the mapping layer is to free for it; foreign memory as it is."""
        if not isinstance(memory, Copied):
            return memory
        if self._copies.get(memory.iova) is memory:
            del self._copies[memory.iova]
            memory.end()
            self._freed.append(memory)
        return memory.inner

    def look(self) -> None:
        """The driver stored something, perhaps, or clocks ran."""
        now = self._now()
        for each in self._copies.values():
            each.look(lambda: now + self._random.randrange(LATEST_NS + 1))

    def barrier(self) -> None:
        """All that was stored until now is seen."""
        self.look()
        for each in self._copies.values():
            each.release(None)

    def trickle(self) -> None:
        """What is due by now is seen; no time passes."""
        self.look()
        self._release(self._now())

    def let(self, nanoseconds: int) -> None:
        """Time passes, and on the way what is due is seen."""
        self.look()
        dues, end = self._dues(), self._now() + nanoseconds
        if not dues:
            self._wait(nanoseconds)
            return
        for until in (*(due for due in dues if due < end), end):
            if (left := until - self._now()) > 0:
                self._wait(left)
            self._release(until)

    def drain(self) -> None:
        """The driver does nothing more for now: time passes until all is seen; none if all is."""
        self.look()
        if dues := self._dues():
            self.let(max(0, dues[-1] - self._now()))

    def written_late(self) -> list[str]:
        """Sentences on memory that the driver went on storing into after its free, each told once."""
        late = [(each, text) for each in self._freed if (text := each.written_late())]
        for each, _ in late:
            self._freed.remove(each)
        return [text for _, text in late]

    def _dues(self) -> list[int]:
        return sorted({waiting.due for each in self._copies.values() for waiting in each.waiting.values()})

    def _release(self, until: int) -> None:
        for each in self._copies.values():
            each.release(until)

    def _wait(self, nanoseconds: int) -> None:
        self._device.delay(nanoseconds)
        self.look()
