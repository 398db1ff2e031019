"""What an interrupt asks of a driver: that it acknowledges the causes, and before it serves the rings."""

from __future__ import annotations

from ringbed.drivers.world import Nic
from ringbed.sim.checker.places import whole
from ringbed.sim.checker.scene import Scene

__all__ = ["Duties"]


class Duties:
    """Of one interrupt after the other, each from `begin` to `end`; between them there are none."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._of = scene, scene.rules.interrupt
        self._work = scene.rules.registers[self._of.cause].mask(*self._of.work)
        self._answered = self._served = True

    def begin(self) -> None:
        self._answered = self._served = False

    def acknowledged(self, causes: int) -> None:
        """The driver has read these causes, or written them to have them cleared."""
        work = causes & self._work
        if self._served and not self._answered and work:
            text = f"{self._of.cause} was acknowledged ({work:#x}) after the rings were served"
            self._scene.find_here("irq.late", text)
        self._answered = True

    def served(self) -> None:
        """The driver has looked at a buffer."""
        self._served = True

    def end(self, driver: Nic) -> None:
        if not self._answered:
            text = f"interrupt() returned and {self._of.cause} was not read"
            self._scene.find("irq.unacknowledged", text, whole(driver, "interrupt"))
        self._answered = self._served = True
