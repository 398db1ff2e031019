"""`ringbed dut init` as a person meets it: from Verilog to a map that fits, in two commands."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from ringbed.sim.dut.block import BlockReader
from tests.cli.test_main import run
from tests.sim.conftest import needs_native
from tests.sim.dut.test_guess import uncommented
from tests.sim.dut.verilog.test_flat import INTERFACE, NIC

EXAMPLES = Path(__file__).parents[3] / "examples" / "third_party"
pytestmark = needs_native


@pytest.fixture
def nic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(EXAMPLES / "nic" / "mini_nic.v", tmp_path)
    for name in ('q"x.v', "q\udcffx.v"):
        shutil.copy(tmp_path / "mini_nic.v", tmp_path / name)
    (tmp_path / "a\nb").mkdir()
    (tmp_path / "empty.v").write_text("// nothing\n")
    (tmp_path / "odd.v").write_text("module \\a.b-c (input clk); endmodule\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_map_that_fits(nic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dut", "init", "mini_nic.v", "-o", "maps.toml") == Exit.OK
    said = capsys.readouterr().out
    assert said == "maps.toml: registers, dma, wire.rx, wire.tx; next: ringbed dut check maps.toml\n"
    assert run("dut", "check", "maps.toml") == Exit.OK


def test_a_map_elsewhere_names_the_way(nic: Path) -> None:
    (nic / "maps").mkdir()
    assert run("dut", "init", "mini_nic.v", "-I", ".", "-o", "maps/a.toml") == Exit.OK
    text = (nic / "maps" / "a.toml").read_text()
    assert f'sources = ["{os.path.join("..", "mini_nic.v")}"]' in text
    assert 'include = [".."]' in text


def test_a_block_of_the_kind_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    source = EXAMPLES / "blocks" / "rx_checksum.v"
    assert run("dut", "init", str(source), "--block", "rx-checksum/sum") == Exit.OK
    assert 'sum = "sum"' in capsys.readouterr().out.splitlines()


def test_what_is_edited_is_not_written_over(nic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (nic / "mine.toml").write_text("mine")
    assert run("dut", "init", "mini_nic.v", "-o", "mine.toml") == Exit.USAGE
    assert "mine.toml is there already" in capsys.readouterr().err
    assert (nic / "mine.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["no.v"], "no.v: No such file or directory"),
        (["mini_nic.v", "-I", "no"], "no: No such file or directory"),
        (["mini_nic.v", "-y", "no"], "no: No such file or directory"),
        (["."], ". is a folder, and no file of Verilog"),
        (["/dev/null"], "/dev/null is a pipe or a device, and no file of Verilog"),
        (["mini_nic.v", "-I", "mini_nic.v"], "mini_nic.v is no folder"),
        (['q"x.v'], "'q\"x.v' has a quote, a backslash or a control character in its full name, which Verilator does"),
        (["mini_nic.v", "-I", "a\nb"], "'a\\nb' has a quote, a backslash or a control character in its full name"),
        (["q\udcffx.v"], "'q\\udcffx.v' has a full name that is not UTF-8"),
        (["mini_nic.v", "-p", "W"], "-p wants NAME=VALUE, as in WIDTH=64, not 'W'"),
        (["mini_nic.v", "-p", "1=2"], "-p wants NAME=VALUE, as in WIDTH=64, not '1=2'"),
        (["mini_nic.v", "-p", "W=2", "-p", "W=3"], "-p W is given twice"),
        (["mini_nic.v", "-p", f"W=0x{'f' * 5000}"], "-p W: a number of 20,000 bits is none that Verilog is given"),
        (["mini_nic.v", "-p", 'W=a"b'], "-p W must be without a quote, a backslash and control characters, not 'a\"b'"),
        (["mini_nic.v", "-p", "NO_SUCH=3"], "NO_SUCH"),
        (
            ["mini_nic.v", "-p", "BUFFER_WORDS=abc"],
            "parameter BUFFER_WORDS of mini_nic is a number, and 'abc' is a text",
        ),
        (["empty.v"], "there is no module 'empty' in these sources; there is none that Verilator reads"),
        (["odd.v"], "there is no module 'odd' in these sources; there is 'a.b-c': say which one by --top MODULE"),
        (["mini_nic.v", "--flat", "a.sv"], "mini_nic has no interface among its ports"),
        (["mini_nic.v", "--flat", "a-b.sv"], "'a-b' is no Verilog name"),
        (["mini_nic.v", "--block", "foo"], "there is no kind of block 'foo'"),
        (["mini_nic.v", "--block", "rx-checksum/foo"], "rx-checksum has no variant 'foo'; it has sum, verdict"),
        (["mini_nic.v", "-o", "no/a.toml"], "there is no folder no"),
    ],
)
def test_what_is_wrong_is_a_sentence(
    nic: Path, line: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("dut", "init", *line) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_a_module_that_is_not_there(nic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dut", "init", "mini_nic.v", "--top", "maxi_nic") == Exit.USAGE
    said = capsys.readouterr().err
    assert said == (
        "ringbed: there is no module 'maxi_nic' in these sources; there is 'mini_nic': say which one by --top MODULE\n"
    )


def test_a_file_that_is_not_called_as_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its modules are named, those first that no other one uses; with --top it goes on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wi.v").write_text(
        "module part(input clk); endmodule\nmodule wren(input clk); part p(.clk(clk)); endmodule\n"
    )
    assert run("dut", "init", "wi.v") == Exit.USAGE
    assert "there is 'wren', 'part': say which one by --top MODULE" in capsys.readouterr().err
    assert run("dut", "init", "wi.v", "--top", "wren") == Exit.OK


def test_parameters_go_into_the_ports_and_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nic.sv").write_text(WIDE)
    assert run("dut", "init", "nic.sv", "-p", "W=32'h80", "-p", 'NAME="b"', "-o", "a.toml") == Exit.OK
    text = Path("a.toml").read_text()
    assert 'parameters = { W = 128, NAME = "b" }' in text.splitlines()
    assert text.count("data_width = 128") == 2
    assert "# s_axis_tuser = 0  # 16 bits, beside wire.rx" in text.splitlines()
    capsys.readouterr()
    assert run("dut", "check", "a.toml") == Exit.FINDING
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("input 's_axis_tuser' of nic is in no bus, clock, reset or pin: name it, or give it a")
    assert said[-1] == "a.toml is incomplete"
    Path("a.toml").write_text(text.replace("# s_axis_tuser = 0", "s_axis_tuser = 0"))
    assert run("dut", "check", "a.toml") == Exit.OK


@pytest.mark.parametrize("files", [("p.sv", "nic.sv"), ("nic.sv", "p.sv"), ("i.sv", "p.sv", "nic.sv")])
def test_a_package_or_an_interface_first_or_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: tuple[str, ...]
) -> None:
    """The module is the first that is called as its file, and packages come before it."""
    monkeypatch.chdir(tmp_path)
    Path("p.sv").write_text("package p; typedef logic [7:0] b_t; endpackage\n")
    Path("i.sv").write_text("interface i; endinterface\n")
    Path("nic.sv").write_text("module nic import p::*; (input clk, input b_t in, output b_t out); endmodule\n")
    assert run("dut", "init", *files) == Exit.OK
    said = capsys.readouterr().out.splitlines()
    assert 'top = "nic"' in said
    (sources,) = [line for line in said if line.startswith("sources = ")]
    assert sources.index('"p.sv"') < sources.index('"nic.sv"')


@pytest.mark.parametrize(("text", "what"), [
    ("package p; endpackage\nmodule q (input clk); endmodule\n", "a package"),
    ("interface p; endinterface\nmodule q (input clk); endmodule\n", "an interface"),
])  # fmt: skip
def test_a_file_that_has_another_thing_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.sv").write_text(text)
    assert run("dut", "init", "p.sv") == Exit.USAGE
    said = capsys.readouterr().err
    assert said == f"ringbed: 'p' is {what} and no module; there is 'q': say which one by --top MODULE\n"
    Path("p.toml").write_text('top = "p"\nsources = ["p.sv"]\nclock = "clk"\n')
    assert run("dut", "check", "p.toml") == Exit.USAGE
    assert capsys.readouterr().err == f"ringbed: 'p' is {what} and no module; there is 'q'\n"


def test_where_there_is_no_module_none_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.sv").write_text("package p; parameter int W = 8; endpackage\n")
    assert run("dut", "init", "p.sv") == Exit.USAGE
    assert capsys.readouterr().err == "ringbed: 'p' is a package and no module; there is none that Verilator reads\n"


def test_modules_in_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lib").mkdir()
    Path("lib/part.v").write_text("module part (input [7:0] a, output [7:0] y); assign y = a; endmodule\n")
    Path("nic.v").write_text(
        "module nic (input clk, input [7:0] s_tdata, input s_tvalid, s_tlast, output [7:0] y);"
        " part p (s_tdata, y); endmodule\n"
    )
    assert run("dut", "init", "nic.v") == Exit.USAGE
    assert "part" in capsys.readouterr().err
    assert run("dut", "init", "nic.v", "-y", "lib", "-o", "a.toml") == Exit.OK
    assert 'library = ["lib"]' in Path("a.toml").read_text().splitlines()
    assert run("dut", "check", "a.toml") == Exit.OK


def test_interfaces_get_a_flat_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is offered, written once, and its map fits."""
    monkeypatch.chdir(tmp_path)
    Path("nic.sv").write_text(INTERFACE + NIC.replace("rx.side.a", "-1"))  # Yosys knows no structs of interfaces
    assert run("dut", "init", "nic.sv") == Exit.USAGE
    assert "port 'rx' of nic is an interface" in capsys.readouterr().err
    line = ("dut", "init", "nic.sv", "-p", "LED=2", "--flat", "nic_flat.sv", "-o", "nic.toml")
    assert run(*line) == Exit.OK
    assert capsys.readouterr().out.startswith("nic.toml: wire.rx, wire.tx; ")
    assert 'sources = ["nic.sv", "nic_flat.sv"]' in Path("nic.toml").read_text().splitlines()
    assert run(*line) == Exit.USAGE
    assert "nic.toml is there already" in capsys.readouterr().err
    assert run(*line[:-1], "b.toml") == Exit.USAGE
    assert "nic_flat.sv is there already" in capsys.readouterr().err
    Path("nic.toml").write_text(uncommented(Path("nic.toml").read_text()))
    run("dut", "check", "nic.toml")
    assert capsys.readouterr().out.splitlines()[-1].startswith("nic.toml fits nic_flat")


WIDE = """module nic #(parameter W = 64, parameter NAME = "a") (input clk, input rst,
  input [W-1:0] s_axis_tdata, input [W/8-1:0] s_axis_tkeep, input s_axis_tvalid, s_axis_tlast,
  input [(NAME == "b" ? W/8 : 1)-1:0] s_axis_tuser, output s_axis_tready,
  output [W-1:0] m_axis_tdata, output [W/8-1:0] m_axis_tkeep, output m_axis_tvalid, m_axis_tlast, input m_axis_tready);
  assign {m_axis_tdata, m_axis_tkeep, m_axis_tvalid, m_axis_tlast} =
         {s_axis_tdata, s_axis_tkeep, s_axis_tvalid, s_axis_tlast};
  assign s_axis_tready = m_axis_tready;
endmodule
"""
CHECKSUM = """module ck32 import kinds::*; #(parameter int W = 32) (
  input logic clk_i, input logic rst_ni, input logic c_vld, output logic c_rdy,
  input offset_t c_first, input offset_t c_where, input logic c_do, input logic scan_en, input logic scan_clk,
  input logic [7:0] paddr, input logic psel, penable, pwrite, input logic [31:0] pwdata, output logic [31:0] prdata,
  input logic [W-1:0] snk_tdata, input logic [W/8-1:0] snk_tkeep, input logic snk_tvalid, snk_tlast,
  output logic snk_tready,
  output logic [W-1:0] src_tdata, output logic [W/8-1:0] src_tkeep, output logic src_tvalid, src_tlast,
  input logic src_tready, output logic done_irq, output logic [2:0] state);
  assign {src_tdata, src_tkeep, src_tvalid, src_tlast} = {snk_tdata, snk_tkeep, snk_tvalid, snk_tlast};
  assign snk_tready = src_tready, c_rdy = 1, done_irq = 0, prdata = 0;
  always_ff @(posedge clk_i) if (!rst_ni) state <= 0; else state <= state + (c_do & c_vld & |c_first & |c_where);
endmodule
"""
SUM = """module total (
  input logic clk, input logic rst, input logic [63:0] d_data, input logic [7:0] d_keep, input logic d_valid, d_last,
  output logic [63:0] q_data, output logic [7:0] q_keep, output logic q_valid, q_last, input logic q_ready,
  output logic [15:0] folded, output logic there, output logic [3:0] level);
  always_ff @(posedge clk)
    if (rst) {folded, there, level} <= 0; else {folded, there, level} <= {d_data[15:0], d_last, 4'd1};
  assign {q_data, q_keep, q_valid, q_last} = {d_data, d_keep, d_valid, d_last};
endmodule
"""
HASH = """module toep (
  input logic clk, input logic rst, input logic go, output logic took,
  input logic [127:0] from, input logic [127:0] to, input logic [15:0] from_port, input logic [15:0] to_port,
  input logic [3:0] what, input logic [319:0] secret, output logic [31:0] h, output logic h_there, output logic idle);
  assign took = 1, idle = 0;
  always_ff @(posedge clk) if (rst) {h, h_there} <= 0; else {h, h_there} <= {from[31:0] ^ secret[31:0], go};
endmodule
"""
PACKAGE = "package kinds; typedef logic [10:0] offset_t; endpackage\n"


@pytest.mark.parametrize(
    ("kind", "source", "command", "result"),
    [
        ("tx-checksum", CHECKSUM, ("c_first", "c_where", "c_do", "c_vld", "c_rdy"), ()),
        ("rx-checksum/sum", SUM, (), ("folded", "there")),
        ("rss-hash/fields", HASH, ("from", "to", "from_port", "to_port", "what", "go", "took"), ("h", "h_there")),
    ],
)
def test_a_blocks_map_fits_once_what_is_suggested_is_uncommented(
    kind: str, source: str, command: tuple[str, ...], result: tuple[str, ...],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Whose ports have names of their own, beside others that no block has a use for."""
    monkeypatch.chdir(tmp_path)
    name = source.split()[1]
    Path("kinds.sv").write_text(PACKAGE)
    Path(f"{name}.sv").write_text(source)
    assert run("dut", "init", "kinds.sv", f"{name}.sv", "--top", name, "--block", kind, "-o", "a.toml") == Exit.OK
    assert "pins" not in Path("a.toml").read_text()
    written = Path("a.toml").read_text()
    Path("a.toml").write_text(uncommented(written))
    assert Path("a.toml").read_text() != written
    capsys.readouterr()
    assert run("dut", "check", "a.toml") == Exit.OK, capsys.readouterr().out
    reader = BlockReader(Path("a.toml"))
    assert reader.block is not None
    block = reader.block
    handshake = tuple(filter(None, (block.command_valid, block.command_ready)))
    assert (*block.command.values(), *handshake) == command
    assert (*block.result.values(), *filter(None, (block.result_valid,))) == result
    assert block.key_port == ("secret" if name == "toep" else "")
    if name == "total":  # it streams out, and has no ready in: what follows its results cannot be held up
        assert (reader.dut.tx, reader.dut.ties) == (None, {"q_ready": (1, 1)})


def test_what_a_block_does_not_say_yet_is_the_only_thing_that_check_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of its map as it was written: not that ports which are in it, or commented out, should be tied."""
    monkeypatch.chdir(tmp_path)
    Path("ck32.sv").write_text(PACKAGE + CHECKSUM)
    assert run("dut", "init", "ck32.sv", "--block", "tx-checksum", "-o", "a.toml") == Exit.OK
    capsys.readouterr()
    assert run("dut", "check", "a.toml") == Exit.FINDING
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line[:1].isalpha()][-1].startswith(
        "block: tx-checksum needs a port for"
    )
    assert "ties.c_" not in said


def test_a_whole_cards_map_fits_with_every_line_of_it(nic: Path) -> None:
    """Byte order and FCS: what is suggested is a map, whatever the card means."""
    assert run("dut", "init", "mini_nic.v", "-o", "a.toml") == Exit.OK
    text = uncommented(Path("a.toml").read_text())
    assert text.count("fcs = false") == text.count('byte_order = "big"') == 2
    Path("a.toml").write_text(text)
    assert run("dut", "check", "a.toml") == Exit.OK


def test_an_inout_is_told_in_the_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("io.v").write_text("module io (input clk, input rst_n, inout [7:0] mdio); endmodule\n")
    assert run("dut", "init", "io.v", "-o", "io.toml") == Exit.OK
    told = "# mdio is an inout, which nothing drives: make it two, or the map does not fit"
    assert told in Path("io.toml").read_text().splitlines()
