"""The checker of one served card's driver, wherever that runs: register accesses and maps held against the rules.

It stands before the card's registers (`device`), and is told of what a client takes back. Rules that need the driver's
lines or calls are not here: what it makes of a frame, what it reads in a buffer, when it serves its rings.
"""

from __future__ import annotations

from typing import Any

from ringbed.drivers.world import Device, PciIdentity
from ringbed.hw.formats.rules import Rules
from ringbed.sim.checker.buffers import Lent
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.checker.guest.causes import Causes
from ringbed.sim.checker.guest.finding import GuestLog
from ringbed.sim.checker.guest.memory import ClientMaps, GuestBuffers
from ringbed.sim.checker.guest.rings import GuestRx, GuestTx, Served
from ringbed.sim.checker.places import NOWHERE, Stretch
from ringbed.sim.checker.registers import Programmed, Registers
from ringbed.sim.checker.scene import Scene
from ringbed.sim.seam.device import IoWindow

__all__ = ["GuestChecker", "GuestDevice"]


class GuestChecker:
    """`iommu`: each map is one that the driver made for the card, or memory for its ring, and goes when it says so;
    without one a map is memory of the machine's, and only a place outside of it is wrong.
    """

    def __init__(self, rules: Rules, served: Served, maps: ClientMaps, iommu: bool) -> None:
        self.scene = Scene(rules, served, GuestLog())
        self.registers = Registers(self.scene)
        buffers = GuestBuffers(maps, lambda: self)
        self.rx = GuestRx(self.scene, self.registers, buffers, served)
        self.tx = GuestTx(self.scene, self.registers, buffers, served)
        self.causes = Causes(self.scene, self.registers, served)
        self._card = Programmed(self.scene, self.registers, self.rx, self.tx)
        self._cause = rules.registers[rules.interrupt.cause].offset
        self._iommu = iommu

    def take(self) -> list[DriverFinding]:
        """What was found since the last call."""
        return self.scene.log.take()

    def device(self, device: Device) -> GuestDevice:
        """What stands before the card's registers, in a function's place for them."""
        return GuestDevice(device, self)

    def look(self) -> None:
        """The driver is at the card: what it stored until now is there."""
        self.rx.look()
        self.tx.look()

    # ---- registers ----

    def will_access(self) -> None:
        self.look()
        self.causes.accessed()

    def has_read(self, offset: int) -> None:
        if offset == self._cause:
            self.causes.acknowledged()

    def will_write(self, offset: int, value: int) -> None:
        if offset == self._cause:
            self.causes.acknowledged()
        self._card.write(offset, value)

    def reset(self) -> None:
        """Of the function, not by a register: nothing is known any more."""
        self._card.reset()
        self.causes.acknowledged()

    # ---- what a function says ----

    def unmapping(self, address: int, size: int) -> None:
        """The client takes this memory back; it is there still."""
        self.look()
        for ring in (self.rx, self.tx):
            index = ring.pointing(address, size) if self._iommu else None
            if index is not None:
                text = f"{size} bytes at {address:#x} were unmapped while the card has {ring.name(index)}"
                self.scene.find_here("dma.early_unmap", f"{text}, which points there")
            if ring.lies_in(address, size):
                ring.taken_away(freed=self._iommu)

    def stopped(self, maps: int) -> None:
        """The card is bus master no more, as its driver is done with it, and `maps` maps are there still."""
        where = Stretch(NOWHERE, NOWHERE)
        if on := self.registers.on():
            self.scene.find("down.on", f"bus mastering was turned off with {', '.join(on)} on", where)
        if self._iommu and maps:
            text = f"bus mastering was turned off with {maps} map{'s' * (maps != 1)} there"
            self.scene.find("dma.leak", text, where)

    def before_read(self, lent: Lent) -> None:
        """Nobody reads a guest's buffers through here."""


class GuestDevice:
    """A Device with the checker before it."""

    def __init__(self, device: Device, checker: GuestChecker) -> None:
        self.pci: PciIdentity = device.pci
        self._device, self._checker, self._window = device, checker, IoWindow()

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self._checker.will_access()
        value = self._device.read(bar, offset, size)
        if (register := self._window.register(bar, offset)) is not None:
            self._checker.has_read(register)
        return value

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._checker.will_access()
        if (register := self._window.written(bar, offset, value)) is not None:
            self._checker.will_write(register, value)
        self._device.write(bar, offset, value, size)

    def __getattr__(self, name: str) -> Any:  # what the device has beyond these
        return getattr(self._device, name)
