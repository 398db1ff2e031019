"""A card behind an engine, as its driver sees it: the Device Protocol of `drivers/world.py`.

A read runs the card's clock until the answer is there; a write is posted; a delay lets the clock run.
"""

from __future__ import annotations

from ringbed.drivers.world import PciIdentity
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Engine, Event

__all__ = ["DeviceOverEngine"]


class DeviceOverEngine:
    """BAR 0 is the engine's register port, in 32-bit words. Raises ValueError for any other access."""

    def __init__(self, engine: Engine, pci: PciIdentity, frequency: Frequency | None = None) -> None:
        self.pci = pci
        self.lag = 0  # ns that pass after the next register read: a driver that is itself interrupted
        self._engine = engine
        self._frequency = frequency or Frequency()

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self._check(bar, offset, size)
        value = self._engine.read(offset)
        if self.lag:
            lag, self.lag = self.lag, 0
            self.delay(lag)
        return value

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._check(bar, offset, size)
        self._engine.write(offset, value)

    def peek(self, bar: int, offset: int) -> int:
        self._check(bar, offset, 4)
        return self._engine.peek(offset)

    def delay(self, nanoseconds: int) -> None:
        """At least so long; the card's interrupt line is not looked at meanwhile."""
        self._engine.run(self._engine.now + self._frequency.clocks(nanoseconds), Event.NONE)

    def interrupted(self, nanoseconds: int) -> bool:
        """Whether the line is up within so long; it stays up."""
        until = self._engine.now + self._frequency.clocks(nanoseconds)
        return Event.IRQ in self._engine.run(until, Event.IRQ)

    def _check(self, bar: int, offset: int, size: int) -> None:
        if bar != 0 or size != 4 or offset % 4 or not 0 <= offset < self.pci.bars[0]:
            raise ValueError(f"the card has 32-bit registers in BAR 0, not {size} bytes at {offset:#x} of BAR {bar}")
