"""An AXI4-Lite card without BREADY and RREADY: its answers are there for one clock, and nothing may hold them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.engines import open_engine
from ringbed.sim.seam.engine import Finding

CARD = """
module card(input clk, input bus_clk, input rst, input [7:0] awaddr, input awvalid, output awready, input [31:0] wdata,
  input wvalid, output wready, output reg bvalid, {resp}{ready}
  input [7:0] araddr, input arvalid, output arready, output reg [31:0] rdata, output reg rvalid);
  reg [31:0] r [0:3];
  assign awready = awvalid & wvalid, wready = awready, arready = arvalid;
  always @(posedge {clock}) begin
    bvalid <= awready;
    rvalid <= arready;
    rdata <= arready ? r[araddr[3:2]] : 32'hbad;
    if (awready) r[awaddr[3:2]] <= wdata;
    if (rst) {{bvalid, rvalid}} <= 0;
  end
  {answer}
endmodule
"""
MAP = """
top = "card"
sources = ["card.v"]
clock = "clk"
{clocks}
[registers]
kind = "axi4-lite"
prefix = ""
addr_width = 8
{bus}
"""
CROSSED = ('[clocks.bus_clk]\nratio = "2/3"\n[resets.rst]\nclock = "bus_clk"', 'clock = "bus_clk"')
PLAIN = ('reset = { port = "rst" }\n[ties]\nbus_clk = 0', "")
PARTS = [
    pytest.param("native", False, id="native"), pytest.param("native", True, id="native-crossed"),
    pytest.param("cocotb-icarus", False, id="icarus", marks=pytest.mark.cocotb),
]  # fmt: skip


def asked(folder: Path, engine: str, crossed: bool, resp: str = "") -> Iterator[list[Finding]]:
    """Writes and reads back through the card, under back-pressure of every seed; what was found."""
    clocks, bus = CROSSED if crossed else PLAIN
    answer = "assign bresp = 0;" if resp else ""
    clock = "bus_clk" if crossed else "clk"
    (folder / "card.v").write_text(CARD.format(resp=resp, ready="", clock=clock, answer=answer))
    (folder / "card.toml").write_text(MAP.format(clocks=clocks, bus=bus))
    spec = dut_spec(folder / "card.toml")
    for level, seed in product((0.0, 0.3, 0.9), (1, 2)):
        card = open_engine(engine, spec, backpressure=level, seed=seed, answer_limit=5000)
        for number in range(12):
            card.write(number % 4 * 4, number * 0x01020304)
            assert card.read(number % 4 * 4) == number * 0x01020304
        yield card.findings()
        card.close()


@pytest.mark.parametrize(("engine", "crossed"), PARTS)
def test_every_answer_arrives_whoever_holds_off(tmp_path: Path, engine: str, crossed: bool) -> None:
    assert [found for found in asked(tmp_path, engine, crossed) if found] == []


def test_the_answers_of_writes_are_kept_with_their_bresp(tmp_path: Path) -> None:
    assert [found for found in asked(tmp_path, "native", False, "output [1:0] bresp,") if found] == []
