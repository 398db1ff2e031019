"""Streams that say where a packet begins (Avalon-ST): driven and understood on every engine that runs Verilog."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.dut.guess import Guess
from ringbed.sim.dut.verilog.ports import module_ports
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import memory_for
from ringbed.sim.seam.spec import Rtl
from tests.sim.conftest import needs_native

pytestmark = needs_native
ENGINES = [
    "native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
    pytest.param("cocotb-verilator", marks=pytest.mark.cocotb),
]  # fmt: skip
# a frame begins at startofpacket alone; what is outside of one is let go
CARD = """module ava (
  input wire clk, input wire reset_n,
  input wire [31:0] in_data, input wire in_valid, input wire in_startofpacket, input wire in_endofpacket,
  input wire [1:0] in_empty, input wire in_error, output wire in_ready,
  output reg [31:0] out_data, output reg out_valid, output reg out_startofpacket, output reg out_endofpacket,
  output reg [1:0] out_empty, input wire out_ready);
  reg open;
  assign in_ready = out_ready | ~out_valid;
  always @(posedge clk or negedge reset_n)
    if (!reset_n) begin open <= 0; out_valid <= 0; end
    else if (in_ready) begin
      out_valid <= in_valid & (open | in_startofpacket);
      out_data <= in_data; out_empty <= in_empty;
      out_startofpacket <= START; out_endofpacket <= in_endofpacket;
      if (in_valid) open <= (open | in_startofpacket) & ~in_endofpacket;
    end
endmodule
"""


def opened(folder: Path, engine: str, start: str = "in_startofpacket", more: str = "") -> AnyEngine:
    """By the map that is guessed of it."""
    (folder / "ava.v").write_text(CARD.replace("START", start))
    path = folder / "ava.toml"
    path.write_text(Guess("ava", module_ports("ava", Rtl((folder / "ava.v",)), {})).text(["ava.v"]) + more)
    spec = dut_spec(path)
    return open_engine(engine, spec, memory_for(spec.portmap), backpressure=0.3, seed=5)


@pytest.mark.parametrize("engine", ENGINES)
def test_frames_go_through(engine: str, tmp_path: Path) -> None:
    rng, sent, card = random.Random(1), [], opened(tmp_path, engine)
    for size in (60, 61, 62, 63, 64, 65, 257):
        data = rng.randbytes(size)
        sent.append(data + zlib.crc32(data).to_bytes(4, "little"))
        card.wire_in(sent[-1])
    card.run(card.now + 2000)
    assert [frame for _, frame in card.wire_out()] == sent
    assert card.findings() == []
    card.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_start_that_does_not_come_is_a_finding(engine: str, tmp_path: Path) -> None:
    card = opened(tmp_path, engine, start="0")
    card.wire_in(bytes(60) + zlib.crc32(bytes(60)).to_bytes(4, "little"))
    card.run(card.now + 200)
    assert card.wire_out() == []
    assert [finding.rule for finding in card.findings()] == ["verilog.error"]
    card.close()
