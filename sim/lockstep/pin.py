"""INTx in band: a card's interrupt line as an event, told once and masked until the kernel has handled it."""

from __future__ import annotations

import os

from ringbed.sim.serve.irq.interrupts import Interrupts

__all__ = ["Pin"]


class Pin:
    """Over the line of `interrupts`, a served card's; owns the eventfd that it gives it."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._told = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        interrupts.line.set_trigger(os.dup(self._told))
        interrupts.settle()

    @property
    def armed(self) -> bool:
        """Whether the kernel is to be told when the line is up."""
        return self._interrupts.armed

    def rose(self) -> bool:
        """The engine says that the line is up; whether the kernel has to be told of it now."""
        self._interrupts.rose()
        try:
            return bool(os.eventfd_read(self._told))
        except BlockingIOError:
            return False

    def handled(self) -> None:
        """The handler has run: a line that is still up is told again."""
        self._interrupts.line.mask(False)
        self._interrupts.settle()

    def close(self) -> None:
        self._interrupts.line.close()
        os.close(self._told)
