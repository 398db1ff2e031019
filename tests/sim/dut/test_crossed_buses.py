"""Buses that need no bridge, AXI4-Lite, AXI4 and streams, on another clock: the toy in Verilog behind crossings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.build import verilog_of
from ringbed.sim.seam.engine import Event
from tests.sim.test_engines import BROKEN, COUNT, FRAME, SCRATCH, start
from tests.sim.toy import toy_spec

MAP = """top = "two"
sources = ["two.v", "toy.v"]
clock = "host"
[clocks.clk]
CLOCK
[resets.rst]
clock = "clk"
[registers]
kind = "axi4-lite"
prefix = "s_axil_"
addr_width = 6
data_width = 32
clock = "clk"
[dma]
kind = "axi4"
prefix = "m_axi_"
addr_width = 64
data_width = 64
id_width = 4
clock = "clk"
[wire.rx]
prefix = "rx_"
data_width = 64
ready = false
error = true
clock = "clk"
[wire.tx]
prefix = "tx_"
data_width = 64
clock = "clk"
[interrupts]
port = "irq"
[pins]
invert = { width = 8 }
seen = { width = 16, dir = "out" }
[ties]
peek_addr = 0
timebase = 0
"""
CLOCKS = {"slow": 'ratio = "3/7"', "fast and falling": 'ratio = "7/3"\nphase = 0.3\nedge = "falling"'}


def write_card(folder: Path, clock: str) -> Path:
    """The toy under a top that has the engine's clock too and uses it for nothing."""
    spec, edge = toy_spec(), "negedge clk" if "falling" in clock else "posedge clk"
    (folder / "toy.v").write_text(verilog_of(spec).replace("posedge clk", edge))
    ports = spec.portmap.ports()
    ways = {"in": "input wire", "out": "output wire"}
    declared = ",\n".join(["input wire host", *(f"{ways[p.dir]} [{p.width - 1}:0] {p.name}" for p in ports)])
    joined = ", ".join(f".{p.name}({p.name})" for p in ports)
    (folder / "two.v").write_text(f"module two({declared});\n  toy card ({joined});\nendmodule\n")
    (folder / "two.toml").write_text(MAP.replace("CLOCK", clock))
    return folder / "two.toml"


@pytest.fixture(params=CLOCKS)
def card(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[AnyEngine, HostMemory]]:
    memory = HostMemory()
    engine = open_engine(
        "native", dut_spec(write_card(tmp_path, CLOCKS[request.param])), memory, backpressure=0.2, seed=4
    )
    yield engine, memory
    engine.close()


def test_registers_memory_and_frames(card: tuple[AnyEngine, HostMemory]) -> None:
    engine, memory = card
    ring = memory.coherent(256)
    start(engine, ring.iova)
    engine.write(SCRATCH, 0xDEADBEEF)
    assert engine.read(SCRATCH) == 0xDEADBEEF
    for count, length in enumerate((8, 9, 60, 64), 1):
        engine.wire_in(FRAME[:length], engine.now)
        engine.run(engine.now + 4000, Event.WIRE)
        [(_, frame)] = engine.wire_out()
        assert frame == FRAME[:length]
        assert bytes(ring.view[:length]) == FRAME[:length]
        assert engine.read(COUNT) == count
    assert engine.findings() == []
    engine.write(BROKEN, 1)
    engine.run(engine.now + 100)
    assert [finding.rule for finding in engine.findings()] == ["register.error"]
