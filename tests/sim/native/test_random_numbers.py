"""$random and $urandom of somebody's card: by the engine's seed, whatever else ran in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.engine import Event
from tests.sim.conftest import needs_native

pytestmark = needs_native
VERILOG = """
module dice (input wire clk, input wire rst, input wire [2:0] paddr, input wire psel, input wire penable,
    input wire pwrite, input wire [31:0] pwdata, output wire [31:0] prdata,
    output reg [31:0] first, output reg [31:0] now);
    assign prdata = now;
    initial first = $urandom;
    always @(posedge clk) now <= $random;
endmodule
"""
MAP = """
top = "dice"
sources = ["dice.v"]
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "apb"
addr_width = 3
[pins]
first = { dir = "out", width = 32 }
now = { dir = "out", width = 32 }
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    (tmp_path / "dice.v").write_text(VERILOG)
    (tmp_path / "dice.toml").write_text(MAP)
    return tmp_path / "dice.toml"


def thrown(card: Path, seed: int) -> list[int]:
    engine = NativeEngine(dut_spec(card), seed=seed)
    found = [engine.get_pin("first")]
    for clock in range(1, 6):
        engine.run(clock, Event.NONE)
        found.append(engine.get_pin("now"))
    engine.close()
    return found


def test_a_seed_gives_the_same_numbers_and_another_gives_others(card: Path) -> None:
    one, other = thrown(card, 0), thrown(card, 1)
    assert thrown(card, 0) == one
    assert thrown(card, (1 << 32) - 1) == thrown(card, (1 << 32) - 1)
    assert len({*one, *other}) == len(one) + len(other)
