"""A port map: which ports of some RTL are its registers, its DMA, its wire, its interrupts. Data, read from TOML.

The harnesses of every engine are generated from it, so nothing in them is written for one NIC. Only `top`, `clock` and
`reset` must be there; every other part is optional, and a part that is absent costs nothing. What this version does
not drive (another bus kind, another width) is refused by name when the map is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ringbed.hw.formats.window import Window
from ringbed.hw.formats.windows import WINDOWS
from ringbed.sim.files import read_file
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.ports.parts import (
    IN,
    OUT,
    Clock,
    Dma,
    Idle,
    Interrupts,
    Peek,
    Pin,
    Port,
    PortMapError,
    Registers,
    Reset,
    Wire,
)
from ringbed.sim.seam.ports.reader import Reader
from ringbed.sim.seam.stages import Stages
from ringbed.sim.seam.toml import NotToml, parse_toml

__all__ = [
    "Clock",
    "Dma",
    "Idle",
    "Interrupts",
    "Peek",
    "Pin",
    "Port",
    "PortMap",
    "PortMapError",
    "Registers",
    "Reset",
    "Wire",
]

WORST = Fraction(1, 100)  # of a period: how far it may be rounded for the sake of other clocks


@dataclass(frozen=True)
class PortMap:
    """See the module's docstring. `load` and `parse` raise `PortMapError`."""

    top: str
    clock: str
    reset: Reset
    registers: Registers | None = None
    dma: Dma | None = None
    rx: Wire | None = None
    tx: Wire | None = None
    interrupts: Interrupts | None = None
    peek: Peek | None = None
    idle: Idle | None = None
    stages: Stages | None = None
    pins: tuple[Pin, ...] = field(default=())
    clocks: tuple[Clock, ...] = ()  # only of maps made by sim/dut/card.py

    @classmethod
    def load(cls, path: Path) -> PortMap:
        try:
            return cls.parse(read_file(path))
        except PortMapError as error:
            raise PortMapError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, text: bytes | str) -> PortMap:
        try:
            data = parse_toml(text)
        except NotToml as error:
            raise PortMapError(str(error)) from None
        return cls._of(Reader(data))

    @classmethod
    def _of(cls, read: Reader) -> PortMap:
        reset = read.table("reset", required=True)
        wire = read.table("wire", required=False)
        found = cls(
            top=read.text(read.data, "top"),
            clock=read.text(read.data, "clock"),
            reset=Reset(read.text(reset, "port", "reset."), read.level(reset)),
            registers=read.registers(),
            dma=read.dma(),
            rx=read.wire(wire.get("rx"), "rx", into=True),
            tx=read.wire(wire.get("tx"), "tx", into=False),
            interrupts=read.interrupts(),
            peek=read.peek(),
            idle=read.idle(),
            stages=read.stages(),
            pins=tuple(read.pin(name, entry) for name, entry in read.table("pins", required=False).items()),
        )
        if unknown := set(read.data) - (set(cls.__dataclass_fields__) - {"clocks"} | {"wire"}):
            raise PortMapError(f"unknown key {min(unknown)!r}")
        found.ports()
        return found

    @property
    def window(self) -> Window | None:
        """The card's own count of frames; None for a card that does not count, or shows it to nobody."""
        return WINDOWS[self.peek.counts] if self.peek is not None and self.peek.counts else None

    def ports(self) -> list[Port]:
        """Every port the map names, once."""
        found = [Port(self.clock, 1, IN), *self.reset.ports(), *(p for clock in self.clocks for p in clock.ports())]
        for part in (self.registers, self.dma, self.rx, self.tx, self.interrupts, self.peek, self.idle):
            found += part.ports() if part is not None else []
        found += [Port(self.stages.port, self.stages.width, OUT)] if self.stages is not None else []
        found += [port for pin in self.pins for port in pin.ports()]
        names = [port.name for port in found]
        if twice := {name for name in names if names.count(name) > 1}:
            raise PortMapError(f"port {min(twice)!r} is named twice")
        return found

    def ticks(self) -> int:
        """Of a period of the main clock, so that every edge of every clock is at a whole number of them."""
        return 1000 * math.lcm(*(clock.num for clock in self.clocks))

    def edges(self) -> list[tuple[int, int]]:
        """Of each other clock, in ticks: its first rising edge, where 0 is a falling edge of the main clock; its half
        period."""
        ticks = self.ticks()
        periods = [ticks * clock.den // clock.num for clock in self.clocks]
        late = [round(clock.phase * 1000) * period // 1000 for clock, period in zip(self.clocks, periods, strict=True)]
        return [(ticks // 2 + phase, period // 2) for phase, period in zip(late, periods, strict=True)]

    def period_ps(self, frequency: Frequency) -> int:
        """The main clock's period in picoseconds, the nearest at which other clocks have whole half periods, as a
        simulator of picoseconds wants them. Raises ValueError where that is more than a hundredth away.
        """
        exact, ticks = 10**12 / frequency.hz, self.ticks()
        halves = [ticks // 2, *(half for _, half in self.edges())] if self.clocks else []
        grid = math.lcm(*(ticks // math.gcd(ticks, half) for half in halves))
        period = max(1, round(exact / grid)) * grid
        if self.clocks and abs(period - exact) > exact * WORST:
            raise ValueError(
                f"the clocks of {self.top} have edges at whole picoseconds only with a main period of {period} ps, "
                f"which is more than 1 % from {float(exact):g} ps: choose a lower frequency or simpler ratios"
            )
        return period
