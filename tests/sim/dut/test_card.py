"""Somebody's Verilog as a spec: canonical ports, a cache that follows their files, and what no engine can do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.dut.map import read
from ringbed.sim.engines import open_engine
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.spec import NicSpec

ENGINES = [
    "native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
    pytest.param("cocotb-verilator", marks=pytest.mark.cocotb),
]  # fmt: skip
NIC = Path(__file__).parents[3] / "examples" / "third_party" / "nic"
WISHBONE = """module wb (input wire clk, input wire rst, input wire cyc, input wire stb, input wire we,
  input wire [3:0] adr, input wire [31:0] dat_i, output reg [31:0] dat_o, output reg ack);
  reg [31:0] words [0:15];
  always @(posedge clk) begin
    ack <= cyc & stb & ~ack & ~rst;
    if (cyc & stb & we & ~ack) words[adr] <= dat_i;
    dat_o <= words[adr];
  end
endmodule
"""
WISHBONE_MAP = """top = "wb"
sources = ["wb.v"]
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "wishbone"
addr_width = 4
word_addressed = true
"""
TWO_CLOCKS = 'clock = "host"\n[clocks.clk]\nratio = "2/3"\nphase = 0.1\n[resets.rst]\nclock = "clk"\n'
CLOCKS = """module clocks (input wire clk, input wire rst, input wire fast, input wire slow, input wire fast_rst_n,
  input wire [7:0] in_tdata, input wire in_tvalid, input wire in_tlast,
  output reg [31:0] n_clk, output reg [31:0] n_fast, output reg [31:0] n_slow, output reg [31:0] n_free,
  output reg [31:0] seen, output reg [31:0] never);
  initial {n_clk, n_fast, n_slow, n_free} = 0;
  always @(posedge clk) n_clk <= n_clk + 1;
  always @(posedge fast) n_fast <= n_fast + 1;
  always @(posedge slow) n_slow <= n_slow + 1;
  always @(posedge fast) seen <= n_clk;
  always @(posedge fast) n_free <= fast_rst_n ? n_free + 1 : 0;
endmodule
"""
CLOCKS_MAP = """top = "clocks"
sources = ["clocks.v"]
clock = "clk"
reset = { port = "rst" }
[resets.fast_rst_n]
active = "low"
clock = "fast"
[wire.rx]
prefix = "in_"
data_width = 8
ready = false
keep = "none"
[pins]
n_clk = { width = 32, dir = "out" }
n_fast = { width = 32, dir = "out" }
n_slow = { width = 32, dir = "out" }
n_free = { width = 32, dir = "out" }
seen = { width = 32, dir = "out" }
never = { width = 32, dir = "out" }
"""


def test_the_wrapped_card_has_the_ports_of_any_card() -> None:
    spec = dut_spec(NIC / "mini_nic.toml")
    names = {port.name: port for port in spec.portmap.ports()}
    assert (names["s_axil_awaddr"].width, names["m_axi_araddr"].width, names["rx_tkeep"].width) == (8, 64, 8)
    assert "tx_tready" in names
    assert "rx_tready" not in names
    assert spec.portmap.rx is not None
    assert not spec.portmap.rx.fcs


def test_a_changed_file_is_another_model(tmp_path: Path) -> None:
    for name in ("mini_nic.v", "mini_nic.toml"):
        shutil.copy(NIC / name, tmp_path)
    before = dut_spec(tmp_path / "mini_nic.toml")
    assert before.rtl is not None
    first = before.rtl.source_hash()
    (tmp_path / "mini_nic.v").write_text((NIC / "mini_nic.v").read_text() + "// another\n")
    assert before.rtl.source_hash() != first


def test_what_is_included_is_in_the_hash(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.vh").write_text("`define A 1\n")
    (tmp_path / "t.v").write_text('`include "sub/a.vh"\nmodule t (input wire clk, output wire [`A:0] y); endmodule\n')
    (tmp_path / "t.toml").write_text(
        'top = "t"\nsources = ["t.v"]\ninclude = ["."]\nclock = "clk"\n[pins.y]\ndir = "out"\nwidth = 2\n'
    )
    _, before = read(tmp_path / "t.toml")
    first = before.source_hash()
    (tmp_path / "sub" / "a.vh").write_text("`define A (0+1)\n")
    assert before.source_hash() != first


@pytest.mark.parametrize("kind", ["native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)])
def test_a_file_that_changes_while_it_is_built_leaves_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Kept by the hash of what was there before, it would be the wrong model whenever that comes back."""
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    (tmp_path / "wb.v").write_text(WISHBONE)
    (tmp_path / "wb.toml").write_text(WISHBONE_MAP)

    def saved(what: str) -> None:
        if what in ("running Verilator", "compiling the card"):
            (tmp_path / "wb.v").write_text(WISHBONE + "// saved\n")

    spec = dut_spec(tmp_path / "wb.toml")
    with pytest.raises(BuildError, match="a source of dut_wb was changed while it was built; build it again"):
        open_engine(kind, spec, progress=saved)


@pytest.mark.parametrize("clocks", [1, 2])
def test_registers_on_wishbone_by_words(tmp_path: Path, clocks: int) -> None:
    """On the main clock, or with a main clock of its own that the card does not use."""
    source, portmap = WISHBONE, WISHBONE_MAP
    if clocks == 2:
        source = source.replace("input wire clk,", "input wire host, input wire clk,")
        portmap = portmap.replace('clock = "clk"\nreset = { port = "rst" }\n', TWO_CLOCKS) + 'clock = "clk"\n'
    (tmp_path / "wb.v").write_text(source)
    (tmp_path / "wb.toml").write_text(portmap)
    engine = open_engine("native", dut_spec(tmp_path / "wb.toml"))
    for word in range(16):
        engine.write(4 * word, 0x1000_0000 + word)
    assert [engine.read(4 * word) for word in range(16)] == [0x1000_0000 + word for word in range(16)]
    assert engine.findings() == []
    engine.close()


def clocked(tmp_path: Path, clocks: str) -> NicSpec:
    """A card with three counters of rising edges, of `clk`, `fast` and `slow`, and one of `fast` behind a reset."""
    (tmp_path / "clocks.v").write_text(CLOCKS)
    (tmp_path / "clocks.toml").write_text(CLOCKS_MAP + clocks)
    return dut_spec(tmp_path / "clocks.toml")


@pytest.mark.parametrize("kind", ENGINES)
def test_other_clocks_run_at_their_ratios(tmp_path: Path, kind: str) -> None:
    """Exactly, over any number of clocks."""
    spec = clocked(tmp_path, '[clocks.fast]\nratio = "5/4"\n[clocks.slow]\nratio = "2/3"\nphase = 0.25\n')
    engine = open_engine(kind, spec)
    names = [pin.name for pin in spec.portmap.pins if pin.name.startswith("n_")]
    assert engine.get_pin("never") == 0  # what has no value reads as 0
    engine.run(12)
    held = engine.get_pin("n_fast") - engine.get_pin("n_free")
    assert held == 7 if kind == "native" else held >= 7  # 5 edges in the reset of 4 clocks, and 2 more
    for clocks in (12, 12, 1200, 120_000 if kind == "native" else 3600):
        before = {name: engine.get_pin(name) for name in names}
        engine.run(engine.now + clocks)
        after = {name: engine.get_pin(name) for name in names}
        gone = {name: after[name] - before[name] for name in names}
        assert gone == {
            "n_clk": clocks,
            "n_fast": clocks * 5 // 4,
            "n_slow": clocks * 2 // 3,
            "n_free": clocks * 5 // 4,
        }
    engine.close()


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize(("phase", "late"), [(0.0, 1), (0.25, 0)])
def test_edges_at_one_time_see_what_was_before_both(tmp_path: Path, kind: str, phase: float, late: int) -> None:
    """A clock of the main one's frequency: in step it samples the old count, a quarter later the new one."""
    engine = open_engine(kind, clocked(tmp_path, f"[clocks.fast]\nphase = {phase}\n[clocks.slow]\n"))
    for clocks in (5, 1, 100):
        engine.run(engine.now + clocks)
        assert engine.get_pin("n_clk") - engine.get_pin("seen") == late
    engine.close()


@pytest.mark.parametrize("kind", ENGINES[1:2])
def test_a_clock_of_falling_edges_is_half_a_period_later(tmp_path: Path, kind: str) -> None:
    """Its rising edges are then between the main clock's: they see the new count."""
    engine = open_engine(kind, clocked(tmp_path, '[clocks.fast]\nedge = "falling"\n[clocks.slow]\n'))
    engine.run(100)
    assert engine.get_pin("n_clk") - engine.get_pin("seen") == 0
    engine.close()


FALLING = """module halves (input wire clk, input wire rst, input wire other,
  output wire [7:0] out_tdata, output wire out_tvalid, output wire out_tlast);
  reg up, down;
  initial {up, down} = 0;
  always @(posedge other) up <= ~up;
  always @(negedge other) down <= ~down;
  assign out_tdata = up ^ down, out_tvalid = 1, out_tlast = 1;
endmodule
"""
FALLING_MAP = """top = "halves"
sources = ["halves.v"]
clock = "clk"
reset = { port = "rst" }
[wire.tx]
prefix = "out_"
data_width = 8
keep = "none"
ready = false
clock = "other"
[clocks.other]
"""


@pytest.mark.parametrize("kind", ENGINES[:2])
def test_a_module_may_have_an_escaped_name(tmp_path: Path, kind: str) -> None:
    (tmp_path / "wb.v").write_text(WISHBONE.replace("module wb (", "module \\odd.wb-1 ("))
    (tmp_path / "wb.toml").write_text(WISHBONE_MAP.replace('"wb"', '"odd.wb-1"'))
    engine = open_engine(kind, dut_spec(tmp_path / "wb.toml"))
    engine.write(8, 77)
    assert engine.read(8) == 77
    engine.close()


@pytest.mark.parametrize(("edge", "seen"), [("rising", 0), ("falling", 1)])
def test_a_crossing_works_on_the_cards_edges(tmp_path: Path, edge: str, seen: int) -> None:
    """What is high between a rising edge and a falling one is 1 just before the falling one."""
    (tmp_path / "halves.v").write_text(FALLING)
    (tmp_path / "halves.toml").write_text(FALLING_MAP + f'edge = "{edge}"\n')
    engine = open_engine("native", dut_spec(tmp_path / "halves.toml"))
    engine.run(200, Event.NONE)
    frames = [frame for _, frame in engine.wire_out()]
    assert len(frames) > 150
    assert set(frames[2:]) == {bytes([seen])}
    engine.close()


def test_clocks_without_common_picoseconds_are_refused(tmp_path: Path) -> None:
    spec = clocked(tmp_path, '[clocks.fast]\nratio = "61/64"\n[clocks.slow]\nratio = "59/64"\n')
    with pytest.raises(ValueError, match="only with a main period of 7198 ps, which is more than 1 % from 8000 ps"):
        open_engine("cocotb-icarus", spec)


def test_pysim_says_that_it_cannot(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="dut_clocks is Verilog, and pysim simulates only Amaranth"):
        open_engine("pysim", clocked(tmp_path, "[clocks.fast]\n[clocks.slow]\n"))
