"""A replay of what is no recording of such a card, and of one that does things in no time."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.record.engine import Recording, ReplayEngine
from ringbed.sim.record.records import Broken, Decoder, Kind, Record
from ringbed.sim.record.replay import Replay
from ringbed.sim.seam.engine import CardEnded
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.wire.frame import WireEnd, to_wire
from tests.sim.conftest import NIC, needs_native
from tests.sim.record.encode import encoded
from tests.sim.record.scene import kept, replayed, short

pytestmark = needs_native


class Lines(Component):
    """A card that is nothing but an interrupt line, which is what its pin says in the same clock."""

    def __init__(self) -> None:
        super().__init__({"up": In(1), "irq": Out(1)})

    def ports(self) -> dict[str, Any]:
        return {"up": self.up, "irq": self.irq}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        kept = Signal()
        m.d.sync += kept.eq(self.up)
        m.d.comb += self.irq.eq(self.up)
        return m


LINES = """
top = "lines"
clock = "clk"
reset = { port = "rst" }
[interrupts]
port = "irq"
kind = "level"
[pins]
up = { width = 1, dir = "in", init = 0 }
"""


def test_what_happens_in_the_clock_of_an_input_keeps_its_order(tmp_path: Path) -> None:
    """The line changes with a pin, and changes back, and no clock has passed."""
    spec = NicSpec("lines", Lines, PortMap.parse(LINES), sources=(Path(__file__),))
    with Recording(tmp_path / "record") as recording:
        engine = recording.engine(spec)
        for level in (1, 0, 1, 0):
            engine.set_pin("up", level)
            engine.run(engine.now + (5 if level == 0 else 0))
        engine.close()
    records = kept(tmp_path / "record")
    assert [(each.clock, each.kind, each.value) for each in records[:4]] == [
        (0, Kind.PIN, 1), (0, Kind.LINE, 1), (0, Kind.PIN, 0), (0, Kind.LINE, 0),
    ]  # fmt: skip
    outcome = Replay(ReplayEngine(spec, None), ("up",)).run(records)
    assert outcome.difference is None
    assert outcome.same == {Kind.PIN: 4, Kind.LINE: 4}


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([Record(0, Kind.STORE, 3)], "cannot be done to this one: .* 0x3"),
        ([Record(0, Kind.ASK, 1 << 40), Record(9, Kind.ANSWER)], "cannot be done"),
        ([Record(0, Kind.PIN, 1, 1)], "pin seen"),
        ([Record(0, Kind.PIN, 2, 1)], "no pin 'number 2'"),
        ([Record(0, Kind.PIN, 0, 256)], "cannot be set to 0x100"),
        ([Record(0, Kind.ANSWER)], "in another order"),
        ([Record(0, Kind.ASK, 0), Record(0, Kind.NOTE)], "in another order"),
        ([Record(0, Kind.ASK, 0), Record(0, Kind.ASK, 0)], "in another order"),
        ([Record(0, Kind.FAULTS, 1, 0, data=bytes(47))], "are not 47 bytes"),
        ([Record(0, Kind.FAULTS, 0, 1, data=b"\xff" * 40)], "cannot be done"),
        ([Record(0, Kind.FAULTS, 1, 0, data=bytes(32) + b"\1" + bytes(15))], "a jitter of no clocks"),
    ],
)
def test_what_no_card_was_recorded_with_is_said(records: list[Record], why: str) -> None:
    with pytest.raises(Broken, match=why):
        replayed(records, Settings())


def test_a_spoilt_recording_is_replayed_to_some_end(tmp_path: Path) -> None:
    """Bytes changed and left out under right sums: a difference, or a word of what makes no sense; never more."""
    rng, whole, ends = random.Random(3), encoded(short(tmp_path / "record")), Counter[str]()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(2)] = rng.randbytes(rng.randrange(3))
        records = list[Record]()
        try:
            for record in Decoder().records(bytes(data)):
                records.append(record)
        except Broken:
            pass
        try:
            outcome, _ = replayed(records, Settings(), until=100_000)
            ends["same" if outcome.difference is None else "differs"] += 1
        except Broken:
            ends["broken"] += 1
    assert min(ends["differs"], ends["broken"]) > 10


def test_what_is_read_ahead_has_a_bound(tmp_path: Path) -> None:
    """However long a recording goes on, no more of it is held than the card could need."""
    drawn = itertools.count()
    records = (Record(9, Kind.READ, 16384 * at, 0, 16384, bytes(16384)) for at in drawn)
    outcome, _ = replayed(records, Settings())
    assert outcome.difference is not None
    assert next(drawn) < 1100
    with pytest.raises(Broken, match="more is on record while a register is read than can happen then"):
        replayed(itertools.chain([Record(9, Kind.ASK, 0)], records), Settings())
    assert next(drawn) < 8000


ENDING = """
module ending (input wire clk, input wire rst, input wire [2:0] paddr, input wire psel, input wire penable,
    input wire pwrite, input wire [31:0] pwdata, output wire [31:0] prdata);
    reg [31:0] count;
    assign prdata = count;
    always @(posedge clk) begin
        count <= rst ? 0 : count + 1;
        if (psel & penable & pwrite) $finish;
    end
endmodule
"""
ENDING_MAP = """
top = "ending"
sources = ["ending.v"]
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "apb"
addr_width = 3
"""


@pytest.mark.parametrize("by_a_read", [False, True])
def test_a_card_that_ended_itself_does_so_again(tmp_path: Path, by_a_read: bool) -> None:
    (tmp_path / "ending.v").write_text(ENDING)
    (tmp_path / "ending.toml").write_text(ENDING_MAP)
    spec = dut_spec(tmp_path / "ending.toml")
    with Recording(tmp_path / "record") as recording:
        engine = recording.engine(spec)
        engine.run(50)
        engine.read(0)
        engine.write(0, 1)
        with pytest.raises(CardEnded):
            engine.read(0) if by_a_read else engine.run(90)
        engine.note("the client is gone")
        engine.close()
    records = kept(tmp_path / "record")
    assert records[-1].kind in (Kind.NOTE, Kind.TIME)
    for more, same in ([], True), ([Record(records[-1].clock, Kind.STORE, 0, 2)], False):
        replay = ReplayEngine(spec, None)
        outcome = Replay(replay, ()).run([*records, *more])
        replay.close()
        assert "ended it at clock" in outcome.ending
        assert (outcome.difference is None) is same
        assert outcome.clock == records[-1].clock


def test_what_passes_the_wire_has_an_fcs_whatever_the_cards_stream_has(tmp_path: Path) -> None:
    """mini_nic's has none: the record is of the stream, and a tap is before it."""
    spec, frame = dut_spec(NIC / "mini_nic.toml"), bytes.fromhex("02000000000102000000009988b5") + bytes(range(40))
    with Recording(tmp_path / "record") as recording:
        engine = recording.engine(spec, HostMemory())
        engine.wire_in(to_wire(frame), 20)
        engine.run(500)
        engine.close()
    taps: list[Tap] = []

    def tapped(end: WireEnd) -> WireEnd:
        taps.append(Tap(end))
        return taps[-1]

    replay = ReplayEngine(spec, None)
    outcome = Replay(replay, (), end=tapped).run(kept(tmp_path / "record"))
    replay.close()
    assert outcome.difference is None
    assert outcome.same[Kind.FRAME] == 1
    assert taps[0].seen == [to_wire(frame)]


class Tap:
    """Before a wire's end."""

    def __init__(self, end: WireEnd) -> None:
        self.end, self.seen = end, list[bytes]()

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.seen.append(frame)
        self.end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        return self.end.wire_out()
