"""What the bus partners of a card inside a cocotb simulation share: cocotbext-axi drives, ringbed's rules decide.

Ready, valid and what travels with them are cocotbext-axi's: its AXI4-Lite master, its channels of an AXI4 slave, its
streams. What memory answers, which faults befall a burst, how a link is paced and what a checker says are the classes
of `sim/bus/` and `sim/seam/axi_checker.py`, the same as on the other engines. Clocks of latency are kept by timers,
so a bus that waits costs nothing; `BusChecker` is the one that looks at every clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ringbed.sim.bus.ports import Pattern
from ringbed.sim.cocotb.clock import CardClock

__all__ = ["DutPorts", "known", "paused"]


class DutPorts:
    """The card's ports by name; `Ports` of `sim/bus/ports.py`."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._handles: dict[str, Any] = {}

    def handle(self, name: str) -> Any:
        found = self._handles.get(name)
        if found is None:
            found = self._handles[name] = getattr(self._dut, name)
        return found

    def put(self, name: str, value: int) -> None:
        self.handle(name).value = int(value)

    def get(self, name: str) -> int:
        return int(self.handle(name).value)

    def bit(self, name: str) -> bool:
        return int(self.handle(name).value) != 0


def paused(pattern: Pattern, clock: CardClock, opens: Callable[[], int]) -> Iterator[bool]:
    """For cocotbext-axi's pause generators: held off by `pattern`, and before clock `opens()`."""
    while True:
        yield pattern.hold() or clock.now + 1 < opens()


def known(source: Any) -> Any:
    """cocotbext-axi begins with X on what valid does not cover; X spreads further in Verilog than in hardware."""
    for name, handle in source.bus._signals.items():
        if name not in (source._valid_signal, source._ready_signal):
            handle.value = 0
    return source
