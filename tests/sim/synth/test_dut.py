"""Somebody's Verilog through Yosys: the cells of a small one are known, by its parameter, its include and its ties."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.seam.portmap import PortMapError
from ringbed.sim.synth.dut import design_of_map
from ringbed.sim.synth.flow import Design, synthesize
from ringbed.sim.synth.netlist import Cells

# `BITS` ANDs, a register behind each; `invert` tied to 1 costs nothing, and so does a reset that is active low
VERILOG = """`include "width.vh"
module ands #(parameter BITS = `BITS) (
    input wire clk, input wire clk_out, input wire rst_n, input wire invert,
    input wire [63:0] rx_tdata, input wire rx_tvalid, input wire rx_tlast, input wire [7:0] rx_tkeep,
    output reg [BITS-1:0] both, output reg late
);
    always @(posedge clk)
        if (!rst_n) both <= 0;
        else both <= rx_tdata[BITS-1:0] & rx_tdata[63 -: BITS] & {BITS{invert}};
    always @(posedge clk_out) late <= rx_tvalid ^ rx_tlast;
endmodule
"""
MAP = """
top = "ands"
sources = ["ands.v"]
include = ["headers here"]
clock = "clk"
reset = { port = "rst_n", active = "low" }
ties = { invert = 1 }
[clocks.clk_out]
ratio = "1/2"
[wire.rx]
kind = "axi4-stream"
prefix = "rx_"
data_width = 64
ready = false
[pins.both]
dir = "out"
width = 5
[pins.late]
dir = "out"
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A map, its Verilog and a header, in a folder whose name has a space; and a cache of its own."""
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "their nic"
    (folder / "headers here").mkdir(parents=True)
    (folder / "headers here" / "width.vh").write_text("`define BITS 5\n")
    (folder / "ands.v").write_text(VERILOG)
    (folder / "ands.toml").write_text(MAP)
    return folder


def test_cells_of_verilog_that_is_known(theirs: Path) -> None:
    design = design_of_map(theirs / "ands.toml")
    assert (design.name, design.width) == ("ands.toml", 64)
    result = synthesize(design)
    assert result.why == ""
    assert result.cells is not None
    assert (result.cells.ff, result.cells.ram, result.cells.dsp) == (6, 0, 0)
    assert 6 <= result.cells.lut <= 7  # of a reset that is active low an inverter may be left
    assert result.fmax is not None
    assert result.route is not None
    assert {result.route.source[:5], result.route.target[:4]} <= {"port ", "both", "late"}


def test_parameters_of_the_map_and_what_is_included_count(theirs: Path) -> None:
    cells = []
    for line in ("", "parameters = { BITS = 7 }\n"):
        (theirs / "ands.toml").write_text(line + MAP.replace("width = 5", "width = 7" if line else "width = 5"))
        cells.append(synthesize(design_of_map(theirs / "ands.toml")).cells)
    (theirs / "headers here" / "width.vh").write_text("`define BITS 9\n")
    (theirs / "ands.toml").write_text(MAP.replace("width = 5", "width = 9"))
    cells.append(synthesize(design_of_map(theirs / "ands.toml")).cells)
    assert [each.ff for each in cells if each is not None] == [6, 8, 10]


def test_a_tool_that_does_not_read_it_is_quoted_with_file_and_line(theirs: Path) -> None:
    made = design_of_map(theirs / "ands.toml")
    (theirs / "ands.v").write_text("module ands;\n  interface class x;\nendmodule\n")
    result = synthesize(Design(made.name, made.width, made.rtlil, rtl=made.rtl))
    assert result.cells is None
    assert result.why.startswith("not synthesized: Yosys: ands.v:2: ")


def test_a_map_with_a_mistake_is_refused(theirs: Path) -> None:
    (theirs / "ands.toml").write_text(MAP.replace("ties = { invert = 1 }", ""))
    with pytest.raises(PortMapError, match=r"input 'invert' of ands is in no bus"):
        design_of_map(theirs / "ands.toml")


def test_a_block_of_the_examples() -> None:
    path = Path(__file__).parents[3] / "examples" / "third_party" / "blocks" / "rss_hash.toml"
    design = design_of_map(path)
    assert (design.name, design.width) == ("rss_hash.toml", 128)
    assert "collar__sport" in design.rtlil


def test_a_pin_that_goes_both_ways_is_refused(theirs: Path) -> None:
    (theirs / "ands.v").write_text(VERILOG.replace("output reg late", "output reg late, inout wire sda"))
    with pytest.raises(PortMapError, match=r"'sda' of ands is an inout"):
        design_of_map(theirs / "ands.toml")


def test_no_cells_are_counted_of_the_collar(theirs: Path) -> None:
    (theirs / "ands.v").write_text(
        "module ands(input wire clk, input wire [63:0] rx_tdata, input wire rx_tvalid, rx_tlast,"
        " input wire [7:0] rx_tkeep, output wire late); assign late = rx_tlast; endmodule\n"
    )
    text = MAP.replace('reset = { port = "rst_n", active = "low" }', "").split("[clocks")[0].split("ties")[0]
    wire = MAP[MAP.index("[wire.rx]") : MAP.index("[pins.both]")]
    (theirs / "ands.toml").write_text(text + wire + '[pins.late]\ndir = "out"\n')
    assert synthesize(design_of_map(theirs / "ands.toml")).cells == Cells(0, 0, 0, 0)
