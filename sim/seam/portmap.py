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
from typing import Any

from ringbed.hw.formats.window import Window
from ringbed.hw.formats.windows import WINDOWS
from ringbed.sim.files import read_file
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.sentence import sentence
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

IN, OUT = "in", "out"
WORST = Fraction(1, 100)  # of a period: how far it may be rounded for the sake of other clocks
WIRE_WIDTHS = (8, 16, 32, 64, 128, 256, 512)


class PortMapError(ValueError):
    """A port map, or a component that does not fit it; the sentence names the port or key."""

    def __init__(self, text: str) -> None:
        super().__init__(sentence(text))


@dataclass(frozen=True, slots=True)
class Port:
    """One top-level port, as the card sees it: `dir` is "in" for what the harness drives."""

    name: str
    width: int
    dir: str


@dataclass(frozen=True, slots=True)
class Reset:
    """`clocks`: how long it is active; `wait`: clocks behind it before the card is asked anything."""

    port: str
    active: int = 1  # level that resets
    clocks: int = field(default=4, repr=False)  # no part of a model
    wait: int = field(default=0, repr=False)

    def ports(self) -> list[Port]:
        return [Port(self.port, 1, IN)]


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock beside the main one, of `num` / `den` of its frequency.

    Its first rising edge is the main clock's first and `phase` of its own period later, to a thousandth.
    """

    port: str
    num: int
    den: int
    phase: float = 0.0

    def ports(self) -> list[Port]:
        return [Port(self.port, 1, IN)]


@dataclass(frozen=True, slots=True)
class Registers:
    """An AXI4-Lite slave."""

    prefix: str
    addr_width: int
    data_width: int = 32

    def ports(self) -> list[Port]:
        table = (
            ("awaddr", self.addr_width, IN), ("awvalid", 1, IN), ("awready", 1, OUT),
            ("wdata", self.data_width, IN), ("wstrb", self.data_width // 8, IN), ("wvalid", 1, IN), ("wready", 1, OUT),
            ("bresp", 2, OUT), ("bvalid", 1, OUT), ("bready", 1, IN),
            ("araddr", self.addr_width, IN), ("arvalid", 1, IN), ("arready", 1, OUT),
            ("rdata", self.data_width, OUT), ("rresp", 2, OUT), ("rvalid", 1, OUT), ("rready", 1, IN),
        )  # fmt: skip
        return [Port(self.prefix + name, width, way) for name, width, way in table]


@dataclass(frozen=True, slots=True)
class Dma:
    """An AXI4 master."""

    prefix: str
    addr_width: int
    data_width: int
    id_width: int

    def ports(self) -> list[Port]:
        request = (
            ("id", self.id_width),
            ("addr", self.addr_width),
            ("len", 8),
            ("size", 3),
            ("burst", 2),
            ("valid", 1),
        )
        table = [(ch + name, width, OUT) for ch in ("aw", "ar") for name, width in request]
        table += [("awready", 1, IN), ("arready", 1, IN)]
        table += [
            ("wdata", self.data_width, OUT), ("wstrb", self.data_width // 8, OUT), ("wlast", 1, OUT),
            ("wvalid", 1, OUT), ("wready", 1, IN),
            ("bid", self.id_width, IN), ("bresp", 2, IN), ("bvalid", 1, IN), ("bready", 1, OUT),
            ("rid", self.id_width, IN), ("rdata", self.data_width, IN), ("rresp", 2, IN), ("rlast", 1, IN),
            ("rvalid", 1, IN), ("rready", 1, OUT),
        ]  # fmt: skip
        return [Port(self.prefix + name, width, way) for name, width, way in table]


@dataclass(frozen=True, slots=True)
class Wire:
    """One direction of the wire, an AXI4-Stream; `into` the card or out of it, and whether the taker has a `ready`.

    `fcs`: its frames end with their FCS. Where they do not, engines take it off and put it on (`sim/wire/edge.py`).
    `error`: the card hears of a symbol error; the port for it is there in any case.
    """

    prefix: str
    data_width: int
    into: bool
    ready: bool
    fcs: bool = True
    error: bool = True

    def ports(self) -> list[Port]:
        way, back = (IN, OUT) if self.into else (OUT, IN)
        table = [("tdata", self.data_width, way), ("tkeep", self.data_width // 8, way), ("tlast", 1, way)]
        table += [("tvalid", 1, way)]
        table += [("tuser", 1, way)] if self.into else []
        table += [("tready", 1, back)] if self.ready else []
        return [Port(self.prefix + name, width, d) for name, width, d in table]


@dataclass(frozen=True, slots=True)
class Interrupts:
    port: str
    width: int = 1

    def ports(self) -> list[Port]:
        return [Port(self.port, self.width, OUT)]


@dataclass(frozen=True, slots=True)
class Peek:
    """A register's value, combinationally and without side effects.

    `counts` names the card whose own count of frames is found there (`hw/formats/window.py`), "" for none.
    """

    address: str
    data: str
    addr_width: int
    data_width: int
    counts: str = ""

    def ports(self) -> list[Port]:
        return [Port(self.address, self.addr_width, IN), Port(self.data, self.data_width, OUT)]


@dataclass(frozen=True, slots=True)
class Idle:
    """`idle`: nothing in flight; `wake_in`: clocks to the next own event, all ones for none; `timebase`: now."""

    idle: str
    wake_in: str
    timebase: str
    width: int = 32

    def ports(self) -> list[Port]:
        return [Port(self.idle, 1, OUT), Port(self.wake_in, self.width, OUT), Port(self.timebase, self.width, IN)]


@dataclass(frozen=True, slots=True)
class Pin:
    """`name` is what people call it; `port`, where it is another, what the RTL does."""

    name: str
    width: int
    dir: str = IN
    init: int = 0
    port: str = ""

    def ports(self) -> list[Port]:
        return [Port(self.port or self.name, self.width, self.dir)]


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
        return _Reader(data).port_map()

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


class _Reader:
    """Turns the TOML table into a `PortMap`, naming the key that is missing, unknown or out of range."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def port_map(self) -> PortMap:
        reset = self.table("reset", required=True)
        wire = self.table("wire", required=False)
        parts = PortMap(
            top=self.text(self.data, "top"),
            clock=self.text(self.data, "clock"),
            reset=Reset(self.text(reset, "port", "reset."), self.level(reset)),
            registers=self.registers(),
            dma=self.dma(),
            rx=self.wire(wire.get("rx"), "rx", into=True),
            tx=self.wire(wire.get("tx"), "tx", into=False),
            interrupts=self.interrupts(),
            peek=self.peek(),
            idle=self.idle(),
            stages=self.stages(),
            pins=tuple(self.pin(name, entry) for name, entry in self.table("pins", required=False).items()),
        )
        if unknown := set(self.data) - (set(PortMap.__dataclass_fields__) - {"clocks"} | {"wire"}):
            raise PortMapError(f"unknown key {min(unknown)!r}")
        parts.ports()
        return parts

    def table(self, name: str, required: bool) -> dict[str, Any]:
        value = self.data.get(name, None if required else {})
        if not isinstance(value, dict):
            raise PortMapError(f"{name} must be a table, not {value!r}")
        return value

    @staticmethod
    def text(table: dict[str, Any], key: str, where: str = "") -> str:
        value = table.get(key)
        if not isinstance(value, str) or not (value.isidentifier() and value.isascii()):
            raise PortMapError(f"{where}{key} must be a Verilog name, not {value!r}")
        return value

    @staticmethod
    def width(table: dict[str, Any], key: str, where: str, allowed: range | tuple[int, ...], default: int = 0) -> int:
        value = table.get(key, default or None)
        if not isinstance(value, int) or value not in allowed:
            raise PortMapError(f"{where}{key} must be in {allowed}, not {value!r}")
        return value

    def kind(self, table: dict[str, Any], where: str, known: str) -> None:
        if table.get("kind") != known:
            raise PortMapError(f"{where}.kind {table.get('kind')!r} is not driven by this version, only {known!r}")

    def level(self, reset: dict[str, Any]) -> int:
        active = reset.get("active", "high")
        if active not in ("high", "low"):
            raise PortMapError(f"reset.active must be 'high' or 'low', not {active!r}")
        return int(active == "high")

    def registers(self) -> Registers | None:
        if not (table := self.table("registers", required=False)):
            return None
        self.kind(table, "registers", "axi4-lite")
        prefix = self.text(table, "prefix", "registers.")
        width = self.width(table, "addr_width", "registers.", range(1, 33))
        return Registers(prefix, width, self.width(table, "data_width", "registers.", (32,), 32))

    def dma(self) -> Dma | None:
        if not (table := self.table("dma", required=False)):
            return None
        self.kind(table, "dma", "axi4")
        prefix = self.text(table, "prefix", "dma.")
        addr = self.width(table, "addr_width", "dma.", range(1, 65))
        data = self.width(table, "data_width", "dma.", (32, 64, 128, 256, 512))
        return Dma(prefix, addr, data, self.width(table, "id_width", "dma.", range(1, 17)))

    def wire(self, table: object, name: str, *, into: bool) -> Wire | None:
        if table is None:
            return None
        where = f"wire.{name}."
        if not isinstance(table, dict):
            raise PortMapError(f"wire.{name} must be a table, not {table!r}")
        ready = table.get("ready", not into)
        if not isinstance(ready, bool):
            raise PortMapError(f"{where}ready must be true or false, not {ready!r}")
        return Wire(self.text(table, "prefix", where), self.width(table, "data_width", where, WIRE_WIDTHS), into, ready)

    def interrupts(self) -> Interrupts | None:
        if not (table := self.table("interrupts", required=False)):
            return None
        self.kind(table, "interrupts", "level")
        port = self.text(table, "port", "interrupts.")
        return Interrupts(port, self.width(table, "width", "interrupts.", range(1, 65), 1))

    def peek(self) -> Peek | None:
        if not (table := self.table("peek", required=False)):
            return None
        registers = self.registers()
        if registers is None:
            raise PortMapError("peek needs registers")
        names = self.text(table, "address", "peek."), self.text(table, "data", "peek.")
        counts = table.get("counts", "")
        if not isinstance(counts, str) or (counts and counts not in WINDOWS):
            raise PortMapError(f"peek.counts is one of {', '.join(WINDOWS)}, not {counts!r}")
        if counts and (last := WINDOWS[counts].last) >> registers.addr_width:
            reach = f"registers.addr_width {registers.addr_width} to {(1 << registers.addr_width) - 1:#x}"
            raise PortMapError(f"peek.counts: the counters of {counts} reach to {last:#x}, {reach}")
        return Peek(*names, registers.addr_width, registers.data_width, counts)

    def idle(self) -> Idle | None:
        if not (table := self.table("idle", required=False)):
            return None
        idle, wake_in, timebase = (self.text(table, key, "idle.") for key in ("idle", "wake_in", "timebase"))
        return Idle(idle, wake_in, timebase, self.width(table, "width", "idle.", range(8, 65), 32))

    def stages(self) -> Stages | None:
        if not (table := self.table("stages", required=False)):
            return None
        groups = {name: entry for name, entry in table.items() if name != "port"}
        try:
            return Stages.read(self.text(table, "port", "stages."), groups)
        except ValueError as error:
            raise PortMapError(str(error) if isinstance(error, PortMapError) else f"stages.{error}") from None

    def pin(self, name: str, entry: object) -> Pin:
        where = f"pins.{name}."
        if not isinstance(entry, dict):
            raise PortMapError(f"pins.{name} must be a table, not {entry!r}")
        if (way := entry.get("dir", IN)) not in (IN, OUT):
            raise PortMapError(f"{where}dir must be 'in' or 'out', not {way!r}")
        width, init = self.width(entry, "width", where, range(1, 65), 1), entry.get("init", 0)
        if not isinstance(init, int) or not 0 <= init < 1 << width:
            raise PortMapError(f"{where}init {init!r} does not fit {width} bits")
        return Pin(name, width, way, init)
