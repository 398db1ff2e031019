"""A card's clock inside a cocotb simulation: cocotb's Clock, and which clock it is at any simulated time.

Clock number n begins, low, n periods after the reset; its rising edge comes half a period later. While time is
skipped the clock stands still and simulated time does not, so that the two always agree: `now` is the simulator's time
in periods.

Other clocks of the card start with it and never stand still, so that they keep their phase. All are toggled by the
simulator itself, before any logic runs in a time step: edges at one time see what was before both, as in the native
engine. For that every half period is a whole number of picoseconds, to which the main clock's period is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import cocotb
from cocotb.clock import Clock
from cocotb.simtime import convert, get_sim_time
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, Timer

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.portmap import PortMap

__all__ = ["CardClock"]

T = TypeVar("T")


class CardClock:
    """Starts when it is made, and the card's other clocks with it; counts from the call of `zero` on.

    `handle` gives the port of a name. `models`: what cocotbext-axi's models are told; they rest during a reset.
    """

    def __init__(self, portmap: PortMap, handle: Callable[[str], Any], frequency: Frequency) -> None:
        signal = self.signal = handle(portmap.clock)
        self.models = (signal, handle(portmap.reset.port), bool(portmap.reset.active))
        self.period = int(convert(portmap.period_ps(frequency), "ps", to="step"))
        high = self.period // 2
        self._low = self.period - high
        self._clock = Clock(signal, self.period, "step", impl="gpi", period_high=high)
        self._zero = _steps()
        self.rising, self.falling = RisingEdge(signal), FallingEdge(signal)
        self._clock.start(start_high=False)
        ticks = portmap.ticks()
        for clock, (first, half) in zip(portmap.clocks, portmap.edges(), strict=True):
            port, begin = handle(clock.port), -(-first * self.period // ticks)
            port.value = 0
            cocotb.start_soon(_toggle(port, begin, half * self.period // ticks))

    @property
    def now(self) -> int:
        return (_steps() - self._zero) // self.period

    def at(self, step: int) -> int:
        """The clock at a step of the simulator's; 0 before the first."""
        return max(0, step - self._zero) // self.period

    def zero(self) -> None:
        """The clock that begins at this moment is number 0."""
        self._zero = _steps()

    async def settled(self) -> None:
        """Go on while the clock is low: what the last edge and everybody did then has reached all ports."""
        if (_steps() - self._zero) % self.period >= self._low:
            await self.falling

    async def look(self, at: Callable[[], T]) -> T:
        """What `at` sees once everything that was put on ports has had its effect; a simulator's step passes."""
        await ReadOnly()
        seen = at()
        await Timer(1, "step")
        return seen

    def timer(self, clock: int) -> Any:
        """A trigger: clock number `clock` begins, which must be one to come."""
        return Timer(self._zero + clock * self.period - _steps(), "step")

    async def reach(self, clock: int) -> None:
        """Go on when clock number `clock` begins, or at once."""
        if self._zero + clock * self.period > _steps():
            await self.timer(clock)

    async def skip(self, clock: int) -> None:
        """Stand still, low, until clock number `clock` begins."""
        self._clock.stop()
        await self.reach(clock)
        self._clock.start(start_high=False)


async def _toggle(signal: Any, first: int, half: int) -> None:
    """Rises `first` steps from now, and then every two times `half`."""
    await Timer(first, "step")
    Clock(signal, 2 * half, "step", impl="gpi").start(start_high=True)


def _steps() -> int:
    return int(get_sim_time("step"))
