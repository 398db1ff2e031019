"""A card behind an engine, as its driver sees it: the Device Protocol of `drivers/world.py`.

A read runs the card's clock until the answer is there; a write is posted; a delay lets the clock run. This is the PCI
function of the card: BARs, configuration space and the I/O window are here and not in RTL, which begins at the register
bus behind them. So every engine has them, and no card pays for them in clocks or cells.
"""

from __future__ import annotations

from functools import cached_property

from ringbed.drivers.world import PciIdentity
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Engine, Event
from ringbed.sim.seam.pci import ConfigSpace

__all__ = ["DeviceOverEngine", "IoWindow"]

IOADDR, IODATA = 0, 4  # of the I/O BAR: the offset of a register of BAR 0, and that register


class IoWindow:
    """Which register an access means, for who looks on: `address` is what was written to IOADDR last."""

    def __init__(self) -> None:
        self._address = 0

    def register(self, bar: int, offset: int) -> int | None:
        """Its offset; None for an access to the window's own. Any BAR but the first is the window."""
        return offset if not bar else self._address if offset == IODATA else None

    def written(self, bar: int, offset: int, value: int) -> int | None:
        """The same of a write, which may say where the window is."""
        if bar and offset == IOADDR:
            self._address = value
            return None
        return self.register(bar, offset)


class DeviceOverEngine:
    """The engine's register port, in 32-bit words, is in each BAR that `pci` has registers in; in `pci.io_bar` it is
    seen through a window.

    Raises ValueError for any other access.
    """

    def __init__(self, engine: Engine, pci: PciIdentity, frequency: Frequency | None = None) -> None:
        self.pci = pci
        self.lag = 0  # ns that pass after the next register read: a driver that is itself interrupted
        self._ioaddr, self._window = 0, pci.io_bar
        self._sizes = {bar: size for bar, size in enumerate(pci.bars) if pci.has_registers(bar)}
        self._engine = engine
        self._frequency = frequency or Frequency()

    @cached_property
    def config(self) -> ConfigSpace:
        """Configuration space; made when it is first asked for, as few drivers here look at it."""
        return ConfigSpace(self.pci)

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self._check(bar, offset, size)
        if bar == self._window and offset == IOADDR:
            return self._ioaddr
        register = self._register(bar, offset)
        if register is None:
            return 0
        value = self._engine.read(register)
        if self.lag:
            lag, self.lag = self.lag, 0
            self.delay(lag)
        return value

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._check(bar, offset, size)
        if bar == self._window and offset == IOADDR:
            self._ioaddr = value & 0xFFFF_FFFF
        elif (register := self._register(bar, offset)) is not None:
            self._engine.write(register, value)

    def peek(self, bar: int, offset: int) -> int:
        self._check(bar, offset, 4)
        if bar == self._window and offset == IOADDR:
            return self._ioaddr
        register = self._register(bar, offset)
        return 0 if register is None else self._engine.peek(register)

    def delay(self, nanoseconds: int) -> None:
        """At least so long; the card's interrupt line is not looked at meanwhile."""
        self._engine.run(self._engine.now + self._frequency.clocks(nanoseconds), Event.NONE)

    def interrupted(self, nanoseconds: int) -> bool:
        """Whether the line is up within so long; it stays up."""
        until = self._engine.now + self._frequency.clocks(nanoseconds)
        return Event.IRQ in self._engine.run(until, Event.IRQ)

    def _register(self, bar: int, offset: int) -> int | None:
        """Which register is meant; None where the I/O window shows none: flash, nothing at all, half a word."""
        if bar != self._window:
            return offset
        shown = offset == IODATA and self._ioaddr < self.pci.bars[0] and not self._ioaddr % 4
        return self._ioaddr if shown else None

    def _check(self, bar: int, offset: int, size: int) -> None:
        if size != 4 or offset % 4 or not 0 <= offset < self._sizes.get(bar, 0):
            raise ValueError(
                f"the card has 32-bit registers in {self._places()}, not {size} bytes at {offset:#x} of BAR {bar}"
            )

    def _places(self) -> str:
        """Where registers are."""
        straight = [str(bar) for bar in self._sizes if bar != self._window]
        window = f" and in its I/O window, BAR {self.pci.io_bar}" if self.pci.io_bar is not None else ""
        return f"BAR {', '.join(straight)}{window}"
