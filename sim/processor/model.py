"""What the host's processor is like, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Processor"]


@dataclass(frozen=True, slots=True)
class Processor:
    """What the host's own work takes, in ns: a register access beyond the bus's time, each descriptor that was stored
    into, and the way from the interrupt line to the driver.

    With a seed as `weak`, stores into coherent memory reach the card late and out of order, until a barrier
    (`sim/processor/weak.py`). Raises ValueError for a time below 0, and for a seed that is no whole number.
    """

    access_ns: int = 0
    store_ns: int = 0
    interrupt_ns: int = 0
    weak: int | None = None

    def __post_init__(self) -> None:
        if min(self.access_ns, self.store_ns, self.interrupt_ns) < 0:
            raise ValueError(f"a processor takes no time below 0: {self}")
        if self.weak is not None and not isinstance(self.weak, int):
            raise ValueError(f"weak={self.weak!r}: it is a seed, a whole number")

    @property
    def takes_time(self) -> bool:
        return bool(self.access_ns or self.store_ns or self.interrupt_ns)
