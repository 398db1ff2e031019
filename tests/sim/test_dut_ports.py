"""Ports of a top module, as Verilator sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.dut_ports import module_ports
from ringbed.sim.portmap import Port
from ringbed.sim.spec import Rtl
from ringbed.sim.toolchain import BuildError

SOURCE = """`include "width.vh"
package kinds; typedef struct packed { logic [3:0] a; logic b; } pair;
typedef enum logic [1:0] { A, B } state; endpackage
module inner (input wire clk); endmodule
module top import kinds::*; #(parameter W = 8, parameter NAME = "x") (
  input wire clk, input wire [W-1:0] data, output reg [`TWICE*W-1:0] wide, input pair both, output state now,
  input logic [3:0][W-1:0] lanes, output int number, inout wire pad);
  inner i (.clk(clk));
  assign now = A; assign number = 0; assign wide = NAME == "y" ? 1 : 0;
endmodule
module odd (input logic [7:0] list [2]); endmodule
"""


@pytest.fixture
def rtl(tmp_path: Path) -> Rtl:
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / "width.vh").write_text("`define TWICE 2\n")
    (tmp_path / "t.sv").write_text(SOURCE)
    return Rtl((tmp_path / "t.sv",), (tmp_path / "headers",))


def test_widths_directions_parameters_and_includes(rtl: Rtl) -> None:
    found = module_ports("top", rtl, {"W": 16, "NAME": "y"})
    assert list(found.values()) == [
        Port("clk", 1, "in"), Port("data", 16, "in"), Port("wide", 32, "out"), Port("both", 5, "in"),
        Port("now", 2, "out"), Port("lanes", 64, "in"), Port("number", 32, "out"), Port("pad", 1, "inout"),
    ]  # fmt: skip
    assert module_ports("top", rtl, {})["data"].width == 8


@pytest.mark.parametrize(
    ("top", "sentence"), [("none", "--top-module 'none' was not found"), ("odd", "port 'list' of odd is not a vector")]
)
def test_what_cannot_be_asked(rtl: Rtl, top: str, sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        module_ports(top, rtl, {})


def test_verilators_first_error_is_shown(rtl: Rtl) -> None:
    rtl.files[0].write_text("module top (input wire clk);\n  assign a = ;\nendmodule\n")
    with pytest.raises(BuildError, match=r"t\.sv:2:\d+: syntax error"):
        module_ports("top", rtl, {})
