"""Clocks, resets and outputs of a netlist, through logic, hierarchy and inverters, against what the map says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringbed.hw.formats.dut import Bus, BusKind, Clock, Dut, DutReset, Line, Pin
from ringbed.sim.dut.findings import netlist_problems
from ringbed.sim.dut.verilog.ports import read_top
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.yosys.netlist import NetlistUnknown
from tests.sim.conftest import PATIENCE_S

SOURCE = """module half (input wire c, input wire [7:0] d, output reg [7:0] q); always @(posedge c) q <= d; endmodule
module top #(parameter FLIP = 0) (
  input wire clk, input wire other, input wire gate,
  input wire in_tvalid, input wire in_tlast, input wire [7:0] in_tdata,
  output wire out_tvalid, output wire out_tlast, output wire [7:0] out_tdata);
  wire [7:0] a; reg last, valid; reg [7:0] words [0:15];
  wire c = FLIP ? ~other : clk;
  half h (.c(c), .d(in_tdata ^ 8'h55), .q(a));
  always @(posedge clk) begin last <= in_tlast; valid <= in_tvalid & gate; words[a[3:0]] <= a; end
  assign out_tvalid = valid & ~last, out_tlast = last, out_tdata = a + 1;
endmodule
"""
SIGNALS = ("tvalid", "tlast", "tdata")


def problems(tmp_path: Path, source: str = SOURCE, **change: Any) -> list[str]:
    (tmp_path / "t.v").write_text(source)
    values: dict[str, Any] = {
        "top": "top", "clock": "clk", "resets": (), "clocks": (Clock("other"),),
        "rx": Bus(BusKind.STREAM, 8, into=True, ready=False, ports={name: f"in_{name}" for name in SIGNALS}),
        "tx": Bus(BusKind.STREAM, 8, ready=False, ports={name: f"out_{name}" for name in SIGNALS}),
    }  # fmt: skip
    return netlist_problems(Dut(**(values | change)), Rtl((tmp_path / "t.v",)), PATIENCE_S)


def test_all_on_one_clock(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_a_bus_on_another_clock_through_hierarchy_and_an_inverter(tmp_path: Path) -> None:
    found = problems(tmp_path, parameters={"FLIP": 1})
    assert found == [
        "wire.rx.tdata: port 'in_tdata' meets flip-flops on 'other', the map has the bus on 'clk'",
        "wire.tx.tdata: port 'out_tdata' meets flip-flops on 'other', the map has the bus on 'clk'",
    ]


def test_the_map_has_a_bus_on_another_clock(tmp_path: Path) -> None:
    """Where it says so and the Verilog does it, nothing is wrong; where the Verilog does not, it is named."""
    other, ports = Clock("other", 5, 4), {name: f"in_{name}" for name in SIGNALS}
    rx = Bus(BusKind.STREAM, 8, into=True, ready=False, ports={"tdata": "in_tdata"}, clock="other")
    assert problems(tmp_path, parameters={"FLIP": 1}, clocks=(other,), rx=rx, tx=None) == []
    found = problems(tmp_path, clocks=(other,), rx=replace(rx, ports=ports), tx=None)
    assert found == [
        f"wire.rx.{name}: port 'in_{name}' meets flip-flops on 'clk', the map has the bus on 'other'"
        for name in SIGNALS
    ]


def test_a_clock_that_the_map_does_not_name(tmp_path: Path) -> None:
    found = problems(tmp_path, clocks=(), parameters={"FLIP": 1})
    assert found[0] == "port 'other' clocks 8 flip-flops and is no clock of this map"


@pytest.mark.needs("yosys")
def test_what_yosys_does_not_take_is_said(tmp_path: Path) -> None:
    """Of the file that it is in, not of the copy that Yosys was given."""
    with pytest.raises(NetlistUnknown, match=r"\bt\.v:1: .*syntax error"):
        problems(tmp_path, "module top (input wire clk; endmodule\n")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    assert problems(tmp_path, "\ufeff" + SOURCE) == []


FIFO = """module top (
  input wire clk, input wire other,
  input wire in_tvalid, input wire in_tlast, input wire [7:0] in_tdata,
  output wire out_tvalid, output wire out_tlast, output wire [7:0] out_tdata);
  reg [9:0] words [0:15]; reg [3:0] w, r, r1, r2; reg [9:0] taken;
  always @(posedge other) begin words[w] <= {in_tvalid, in_tlast, in_tdata}; w <= w + in_tvalid; end
  always @(posedge clk) begin r1 <= w; r2 <= r1; if (r != r2) r <= r + 1; taken <= words[r]; end
  assign {out_tvalid, out_tlast, out_tdata} = READ;
endmodule
"""


@pytest.mark.parametrize("read", ["taken", "words[r]"], ids=["on-a-clock", "without-one"])
def test_an_asynchronous_fifo_is_two_sides(tmp_path: Path, read: str) -> None:
    """Written on `other`, read on `clk`: each bus meets its own side of the memory."""
    rx = Bus(BusKind.STREAM, 8, into=True, ready=False, ports={name: f"in_{name}" for name in SIGNALS}, clock="other")
    source = FIFO.replace("READ", read)
    assert problems(tmp_path, source, rx=rx) == []
    assert problems(tmp_path, source, rx=replace(rx, clock="")) == [
        f"wire.rx.{name}: port 'in_{name}' meets flip-flops on 'other', the map has the bus on 'clk'"
        for name in SIGNALS
    ]


def test_includes_are_found_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "inc" / "sub").mkdir(parents=True)
    (tmp_path / "inc" / "sub" / "width.vh").write_text("`define W 8\n")
    (tmp_path / "t.v").write_text(
        '`include "sub/width.vh"\nmodule top (input wire clk, input wire [`W-1:0] a); endmodule\n'
    )
    rtl = Rtl((tmp_path / "t.v",), (tmp_path / "inc",))
    rtl = replace(rtl, read=read_top("top", rtl, {}).files)
    assert netlist_problems(Dut(top="top", clock="clk", resets=()), rtl, PATIENCE_S) == []


RESETS = """module inner (input wire c, input wire r, input wire [7:0] d, output reg [7:0] q);
  always @(posedge c or posedge r) if (r) q <= 0; else q <= d;
endmodule
module top (
  input wire clk, input wire rst, input wire [7:0] in_tdata, input wire in_tvalid, input wire in_tlast,
  output reg [7:0] out_tdata, output wire out_tvalid, output wire out_tlast);
  assign out_tvalid = 1, out_tlast = 1;
  {body}
endmodule
"""
LOW = "reset 'rst' is active high in this map, and the Verilog resets 8 flip-flops while it is low: active = \"low\""
HIGH = "reset 'rst' is active low in this map, and the Verilog resets 8 flip-flops while it is high: active = \"high\""


@pytest.mark.parametrize(("body", "low"), [
    ("always @(posedge clk) if (!rst) out_tdata <= 0; else out_tdata <= in_tdata;", True),
    ("always @(posedge clk) if (rst == 1'b0) out_tdata <= 3; else if (in_tvalid) out_tdata <= in_tdata;", True),
    ("always @(posedge clk or negedge rst) if (!rst) out_tdata <= 0; else out_tdata <= in_tdata;", True),
    ("wire r = ~rst; always @(posedge clk) if (r) out_tdata <= 0; else out_tdata <= in_tdata;", True),
    ("wire [7:0] q; inner i (clk, ~(~(~rst)), in_tdata, q); always @* out_tdata = q;", True),
    ("wire r = ~rst; always @(posedge clk or posedge r) if (r) out_tdata <= 0; else out_tdata <= in_tdata;", True),
    ("always @(posedge clk or posedge rst) if (rst) out_tdata <= 0; else out_tdata <= in_tdata;", False),
    ("always @(posedge clk) begin out_tdata <= in_tdata; if (rst) out_tdata <= 0; end", False),
])  # fmt: skip
def test_a_reset_the_other_way_round(tmp_path: Path, body: str, low: bool) -> None:
    source = RESETS.format(body=body)
    assert problems(tmp_path, source, resets=(DutReset("rst"),)) == ([LOW] if low else [])
    assert problems(tmp_path, source, resets=(DutReset("rst", active_high=False),)) == ([] if low else [HIGH])


def test_a_reset_that_resets_both_ways_or_goes_through_flip_flops_is_nobodys_mistake(tmp_path: Path) -> None:
    both = """reg [3:0] a, b; always @(posedge clk) if (rst) a <= 0; else a <= in_tdata[3:0];
      always @(posedge clk) if (!rst) b <= 0; else b <= in_tdata[7:4]; always @* out_tdata = {a, b};"""
    held = """reg r; always @(posedge clk) r <= !rst;
      always @(posedge clk) if (r) out_tdata <= 0; else out_tdata <= in_tdata;"""
    for body in (both, held):
        for high in (True, False):
            assert problems(tmp_path, RESETS.format(body=body), resets=(DutReset("rst", high),)) == []


TWO_RESETS = """module inner (input wire c, input wire r, input wire [7:0] d, output reg [7:0] q);
  always @(posedge c or posedge r) if (r) q <= 0; else q <= d;
endmodule
module top (
  input wire clk, input wire other, input wire rst, input wire other_rst_n, input wire gate,
  input wire in_tvalid, input wire in_tlast, input wire [7:0] in_tdata,
  output reg [7:0] out_tdata, output wire out_tvalid, output wire out_tlast, output reg [7:0] q, output reg s);
  assign out_tvalid = 1, out_tlast = 1;
  wire gated = clk & gate;
  always @(posedge clk) if (rst) out_tdata <= 0; else out_tdata <= in_tdata;
  {body}
endmodule
"""
ON_OTHER = "always @(posedge other or negedge other_rst_n) if (!other_rst_n) q <= 0; else q <= q + 1;"
SYNC = "always @(posedge other) if (!other_rst_n || gate) q <= 0; else q <= q + 1;"
CALLED = (
    "reset 'other_rst_n' is of clock 'clk' in this map, and meets flip-flops on 'other' alone: "
    'clock = "other" in [resets.other_rst_n]'
)


@pytest.mark.parametrize(("body", "called"), [
    (ON_OTHER, True), (SYNC, True),
    (ON_OTHER + "always @(posedge clk) s <= other_rst_n;", False),
    (ON_OTHER + "always @(posedge gated) if (!other_rst_n) s <= 0; else s <= 1;", False),
    ("", False),
])  # fmt: skip
def test_a_reset_of_another_clocks_flip_flops(tmp_path: Path, body: str, called: bool) -> None:
    source = TWO_RESETS.format(body=body)
    resets = DutReset("rst"), DutReset("other_rst_n", active_high=False)
    assert problems(tmp_path, source, resets=resets) == ([CALLED] if called else [])
    assert problems(tmp_path, source, resets=resets, clocks=())[1:] == []
    if called:
        rightly = resets[0], replace(resets[1], clock="other")
        assert problems(tmp_path, source, resets=rightly) == []
        (wrongly,) = problems(tmp_path, source, resets=(replace(resets[0], clock="other"),))
        assert wrongly == (
            "reset 'rst' is of clock 'other' in this map, and meets flip-flops on 'clk' alone: "
            'clock = "clk" in [resets.rst]'
        )


def test_an_output_that_nothing_drives(tmp_path: Path) -> None:
    source = RESETS.format(body="always @(posedge clk) out_tdata[6:0] <= in_tdata;")
    source = source.replace("out_tvalid = 1, ", "").replace(
        "output wire out_tlast", "output wire out_tlast, output irq"
    )
    found = problems(tmp_path, source, line=Line("irq"), pins=(Pin("out_tlast", 1, "out"),))
    assert found == [
        "wire.tx.tvalid: nothing drives port 'out_tvalid'", "wire.tx.tdata: nothing drives bit 7 of port 'out_tdata'",
        "interrupts: nothing drives port 'irq'",
    ]  # fmt: skip


HELD = """module top (
  input wire clk, input wire por_n, input wire clear, input wire off,
  input wire in_tvalid, input wire in_tlast, input wire [7:0] in_tdata,
  output reg out_tvalid, output reg out_tlast, output reg [7:0] out_tdata);
  reg [1:0] some;
  always @(posedge clk or negedge por_n)
    if (!por_n) {out_tvalid, out_tlast} <= 0;
    else {out_tvalid, out_tlast} <= {in_tvalid, in_tlast};
  always @(posedge clk) out_tdata <= clear ? 0 : in_tdata;
  always @(posedge clk) some <= off ? 0 : in_tdata[1:0];
endmodule
"""


@pytest.mark.parametrize(
    ("ties", "told"),
    [
        ({"por_n": 0}, [("por_n", 0, 2)]),
        ({"clear": 1}, [("clear", 1, 8)]),
        ({"off": 1}, []),  # of a part that is not wanted
        ({}, []),
    ],
)
def test_a_reset_that_is_tied_to_where_it_resets(
    tmp_path: Path, ties: dict[str, int], told: list[tuple[str, int, int]]
) -> None:
    held = {name: (1, {"por_n": 1, "clear": 0, "off": 0, **ties}[name]) for name in ("por_n", "clear", "off")}
    assert problems(tmp_path, HELD, ties=held) == [
        f"ties.{name} = {value} holds {count} flip-flops in reset for ever: "
        f"it is a reset, for [reset] or [resets.{name}], or is held at {1 - value}"
        for name, value, count in told
    ]
