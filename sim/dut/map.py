"""The port map of somebody's own RTL, read from TOML and held against the ports that its top module really has.

docs/port-map.md has every key. What is wrong is a `PortMapError` of one sentence that names the key, or the port; the
first one is raised by `read`, while `ringbed dut check` shows all that `Reader.problems` has gathered. Of what a wrong
value leaves open nothing is said: no width of its default is held against a port, no input is missed for which the map
may have a word that is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Any

from ringbed.hw.formats.block_setup import BlockPorts
from ringbed.hw.formats.dut import IN, Bus, BusKind, Clock, Dut, DutReset, Keep, Line, Pin
from ringbed.hw.formats.literal import Parameter
from ringbed.hw.formats.number import is_number, several
from ringbed.sim.dut.canonical import byte_bits
from ringbed.sim.dut.pci import PciValues
from ringbed.sim.dut.toml import key as toml_key
from ringbed.sim.dut.verilog.ports import Top, read_top
from ringbed.sim.dut.verilog.sources import missing_files, with_found
from ringbed.sim.files import resolved
from ringbed.sim.memory.host import too_narrow
from ringbed.sim.seam.portmap import PortMapError
from ringbed.sim.seam.ports.parts import (
    DMA_ADDRESSES,
    DMA_DATA,
    MOST_BITS,
    REGISTER_ADDRESSES,
    REGISTER_DATA,
    WIRE_WIDTHS,
)
from ringbed.sim.seam.settings import RESET_MOST
from ringbed.sim.seam.spec import Rtl

__all__ = ["DATA", "Reader", "read", "reader_of_card"]

KEYS = frozenset(
    ("top", "sources", "include", "library", "parameters", "clock", "clocks", "reset", "resets", "registers", "dma",
     "wire", "interrupts", "pins", "ties", "pci", "block", "c_sources", "plusargs")
)  # fmt: skip
BUS_KEYS = {"kind", "prefix", "names", "clock", "addr_width", "data_width"}
OWN_KEYS = {
    "registers": BUS_KEYS | {"word_addressed"}, "dma": BUS_KEYS | {"id_width"},
    "wire.rx": (BUS_KEYS - {"addr_width"}) | {"keep", "byte_order", "ready", "fcs", "error", "start"},
    "wire.tx": (BUS_KEYS - {"addr_width"}) | {"keep", "byte_order", "ready", "fcs", "start"},
}  # fmt: skip
RESET_TIMES = {"clocks": (1, 4), "wait": (0, 0)}  # of `reset`: the least, and the default
DATA = (8, 16, *DMA_DATA)  # the narrow ones are widened around the card
RATIO = re.compile(r"\d{1,9}(?:/\d{1,9}|\.\d{1,20})?")  # no power of ten, which may take for ever to be a fraction
Ask = Callable[[str, Rtl, Mapping[str, Parameter]], Top]


def read(path: Path) -> tuple[Dut, Rtl]:
    """Raises PortMapError for the first thing that is wrong, BuildError when Verilator does not take the sources."""
    reader = reader_of_card(path)
    return reader.dut, reader.rtl


def reader_of_card(path: Path) -> Reader:
    """A map without a mistake, with all that it says. Raises as `read`."""
    reader = Reader(path)
    if reader.problems:
        raise PortMapError(f"{path}: {reader.problems[0]}")
    return reader


class Reader(PciValues):
    """`dut`, `rtl`, its `pci` (None: the map has none), the `ports` of the top module, which are `used` by what, and
    `problems`, a sentence each.

    Raises what a file that cannot be read at all gives: OSError, PortMapError, BuildError.
    """

    block: BlockPorts | None = None  # what a block has beside its streams; a card has none
    uses = "bus, clock, reset or pin"  # what an input can be

    def __init__(self, path: Path, ask: Ask = read_top) -> None:
        super().__init__(path)
        self.open_inputs = list[str]()  # problems that say of an input that it has no use
        self.top = self._text(self.data, "top", "")
        self.parameters = self._parameters()
        self.rtl = Rtl(
            self._paths("sources"), self._paths("include"), c_files=self._paths("c_sources"),
            folder=resolved(path.parent), plusargs=self._plusargs(), library=self._paths("library"),
        )  # fmt: skip
        if self.problems:
            raise PortMapError(f"{path}: {self.problems[0]}")
        found = ask(self.top, self.rtl, self.parameters)
        self.ports, self.rtl = found.ports, with_found(self.rtl, found)
        self.used: dict[str, str] = {}
        self.dut = self._dut()
        self.foreign = found.foreign
        self.problems += missing_files(self.rtl, found.foreign)

    # ---- the parts ----

    def _dut(self) -> Dut:
        for key in sorted(set(self.data) - KEYS):
            self._problem(f"unknown key {key!r}; a map has {', '.join(sorted(KEYS))}")
        clock = self._port(self._text(self.data, "clock", ""), "clock", 1, IN)
        clocks = tuple(self._clock(name, table) for name, table in self._tables("clocks"))
        self.clocks = {clock: "", **{each.port: each.port for each in clocks}}
        self.clocks_known = bool(clock) and not self.doubtful
        resets = [("", self._table("reset")), *self._tables("resets")]
        wire = self._table("wire")
        for way in sorted(set(wire) - {"rx", "tx"}):
            self._problem(f"wire.{way}: a wire has rx, into the card, and tx, out of it")
        if "block" in self.data and clocks:
            self._problem(f"clocks.{clocks[0].port}: a block runs on one clock")
        dut = Dut(
            self.top, clock, tuple(self._reset(name, table) for name, table in resets if table), clocks,
            self.parameters,
            registers=self._bus("registers", self._table("registers"), BusKind.REGISTERS),
            dma=self._bus("dma", self._table("dma"), BusKind.DMA),
            rx=self._bus("wire.rx", wire.get("rx", {}), (BusKind.STREAM,)),
            tx=self._bus("wire.tx", wire.get("tx", {}), (BusKind.STREAM,)),
            line=self._line(), pins=tuple(self._pin(name, table) for name, table in self._tables("pins")),
            ties=self._ties(), **self._reset_times(),
        )  # fmt: skip
        self.pci = self._pci(self._reach(dut.registers), self._lines(dut.line))
        for sentence in filter(None, (dut.outrun(), too_narrow(dut.dma.addr_width) if dut.dma else "")):
            self._problem(sentence)
        return dut

    def _clock(self, name: str, table: dict[str, Any]) -> Clock:
        where, before = f"clocks.{name}", len(self.problems)
        self._known(where, table, {"ratio", "phase", "edge"})
        try:
            text = str(table.get("ratio", "1"))
            ratio = Fraction(text if RATIO.fullmatch(text) else "none")
            if not Fraction(1, 64) <= ratio <= 64:
                raise ValueError
        except (ValueError, ZeroDivisionError):
            self._problem(f'{where}.ratio must be a fraction from 1/64 to 64, as in "5/4", not {table["ratio"]!r}')
            ratio = Fraction(1)
        phase = table.get("phase", 0.0)
        if not (isinstance(phase, float) or is_number(phase, (0,))) or not 0 <= phase < 1:
            self._problem(f"{where}.phase must be a part of the period, from 0 to less than 1, not {phase!r}")
            phase = 0.0
        falling = self._choice(table, "edge", where, ("rising", "falling")) == "falling"
        self._clear(where, before)
        return Clock(self._port(name, where, 1, IN), ratio.numerator, ratio.denominator, float(phase), falling)

    def _reset(self, name: str, table: dict[str, Any]) -> DutReset:
        where, before = f"resets.{name}" if name else "reset", len(self.problems)
        self._known(where, table, {"active", "clock"} if name else {"active", "port", *RESET_TIMES})
        active = self._choice(table, "active", where, ("high", "low"))
        port, clock = name or self._text(table, "port", "reset."), self._clock_of(table, where)
        self._clear(where, before)
        return DutReset(self._port(port, where, 1, IN), active == "high", clock)

    def _reset_times(self) -> dict[str, int]:
        """How long, and how long behind it."""
        table, before = self._table("reset"), len(self.problems)
        found = {
            f"reset_{key}": self._number(table, key, "reset", range(least, RESET_MOST + 1), default)
            for key, (least, default) in RESET_TIMES.items()
        }
        self._clear("reset", before)
        return found

    def _clock_of(self, table: dict[str, Any], where: str) -> str:
        clock = table.get("clock", "")
        if not isinstance(clock, str):
            self._problem(f"{where}.clock must be the name of a port, not {clock!r}")
            return ""
        if clock and clock not in self.clocks:
            if not self.clocks_known:
                return ""
            self._problem(f"{where}.clock {clock!r} is no clock of this map; it has {', '.join(self.clocks)}")
            return ""
        return self.clocks.get(clock, "")

    def _line(self) -> Line | None:
        table, before = self._table("interrupts"), len(self.problems)
        if not table:
            return None
        self._known("interrupts", table, {"port", "kind", "width"})
        self._choice(table, "kind", "interrupts", ("level",))
        width = self._number(table, "width", "interrupts", MOST_BITS, 1)
        port, clear = self._text(table, "port", "interrupts."), self._clear("interrupts", before)
        return Line(self._port(port, "interrupts", width, "out", clear), width)

    def _lines(self, line: Line | None) -> int | None:
        """How many interrupts; None where the map is not clear about them."""
        return None if "interrupts" in self.unclear else 0 if line is None else line.width

    def _reach(self, registers: Bus | None) -> int | None:
        """Bytes that the registers' addresses reach, 0 without any; None where the map is not clear about it."""
        return None if "registers" in self.unclear else 0 if registers is None else 1 << byte_bits(registers)

    def _pin(self, name: str, table: dict[str, Any]) -> Pin:
        where, before = f"pins.{name}", len(self.problems)
        self._known(where, table, {"width", "dir", "init"})
        way = self._choice(table, "dir", where, ("in", "out"))
        width, init = self._number(table, "width", where, MOST_BITS, 1), table.get("init", 0)
        clear = self._clear(where, before)
        if clear and not is_number(init, range(1 << width)):
            self._problem(f"{where}.init {init!r} does not fit {several(width, 'bit')}")
            init = 0
        return Pin(self._port(name, where, width, way, clear), width, way, init)

    def _ties(self) -> dict[str, tuple[int, int]]:
        """What `ties` says; an input that nothing has and that is not named there is a problem."""
        found = {}
        for name, value in self._table("ties").items():
            port = self.ports.get(name)
            width = port.width if port is not None else 64
            if port is not None and not is_number(value, range(1 << width)):
                self._problem(f"ties.{name} {value!r} does not fit {several(width, 'bit')}")
            else:
                found[self._port(name, f"ties.{name}", width, IN)] = (width, value)
        for port in self.ports.values():
            if port.dir == "inout":
                self._problem(f"port {port.name!r} of {self.top} is an inout, which nothing drives: make it two")
            elif port.dir == IN and port.name not in self.used and not self.doubtful:
                self.open_inputs.append(
                    f"input {port.name!r} of {self.top} is in no {self.uses}: "
                    f"name it, or give it a value as ties.{toml_key(port.name)}"
                )
        self.problems += self.open_inputs
        return found

    # ---- buses ----

    def _bus(self, where: str, table: object, kinds: tuple[str, ...]) -> Bus | None:
        if not isinstance(table, dict):
            self._problem(f"{where} must be a table, not {table!r}")
            return None
        if not table or table == {"kind": "none"}:  # which says so, for who would think it was forgotten
            return None
        clock, before = self._clock_of(table, where), len(self.problems)
        self._known(where, table, OWN_KEYS[where])
        stream, registers = kinds == (BusKind.STREAM,), kinds == BusKind.REGISTERS
        widths = WIRE_WIDTHS if stream else REGISTER_DATA if registers else DATA
        addresses = REGISTER_ADDRESSES if registers else DMA_ADDRESSES
        bus = Bus(
            self._choice(table, "kind", where, kinds),
            self._number(table, "data_width", where, widths, 32 if not stream else 0),
            addr_width=0 if stream else self._number(table, "addr_width", where, addresses, 0),
            id_width=self._number(table, "id_width", where, range(17), 0),
            clock=clock, into=where == "wire.rx",
            word_addressed=self._flag(table, "word_addressed", where, False),
        )  # fmt: skip
        if stream:
            bus = replace(
                bus, keep=self._choice(table, "keep", where, Keep.ALL), ready=self._flag(table, "ready", where, True),
                big=self._choice(table, "byte_order", where, ("little", "big")) == "big",
                error=self._flag(table, "error", where, False), fcs=self._flag(table, "fcs", where, True),
                start=self._flag(table, "start", where, False),
            )  # fmt: skip
        if not self._clear(where, before):
            return bus
        if stream and bus.keep == Keep.NONE and bus.data_width > 8 and "block" not in self.data:
            self._problem(f"{where}.keep is none: the length of a frame needs keep or empty in {bus.data_width} bits")
        if bus.word_addressed and bus.kind != BusKind.WISHBONE:
            self._problem(f"{where}.word_addressed is for wishbone; addresses of {bus.kind} count bytes")
        if registers and byte_bits(bus) > REGISTER_ADDRESSES[-1]:
            self._problem(f"{where}.addr_width {bus.addr_width} of words is more than 32 bits of bytes")
        return replace(bus, ports=self._bus_ports(where, table, bus))

    def _bus_ports(self, where: str, table: dict[str, Any], bus: Bus) -> dict[str, str]:
        prefix, names, found = table.get("prefix", ""), table.get("names", {}), {}
        known = {sig.name: sig for sig in bus.signals()}
        if not isinstance(names, dict) or not isinstance(prefix, str):
            self._problem(f"{where}: prefix must be a text and names a table")
            return {}
        for name in sorted(set(names) - set(known)):
            self._problem(f"{where}.names.{name}: {bus.kind} has no signal of that name; it has {', '.join(known)}")
        for sig in known.values():
            name = names.get(sig.name, prefix + sig.name)
            if sig.default is not None and (name == "" or (sig.name not in names and name not in self.ports)):
                continue
            if not isinstance(name, str) or not name:
                self._problem(f"{where}.names.{sig.name} must be the name of a port, not {name!r}")
                continue
            if sig.width == 0:
                self._problem(f"{where}.{sig.name}: port {name!r} is there, but {where}.id_width is not")
                continue
            found[sig.name] = self._port(name, f"{where}.{sig.name}", sig.width, sig.dir)
        return found

    # ---- what everything uses ----

    def _port(self, name: str, where: str, width: int, way: str, clear: bool = True) -> str:
        """`name`, whether it is a port as wanted or not: what is wrong with it is a problem.

        Unless it is `clear`, what is wanted is not known: it is looked for, and nothing more.
        """
        port = self.ports.get(name)
        if not name:
            return name
        if port is None:
            free = [each.name for each in self.ports.values() if each.dir == way and each.name not in self.used]
            near = get_close_matches(name, free, n=1)
            self._problem(f"{where}: {self.top} has no port {name!r}" + (f"; it has {near[0]!r}" if near else ""))
        elif port.dir == "inout" or not clear:
            pass  # of an inout it is said once
        elif port.dir != way:
            self.problems.append(f"{where}: port {name!r} is an {port.dir}put of {self.top}, and should be an {way}put")
        elif port.width != width:
            self.problems.append(f"{where}: port {name!r} is {several(port.width, 'bit')} wide, the map says {width}")
        if name in self.used:
            self._problem(f"{where}: port {name!r} is {self.used[name]} already")
        self.used[name] = where
        return name
