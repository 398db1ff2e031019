"""Whether a driver acknowledges its interrupts, as far as that is seen from the card.

Who is told of the line may do much before its handler runs, and a handler says nothing when it is done. So this is
said only of a cause that stays up for longer than any driver keeps interrupts off.
"""

from __future__ import annotations

from typing import Protocol

from ringbed.sim.checker.places import NOWHERE, Stretch
from ringbed.sim.checker.registers import Registers
from ringbed.sim.checker.scene import Scene

__all__ = ["LONG", "Causes"]

LONG = 1024  # register accesses: Linux's e1000 reads some 70 statistics with interrupts off


class Peeked(Protocol):
    def peek(self, offset: int) -> int: ...


class Causes:
    """Of one card."""

    def __init__(self, scene: Scene, registers: Registers, card: Peeked) -> None:
        self._scene, self._registers, self._card = scene, registers, card
        self._name = scene.rules.interrupt.cause
        self._offset = scene.rules.registers[self._name].offset
        self._waits = 0  # register accesses with a cause up that was not acknowledged

    def acknowledged(self) -> None:
        self._waits = 0

    def accessed(self) -> None:
        """A register, any."""
        causes = self._registers.mask and self._card.peek(self._offset) & self._registers.mask
        self._waits = self._waits + 1 if causes else 0
        if self._waits == LONG:
            text = f"{self._name} was not read in {LONG} register accesses, with {causes:#x} up and in {self._mask}"
            self._scene.find("irq.unacknowledged", text, Stretch(NOWHERE, NOWHERE))

    @property
    def _mask(self) -> str:
        return self._scene.rules.interrupt.set_mask
