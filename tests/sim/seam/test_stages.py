"""Stages: what a port map may say, and that pulses find their frames, against frames that carry their numbers."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.seam.portmap import Port, PortMap, PortMapError
from ringbed.sim.seam.stages import Numbering, Stage, StageEvent, Stages, StageTable, wire_stages

BARE = 'top = "t"\nclock = "clk"\nreset = { port = "rst" }\n[stages]\nport = "seen"\n'
LINE = """
[stages.in]
began = {}
kept = { after = "began" }
drop = { after = "began", ends = true }
done = { after = "kept", width = 3 }
reset = { after = "kept", clears = true }
"""


def line() -> Stages:
    found = PortMap.parse(BARE + LINE).stages
    assert found is not None
    return found


def test_read_from_a_port_map() -> None:
    stages = line()
    assert stages.order[3] == Stage("in", "done", "kept", 3)
    assert stages.width == 7
    assert Port("seen", 7, "out") in PortMap.parse(BARE + LINE).ports()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "stages.the stages take 0 bits; a port has 1 to 64"),
        ("[stages.wire_in]\na = {}", "stages.wire_in must be a table of stages with a name of its own"),
        ("in = 5", "stages.in must be a table of stages with a name of its own, not 5"),
        ("[stages.in]\na = { wide = 3 }", "in.a must be a table of after, clears, ends, width"),
        ('[stages.in]\na = { after = "b" }', "in.a is the first of its group and comes after nothing, not 'b'"),
        ("[stages.in]\na = {}\nb = {}", "in.b must come after one of a, not ''"),
        ("[stages.in]\na = { after = [1] }", "in.a.after must be of type str, not [1]"),
        ("[stages.in]\na = { ends = 1 }", "in.a.ends must be of type bool, not 1"),
        ("[stages.in]\na = { clears = 'x' }", "in.a.clears must be of type bool, not 'x'"),
        ("[stages.in]\na = { width = 33 }", "in.a.width must be 1 to 32, not 33"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, sentence: str) -> None:
    with pytest.raises(PortMapError) as caught:
        PortMap.parse(BARE + text)
    assert sentence in str(caught.value)


def test_a_frame_keeps_its_number_past_drops() -> None:
    numbering = Numbering(StageTable.of(line()))
    assert numbering.clock(1, 0b000_0_0_0_1) == [StageEvent(1, "in", "began", 1)]
    numbering.clock(2, 0b000_0_1_0_1)  # one is dropped as the next begins: the older
    assert numbering.clock(3, 0b000_0_0_1_0) == [StageEvent(3, "in", "kept", 2)]
    assert numbering.clock(4, 0b001 << 3) == [StageEvent(4, "in", "done", 2)]


def test_a_reset_takes_what_is_behind_it_and_leaves_what_is_before() -> None:
    numbering = Numbering(StageTable.of(line()))
    for now in range(3):
        numbering.clock(now, 0b01)
    numbering.clock(3, 0b10)
    assert numbering.clock(4, 1 << 6) == [StageEvent(4, "in", "reset", 1)]
    assert numbering.clock(5, 1 << 6) == []
    assert numbering.clock(6, 0b10) == [StageEvent(6, "in", "kept", 2)]
    assert numbering.clock(7, 2 << 3) == [StageEvent(7, "in", "done", 2), StageEvent(7, "in", "done", 0)]


def test_the_wire_is_of_every_card() -> None:
    assert [(stage.group, stage.name, stage.after) for stage in wire_stages()] == [
        ("wire_in", "first", ""), ("wire_in", "last", "first"),
        ("wire_out", "first", ""), ("wire_out", "last", "first"),
    ]  # fmt: skip


class Naive:
    """A card whose frames carry their numbers, so nothing has to be worked out."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.count = rng, 0
        self.begun: list[int] = []
        self.kept: list[int] = []

    def clock(self, now: int) -> tuple[int, list[StageEvent]]:
        value = 0
        events: list[StageEvent] = []

        def say(stage: str, bits: int, frames: list[int]) -> None:
            nonlocal value
            value |= bits
            events.extend(StageEvent(now, "in", stage, frame) for frame in frames)

        if self.rng.random() < 0.5:
            self.count += 1
            self.begun.append(self.count)
            say("began", 1, [self.count])
        if self.begun and self.rng.random() < 0.5:
            frame = self.begun.pop(0)
            if self.rng.random() < 0.3:
                say("drop", 4, [frame])
            else:
                self.kept.append(frame)
                say("kept", 2, [frame])
        if gone := self.kept[: self.rng.choice((0, 0, 0, 2, 7))]:
            del self.kept[: len(gone)]
            say("done", len(gone) << 3, gone)
        if self.rng.random() < 0.05:
            say("reset", 1 << 6, self.kept)
            self.kept = []
        return value, events


@given(seed=st.integers(0, 1 << 32))
def test_against_frames_that_carry_their_numbers(seed: int) -> None:
    naive, numbering = Naive(random.Random(seed)), Numbering(StageTable.of(line()))
    key: Any = {stage.name: at for at, stage in enumerate(line().order)}
    for now in range(60):
        value, wanted = naive.clock(now)
        assert numbering.clock(now, value) == sorted(wanted, key=lambda event: key[event.stage])
