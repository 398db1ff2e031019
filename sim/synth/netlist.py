"""What Yosys and nextpnr wrote, read: how much of the FPGA a netlist takes, and its slowest path in human names.

A netlist is Yosys's JSON of one flat module of ECP5 cells; a report is nextpnr's. Names of cells come from Yosys,
which calls a flip-flop after the net it drives; the register's own name is the shortest that this net has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringbed.sim.synth.collar import BLOCK, in_collar, port_of

__all__ = ["DEVICE", "Cells", "Route", "count", "fmax_of", "slowest", "too_large"]

DEVICE = {"lut": 83_640, "ff": 83_640, "ram": 208, "dsp": 156}  # LFE5U-85F, as nextpnr counts them
NAMES = {"lut": "LUTs", "ff": "flip-flops", "ram": "block RAMs", "dsp": "DSPs"}
# LUTs each kind of cell takes: a carry cell is two of them, and so are each 8 bits of a distributed RAM of 16 by 4
LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}
MADE_UP = re.compile(r"_(TRELLIS_FF|LUT4|PFUMX|L6MUX21|CCU2C|TRELLIS_DPR16X4|DP16KD|MULT18X18D)_")


@dataclass(frozen=True, slots=True)
class Cells:
    """`lut` counts 4-input look-up tables, those of carry chains and distributed RAM too; `ram` blocks of 18 kbit."""

    lut: int
    ff: int
    ram: int
    dsp: int


@dataclass(frozen=True, slots=True)
class Route:
    """The slowest way from a register to a register: ns in all, of which `routing` between cells, and cells passed."""

    source: str
    target: str
    ns: float
    routing: float
    levels: int


def count(netlist: Mapping[str, Any]) -> Cells:
    """Cells of the one module, without the collar."""
    module = _module(netlist)
    collar = {bit for name, net in module["netnames"].items() if _is_port(name) for bit in net["bits"]}
    kinds = Counter(
        cell["type"] for cell in module["cells"].values() if collar.isdisjoint(cell["connections"].get("Q", ()))
    )
    lut = sum(luts * kinds[kind] for kind, luts in LUTS.items())
    return Cells(lut, kinds["TRELLIS_FF"], kinds["DP16KD"], kinds["MULT18X18D"])


def too_large(cells: Cells) -> str:
    """What is more than the FPGA has, in words; empty when nothing is."""
    over = [
        f"{getattr(cells, key):,} of {have:,} {NAMES[key]}"
        for key, have in DEVICE.items()
        if getattr(cells, key) > have
    ]
    return ", ".join(over)


def fmax_of(report: Mapping[str, Any]) -> float:
    """MHz of the one clock."""
    (clock,) = report["fmax"].values()
    return float(clock["achieved"])


def slowest(report: Mapping[str, Any], netlist: Mapping[str, Any], names: Mapping[str, str]) -> Route:
    """The path that sets f_max; `names` has better ones for some nets of the netlist."""
    clocked = [
        each for each in report["critical_paths"] if each["from"].startswith("posedge") and each["from"] == each["to"]
    ]
    steps = max(clocked, key=lambda each: sum(step["delay"] for step in each["path"]))["path"]
    source, target = (_register(cell, netlist, names) for cell in (steps[0]["from"]["cell"], steps[-1]["to"]["cell"]))
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    levels = sum(step["type"] == "logic" for step in steps)
    return Route(source, target, sum(step["delay"] for step in steps), routing, levels)


def _register(cell: str, netlist: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a person calls the flip-flop or memory that `cell` is."""
    module = _module(netlist)
    found = module["cells"].get(cell)
    if found is None or found["type"] != "TRELLIS_FF":
        return "memory " + _human(re.split(r"[./]\d+(?=[./]|$)", MADE_UP.split(cell, maxsplit=1)[0])[0], names)
    (bit,) = found["connections"]["Q"]
    nets = [(name, net["bits"]) for name, net in module["netnames"].items() if bit in net["bits"]]
    # every alias of a port's register is the port; any name of the source is better than one that Yosys made
    net, bits = min(nets, key=lambda each: (not _is_port(each[0]), _made_up(each[0]), len(each[0]), each[0]))
    index = f"[{bits.index(bit)}]" if len(bits) > 1 else ""
    return f"port {port_of(net)}{index}" if _is_port(net) else _human(net, names) + index


def _is_port(net: str) -> bool:
    """Yosys names what hangs on the collar after it as well."""
    return in_collar(net) and not _made_up(net)


def _made_up(net: str) -> bool:
    return MADE_UP.search(net) is not None


def _human(net: str, names: Mapping[str, str]) -> str:
    """Without what Yosys put behind a net's name, and what Amaranth did to tell two of one name apart."""
    nameless = re.match(r"(.*\$signal(?:\$\d+)?)(.*)", net)
    if nameless and nameless[1] in names:
        scope = nameless[1].rpartition("$signal")[0]
        net = scope + names[nameless[1]] + nameless[2]
    bare = re.sub(r"\$\d+", "", MADE_UP.split(net, maxsplit=1)[0])
    return port_of(bare) if in_collar(bare) else bare.removeprefix(BLOCK + ".")


def _module(netlist: Mapping[str, Any]) -> Any:
    (module,) = (each for each in netlist["modules"].values() if not _is_library(each))
    return module


def _is_library(module: Mapping[str, Any]) -> bool:
    """Cells of the FPGA are in Yosys's JSON as modules too."""
    return any(name in module["attributes"] for name in ("blackbox", "whitebox"))
