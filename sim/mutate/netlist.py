"""A block as one flat netlist, and its mutants: the same with one bit of one cell's pin wrong, by Yosys' `mutate`.

All mutants are in one netlist, behind an input `mutant`: 0 is the block as it is, n has fault n. The block's ports are
two, `i` and `o`, in the order of its signature (`ports_of`): whoever drives it moves two numbers.

A fault is an inverted bit, a bit that is constant, or one inverted while another is 0 or 1 (`inv`, `const0`, `const1`,
`cnot0`, `cnot1`). Clock pins are left alone: a clock is not logic of the block. Nor is what assertions alone look at.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ringbed.sim.mutate
from ringbed.sim.mutate.lines import Lines, lines_of
from ringbed.sim.native.cache import cached, content_hash
from ringbed.sim.yosys.tools import YOSYS, run

__all__ = ["CHECKS", "FLATTEN", "Mutant", "Mutants", "faults_of", "mutants_of", "packed_rtlil", "ports_of"]

SECONDS = 300.0  # of Yosys for a block; each takes a few
CHECKS = "t:$check t:$print t:$assert"
FLATTEN = (
    "read_rtlil block.il; hierarchy -top top; proc; flatten; opt -nodffe -nosdff; opt_clean -purge; "
    "write_rtlil flat.il; delete {checks}; opt_clean -purge; "
    "select -set logic t:* t:$meminit_v2 %d; mutate -list {listed} -seed {seed} -o faults.ys @logic"
)
MODEL = "read_rtlil flat.il; script mutate.ys; opt_clean; write_verilog -noattr mutants.v"
WORD = re.compile(r"-(\w+) (\S+)")
OURS = Path(ringbed.sim.mutate.__file__ or "").parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """Fault `number`, from 1 on: `mode` as Yosys calls it, at a bit of a cell's pin; `net` is that bit's, when it has a
    name; `lines` are what the cell was made by, "hw/rx/parse.py:60"; `command` makes it in Yosys.
    """

    number: int
    mode: str
    cell: str
    pin: str
    bit: int
    net: str
    lines: tuple[str, ...]
    command: str

    def __str__(self) -> str:
        where = f" of {self.net}" if self.net else ""
        return f"{self.mode} at {self.pin}[{self.bit}]{where}, {' '.join(self.lines) or 'no line known'}"


@dataclass(frozen=True, slots=True)
class Mutants:
    """`folder` has flat.il, the block as it is, and mutants.v, module `top` with all of `mutants` behind `mutant`."""

    folder: Path
    mutants: tuple[Mutant, ...]
    bits: int  # of `mutant`


def ports_of(component: Any) -> tuple[list[Any], list[Any]]:
    """Its inputs and its outputs as values, without the constant `ready` of streams that are always ready."""
    from amaranth.hdl import Const, Value
    from amaranth.lib.wiring import In

    ports = [(member.flow, Value.cast(value)) for _, member, value in component.signature.flatten(component)]
    ports = [(flow, value) for flow, value in ports if len(value) and not isinstance(value, Const)]
    return [value for flow, value in ports if flow == In], [value for flow, value in ports if flow != In]


def packed_rtlil(component: Any) -> str:
    """RTLIL of module `top`: `clk`, `rst`, `i` and `o`; with the source of every cell."""
    from amaranth.back import rtlil
    from amaranth.hdl import Cat, ClockDomain, Module, Signal
    from amaranth.hdl._ir import PortDirection

    m: Any = Module()
    m.domains.sync = domain = ClockDomain("sync")
    m.submodules.block = component
    inputs, outputs = (Cat(*values) for values in ports_of(component))
    i, o = Signal(len(inputs)), Signal(len(outputs))
    m.d.comb += [inputs.eq(i), o.eq(outputs)]
    ports = {name: (signal, PortDirection.Input) for name, signal in (("clk", domain.clk), ("rst", domain.rst))}
    ports |= {"i": (i, PortDirection.Input), "o": (o, PortDirection.Output)}
    convert: Any = rtlil.convert
    return str(convert(m, name="top", ports=ports, emit_src=True))


def mutants_of(component: Any, count: int, seed: int) -> Mutants:
    """`count` mutants of a block, fewer where Yosys has no more to tell apart; the same for the same seed.

    Kept by the block's netlist and lines. Raises SynthError when Yosys is not there or is not done.
    """
    rtlil = packed_rtlil(component)
    tool = importlib.metadata.version(YOSYS.package) if _there() else ""
    key = content_hash(rtlil, tool, FLATTEN, MODEL, str(count), str(seed), Path(__file__).read_text(encoding="utf-8"))

    def make(target: Path, work: Path) -> None:
        (work / "block.il").write_text(rtlil, encoding="utf-8")
        listed = count + count // 4 + 8  # and clock pins among them
        run(YOSYS, ["-q", "-p", FLATTEN.format(checks=CHECKS, listed=listed, seed=seed)], work, SECONDS)
        faults = _chosen(work, count)
        chosen = [f"mutate -ctrl mutant {_bits(count)} {each.number} {each.command}" for each in faults]
        (work / "mutate.ys").write_text("\n".join(chosen) + "\n", encoding="utf-8")
        run(YOSYS, ["-q", "-p", MODEL], work, SECONDS)
        target.mkdir()
        for name in ("flat.il", "faults.ys", "mutants.v"):
            (work / name).rename(target / name)

    folder = cached("mutants", key, make)
    return Mutants(folder, tuple(_chosen(folder, count)), _bits(count))


def _chosen(folder: Path, count: int) -> list[Mutant]:
    listed, flat = ((folder / name).read_text(encoding="utf-8") for name in ("faults.ys", "flat.il"))
    return faults_of(listed.splitlines(), count, lines_of(flat))


def faults_of(listed: Iterable[str], count: int, lines: Lines) -> list[Mutant]:
    """The first `count` of a list that `mutate -list` wrote, without those at a clock; `lines` of cells without any."""
    wanted = [line.removeprefix("mutate ") for line in listed if "-mode none" not in line and "-port CLK" not in line]
    return [_fault(number, line, lines) for number, line in enumerate(wanted[:count], 1)]


def _fault(number: int, command: str, known: Lines) -> Mutant:
    said: dict[str, str] = {}
    for key, value in WORD.findall(command):
        said.setdefault(key, value)
    sources = [value for key, value in WORD.findall(command) if key == "src"]
    net = f"{said['wire'].removeprefix('block.')}[{said['wirebit']}]" if "wire" in said else ""
    return Mutant(
        number, said["mode"], said["cell"], said["port"], int(said["portbit"]), net,
        _lines(sources) or _lines(known.get(said["cell"], ())), command,
    )  # fmt: skip


def _lines(sources: Iterable[str]) -> tuple[str, ...]:
    """From the room on, without what this file itself makes."""
    there = (source.rpartition(":") for source in dict.fromkeys(sources))
    return tuple(f"{_short(Path(path))}:{line}" for path, _, line in there if Path(path).parent != OURS)


def _short(path: Path) -> Path:
    root = OURS.parent.parent
    return path.relative_to(root) if path.is_relative_to(root) else Path(*path.parts[-3:])


def _bits(count: int) -> int:
    return max(count.bit_length(), 1)


def _there() -> bool:
    """Raises SynthError where Yosys is not."""
    from ringbed.sim.yosys.tools import versions

    return bool(versions())
