"""What `ringbed dut init` makes of a card's ports is a card that runs: a frame goes through, on every engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from ringbed.sim.dut.card import dut_spec
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import memory_for
from ringbed.sim.wire.frame import to_wire
from tests.cli.test_main import run
from tests.sim.conftest import needs_native
from tests.sim.dut.test_start_of_packet import CARD

KINDS = [
    pytest.param("native", marks=needs_native), pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
    pytest.param("cocotb-verilator", marks=[pytest.mark.cocotb, pytest.mark.full]),
]  # fmt: skip
FRAMES = [to_wire(bytes([number, *range(60 + number)])) for number in range(3)]

# Cards that give back what they get, by what is strange about them; the first file is the one given to the command.
CARDS = {
    "a package behind the file that needs it": {
        "nic.sv": """module nic import pkg::*; (input logic clk, input logic rst, input b_t s_axis_tdata,
          input logic s_axis_tvalid, s_axis_tlast, output b_t m_axis_tdata, output logic m_axis_tvalid, m_axis_tlast);
          always_ff @(posedge clk) begin
            m_axis_tdata <= s_axis_tdata; m_axis_tvalid <= s_axis_tvalid & ~rst; m_axis_tlast <= s_axis_tlast;
          end endmodule\n""",
        "pkg.sv": "package pkg; typedef logic [7:0] b_t; endpackage\n",
    },
    "signals of other shapes beside a stream": {
        "nic.v": """module nic #(parameter W = 64) (input clk, input rst, input [W-1:0] s_axis_tdata,
          input [W/8-1:0] s_axis_tkeep, input s_axis_tvalid, s_axis_tlast, input [W/8-1:0] s_axis_tuser,
          input [3:0] s_axis_tid, s_axis_tdest, output s_axis_tready, output [W-1:0] m_axis_tdata,
          output [W/8-1:0] m_axis_tkeep, output m_axis_tvalid, m_axis_tlast, output [16:0] m_axis_tuser,
          input m_axis_tready);
          assign m_axis_tdata = s_axis_tdata, m_axis_tkeep = s_axis_tkeep, m_axis_tvalid = s_axis_tvalid,
                 m_axis_tlast = s_axis_tlast, s_axis_tready = m_axis_tready, m_axis_tuser = 0; endmodule\n""",
    },
    "a start of packets without which no frame begins": {
        "ava.v": CARD.replace("START", "in_startofpacket"),
    },
    "names with dots and dollars, a clock with an underscore": {
        "nic.v": r"""module nic (input _clk, input rst, input [7:0] \s_axis.tdata , input \s_axis.tvalid ,
          input \s_axis.tlast , output [7:0] \m_axis.tdata , output \m_axis.tvalid , output \m_axis.tlast , output a$b);
          assign \m_axis.tdata = \s_axis.tdata ; assign \m_axis.tvalid = \s_axis.tvalid ;
          assign \m_axis.tlast = \s_axis.tlast ; assign a$b = 1; endmodule
        """,
    },
    "names that end in their direction, a reset that is low": {
        "ff.v": """module ff (input clk_i, input rst_ni, input [7:0] rx_tdata_i, input rx_tvalid_i, input rx_tlast_i,
          output reg [7:0] tx_tdata_o, output reg tx_tvalid_o, output reg tx_tlast_o);
          always @(posedge clk_i or negedge rst_ni)
            if (!rst_ni) begin tx_tvalid_o <= 0; tx_tdata_o <= 0; tx_tlast_o <= 0; end
            else begin tx_tvalid_o <= rx_tvalid_i; tx_tdata_o <= rx_tdata_i; tx_tlast_o <= rx_tlast_i; end
          endmodule\n""",
    },
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", CARDS)
def test_frames_go_through(
    what: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in CARDS[what].items():
        Path(name).write_text(text)
    assert run("dut", "init", *CARDS[what], "-o", "card.toml") == Exit.OK, capsys.readouterr()
    tied = re.sub(r"^# (\w+ = 0 )", r"\1", Path("card.toml").read_text(), flags=re.MULTILINE)  # as a person would
    Path("card.toml").write_text(tied)
    spec = dut_spec(Path("card.toml"))
    engine = open_engine(kind, spec, memory_for(spec.portmap))
    for frame in FRAMES:
        engine.wire_in(frame)
    engine.run(2_000)
    assert [frame for _, frame in engine.wire_out()] == FRAMES
    assert engine.findings() == []
    engine.close()
