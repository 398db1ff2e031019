"""`ringbed dut check`: a map that fits says so, one that does not ends with 1 and a sentence for each mistake."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.sim.native.toolchain import ToolchainMissing
from ringbed.sim.yosys import netlist
from tests.sim.conftest import PATIENCE_S
from tests.sim.dut.test_two_clocks import CLOCKS, write_map
from tests.sim.dut.test_world import write_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "third_party" / "nic"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["dut", "check", "--limit", str(PATIENCE_S), *arguments])
    return 0 if end.value.code is None else int(end.value.code)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "nic")
    return tmp_path / "nic" / "mini_nic.toml"


@pytest.mark.needs("yosys")
def test_the_example_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLE / "mini_nic.toml")) == Exit.OK
    said = capsys.readouterr().out
    assert "registers.paddr" in said
    assert "1234:0001, class 020000, BAR 0 memory 0x100" in said
    assert said.rstrip().endswith("fits mini_nic")


def test_who_a_card_is_on_pci_is_shown_and_looked_at(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("bar = 2", "bar = 3"), encoding="utf-8")
    assert run(str(copy)) == Exit.FINDING
    said = capsys.readouterr().out
    assert "pci.msix.bar 3 is not among pci.bars" in said
    assert re.search(r"pci +\W not clear, see below", said)
    copy.write_text(text.replace("size = 0x100 }", "size = 0x200 }"), encoding="utf-8")
    assert run(str(copy)) == Exit.FINDING
    assert "pci.bars.0.size 512 is more than the 256 bytes that registers.addr_width reaches" in capsys.readouterr().out


@pytest.mark.needs("yosys")
@pytest.mark.parametrize(("line", "reason"), [
    ('if (1) $error("no");', "Yosys: "), ("let twice(x) = x + x;", "Yosys: "),
])  # fmt: skip
def test_where_yosys_does_not_read_the_verilog_the_map_fits_all_the_same(
    copy: Path, capsys: pytest.CaptureFixture[str], line: str, reason: str
) -> None:
    """A verdict of its own, with the reason: a dialect that Verilator knows is no mistake of a map."""
    source = copy.with_name("mini_nic.v")
    source.write_text(source.read_text().replace("endmodule", f"{line}\nendmodule"))
    assert run(str(copy)) == Exit.OK
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{copy} fits mini_nic; clocks and resets not checked, because {reason}")


@pytest.mark.needs("yosys")
@pytest.mark.parametrize("limit", [("--limit", 0.01, "Yosys was not done in 0.01 s"),
                                   ("MOST_BYTES", 1000, "its netlist has more than 0 MiB")])  # fmt: skip
def test_what_takes_yosys_too_long_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], limit: tuple[str, float, str]
) -> None:
    name, value, sentence = limit
    if name != "--limit":
        monkeypatch.setattr(netlist, name, value)
    assert run(str(EXAMPLE / "mini_nic.toml"), *(["--limit", str(value)] if name == "--limit" else [])) == Exit.OK
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.endswith(f"fits mini_nic; clocks and resets not checked, because {sentence}")


AVALON = """module ava (input clk, input rst, input [7:0] in_data, input in_valid, input in_startofpacket,
  input in_endofpacket, input in_channel, output reg seen);
  always @(posedge clk) if (rst) seen <= 0; else if (in_valid & in_startofpacket) seen <= ^in_data & in_channel;
endmodule
"""
AVALON_MAP = """top = "ava"
sources = ["ava.v"]
clock = "clk"
reset = { port = "rst" }
[wire.rx]
data_width = 8
keep = "none"
ready = false
names = { tdata = "in_data", tvalid = "in_valid", tlast = "in_endofpacket", tstart = "in_startofpacket" }
"""


@pytest.mark.needs("yosys")
@pytest.mark.parametrize(("edits", "verdict"), [
    ((("ready = false", "ready = false\nstart = true"), ("", "[ties]\nin_channel = 0\n")), "fits ava"),
    ((("ready = false", "ready = false\nstart = true"),), "is incomplete"),
    (((', tstart = "in_startofpacket"', ""), ("", "[ties]\nin_channel = 0\nin_startofpacket = 0\n")), "is incomplete"),
])  # fmt: skip
def test_a_map_is_incomplete_while_an_input_of_a_bus_has_no_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edits: tuple[tuple[str, str], ...], verdict: str
) -> None:
    text = AVALON_MAP
    for old, new in edits:
        text = text.replace(old, new) if old else text + new
    (tmp_path / "ava.v").write_text(AVALON)
    (tmp_path / "ava.toml").write_text(text)
    assert run(str(tmp_path / "ava.toml")) == (Exit.OK if verdict == "fits ava" else Exit.FINDING)
    assert capsys.readouterr().out.splitlines()[-1].endswith(verdict)


@pytest.mark.parametrize(("data", "sentence"), [
    ("# Müller\ntop = 1\n".encode("latin-1"), "not UTF-8, as TOML is: byte 0xfc in line 1"),
    (b"top = \n", "not TOML: Invalid value"), (b"a = " + b"[" * 20000, "nested too deep"),
])  # fmt: skip
def test_what_is_no_map(tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, sentence: str) -> None:
    (tmp_path / "a.toml").write_bytes(data)
    assert run(str(tmp_path / "a.toml")) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_a_byte_order_mark_and_other_line_ends_are_no_matter(copy: Path) -> None:
    copy.write_bytes(b"\xef\xbb\xbf" + copy.read_bytes().replace(b"\n", b"\r\n"))
    source = copy.with_name("mini_nic.v")
    source.write_bytes("// Müller\n".encode("latin-1") + source.read_bytes().replace(b"\n", b"\r\n"))
    assert run(str(copy)) == Exit.OK


def test_mistakes_are_sentences(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy.write_text(
        copy.read_text().replace("addr_width = 8", "addr_width = 9").replace('port = "irq"', 'port = "irk"')
    )
    assert run(str(copy)) == Exit.FINDING
    said = capsys.readouterr().out
    assert "registers.paddr: port 'paddr' is 8 bits wide, the map says 9" in said
    assert "interrupts: mini_nic has no port 'irk'" in said


def test_the_table_shows_no_default_in_the_place_of_a_wrong_value(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = copy.read_text()
    copy.write_text(text.replace('kind = "request"', 'kind = "reqest"').replace('active = "low"', 'active = "lo"'))
    assert copy.read_text() != text
    assert run(str(copy)) == Exit.FINDING
    said = capsys.readouterr().out
    assert re.findall(r"(\S+) *│ *(\S*,? ?)not clear, see below", said) == [("reset", "rst_n, "), ("dma", "")]
    assert "reset.active must be 'high' or 'low', not 'lo'" in said
    assert "dma.kind must be 'axi4' or 'request', not 'reqest'" in said
    assert "ties." not in said
    assert re.search(r"mem_req .* not clear yet ", said)


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("no.toml") == Exit.USAGE
    assert capsys.readouterr().err == "ringbed: no.toml: No such file or directory\n"


@pytest.mark.needs("yosys")
def test_a_block_fits_and_its_command_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLE.parent / "blocks" / "tx_checksum.toml")) == Exit.OK
    said = capsys.readouterr().out
    assert "block.command.start" in said
    assert said.rstrip().endswith("fits tx_checksum")


@pytest.mark.needs("yosys")
@pytest.mark.parametrize("clocks", CLOCKS)
def test_a_card_of_two_clocks(clocks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It fits as it is; with the wire on the wrong clock each of its signals is named."""
    path = write_map(tmp_path, clocks)
    assert run(str(path)) == Exit.OK
    said = capsys.readouterr().out
    assert "clk, 2/3 of phy_clk, 0.4 of its period later" in said or "phy_clk, 5/4 of clk" in said
    path.write_text(path.read_text().replace('fcs = false\nclock = "phy_clk"', 'fcs = false\nclock = "clk"'))
    assert run(str(path)) == Exit.FINDING
    said = capsys.readouterr().out
    for signal in ("rx.tvalid: port 'in_tvalid'", "rx.tdata: port 'in_tdata'", "tx.tvalid: port 'out_tvalid'"):
        assert f"wire.{signal} meets flip-flops on 'phy_clk', the map has the bus on 'clk'" in said


@pytest.mark.needs("yosys")
def test_a_result_that_nothing_drives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (EXAMPLE.parent / "blocks").glob("rx_checksum.*"):
        text = path.read_text(encoding="utf-8").replace("sum_valid <=", "hidden <=")
        text = text.replace("reg         sum_valid", "wire        sum_valid").replace(
            "reg [31:0]", "reg hidden; reg [31:0]", 1
        )
        (tmp_path / path.name).write_text(text)
    assert run(str(tmp_path / "rx_checksum.toml")) == Exit.FINDING
    assert "block.result.valid: nothing drives port 'sum_valid'" in capsys.readouterr().out


@pytest.mark.needs("native")
@pytest.mark.parametrize(("c", "words"), [
    ("int triple(int x) { return nothing; }", "nothing"),
    ("\0\xff no C", "world.c"),
    ("int treble(int x) { return x; }", "required symbol `triple' not defined"),
])  # fmt: skip
def test_c_that_does_not_do_is_found_before_a_model_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], c: str, words: str
) -> None:
    path = write_world(tmp_path)
    for text in ("int first wrong;", c):  # what was wrong before is not told again
        (tmp_path / "rtl" / "world.c").write_text(text, encoding="latin-1")
        assert run(str(path), "--limit", "0") == Exit.USAGE
        said = capsys.readouterr().err
        assert ("wrong" in said) == (text != c)
    assert said.count("\n") == 1
    assert words in said


@pytest.mark.needs("native")
def test_c_that_does_fits_and_without_a_compiler_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_world(tmp_path)
    assert run(str(path), "--limit", "0") == Exit.OK
    assert "C not checked" not in capsys.readouterr().out

    def missing() -> NoReturn:
        raise ToolchainMissing("no C++ compiler")

    monkeypatch.setattr("ringbed.sim.native.c_sources.find_compiler", missing)
    assert run(str(path), "--limit", "0") == Exit.OK
    assert "fits world; C not checked, because no C++ compiler; clocks" in capsys.readouterr().out


def test_a_map_without_a_bus_fits_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.v").write_text("module t (input wire clk, input wire rst, output reg q); endmodule\n")
    map_text = 'top = "t"\nsources = ["t.v"]\nclock = "clk"\nreset = { port = "rst" }\n[pins]\n'
    (tmp_path / "t.toml").write_text(map_text + 'q = { width = 1, dir = "out" }\n')
    assert run(str(tmp_path / "t.toml")) == Exit.FINDING
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "a map has one of registers, dma, wire.rx and wire.tx: of this card nothing could be asked"
