"""Which clock every flip-flop of somebody's Verilog runs on, by Yosys; and where that is not what their map says.

The design is flattened into flip-flops and logic. From each port of a bus the logic is followed to the nearest
flip-flops, backward from outputs and forward from inputs; their clocks, followed back to a port, must be the bus's.
Each port of a memory is a flip-flop of its own. From one that reads without a clock the way goes on to its address, and
not to what was written, which in every asynchronous FIFO is another clock's.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ringbed.hw.formats.dut import Dut
from ringbed.sim.spec import Rtl
from ringbed.sim.synth_tools import YOSYS, SynthError, run

__all__ = ["ClocksUnknown", "Netlist", "clock_problems"]

LIMIT_S = 300
WIRES = ("$not", "$pos", "$buf", "$logic_not", "$_NOT_", "$_BUF_")  # a clock behind one of these is the same clock
CLOCKS = ("CLK", "WR_CLK", "RD_CLK")
MEMORIES, MEMORY_PINS = ("$mem", "$mem_v2"), ("DATA", "ADDR", "EN")
Bit = int | str  # a number of a net; a constant is "0", "1", "x"


class ClocksUnknown(Exception):
    """Yosys is not there, or does not take the sources; the sentence says which."""


def clock_problems(dut: Dut, rtl: Rtl) -> list[str]:
    """A sentence for each: a clock that is not in the map, a bus on another clock than the map says."""
    netlist = Netlist(_netlist(dut, rtl))
    clocks = {dut.clock, *(clock.port for clock in dut.clocks)}
    found = [
        f"port {name!r} clocks {count} flip-flop{'s' * (count > 1)} and is no clock of this map"
        for name, count in netlist.clocked.items() if name not in clocks and not name.startswith("(")
    ]  # fmt: skip
    for where, bus in dut.buses().items():
        wanted = bus.clock or dut.clock
        for signal, port in bus.ports.items():
            for other in sorted(netlist.clocks_at(port) - {wanted}):
                found.append(
                    f"{where}.{signal}: port {port!r} meets flip-flops on {other!r}, the map has the bus on {wanted!r}"
                )
                break
    return found


def _netlist(dut: Dut, rtl: Rtl) -> dict[str, Any]:
    """The flat top module as Yosys's JSON has it. Sources are copied: Yosys as WebAssembly sees few folders."""
    with tempfile.TemporaryDirectory() as work:
        folder, names = Path(work), []
        for index, path in enumerate(rtl.files):
            names.append(f"s{index}{path.suffix}")
            shutil.copyfile(path, folder / names[-1])
        for path in rtl.read:
            for included in (path.relative_to(each) for each in rtl.include if path.is_relative_to(each)):
                (folder / included).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / included)
        sets = "".join(f" -set {name} {_literal(value)}" for name, value in dut.parameters.items())
        script = [f"read_verilog -sv -I. {' '.join(names)}"]
        script += [f"chparam{sets} {dut.top}"] if sets else []
        script += [
            f"hierarchy -top {dut.top}",
            "proc",
            "flatten",
            "memory_collect",
            "opt_clean",
            "write_json flat.json",
        ]
        try:
            run(YOSYS, ["-q", "-p", "; ".join(script)], folder, LIMIT_S)
        except SynthError as error:
            raise ClocksUnknown(str(error)) from None
        modules = json.loads((folder / "flat.json").read_text(encoding="utf-8"))["modules"]
    return next(module for module in modules.values() if int(module["attributes"].get("top", "0"), 2))


def _memory_ports(memory: Mapping[str, Any], bit: Bit) -> tuple[set[int], list[Bit]]:
    """Clocks of those ports of a memory that have `bit`; of one that reads without a clock its address and data."""
    pins, found, unclocked = memory["connections"], set[int](), list[Bit]()
    for side in ("RD", "WR"):
        for index, clock in enumerate(pins[f"{side}_CLK"]):
            own = {what: _slice(pins[f"{side}_{what}"], index, len(pins[f"{side}_CLK"])) for what in MEMORY_PINS}
            if any(bit in bits for bits in own.values()):
                if isinstance(clock, int):
                    found.add(clock)
                else:
                    unclocked += own["ADDR"] + own["DATA"]
    return found, unclocked


def _slice(bits: list[Bit], index: int, ports: int) -> list[Bit]:
    """One port's part of a pin."""
    each = len(bits) // ports
    return bits[index * each : (index + 1) * each]


def _literal(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


class Netlist:
    """One flat module. `clocked`: how many flip-flops and memory ports each clock has; one that logic makes is
    named "(made by logic)".
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        self._cells: list[Mapping[str, Any]] = list(module["cells"].values())
        self._ports: dict[str, Mapping[str, Any]] = module["ports"]
        self._port_of: dict[Bit, str] = {
            bit: name for name, port in self._ports.items() if port["direction"] != "output" for bit in port["bits"]
        }
        self._driver: dict[Bit, Mapping[str, Any]] = {}
        self._readers: dict[Bit, list[Mapping[str, Any]]] = defaultdict(list)
        for cell in self._cells:
            for pin, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"][pin] == "output":
                        self._driver[bit] = cell
                    else:
                        self._readers[bit].append(cell)
        self.clocked: dict[str, int] = {}
        for cell in self._cells:
            for name in self._clocks(cell):
                self.clocked[name] = self.clocked.get(name, 0) + len(cell["connections"].get("Q", (0,)))

    def _clocks(self, cell: Mapping[str, Any]) -> set[str]:
        """Of a flip-flop or a memory; none of logic. A constant is no clock: a memory's port without one."""
        return {self._root(bit) for bit in self._clock_bits(cell)}

    @staticmethod
    def _clock_bits(cell: Mapping[str, Any]) -> set[int]:
        bits = (bit for pin in CLOCKS for bit in cell["connections"].get(pin, ()))
        return {bit for bit in bits if isinstance(bit, int)}

    def _root(self, bit: Bit) -> str:
        seen: set[Bit] = set()
        while bit not in self._port_of and bit not in seen:
            seen.add(bit)
            driver = self._driver.get(bit)
            if driver is None or driver["type"] not in WIRES:
                return "(made by logic)"
            (bit,) = driver["connections"]["A"]
        return self._port_of.get(bit, "(made by logic)")

    def clocks_at(self, port: str) -> set[str]:
        """Clocks of the flip-flops nearest to `port`, with nothing but logic between."""
        entry = self._ports.get(port)
        if entry is None:
            return set()
        back = entry["direction"] == "output"
        found: set[str] = set()
        waiting, seen = list(entry["bits"]), set(entry["bits"])
        while waiting:
            bit = waiting.pop()
            for cell in [self._driver[bit]] if back and bit in self._driver else [] if back else self._readers[bit]:
                clocks, beyond = (
                    _memory_ports(cell, bit) if cell["type"] in MEMORIES
                    else (self._clock_bits(cell), self._beyond(cell, back))
                )  # fmt: skip
                found |= {self._root(clock) for clock in clocks}
                more = set() if clocks else {bit for bit in beyond if isinstance(bit, int)} - seen
                seen |= more
                waiting.extend(more)
        return found - {"(made by logic)"}

    @staticmethod
    def _beyond(cell: Mapping[str, Any], back: bool) -> Iterable[Bit]:
        """The nets on the cell's other side."""
        way = "input" if back else "output"
        for pin, bits in cell["connections"].items():
            if cell["port_directions"][pin] == way:
                yield from bits
