"""`ringbed dut test`: what it prints and writes for a good block, for one with a bug, and for a map that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from ringbed.cli import main as cli
from ringbed.cli.dut.results import grouped, junit_xml, show, some, write_capture
from ringbed.cli.errors import Exit
from ringbed.conformance.blocks.case import Finding
from ringbed.conformance.blocks.run import Report
from ringbed.sim.wire.capture import Direction
from ringbed.sim.wire.replay import read_capture

BLOCKS = Path(__file__).parents[3] / "examples" / "third_party" / "blocks"
FINDING = Finding("carries", 7, 3, "ipv4 tcp", "the sum", "0x0001", "0x0000", b"x" * 60, {"start": 34}, b"y" * 60)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["dut", "test", *arguments])
    return 0 if end.value.code is None else int(end.value.code)


def test_a_good_block(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        run(str(BLOCKS / "rx_checksum.toml"), "--kind", "carries", "--kind", "pad, with pauses", "--junit", "out.xml")
        == Exit.OK
    )
    shown = capsys.readouterr().out
    assert "rx_checksum.toml: rx-checksum/sum, engine native, seed 1" in shown
    assert "no findings in 160 cases" in shown
    suite = ElementTree.parse("out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")
    assert not (tmp_path / "rx_checksum.pcapng").exists()


@pytest.mark.needs("cocotb-icarus")
@pytest.mark.cocotb
def test_another_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(BLOCKS / "rss_hash.toml"), "--engine", "cocotb-icarus", "--kind", "microsoft's vectors") == Exit.OK
    shown = capsys.readouterr().out
    assert "rss-hash/fields, engine cocotb-icarus, seed 1" in shown
    assert "no findings in " in shown


WIDE_KEY = """module wide (input wire clk, input wire rst, input wire [127:0] src, input wire [127:0] dst,
  input wire [15:0] sport, input wire [15:0] dport, input wire [2:0] kind, input wire valid, output wire ready,
  input wire [415:0] hash_key, output wire [31:0] hash, output wire [2:0] hash_type, output wire hash_valid);
  rss_hash #(.KEY(0)) unit (.leading(hash_key[415 - SKIP -: 320]), .clk(clk), .rst(rst), .src(src), .dst(dst),
    .sport(sport), .dport(dport), .kind(kind), .valid(valid), .ready(ready), .hash(hash), .hash_type(hash_type),
    .hash_valid(hash_valid));
endmodule
"""


@pytest.mark.parametrize(("skip", "code"), [(0, Exit.OK), (8, Exit.FINDING)])
def test_a_hash_with_a_longer_key_uses_its_leading_bits(skip: int, code: Exit) -> None:
    """52 bytes, as cards for VLANs and tunnels have them."""
    unit = (BLOCKS / "rss_hash.v").read_text().replace("key       <= KEY", "key       <= leading")
    unit = unit.replace("input  wire         clk,", "input  wire         clk, input wire [319:0] leading,")
    Path("wide.v").write_text(unit + WIDE_KEY.replace("SKIP", str(skip)))
    text = (BLOCKS / "rss_hash.toml").read_text().replace('"rss_hash.v"', '"wide.v"')
    text = text.replace('top = "rss_hash"', 'top = "wide"').replace('01fa"', '01fa0123456789abcdef01234567"')
    Path("wide.toml").write_text(text.replace("types =", 'key_bits = 416\nkey_port = "hash_key"\ntypes ='))
    assert run("wide.toml", "--kind", "microsoft's vectors") == code


def test_a_block_with_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--kind", "sums of 0", "--pcap", "bad.pcapng", "--waves", "bad.vcd"]
    assert run(str(BLOCKS / "tx_checksum_bcm57xx.toml"), *asked) == Exit.FINDING
    shown = capsys.readouterr().out
    assert "bad.vcd: number 0 of sums of 0, alone, " in shown
    assert "s_axis_tdata" in Path("bad.vcd").read_text()
    assert (
        "sums of 0, seed 1, number 0 (ipv4 udp, 84 bytes): the sum at byte 40, of bytes from 34 on, is 0x0000, "
        in shown
    )
    frames = read_capture(Path("bad.pcapng")).frames
    assert [frame.direction for frame in frames] == [Direction.IN, Direction.OUT] * 8
    starts = [frame.comments[0].partition(", seed 1, number ")[0] for frame in frames]
    assert starts == ["sums of 0"] * 8 + ["sums of 0, with pauses"] * 8
    assert "enable 1" in frames[0].comments[1]


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--kind", "giants"], "there is no kind 'giants'; there is 'two hosts', "),
    (["--engine", "verilator"], "there is no engine 'verilator' for Verilog; there is native, cocotb-"),
    (["--engine", "qemu"], "there is no engine 'qemu' for Verilog; there is native, cocotb-verilator, cocotb-icarus\n"),
    (["--engine", "pysim"], "there is no engine 'pysim' for Verilog"),
    (["--junit", str(BLOCKS / "rx_checksum.toml")], "rx_checksum.toml: this command reads it"),
    (["--junit", "no/where.xml"], "cannot write no/where.xml: there is no folder no"),
    (["--waves", "no/where.vcd"], "cannot write no/where.vcd: there is no folder no"),
    (["--waves", "wave.png"], "on this machine, not wave.png"),
])  # fmt: skip
def test_a_wrong_option_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(BLOCKS / "rx_checksum.toml"), *arguments) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_a_map_of_a_whole_nic_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(BLOCKS.parent / "nic" / "mini_nic.toml")) == Exit.USAGE
    assert "no [block] in this map" in capsys.readouterr().err


def test_junit_has_every_finding_of_a_kind_in_its_failure() -> None:
    suite = ElementTree.fromstring(junit_xml("a map", Report(7, {"carries": 40, "pad": 40}, [FINDING, FINDING])))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text == f"{FINDING}\n{FINDING}"
    assert [case.get("name") for case in suite.iter("testcase")] == ["carries", "pad"]


def test_a_capture_has_what_went_in_and_what_came_out(tmp_path: Path) -> None:
    write_capture(tmp_path / "x.pcapng", [FINDING])
    went, came = read_capture(tmp_path / "x.pcapng").frames
    assert (went.data, came.data) == (FINDING.sent, FINDING.came)
    assert went.comments == (str(FINDING), "command: start 34")


def test_what_no_block_may_do_is_said_first_and_once() -> None:
    many = [replace(FINDING, index=index, got=f"0x{index:04x}") for index in range(30)]
    rule = Finding("pad", 7, 0, "128 cases from here on", "a beat was changed (3 times)", "", "", b"", {})
    groups = grouped([*many, rule, replace(rule, index=128, what="a beat was changed (9 times)")])
    assert [len(group) for group in groups] == [1] * 30 + [2]
    assert some([group[0] for group in groups]) == [rule, *many[:19]]


def test_equal_sentences_are_shown_once_with_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ("carries", "pad", "noise", "jumbo", "lengths")
    equal = [replace(FINDING, kind=kind, index=index) for kind in kinds for index in range(10)]
    other = [replace(FINDING, got=f"0x{index:04x}") for index in range(1, 31)]
    show(Console(soft_wrap=True), [*equal[:20], *other, *equal[20:]], Path("x.pcapng"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{equal[0]} [50 of these, in carries, pad, noise and 2 other kinds]"
    assert lines[1] == str(other[0])
    assert lines[20:] == ["... and 11 more, of 11 sorts", "x.pcapng: the frames of all 80 findings"]


def test_a_kind_of_which_nothing_fits_is_said_and_skipped(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:  # fmt: skip
    text = (BLOCKS / "rx_checksum.toml").read_text(encoding="utf-8").replace("start = 14", "start = 14\nlongest = 1500")
    Path("short.toml").write_text(text.replace('"rx_checksum.v"', f'"{BLOCKS / "rx_checksum.v"}"'), encoding="utf-8")
    assert run("short.toml", "--kind", "jumbo") == Exit.USAGE
    assert "no case of jumbo fits this block: its ports and its longest frame of 1,500 bytes leave none" in (
        capsys.readouterr().err
    )
    report = Report(1, {"jumbo": 0, "pad": 40})
    suite = ElementTree.fromstring(junit_xml("short.toml", report))
    assert [case.get("name") for case in suite.iter("testcase") if case.find("skipped") is not None] == ["jumbo"]
    assert suite.get("skipped") == "1"


STRETCHED = """module blk (
  input wire clk, input wire rst, input wire [7:0] d, input wire v, input wire l, output reg [15:0] sum,
  output reg valid);
  reg [4:0] hold = 31; reg [15:0] at; reg [31:0] acc; reg [7:0] rom [0:0]; reg lies;
  reg [6:0] held = 0, least; reg whole;
  initial begin $readmemh("rom.hex", rom); lies = $test$plusargs("lies");
    whole = 0; if (!$value$plusargs("least=%d", least)) least = 1; end
  wire [31:0] add = (at < 14) ? 0 : (at[0] ? {24'd0, d} : {16'd0, d, 8'd0});
  wire [31:0] nxt = acc + add + (rom[0] - 8'h11);
  wire [16:0] f1 = nxt[15:0] + nxt[31:16];
  always @(posedge clk) begin
    if (rst) hold <= #1 31; else if (hold != 0) hold <= #1 hold - 1;
    if (!rst) held <= #1 0; else begin held <= #1 held + (held != 127); whole <= #1 held + 1 >= least; end
    valid <= #1 0;
    if (v) begin
      at <= #1 (at == 16'hffff) ? 16'hfffe : at + 1; acc <= #1 nxt;
      if (l) begin at <= #1 0; acc <= #1 0; valid <= #1 1; sum <= #1 (f1[15:0] + f1[16]) ^ (lies | !whole); end
    end
    if (hold != 0) begin at <= #1 0; acc <= #1 0; valid <= #1 0; end
  end
endmodule
"""
STRETCHED_MAP = """top = "blk"
sources = ["blk.v"]
clock = "clk"
reset = { port = "rst" }
[block]
kind = "rx-checksum"
variant = "sum"
[block.result]
valid = "valid"
sum = "sum"
[wire.rx]
data_width = 8
keep = "none"
ready = false
names = { tdata = "d", tvalid = "v", tlast = "l" }
"""


@pytest.fixture
def stretched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A block that stretches its reset and may want many clocks of it, from another folder than its own."""
    (tmp_path / "blk").mkdir()
    (tmp_path / "blk" / "blk.v").write_text(STRETCHED)
    (tmp_path / "blk" / "rom.hex").write_text("11\n")
    (tmp_path / "blk" / "blk.toml").write_text(STRETCHED_MAP)
    return tmp_path / "blk" / "blk.toml"


KINDS = ("--kind", "carries", "--kind", "noise")


def test_a_block_that_stretches_its_reset_is_waited_for(stretched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(stretched), *KINDS) == Exit.FINDING
    assert run(str(stretched), *KINDS, "--reset-wait", "40") == Exit.OK
    stretched.write_text(STRETCHED_MAP.replace('"rst"', '"rst", wait = 40'))
    assert run(str(stretched), *KINDS) == Exit.OK
    assert run(str(stretched), *KINDS, "--reset-wait", "0", "--reset-clocks", "9") == Exit.FINDING
    capsys.readouterr()


def test_a_block_has_as_many_clocks_of_reset_as_it_is_said_to_want(
    stretched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """64 in any case, so that what a batch has left behind is gone."""
    asks = (*KINDS, "--reset-wait", "40", "--plusarg")
    assert run(str(stretched), *asks, "least=64", "--reset-clocks", "1") == Exit.OK
    assert run(str(stretched), *asks, "least=100") == Exit.FINDING
    assert run(str(stretched), *asks, "least=100", "--reset-clocks", "100") == Exit.OK
    stretched.write_text(STRETCHED_MAP.replace('"rst"', '"rst", clocks = 100'))
    assert run(str(stretched), *asks, "least=100") == Exit.OK
    assert run(str(stretched), *asks, "least=100", "--reset-clocks", "99") == Exit.FINDING
    capsys.readouterr()


def test_a_plusarg_of_the_command_reaches_the_block(stretched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waits = ("--reset-wait", "40")
    assert run(str(stretched), *KINDS, *waits, "--plusarg", "lies") == Exit.FINDING
    capsys.readouterr()
    assert run(str(stretched), *KINDS, *waits, "--plusarg", "+lies") == Exit.USAGE
    assert "a plusarg is a name, or a name and " in capsys.readouterr().err


@pytest.mark.cocotb
@pytest.mark.parametrize("engine", ["cocotb-icarus", pytest.param("cocotb-verilator", marks=pytest.mark.full)])
def test_so_it_is_under_cocotb(stretched: Path, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--engine", engine, "--reset-wait", "40", "--kind", "0x0000 and 0xffff")
    assert run(str(stretched), *asked) == Exit.OK
    assert run(str(stretched), *asked, "--plusarg", "lies") == Exit.FINDING
    capsys.readouterr()
