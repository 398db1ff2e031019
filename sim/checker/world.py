"""The driver's world with the checker in it: device, mapping layer and sink, each in front of the real one."""

from __future__ import annotations

from typing import Any

from ringbed.drivers.world import Buffer, Coherent, Device, Direction, Dma, FrameSink, Mapping, PciIdentity, RxFrame
from ringbed.sim.checker.checker import Checker
from ringbed.sim.memory.mapping import MappingError, stands_between
from ringbed.sim.seam.device import IoWindow

__all__ = ["CheckedDevice", "CheckedDma", "CheckedSink", "checked"]

stands_between(__file__)


class CheckedDevice:
    """Every access is a point at which stores into rings are looked at. What lets time pass lets the card write."""

    def __init__(self, device: Device, checker: Checker) -> None:
        self.pci: PciIdentity = device.pci
        self._device, self._checker = device, checker
        self._window = IoWindow()

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        checker = self._checker
        checker.sync()
        checker.spend(self._device)
        value = self._device.read(bar, offset, size)
        checker.seen()
        checker.ran()
        checker.accessed(self._device)
        if (register := self._window.register(bar, offset)) is not None:
            checker.has_read(register, value)
        return value

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._checker.sync()
        self._checker.spend(self._device)
        if (register := self._window.written(bar, offset, value)) is not None:
            self._checker.will_write(register, value)
        self._device.write(bar, offset, value, size)
        self._checker.accessed(self._device)

    def peek(self, bar: int, offset: int) -> int:
        return self._device.peek(bar, offset)

    def delay(self, nanoseconds: int) -> None:
        self._checker.sync()
        self._device.delay(nanoseconds)
        self._checker.ran()

    def interrupted(self, nanoseconds: int) -> bool:
        self._checker.sync()
        up = self._device.interrupted(nanoseconds)
        self._checker.ran()
        return up

    def __getattr__(self, name: str) -> Any:  # what the device has beyond the Protocol
        return getattr(self._device, name)


class CheckedDma:
    """What a driver maps is remembered, and what it allocates is watched."""

    def __init__(self, dma: Dma, checker: Checker) -> None:
        self._dma, self._checker = dma, checker

    def coherent(self, size: int, align: int = 128) -> Coherent:
        self._checker.sync()
        return self._checker.allocated(self._dma.coherent(size, align))

    def free(self, memory: Coherent) -> None:
        self._checker.will_free(memory)
        try:
            self._dma.free(memory)
        except MappingError as error:
            self._checker.scene.find_here("dma.misuse", str(error))
            raise

    def map(self, data: Buffer, direction: Direction, *more: Any) -> Mapping:
        self._checker.sync()
        return self._checker.mapped(self._dma.map(data, direction, *more), data, direction)

    def unmap(self, mapping: Mapping) -> None:
        inner = self._checker.will_unmap(mapping)
        try:
            self._dma.unmap(inner)
        except MappingError as error:
            self._checker.scene.find_here("dma.misuse", str(error))
            raise

    def sync(self) -> None:
        self._checker.sync()
        self._checker.seen()
        self._dma.sync()

    def __getattr__(self, name: str) -> Any:  # what the mapping layer has beyond the Protocol
        return getattr(self._dma, name)


class CheckedSink:
    """Frames go through it up; the driver may be called anew before it returns."""

    def __init__(self, sink: FrameSink, checker: Checker) -> None:
        self._sink, self._checker = sink, checker

    def input(self, queue: int, frames: list[RxFrame]) -> None:
        self._checker.sync()
        self._checker.rx.handed_on(frames)
        self._sink.input(queue, frames)
        self._checker.sync()

    def restart(self, queue: int) -> None:
        self._checker.sync()
        self._sink.restart(queue)
        self._checker.sync()

    def link(self, up: bool) -> None:
        self._checker.sync()
        self._sink.link(up)
        self._checker.sync()

    def __getattr__(self, name: str) -> Any:  # what the side above has beyond the Protocol
        return getattr(self._sink, name)


def checked(checker: Checker, device: Device, dma: Dma, sink: FrameSink) -> tuple[Device, Dma, FrameSink]:
    """What a driver is made with, to be checked."""
    return CheckedDevice(device, checker), CheckedDma(dma, checker), CheckedSink(sink, checker)
