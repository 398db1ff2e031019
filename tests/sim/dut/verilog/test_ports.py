"""Ports of a top module, as Verilator sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.dut.verilog.ports import NoModule, VerilogError, module_ports, read_top
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.seam.portmap import Port
from ringbed.sim.seam.spec import Rtl

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
    ("top", "sentence"),
    [
        ("none", "there is no module 'none' in these sources; there is 'top', 'odd', 'inner'$"),
        ("odd", "port 'list' of odd is not a vector"),
    ],
)
def test_what_cannot_be_asked(rtl: Rtl, top: str, sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        module_ports(top, rtl, {})


def test_verilators_first_error_is_shown(rtl: Rtl) -> None:
    rtl.files[0].write_text("module top (input wire clk);\n  assign a = ;\nendmodule\n")
    with pytest.raises(BuildError, match=r"t\.sv:2:\d+: syntax error"):
        module_ports("top", rtl, {})


def test_of_many_modules_some_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.v").write_text("".join(f"module m{index}; endmodule\n" for index in range(11)))
    with pytest.raises(NoModule, match=r"there is 'm0', 'm1', .*, 'm7' and 3 more$"):
        read_top("t", Rtl((tmp_path / "t.v",)), {})


def test_a_packed_union_is_as_wide_as_its_widest(tmp_path: Path) -> None:
    (tmp_path / "t.sv").write_text("""typedef union packed { logic [7:0] a; logic [7:0] b; } either_t;
module top (input either_t both); endmodule
""")
    assert module_ports("top", Rtl((tmp_path / "t.sv",)), {})["both"].width == 8


def test_every_file_that_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Includes in folders below, in the folder one is in, and modules that Verilator looked for itself."""
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    (tmp_path / "lib" / "deep" / "a.vh").write_text("`define A 3\n")
    (tmp_path / "lib" / "part.v").write_text("module part (output wire y); assign y = 1; endmodule\n")
    (tmp_path / "here.vh").write_text("`define B 2\n")
    (tmp_path / "t.v").write_text("""`include "deep/a.vh"
`include "here.vh"
module top (output wire [`A+`B:0] y); part p (.y(y[0])); endmodule
""")
    monkeypatch.chdir(tmp_path)
    rtl = Rtl((tmp_path / "t.v",), (tmp_path / "lib",))
    found = read_top("top", rtl, {})
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == [
        "here.vh", "lib/deep/a.vh", "lib/part.v", "t.v",
    ]  # fmt: skip
    assert found.ports["y"].width == 6


def test_each_design_has_a_log_of_its_own(tmp_path: Path) -> None:
    """Or one process would be shown the mistakes of another's."""
    logs = set()
    for name in ("one", "two"):
        (tmp_path / f"{name}.v").write_text(f"module {name} (; endmodule\n")
        with pytest.raises(VerilogError) as raised:
            read_top(name, Rtl((tmp_path / f"{name}.v",)), {})
        log = Path(str(raised.value).split("full log: ")[1])
        assert f"{name}.v:1:" in log.read_text()
        logs.add(log)
    assert len(logs) == 2
