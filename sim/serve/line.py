"""INTx as a client sees it: a level that becomes an event, masked by the event and unmasked by the client.

The eventfd is signalled once when the line is up; until the client unmasks, nobody looks at the line
(VFIO_IRQ_INFO_AUTOMASKED). If it is up still at an unmask, or when a new eventfd is set, it is signalled again.
"""

from __future__ import annotations

import os
import select

from ringbed.sim.seam.engine import NEVER, Engine

__all__ = ["Line"]

ONE = (1).to_bytes(8, "little")


class Line:
    """`signals` counts what was told, `lost` what a full or closed descriptor did not take. It owns the descriptors."""

    def __init__(self, engine: Engine) -> None:
        self.signals = self.lost = 0
        self._engine = engine
        self._trigger: int | None = None
        self._unmask: int | None = None  # a descriptor that unmasks when it is signalled
        self._masked = self._disabled = False
        self._look()

    @property
    def armed(self) -> bool:
        """Whether somebody is to be told when the line rises."""
        return self._trigger is not None and not self._masked and not self._disabled

    def set_trigger(self, file: int | None) -> None:
        """Another eventfd in place of the last, which is closed; a new one begins unmasked."""
        self._trigger = _exchanged(self._trigger, file)
        self._masked = False
        self._look()

    def set_unmask(self, file: int | None) -> None:
        self._unmask = _exchanged(self._unmask, file)

    def mask(self, on: bool = True) -> None:
        self._masked = on
        self._look()

    def disable(self, on: bool) -> None:
        """The bit of the command register (PCI 2.3, 6.2.2)."""
        self._disabled = on
        self._look()

    def tell(self) -> None:
        """Signal, whatever the line does."""
        if self._trigger is None:
            return
        try:  # a descriptor that would block is full: its reader has been told
            ready = select.select([], [self._trigger], [], 0)[1]
            told = bool(ready) and os.write(self._trigger, ONE) == len(ONE)
        except OSError:
            told = False
        self.signals += told
        self.lost += not told

    def rose(self) -> None:
        """The engine says that the line is up and that somebody wants to know."""
        if self.armed:
            self.tell()
            self.mask()

    def files(self) -> list[int]:
        """Descriptors to be watched: `heard` when one can be read."""
        return [] if self._unmask is None else [self._unmask]

    def heard(self) -> None:
        if self._unmask is None:
            return
        try:
            os.read(self._unmask, 8)
        except OSError:
            self.set_unmask(None)
            return
        self.mask(False)

    def close(self) -> None:
        self.set_trigger(None)
        self.set_unmask(None)

    def _look(self) -> None:
        """An engine's interrupt that nobody waits for is no reason to stop, nor something to come."""
        self._engine.hold_irq(0 if self.armed else NEVER)


def _exchanged(old: int | None, new: int | None) -> int | None:
    if old is not None and old != new:
        os.close(old)
    return new
