"""Device and mapping layer as a driver on a processor with weak stores has them."""

from __future__ import annotations

from typing import Any

from ringbed.drivers.world import Buffer, Coherent, Device, Direction, Dma, Mapping, PciIdentity
from ringbed.sim.memory.mapping import stands_between
from ringbed.sim.processor.weak import Weak

__all__ = ["WeakDevice", "WeakDma"]

stands_between(__file__)


class WeakDevice:
    """A read is a barrier; a write is none, and lets nothing pass that is not due."""

    def __init__(self, device: Device, weak: Weak) -> None:
        self.pci: PciIdentity = device.pci
        self._device, self._weak = device, weak

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self._weak.barrier()
        value = self._device.read(bar, offset, size)
        self._weak.look()
        return value

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._weak.trickle()
        self._device.write(bar, offset, value, size)

    def peek(self, bar: int, offset: int) -> int:
        return self._device.peek(bar, offset)

    def delay(self, nanoseconds: int) -> None:
        self._weak.let(nanoseconds)

    def interrupted(self, nanoseconds: int) -> bool:
        self._weak.drain()
        up = self._device.interrupted(nanoseconds)
        self._weak.look()
        return up

    def __getattr__(self, name: str) -> Any:  # what the device has beyond the Protocol
        return getattr(self._device, name)


class WeakDma:
    """Coherent memory is a copy; streaming buffers are the card's at once, since `map` copies them."""

    def __init__(self, dma: Dma, weak: Weak) -> None:
        self._dma, self._weak = dma, weak

    def coherent(self, size: int, align: int = 128) -> Coherent:
        return self._weak.share(self._dma.coherent(size, align))

    def free(self, memory: Coherent) -> None:
        self._dma.free(self._weak.take_back(memory))

    def map(self, data: Buffer, direction: Direction, *more: Any) -> Mapping:
        return self._dma.map(data, direction, *more)

    def unmap(self, mapping: Mapping) -> None:
        self._dma.unmap(mapping)

    def sync(self) -> None:
        self._weak.barrier()
        self._dma.sync()

    def __getattr__(self, name: str) -> Any:  # what the mapping layer has beyond the Protocol
        return getattr(self._dma, name)
