"""The table of docs/cocotb.md, "Verilog that the simulators take": each construct is given to all three.

Icarus changes: SEEN lists the versions that were asked everything, which the page has a column for each. Another one is
asked too, and nothing is asserted of it: the last lines of the run say whether it does as the last of SEEN does. To
have it in the table, run these tests with it, add it to SEEN, and to the rows that it takes otherwise.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from ringbed.hw.formats.dut import Dut
from ringbed.sim.dut.findings import netlist_problems
from ringbed.sim.dut.verilog.ports import module_ports
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.yosys.netlist import NetlistUnknown
from tests.conftest import INSISTS, LACKS
from tests.sim.conftest import PATIENCE_S

SEEN = (11, 12)
YES = {True: "yes", False: "no"}
DOCS = Path(__file__).parents[3] / "docs" / "cocotb.md"
PORTS = "input logic clk, input logic [8:0] d, output logic [7:0] q"
FLIP = "always_ff @(posedge clk) q <= d[7:0];"
BEAT = "typedef struct packed {logic last; logic [7:0] data;} beat_t;"
PACKAGE = "package pk; localparam int W = 8; typedef enum logic {NO, YES} yes_t; endpackage"


def module(body: str, before: str = "", ports: str = PORTS) -> str:
    return f"{before}\nmodule t {ports if ports.startswith(('#', 'import')) else f'({ports})'}; {body} endmodule\n"


# The construct as the table has it: (source, whether Icarus takes it, by the version with which it began if not all of
# SEEN do the same, whether Yosys does)
CASES: dict[str, tuple[str, bool | Mapping[int, bool], bool]] = {
    "`always_ff`, `always_comb`, `always_latch`": (
        module(f"logic [7:0] a, b; {FLIP} always_comb a = d[7:0]; always_latch if (d[8]) b = a;"), True, True,
    ),
    "`logic` and `bit` ports, packed arrays": (
        module(FLIP + "logic [1:0][3:0] a; assign a = d[7:0];", ports=PORTS + ", input bit e"), True, True,
    ),
    "enums and `typedef`": (
        module(FLIP + "typedef enum logic [1:0] {A, B} s_t; s_t s; always_ff @(posedge clk) s <= s == A ? B : A;"),
        True, True,
    ),
    "a packed struct inside a module": (module(FLIP + BEAT + "beat_t b; assign b = d;"), True, True),
    "arrays as in `logic [7:0] m [4]`": (
        module(FLIP + "logic [7:0] m [4]; always_ff @(posedge clk) m[d[1:0]] <= d[7:0];"), True, True,
    ),
    "`'1`, `4'(x)`, `unique case`, `for (int i ...)`, `.*`": (
        module("u u1 (.*);", f"module u ({PORTS}); logic [3:0] a; logic [7:0] b, c; assign a = 4'(d); assign c = '1;"
               f"always_comb for (int i = 0; i < 8; i++) b[i] = d[7 - i]; {FLIP} endmodule"), True, True,
    ),
    "`p::W` of a package": (module(FLIP, PACKAGE, PORTS.replace("[7:0] q", "[pk::W-1:0] q")), True, True),
    "`import p::*`": (module(FLIP, PACKAGE, f"import pk::*; ({PORTS.replace('[7:0] q', '[W-1:0] q')})"), True, False),
    "`return` in a function": (
        module(FLIP + "function automatic logic f(input logic x); return ~x; endfunction"), True, False,
    ),
    "an array as a port of an inner module": (
        module("logic [7:0] a [2]; assign a[0] = d[7:0]; assign a[1] = 0; u u1 (.clk(clk), .x(a), .q(q));",
               "module u (input logic clk, input logic [7:0] x [2], output logic [7:0] q);"
               "always_ff @(posedge clk) q <= x[0]; endmodule"), True, False,
    ),
    "a packed struct as a port": (
        module("always_ff @(posedge clk) q <= d.data;", f"package pk; {BEAT} endpackage",
               PORTS.replace("logic [8:0] d", "pk::beat_t d")), {11: False, 12: True}, True,
    ),
    "a type of a package with a parameter of it, `logic [W-1:0]`": (
        module(FLIP, PACKAGE.replace("endpackage", "typedef logic [W-1:0] b_t; endpackage"),
               PORTS.replace("logic [7:0] q", "pk::b_t q")), {11: False, 12: True}, True,
    ),
    "a cast to a type, `s_t'(x)`": (
        module(FLIP + "typedef enum logic {A, B} s_t; s_t s; assign s = s_t'(d[0]);"), {11: False, 12: True}, True,
    ),
    "interfaces and modports": (
        module("bus i (clk); assign i.data = d[7:0]; u u1 (.x(i), .q(q));",
               "interface bus (input logic clk); logic [7:0] data; modport s (input clk, input data); endinterface\n"
               "module u (bus.s x, output logic [7:0] q); always_ff @(posedge x.clk) q <= x.data; endmodule"),
        False, True,
    ),
    "`'{default: 0}`": (
        module(FLIP + "logic [7:0] m [4]; always_ff @(posedge clk) if (d[8]) m <= '{default: 0};"), False, False,
    ),
    "`'{a: x, b: y}`": (
        module(FLIP + BEAT + "beat_t b; always_comb b = '{last: d[8], data: d[7:0]};"), False, False,
    ),
    "unpacked structs": (module(FLIP + "typedef struct {logic a;} s_t; s_t s; assign s.a = d[0];"), False, False),
    "a field of an array of structs": (
        module(FLIP + BEAT + "beat_t b [4]; always_ff @(posedge clk) b[d[1:0]].data <= d[7:0];"), False, False,
    ),
    "`parameter type`": (
        module("u #(.T(logic [7:0])) u1 (.clk(clk), .d(d[7:0]), .q(q));",
               "module u #(parameter type T = logic) (input logic clk, input T d, output T q);"
               "always_ff @(posedge clk) q <= d; endmodule"), {11: False, 12: True}, False,
    ),
    "a parameter that is an array": (
        module(FLIP + "localparam logic [7:0] K [2] = '{8'd1, 8'd2};"), False, False,
    ),
    "`inside`": (module(FLIP + "logic a; assign a = d inside {1, 3};"), False, False),
    "`break`": (
        module(FLIP + "logic a; always_comb begin a = 0; for (int i = 0; i < 9; i++) if (d[i]) break; end"),
        False, False,
    ),
    "`{<<8{x}}`": (module(FLIP + "logic [15:0] a; assign a = {<<8{d, 7'd0}};"), False, False),
    "`assert property`": (module(FLIP + "assert property (@(posedge clk) d != 3);"), False, False),
}  # fmt: skip


@cache
def icarus() -> str:
    """What it calls itself, as in "11.0"."""
    said = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout
    return said.split("version ")[1].split()[0]


def taken(by_icarus: bool | Mapping[int, bool], version: int) -> bool:
    """Whether Icarus of that version does; one between two of SEEN does as the one before."""
    since = {SEEN[0]: by_icarus} if isinstance(by_icarus, bool) else by_icarus
    return since[max((first for first in since if first <= version), default=SEEN[0])]


def unseen(version: str, takes: bool, by_icarus: bool | Mapping[int, bool]) -> str:
    """How a version does that is not in SEEN; one that is must do as the table says."""
    number = int(version.split(".")[0])
    same = takes == taken(by_icarus, number)
    if number in SEEN:
        assert same
        return ""
    return f"does {'as' if same else 'otherwise than'} {SEEN[-1]} does"


def written(name: str, folder: Path) -> Path:
    (folder / "t.sv").write_text(CASES[name][0])
    return folder / "t.sv"


def test_the_page_has_a_column_for_every_version() -> None:
    text = DOCS.read_text()
    assert f"| construct | {' | '.join(f'Icarus {version}' for version in SEEN)} | checks by Yosys |" in text
    for name, (_, by_icarus, by_yosys) in CASES.items():
        columns = [YES[taken(by_icarus, version)] for version in SEEN]
        assert f"| {name} | {' | '.join(columns)} | {YES[by_yosys]} |" in text


@pytest.mark.needs("icarus")
@pytest.mark.cocotb
@pytest.mark.parametrize("name", CASES)
def test_the_table_is_true_of_icarus(name: str, tmp_path: Path) -> None:
    version, path = icarus(), written(name, tmp_path)
    run = ["iverilog", "-g2012", "-s", "t", "-o", str(tmp_path / "t.vvp"), str(path)]
    takes = subprocess.run(run, capture_output=True, check=False).returncode == 0
    if how := unseen(version, takes, CASES[name][1]):
        said = f"Icarus Verilog {version}, which was asked and {how}; docs/cocotb.md has what was seen"
        assert not INSISTS, f"{said}: CI has {version}, so SEEN and the page are to have it"
        pytest.skip(LACKS + said)


@pytest.mark.needs("yosys")
@pytest.mark.parametrize("name", CASES)
def test_the_table_is_true_of_yosys(name: str, tmp_path: Path) -> None:
    path = written(name, tmp_path)
    assert "q" in module_ports("t", Rtl((path,)), {})
    try:
        found: list[str] | None = netlist_problems(Dut("t", "clk", ()), Rtl((path,)), PATIENCE_S)
    except NetlistUnknown:
        found = None
    assert found == ([] if CASES[name][2] else None)


def test_of_a_version_that_was_not_seen_nothing_is_asserted() -> None:
    assert [unseen(version, True, True) for version in ("11.0", "10.3", "13.0")] == [
        "", "does as 12 does", "does as 12 does"
    ]  # fmt: skip
    assert unseen("13.0", True, False) == "does otherwise than 12 does"
    with pytest.raises(AssertionError):
        unseen("11.0", True, False)


def test_a_version_between_two_does_as_the_one_before() -> None:
    assert [taken({11: False, 13: True}, version) for version in (10, 11, 12, 13, 14)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize(
    ("body", "sentence"),
    [("wire within = d[0];", "unexpected within"), ("wire a = d[0]", "syntax error")],
    ids=["a word of SystemVerilog as a name", "no Verilog"],
)
def test_what_verilator_does_not_take_is_its_own_words(body: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "t.v").write_text(module(body))
    with pytest.raises(BuildError, match=sentence):
        module_ports("t", Rtl((tmp_path / "t.v",)), {})


def test_a_packed_struct_as_a_port_is_a_vector(tmp_path: Path) -> None:
    (tmp_path / "t.sv").write_text(CASES["a packed struct as a port"][0])
    assert module_ports("t", Rtl((tmp_path / "t.sv",)), {})["d"].width == 9


def test_an_array_as_a_port_of_the_top_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.sv").write_text(module("assign q = x[0];", ports=PORTS + ", input logic [7:0] x [2]"))
    with pytest.raises(BuildError, match="port 'x' of t is not a vector of bits"):
        module_ports("t", Rtl((tmp_path / "t.sv",)), {})
