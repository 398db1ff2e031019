"""A replay of what is no recording of such a card, and of one that does things in no time."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from ringbed.sim.record.engine import Recording, ReplayEngine
from ringbed.sim.record.records import Broken, Decoder, Kind, Record
from ringbed.sim.record.replay import Replay
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from tests.sim.conftest import needs_native
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
