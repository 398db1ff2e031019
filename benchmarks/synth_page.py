"""`docs/synthesis.md`: what the NICs and their blocks take of an FPGA, as a page, and the page read back.

`ringbed nic synth NAME --page FILE` writes it, `make synth` the one in the tree. The text about the figures is here,
beside what makes them; no date and no machine is on it, since neither changes a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ringbed.sim.seam.clock import CARD_HZ
from ringbed.sim.synth.flow import Synthesis
from ringbed.sim.synth.netlist import DEVICE

__all__ = ["figures_on", "page", "slowest_path"]

COLUMNS = ("block", "bits", "LUT", "FF", "block RAM", "DSP", "MHz", "slowest path")
HEAD = """# What it takes of an FPGA

Made by `make synth` with {tools}.

The FPGA is a Lattice ECP5 LFE5U-85F in its slowest speed grade (6); it has {device}.
Cells are those of the netlist, and each frequency is that of a placed and routed design.
"""
GOAL = float(CARD_HZ) / 1e6  # MHz; the tool aims at it
NARROW, SLOWEST = 64, 6
REACHED = """
## Does it reach 125 MHz?

125 MHz is the clock that `em` is simulated with, and what the tools aim at. Of its {made} blocks that have a frequency,
{width} bits wide and each by itself, {good} reach it, so the card {verdict}. The slowest are {slowest}. A block that
contains others has the paths through them as well.

What that means: in this FPGA `em` would run with a slower clock, or those blocks would need a register more where their
paths are deepest. Nothing in ringbed depends on it: simulation counts clocks, and how long one lasts is a setting.
"""
OTHERS = """
## Other people's Verilog

The examples of `examples/third_party/`, as `ringbed dut synth MAP` measures your own, and what a port map puts before
a bus that is not ours: bridges, and the crossings of a bus on another clock.

"""
READING = """
## How to read it

- A **LUT** has four inputs; the two of a carry cell and the four of a small distributed RAM are counted. A **block
  RAM** has 18 kbit.
- **MHz** is f_max: what one placement reaches (seed 1) when the tool aims at 125 MHz, which is the clock of `em`.
  Another seed moves it by some 5 %, so do not read more into a difference than that.
- Everything is synthesized **out of context**: ports end inside the FPGA and not at pins, since most blocks have
  more ports than any package. Every port has a register in front of it or behind it, so that a path from an input
  to an output is measured like one between two registers of the block. Those registers are not counted; `port NAME`
  is one of them.
- The **slowest path** goes from a register to a register, in the block's own names. Its time is split into cells
  and the wire between them: many cells mean that the logic is deep, few cells and much wire that it is spread out.
  A name with bars, `left|due`, is one of the signals made in that line of the source.
- **bits** is the width of the data path. A block that is the same at every width is listed once. A class the card
  uses several times, with several parameters, is shown as its largest. A block that contains others counts them in.
- **Does not fit** and **not routed** are answers, with the reason; the cells are those of the netlist. Where a tool was
  not done in some seconds, it had them on a busy machine: `make synth` tries again whatever failed in less than its
  `--limit`, 1800 s. A whole card takes longest; what is done once is kept.
- A name that ends in `.toml` is a port map's, and its row is of the Verilog alone, without the bridges.

## In your own flow

For the numbers of one block, or of some, or of the whole card; `--json` writes what a script wants:

```sh
ringbed nic synth em mac_tx parse
ringbed nic synth em --width 512 --json figures.json
```

For your own Verilog, a NIC or a block by its [port map](port-map.md), with the map's parameters and ties:

```sh
ringbed dut synth examples/third_party/blocks/rx_checksum.toml
```

Only its sources, clocks and resets count there, and all of its clocks are one. Yosys reads Verilog and a part of
SystemVerilog; what it does not read is a sentence with file and line.

For your own tools take the Verilog, of the card or of a block without any registers around it. Clock and reset are
`clk` and `rst`, the reset is synchronous and active high, and the top module has the block's name:

```sh
ringbed nic verilog em -o em.v
ringbed nic verilog em --block mac_tx --width 512 -o mac_tx.v
```
"""
ROW = re.compile(
    r"^\| `([\w.]+)` \| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+)? ?\|", re.MULTILINE
)


def page(
    tools: Mapping[str, str], cards: Sequence[Synthesis], blocks: Sequence[Synthesis], others: Sequence[Synthesis]
) -> str:
    """The whole page, in Markdown; `others` are somebody's Verilog and what a port map puts before it."""
    named = " and ".join(f"{name} {version}" for name, version in tools.items())
    units = {"lut": "LUTs", "ff": "flip-flops", "ram": "block RAMs", "dsp": "DSPs"}
    device = ", ".join(f"{have:,} {units[kind]}" for kind, have in DEVICE.items())
    text = HEAD.format(tools=named, device=device) + "\n## NICs\n\n" + _table(cards)
    for width in sorted({block.width for block in blocks}):
        text += f"\n## Blocks, {width} bits wide\n\n" + _table([block for block in blocks if block.width == width])
    return text + _reached([block for block in blocks if block.width == NARROW]) + OTHERS + _table(others) + READING


def _reached(blocks: Sequence[Synthesis]) -> str:
    """What of the card's goal its blocks reach, in words; nothing when no block has a frequency."""
    made = sorted((block.fmax, block.name) for block in blocks if block.fmax is not None)
    if not made:
        return ""
    good = sum(mhz >= GOAL for mhz, _ in made)
    slowest = ", ".join(f"`{name}` ({mhz:.1f} MHz)" for mhz, name in made[:SLOWEST])
    verdict = "does" if good == len(made) else "does not"
    return REACHED.format(made=len(made), width=NARROW, good=good, verdict=verdict, slowest=slowest)


def figures_on(text: str) -> dict[tuple[str, int], tuple[int, int, int, int, float | None]]:
    """LUT, FF, block RAM, DSP and MHz of every line of a page, by block and width."""
    found = {}
    for name, bits, *cells, mhz in ROW.findall(text):
        lut, ff, ram, dsp = (int(cell.replace(",", "")) for cell in cells)
        found[name, int(bits)] = (lut, ff, ram, dsp, float(mhz) if mhz else None)
    return found


def slowest_path(result: Synthesis) -> str:
    """One phrase: from where to where, how long, through what; or why there is no such path."""
    route = result.route
    if route is None:
        return result.why
    cells = "1 cell" if route.levels == 1 else f"{route.levels} cells"
    wire = 100 * route.routing / route.ns
    return f"{_code(route.source)} to {_code(route.target)}: {route.ns:.1f} ns, {cells}, {wire:.0f} % wire"


def _code(register: str) -> str:
    """`port` and `memory` are ours, the rest is a name of the source."""
    kind, space, name = register.rpartition(" ")
    return f"{kind}{space}`{name}`"


def _table(results: Iterable[Synthesis]) -> str:
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    for result in results:
        cells = result.cells
        counts = [f"{n:,}" for n in (cells.lut, cells.ff, cells.ram, cells.dsp)] if cells else [""] * 4
        mhz = "" if result.fmax is None else f"{result.fmax:.1f}"
        path = slowest_path(result).replace("|", "\\|")
        lines.append("| " + " | ".join([f"`{result.name}`", str(result.width), *counts, mhz, path]) + " |")
    return "\n".join(lines) + "\n"
