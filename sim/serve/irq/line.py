"""INTx as a client sees it: a level that becomes an event, masked by the event and unmasked by the client.

The eventfd is signalled once when the line is up; until the client unmasks, nobody looks at the line
(VFIO_IRQ_INFO_AUTOMASKED). If it is up still at an unmask, or when a new eventfd is set, it is signalled again.
"""

from __future__ import annotations

import os

from ringbed.sim.serve.irq.eventfd import exchanged, told

__all__ = ["Line"]


class Line:
    """`signals` counts what was told, `lost` what a full or closed descriptor did not take. It owns the descriptors."""

    def __init__(self) -> None:
        self.signals = self.lost = 0
        self._trigger: int | None = None
        self._unmask: int | None = None  # a descriptor that unmasks when it is signalled
        self._masked = self._disabled = False

    @property
    def on(self) -> bool:
        """Whether the client has an eventfd here."""
        return self._trigger is not None

    @property
    def armed(self) -> bool:
        """Whether somebody is to be told when the line is up."""
        return self.on and not self._masked and not self._disabled

    def set_trigger(self, file: int | None) -> None:
        """Another eventfd in place of the last, which is closed; a new one begins unmasked."""
        self._trigger = exchanged(self._trigger, file)
        self._masked = False

    def set_unmask(self, file: int | None) -> None:
        self._unmask = exchanged(self._unmask, file)

    def mask(self, on: bool = True) -> None:
        self._masked = on

    def disable(self, on: bool) -> None:
        """The bit of the command register (PCI 2.3, 6.2.2)."""
        self._disabled = on

    def tell(self) -> None:
        """Signal, whatever the line does."""
        if self._trigger is None:
            return
        taken = told(self._trigger)
        self.signals += taken
        self.lost += not taken

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
