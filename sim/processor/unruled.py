"""Weak stores of a driver that nobody checks, since no rules of its card were written: a host's calls, handed on."""

from __future__ import annotations

from ringbed.drivers.world import Device, Nic
from ringbed.sim.processor.weak import Weak
from ringbed.sim.seam.engine import Finding

__all__ = ["Unruled"]


class Unruled:
    """It finds nothing: what a missing barrier does is seen by what the card does."""

    def __init__(self, weak: Weak) -> None:
        self._weak = weak

    def attached(self, driver: Nic) -> None:
        pass

    def leave(self) -> None:
        self._weak.drain()

    def ran(self) -> None:
        self._weak.look()

    def interrupt(self, driver: Nic, device: Device) -> None:
        self._weak.barrier()
        driver.interrupt(0)
        self.leave()

    def down(self, driver: Nic, rests: bool) -> None:
        self.leave()
        driver.down()
        self.leave()

    def take(self) -> list[Finding]:
        return []
