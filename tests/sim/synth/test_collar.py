"""A block between registers, and a block bare."""

from __future__ import annotations

import re
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.sim.synth.collar import in_collar, port_of, rtlil_of, verilog_of_block


class Both(wiring.Component):
    """A stream that is always ready, a stream that is not, a port of no bits, and one that nothing reads."""

    def __init__(self) -> None:
        members = {"i": In(stream.Signature(4, always_ready=True)), "o": Out(stream.Signature(4))}
        super().__init__(members | {"none": In(0), "idle": In(2)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        held = Signal(4)
        m.d.sync += held.eq(self.i.payload)
        m.d.comb += [self.o.payload.eq(held), self.o.valid.eq(self.i.valid & self.o.ready)]
        return m


PORTS = {"i_payload", "i_valid", "o_payload", "o_valid", "o_ready", "idle"}


def top_module() -> str:
    text = rtlil_of(Both())
    return text[text.index("module \\top\n") :].split("\nend\n", 1)[0]


def test_every_port_has_a_register() -> None:
    top = top_module()
    assert set(re.findall(r"wire width \d+ (?:input|output) \d+ +\\(\w+)", top)) == PORTS | {"clk", "rst"}
    kept = re.findall(r"attribute \\keep 1\n +wire width \d+ (?:output \d+)? *\\(\w+)", top)
    assert {port_of(net) for net in kept if in_collar(net)} == PORTS


def test_the_collar_is_kept_and_has_no_reset() -> None:
    cells = re.findall(r"cell \$\w*ff .*?\n  end", top_module(), re.DOTALL)
    assert len(cells) == len(PORTS)
    assert "rst" not in "".join(cells)


def test_the_bare_block_has_its_own_ports_and_a_clock() -> None:
    text = verilog_of_block(Both(), "both")
    top = text[text.index("module both(") :]
    assert set(re.findall(r"\w+", top[: top.index(");")])) - {"module", "both"} == PORTS | {"clk", "rst"}
    assert "collar" not in text
    assert re.search(r"output \[3:0\] o_payload", top)
    assert re.search(r"input \[1:0\] idle", top)
