"""Somebody's Verilog as a flat netlist, by Yosys: flip-flops and logic, and what is asked of them.

From each port of a bus the logic is followed to the nearest flip-flops, backward from outputs and forward from inputs;
their clocks are followed back to a port. Each port of a memory is a flip-flop of its own. From one that reads without a
clock the way goes on to its address, and not to what was written, which in every asynchronous FIFO is another clock's.
"""

from __future__ import annotations

import codecs
import json
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ringbed.hw.formats.dut import Dut
from ringbed.hw.formats.literal import literal
from ringbed.sim.needs import Missing
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.yosys.tools import YOSYS, SynthError, run, staged

__all__ = ["MADE", "Netlist", "NetlistUnknown", "read_netlist"]

MOST_BYTES = 128 << 20  # of a netlist in JSON, which takes ten times as much of memory and a second for each 16 MiB
WIRES = (
    "$not",
    "$pos",
    "$buf",
    "$logic_not",
    "$_NOT_",
    "$_BUF_",
)  # behind one of these is the same clock, or reset
CLOCKS, RESETS = ("CLK", "WR_CLK", "RD_CLK"), ("ARST", "SRST")
MADE = "(made by logic)"
MEMORIES, MEMORY_PINS = ("$mem", "$mem_v2"), ("DATA", "ADDR", "EN")
Bit = int | str  # a number of a net; a constant is "0", "1", "x"


class NetlistUnknown(Exception):
    """Yosys is not there, or does not take the sources; the sentence says which."""


class NetlistMissing(NetlistUnknown, Missing):
    """Yosys is not there."""


def read_netlist(dut: Dut, rtl: Rtl, seconds: float) -> Netlist:
    """The top module of `dut` with its parameters. Raises NetlistUnknown, also when Yosys is not done in `seconds`.

    Sources are copied: Yosys as WebAssembly sees few folders.
    """
    with tempfile.TemporaryDirectory() as work:
        folder, names = staged(rtl, Path(work)), []
        for index, path in enumerate(rtl.files):
            names.append(f"s{index}{path.suffix}")
            (folder / names[-1]).write_bytes(
                path.read_bytes().removeprefix(codecs.BOM_UTF8)
            )  # which Verilator reads over
        for path in rtl.read:
            for included in (path.relative_to(each) for each in rtl.include if path.is_relative_to(each)):
                (folder / included).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / included)
        sets = "".join(f" -set {name} {literal(value)}" for name, value in dut.parameters.items())
        script = [f"read_verilog -sv -I. {' '.join(names)}"]
        script += [f"chparam{sets} {dut.top}"] if sets else []
        script += [
            f"hierarchy -top {dut.top}",
            "proc",
            "flatten",
            "memory_collect",
            "opt_clean",
            "write_json flat.json",
            "opt_expr",
            "opt_dff -nodffe",  # until here a reset with the clock is a multiplexer, and inverters are before pins
            "opt_clean",
            "write_json resets.json",
        ]
        try:
            run(YOSYS, ["-q", "-p", "; ".join(script)], folder, seconds)
        except SynthError as error:
            words = str(error)
            for name, path in zip(names, rtl.files, strict=True):
                words = words.replace(f"{name}:", f"{path.name}:")
            raise (NetlistMissing if isinstance(error, Missing) else NetlistUnknown)(words) from None
        flat, resets = (_top(folder / f"{name}.json") for name in ("flat", "resets"))
    return Netlist(flat, resets)


def _top(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise NetlistUnknown(f"its netlist has more than {MOST_BYTES >> 20} MiB")
    modules = json.loads(path.read_text(encoding="utf-8"))["modules"]
    return next(module for module in modules.values() if int(module["attributes"].get("top", "0"), 2))


class _Flat:
    """A module of Yosys's JSON: who drives each bit, and who reads it."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.cells: list[Mapping[str, Any]] = list(module["cells"].values())
        self.ports: dict[str, Mapping[str, Any]] = module["ports"]
        self.port_of: dict[Bit, str] = {
            bit: name for name, port in self.ports.items() if port["direction"] != "output" for bit in port["bits"]
        }
        self.driver: dict[Bit, Mapping[str, Any]] = {}
        self.readers: dict[Bit, list[Mapping[str, Any]]] = defaultdict(list)
        for cell in self.cells:
            for pin, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"][pin] == "output":
                        self.driver[bit] = cell
                    else:
                        self.readers[bit].append(cell)

    def root(self, bit: Bit) -> str:
        """The port that `bit` comes from, MADE where logic makes it."""
        seen = set[Bit]()
        while bit not in self.port_of:
            driver = self.driver.get(bit)
            if driver is None or driver["type"] not in WIRES or bit in seen:
                return MADE
            seen.add(bit)
            (bit,) = driver["connections"]["A"]
        return self.port_of[bit]


class Netlist:
    """One flat module, from two netlists: `flat`, and `resets` where flip-flops have their resets as pins.

    clocked : how many flip-flops and memory ports each clock has, by port, or MADE
    reset : how many flip-flops each port resets while it is high (True), and while it is low (False)
    reset_at_once : the same, of those that need no clock for it
    """

    def __init__(self, flat: Mapping[str, Any], resets: Mapping[str, Any]) -> None:
        self._flat = _Flat(flat)
        self.clocked = Counter[str]()
        for cell in self._flat.cells:
            for name in {self._flat.root(bit) for bit in _clock_bits(cell)}:
                self.clocked[name] += _flip_flops(cell)
        self.reset, self.reset_at_once = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
        with_resets = _Flat(resets)
        for cell in with_resets.cells:
            for pin in RESETS:
                for bit in cell["connections"].get(pin, ()):
                    high = int(cell["parameters"][f"{pin}_POLARITY"], 2) == 1
                    self.reset[with_resets.root(bit), high] += _flip_flops(cell)
                    self.reset_at_once[with_resets.root(bit), high] += _flip_flops(cell) * (pin == "ARST")

    def undriven(self, port: str) -> list[int]:
        """The bits of an output that nothing drives, be it a constant."""
        flat = self._flat
        bits = flat.ports[port]["bits"] if port in flat.ports else ()
        return [
            index for index, bit in enumerate(bits)
            if bit not in flat.driver and bit not in flat.port_of and bit not in ("0", "1", "x")
        ]  # fmt: skip

    def width(self, port: str) -> int:
        return len(self._flat.ports[port]["bits"])

    def clocks_at(self, port: str) -> set[str]:
        """Clocks of the flip-flops nearest to `port`, with nothing but logic between; MADE among them."""
        flat, entry = self._flat, self._flat.ports.get(port)
        if entry is None:
            return set()
        back = entry["direction"] == "output"
        found, waiting, seen = set[str](), list(entry["bits"]), set(entry["bits"])
        while waiting:
            bit = waiting.pop()
            for cell in [flat.driver[bit]] if back and bit in flat.driver else [] if back else flat.readers[bit]:
                clocks, beyond = (
                    _memory_ports(cell, bit) if cell["type"] in MEMORIES
                    else (_clock_bits(cell), _beyond(cell, back))
                )  # fmt: skip
                found |= {flat.root(clock) for clock in clocks}
                more = set() if clocks else {bit for bit in beyond if isinstance(bit, int)} - seen
                seen |= more
                waiting.extend(more)
        return found


def _flip_flops(cell: Mapping[str, Any]) -> int:
    """Of a memory 1."""
    return len(cell["connections"].get("Q", (0,)))


def _clock_bits(cell: Mapping[str, Any]) -> set[int]:
    """Of a flip-flop or a memory; none of logic. A constant is no clock: a memory's port without one."""
    bits = (bit for pin in CLOCKS for bit in cell["connections"].get(pin, ()))
    return {bit for bit in bits if isinstance(bit, int)}


def _beyond(cell: Mapping[str, Any], back: bool) -> Iterable[Bit]:
    """The nets on the cell's other side."""
    way = "input" if back else "output"
    for pin, bits in cell["connections"].items():
        if cell["port_directions"][pin] == way:
            yield from bits


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
