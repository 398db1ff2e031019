"""The memory of one ring of an `em` card: descriptors of 16 bytes, for both sides two 64-bit words each."""

from __future__ import annotations

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.world import Coherent, Dma
from ringbed.hw.formats import em

__all__ = ["HIGH", "RingMemory", "check_ring"]

DESCRIPTOR = em.RX_LEGACY.size
HIGH = 64  # a descriptor's bits from here on are the second word's
assert {DESCRIPTOR, em.TX_CONTEXT.size, em.TX_DATA.size, em.TX_LEGACY.size} == {2 * HIGH // 8}


def check_ring(register: str, size: int) -> None:
    """Raise ValueError when a ring cannot have `size` descriptors: multiples of eight that fit the length register."""
    step = em.RING_ALIGN // DESCRIPTOR
    most = em.REGISTERS[register].mask("LEN") // DESCRIPTOR
    if size % step or not step <= size <= most:
        raise ValueError(f"a ring has {step} to {most} descriptors, a multiple of {step}; {size} is not")


class RingMemory:
    """Of `size` descriptors; `way` is the R or T of its registers' names. `words` is empty before `stage`, and unusable
    after `release`. Raises ValueError for a size that no ring has.
    """

    def __init__(self, dma: Dma, way: str, size: int) -> None:
        check_ring(f"{way}DLEN", size)
        self.size = size
        self.words = memoryview(bytearray()).cast("Q")
        self._dma, self._way = dma, way
        self._shared: Coherent | None = None

    @property
    def staged(self) -> bool:
        return self._shared is not None

    def stage(self) -> None:
        """Allocate it, once for many resets."""
        if self._shared is None:
            self._shared = self._dma.coherent(DESCRIPTOR * self.size, em.RING_ALIGN)
            self.words = self._shared.view.cast("Q")

    def release(self) -> None:
        """Give it back; only after a reset of the card."""
        self.words.release()  # a cast outlives the view it was made of
        if self._shared is not None:
            self._dma.free(self._shared)
            self._shared = None

    def program(self, hardware: EmHardware, tail: int) -> None:
        """Write the ring's registers; the card has been reset."""
        assert self._shared is not None
        self._dma.sync()
        iova = self._shared.iova
        for register, value in (
            ("BAL", iova & 0xFFFF_FFFF), ("BAH", iova >> 32), ("LEN", DESCRIPTOR * self.size), ("H", 0), ("T", tail),
        ):  # fmt: skip
            hardware.write(f"{self._way}D{register}", value)
