"""A port map's parts out of its TOML table, value by value."""

from __future__ import annotations

from typing import Any

from ringbed.hw.formats.number import is_number, several, span
from ringbed.hw.formats.windows import WINDOWS
from ringbed.sim.seam.ports.parts import (
    DMA_ADDRESSES,
    DMA_DATA,
    IN,
    MOST_BITS,
    OUT,
    REGISTER_ADDRESSES,
    REGISTER_DATA,
    WIRE_WIDTHS,
    Dma,
    Idle,
    Interrupts,
    Peek,
    Pin,
    PortMapError,
    Registers,
    Wire,
)
from ringbed.sim.seam.stages import Stages

__all__ = ["Reader"]


class Reader:
    """Each part of the TOML table `data`; raises PortMapError, which names the key that is missing or out of range."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

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
        if not is_number(value, allowed):
            raise PortMapError(f"{where}{key} must be {span(allowed)}, not {value!r}")
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
        width = self.width(table, "addr_width", "registers.", REGISTER_ADDRESSES)
        return Registers(prefix, width, self.width(table, "data_width", "registers.", REGISTER_DATA, 32))

    def dma(self) -> Dma | None:
        if not (table := self.table("dma", required=False)):
            return None
        self.kind(table, "dma", "axi4")
        prefix = self.text(table, "prefix", "dma.")
        addr = self.width(table, "addr_width", "dma.", DMA_ADDRESSES)
        data = self.width(table, "data_width", "dma.", DMA_DATA)
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
        return Interrupts(port, self.width(table, "width", "interrupts.", MOST_BITS, 1))

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
        width, init = self.width(entry, "width", where, MOST_BITS, 1), entry.get("init", 0)
        if not is_number(init, range(1 << width)):
            raise PortMapError(f"{where}init {init!r} does not fit {several(width, 'bit')}")
        return Pin(name, width, way, init)
