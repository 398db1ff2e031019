"""Parameters as Verilog writes them: what one tool reads another reads, or the text is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.hw.formats.dut import Dut
from ringbed.hw.formats.literal import MOST_TEXT, Parameter, literal, read_number, unfit
from ringbed.sim.dut.verilog.ports import module_ports
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.yosys.netlist import read_netlist

SOURCE = """module top #(parameter NAME = "x", parameter W = 1) (
  input wire clk, output wire [(NAME == "TEXT" ? W : 1)-1:0] q);
  assign q = 0;
endmodule
"""
TEXTS = ("b", "", "a b; c", "it's $5 // {}%s", "#1", "a" * 300)


@given(st.text() | st.integers())
def test_a_text_ends_at_its_second_quote_or_is_refused(value: int | str) -> None:
    if isinstance(value, str) and re.search(r'["\\]|[^\x20-\x7e\x80-\U0010ffff]', value):
        with pytest.raises(ValueError, match="a text for Verilog must be without a quote"):
            literal(value)
    else:
        assert literal(value).strip('"') == str(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [("64", 64), ("0x40", 64), ("1_000", 1000), ("-3", -3), ("8'hff", 255), ("4'hff", 15), ("'b101", 5), ("12'sd7", 7),
     ("16'hDE_AD", 0xDEAD), ("2.5", 2.5), ("1e3", 1000.0), ("-0.5", -0.5),
     ("", None), ("abc", None), ("8'hxz", None), ("3'b12", None), ("'", None), ("1e999", None), ("nan", None),
     ("2.", None), ("0'h1", None), ("9" * 20_000, None)],
)  # fmt: skip
def test_numbers_are_read_as_verilog_and_python_write_them(text: str, number: float | None) -> None:
    found = read_number(text)
    assert (found, type(found)) == (number, type(number))


@given(st.integers(1, 200), st.integers(0))
def test_a_sized_number_has_its_bits(bits: int, value: int) -> None:
    assert read_number(f"{bits}'h{value:x}") == value % 2**bits == read_number(f"{bits}'D{value}")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        literal(value)


def test_what_is_too_long_is_refused() -> None:
    assert unfit("x" * MOST_TEXT) == ""
    assert unfit("x" * (MOST_TEXT + 1)) == "at most 10000 characters"
    assert unfit('a"b') == unfit("a\\b") == unfit("a\n") == "without a quote, a backslash and control characters"


@pytest.mark.needs("yosys")
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_verilator_and_yosys_are_given_the_same_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.sv"
    path.write_text(SOURCE.replace("TEXT", text))
    rtl = Rtl((path,))
    given: dict[str, Parameter] = {"NAME": text, "W": 5}
    assert module_ports("top", rtl, given)["q"].width == 5
    assert read_netlist(Dut("top", "clk", (), parameters=given), rtl, 300).width("q") == 5
    assert module_ports("top", rtl, {**given, "NAME": "other"})["q"].width == 1
