"""A module with flat ports around one with interfaces: every signal of them goes through, the right way."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.dut.verilog.flat import flat_module
from ringbed.sim.dut.verilog.ports import InterfacePorts, module_ports
from ringbed.sim.dut.verilog.tree import VerilogError
from ringbed.sim.seam.portmap import Port
from ringbed.sim.seam.spec import Rtl
from tests.sim.conftest import needs_native

pytestmark = needs_native
INTERFACE = """package kinds; typedef struct packed { logic [3:0] a; logic b; } side_t; endpackage
interface stream_if #(parameter W = 64) (input logic clk);
  logic [W-1:0] tdata; logic [W/8-1:0] tkeep; logic tvalid, tlast, tready; kinds::side_t side;
  modport source (output tdata, tkeep, tvalid, tlast, side, input tready);
  modport sink (input tdata, tkeep, tvalid, tlast, side, output tready);
endinterface
"""
NIC = """module nic #(parameter LED = 4) (
  input logic clk, stream_if.sink rx, output logic [LED-1:0] led, stream_if.source tx);
  assign tx.tdata = ~rx.tdata, tx.tkeep = rx.tkeep, tx.tvalid = rx.tvalid, tx.tlast = rx.tlast;
  assign tx.side = rx.side, rx.tready = tx.tready, led = rx.side.a;
endmodule
"""


@pytest.fixture
def rtl(tmp_path: Path) -> Rtl:
    (tmp_path / "nic.sv").write_text(INTERFACE + NIC)
    return Rtl((tmp_path / "nic.sv",))


def test_the_interface_is_named_and_what_helps(rtl: Rtl) -> None:
    with pytest.raises(InterfacePorts, match=r"port 'rx' of nic is an interface, stream_if\.sink, .* --flat") as raised:
        module_ports("nic", rtl, {})
    assert raised.value.ports == {"rx": "stream_if.sink", "tx": "stream_if.source"}


def test_every_signal_is_a_port(rtl: Rtl, tmp_path: Path) -> None:
    around = tmp_path / "flat.sv"
    around.write_text(flat_module("nic", rtl, {"LED": 5}, "flat"))
    whole = Rtl((*rtl.files, around))
    signals = (("tdata", 64), ("tkeep", 8), ("tvalid", 1), ("tlast", 1), ("side", 5))
    into = [Port(f"rx_{name}", width, "in") for name, width in signals]
    out = [Port(f"tx_{name}", width, "out") for name, width in signals]
    assert list(module_ports("flat", whole, {}).values()) == [
        Port("clk", 1, "in"), *into, Port("rx_tready", 1, "out"), Port("led", 5, "out"), *out,
        Port("tx_tready", 1, "in"),
    ]  # fmt: skip
    text = around.read_text()
    for line in ("stream_if rx_if (.clk(clk));", "assign rx_if.tdata = rx_tdata;", "assign rx_tready = rx_if.tready;",
                 "assign tx_tdata = tx_if.tdata;", "assign tx_if.tready = tx_tready;",
                 "nic #(.LED(5)) dut (.clk(clk), .led(led), .rx(rx_if), .tx(tx_if));"):  # fmt: skip
        assert f"  {line}" in text.splitlines()


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("stream_if.sink rx", "stream_if rx", "port 'rx' is an interface without a modport"),
    ("input tready);", "inout tready);", "port 'tx_tready' is an inout, which nothing drives: make it two"),
    ("kinds::side_t side;", "logic side [2];", "port 'side' of rx is not a vector of bits"),
])  # fmt: skip
def test_what_cannot_be_flat(rtl: Rtl, old: str, new: str, sentence: str) -> None:
    text = (INTERFACE + NIC).replace("led = rx.side.a", "led = 0")
    assert old in text
    rtl.files[0].write_text(text.replace(old, new))
    with pytest.raises(VerilogError, match=sentence):
        flat_module("nic", rtl, {}, "flat")


def test_a_module_with_plain_ports_needs_none(tmp_path: Path) -> None:
    (tmp_path / "nic.v").write_text("module nic (input clk); endmodule\n")
    with pytest.raises(VerilogError, match="nic has no interface among its ports"):
        flat_module("nic", Rtl((tmp_path / "nic.v",)), {}, "flat")


def test_interface_ports_may_have_escaped_names(rtl: Rtl, tmp_path: Path) -> None:
    (tmp_path / "nic.sv").write_text(INTERFACE + NIC.replace("rx.", "\\in.a .").replace("sink rx", "sink \\in.a ")
                                     .replace("tx.", "\\out .").replace("source tx", "source \\out "))  # fmt: skip
    with pytest.raises(InterfacePorts) as raised:
        module_ports("nic", rtl, {})
    assert raised.value.ports == {"in.a": "stream_if.sink", "out": "stream_if.source"}
    around = tmp_path / "flat.sv"
    around.write_text(flat_module("nic", rtl, {}, "flat"))
    found = module_ports("flat", Rtl((*rtl.files, around)), {})
    assert [name for name in found if name.endswith("tdata")] == ["in_a_tdata", "out_tdata"]
    assert "  nic dut (.clk(clk), .led(led), .\\in.a (in_a_if), .out(out_if));" in around.read_text().splitlines()
