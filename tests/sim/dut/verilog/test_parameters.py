"""Verilator takes any value for any parameter; a text for a number, or the other way round, is refused before it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.hw.formats.literal import Parameter
from ringbed.sim.dut.verilog.ports import VerilogError, module_ports
from ringbed.sim.seam.spec import Rtl
from tests.sim.conftest import needs_native

pytestmark = needs_native
SOURCE = """module a #(
  parameter real R = 1.5, parameter X = 1.5, parameter integer I = 3, parameter [7:0] B = 1, parameter W = 8,
  parameter N = 8'd3, parameter string S = "x", parameter T = "hello", parameter [8*9-1:0] P = "mode", parameter E = ""
) (input clk);
endmodule
"""


@pytest.fixture
def rtl(tmp_path: Path) -> Rtl:
    (tmp_path / "a.sv").write_text(SOURCE)
    return Rtl((tmp_path / "a.sv",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("R", 2.5), ("R", 2), ("X", 2.5), ("I", -4), ("B", 255), ("W", 16), ("N", 1), ("S", "8'hff"), ("S", ""),
     ("T", "2.5"), ("T", "longer than it was"), ("T", 5), ("P", "other"), ("E", "text"), ("E", 0)],
)  # fmt: skip
def test_what_is_of_its_kind_is_taken(rtl: Rtl, name: str, value: Parameter) -> None:
    assert list(module_ports("a", rtl, {name: value})) == ["clk"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("R", "2.5", "is a number, and '2.5' is a text; the number is 2.5"),
        ("X", "abc", "is a number, and 'abc' is a text"),
        ("I", 3.7, "is no real number, and 3.7 is one"),
        ("I", "", "is a number, and '' is a text"),
        ("B", "8'hff", 'is a number, and "8\'hff" is a text; the number is 255'),
        ("W", "abc", "is a number, and 'abc' is a text"),
        ("W", 1000.0, "is no real number, and 1000.0 is one"),
        ("N", "x", "is a number, and 'x' is a text"),
        ("S", 5, "is a text, and 5 is a number"),
        ("S", 2.5, "is a text, and 2.5 is a number"),
        ("T", 2.5, "is no real number, and 2.5 is one"),
    ],
)
def test_what_is_not_is_a_sentence(rtl: Rtl, name: str, value: Parameter, sentence: str) -> None:
    with pytest.raises(VerilogError) as refused:
        module_ports("a", rtl, {"W": 4} | {name: value})
    assert str(refused.value) == f"parameter {name} of a {sentence}"
