"""Interrupt lines one by one, and the card's reset, on the native engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbed.sim.dut.card import dut_card
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.engine import EngineClosed, Event
from tests.sim.conftest import needs_native
from tests.sim.seam.test_axi_checker import AW1, OFF, WORD, pins_engine, play
from tests.sim.serve.lines_card import LINES, PULSE, SCRATCH, lines_card
from tests.sim.toy import toy_spec

pytestmark = needs_native
CONTROL, COUNT, TOY_SCRATCH = 8, 12, 16


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[NativeEngine]:
    engine = NativeEngine(lines_card(tmp_path)[0])
    yield engine
    engine.close()


def put(engine: NativeEngine, register: int, value: int) -> None:
    engine.write(register, value)
    engine.run(engine.now + 20, Event.NONE)


def test_lines_and_their_rises(engine: NativeEngine) -> None:
    assert (engine.lines, engine.risen()) == (0, 0)
    put(engine, LINES, 0b0101)
    assert (engine.lines, engine.risen(), engine.risen()) == (0b0101, 0b0101, 0)
    put(engine, LINES, 0b0110)
    put(engine, PULSE, 0b1100)  # line 2 is up already: it does not rise
    assert (engine.lines, engine.risen()) == (0b0110, 0b1010)


def test_a_watched_rise_is_the_interrupt_until_it_is_taken(engine: NativeEngine) -> None:
    engine.watch(0b0010)
    engine.write(LINES, 0b1101)
    assert not engine.run(engine.now + 50) & Event.IRQ
    engine.write(PULSE, 0b0010)
    before = engine.now
    assert engine.run(engine.now + 50) & Event.IRQ
    assert engine.now < before + 20  # it stopped there
    engine.run(engine.now + 5, Event.NONE)
    assert engine.run(engine.now + 50) & Event.IRQ  # the pulse is over, and nobody has taken it
    assert engine.risen() == 0b1111
    assert not engine.run(engine.now + 50) & Event.IRQ
    engine.watch(None)
    assert engine.run(engine.now + 50) & Event.IRQ  # a level again
    engine.watch(0b1111)
    assert not engine.run(engine.now + 50) & Event.IRQ


def test_what_is_watched_stays_for_a_waveform(engine: NativeEngine, tmp_path: Path) -> None:
    engine.watch(0b0100)
    engine.trace(tmp_path / "w.vcd")
    engine.write(LINES, 0b0011)
    assert not engine.run(engine.now + 50) & Event.IRQ
    engine.write(PULSE, 0b0100)
    assert engine.run(engine.now + 50) & Event.IRQ


def test_reset_brings_the_card_to_where_it_began_and_time_goes_on(engine: NativeEngine) -> None:
    put(engine, LINES, 0b1111)
    put(engine, SCRATCH, 7)
    engine.write(SCRATCH, 8)  # waits still
    before = engine.now
    engine.reset()
    assert engine.now == before + 4  # reset.clocks of the map
    assert (engine.lines, engine.risen(), engine.read(SCRATCH)) == (0, 0, 0)
    put(engine, LINES, 1)
    assert (engine.lines, engine.risen()) == (1, 1)
    assert engine.findings() == []


def test_a_reset_is_as_long_as_it_was_asked_for(tmp_path: Path) -> None:
    engine = NativeEngine(lines_card(tmp_path)[0], reset_clocks=7, reset_wait=30)
    engine.skip(100)
    engine.reset()
    assert engine.now == 137
    engine.close()
    with pytest.raises(EngineClosed):
        engine.reset()


@pytest.mark.parametrize("clocks", range(0, 60, 3))
def test_reset_cuts_off_what_is_on_bus_and_wire(clocks: int) -> None:
    """Anywhere in a frame's way to memory and out of the card: nothing of it is left, and the next is whole."""
    memory = HostMemory()
    ring = memory.coherent(256)
    engine = NativeEngine(toy_spec(), memory, link_bps=1_000_000_000)

    def begin() -> None:
        for offset, value in ((0, ring.iova & 0xFFFF_FFFF), (4, ring.iova >> 32), (CONTROL, 1)):
            engine.write(offset, value)
        engine.run(engine.now + 30, Event.NONE)

    begin()
    engine.wire_in(bytes(range(64)), at=engine.now)
    engine.wire_in(bytes(range(8)), at=engine.now + 10_000)
    engine.run(engine.now + 40 + clocks * 4, Event.NONE)
    engine.write(TOY_SCRATCH, 5)
    engine.wire_out()
    engine.reset()
    assert engine.in_flight(0, 1 << 64) == 0
    begin()
    assert (engine.read(TOY_SCRATCH), engine.read(COUNT), engine.wire_out()) == (0, 0, [])
    engine.run(engine.now + 12_000, Event.NONE)
    assert [frame for _, frame in engine.wire_out()] == [bytes(range(8))]
    assert (engine.findings(), engine.stats().wire_waiting) == ([], 0)
    engine.close()


def test_reset_forgets_a_burst_of_which_some_beats_came() -> None:
    engine = pins_engine("native")
    assert isinstance(engine, NativeEngine)
    assert play(engine, [AW1, OFF, WORD, OFF, {}]) == []
    assert engine.in_flight(0x1000, 16) == 1
    engine.reset()
    last = {**WORD, "p_m_axi_wlast": 1, "p_m_axi_bready": 1}
    assert play(engine, [AW1, OFF, WORD, last, {**OFF, "p_m_axi_wlast": 0}, *[{}] * 8]) == []
    assert engine.in_flight(0x1000, 16) == 0
    engine.close()


SLOW = """
module slow_card (input wire clk, input wire rst, input wire [2:0] paddr, input wire psel, input wire penable,
    input wire pwrite, input wire [31:0] pwdata, output wire [31:0] prdata, input wire sclk, input wire srst,
    output reg [15:0] count);
    assign prdata = 0;
    always @(posedge sclk) count <= srst ? 16'd0 : count + 16'd1;
endmodule
"""
SLOW_MAP = """
top = "slow_card"
sources = ["slow_card.v"]
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "apb"
addr_width = 3
[clocks.sclk]
ratio = "RATIO"
[resets.srst]
clock = "sclk"
[pins]
count = { dir = "out", width = 16 }
"""


@pytest.mark.parametrize("ratio", ["1/9", "1/5", "2/7", "1/2", "3/2"])
@pytest.mark.parametrize("late", range(9))
def test_a_reset_is_long_enough_for_a_slower_clock(tmp_path: Path, ratio: str, late: int) -> None:
    (tmp_path / "slow_card.v").write_text(SLOW)
    (tmp_path / "slow_card.toml").write_text(SLOW_MAP.replace("RATIO", ratio))
    engine = NativeEngine(dut_card(tmp_path / "slow_card.toml")[0])
    engine.run(2_000 + late, Event.NONE)
    assert engine.get_pin("count") > 200
    engine.reset()
    engine.run(engine.now + 40, Event.NONE)
    assert 0 < engine.get_pin("count") < 70
    engine.close()
