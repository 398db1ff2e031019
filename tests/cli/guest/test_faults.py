"""A plan's link rules on a served card's wire: what is held back is looked after, and all is counted."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, cast

from ringbed.cli.guest.faults import GuestFaults
from ringbed.sim.faults.plan import parse_plan
from ringbed.sim.seam.bus_faults import BusFaults, BusKind
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.wire.frame import WireEnd, to_wire
from tests.sim.guest.test_tagged import Cable

PLAN = """
seed = 1
[[link]]
kind = "drop"
at = [1]
where = "em0 tx"
[[link]]
kind = "reorder"
at = [0]
where = "em0 rx"
frames = 9
ns = 1000
[[bus]]
kind = "slverr"
at = [3]
access = ["writeback"]
"""
MHZ = Frequency(Fraction(125_000_000))
FRAMES = [to_wire(bytes([number]) * 60) for number in range(3)]


class Far:
    """The far end: takes what left, and sends one frame."""

    def __init__(self, end: WireEnd) -> None:
        self.end, self.came, self.due = end, list[bytes](), 5_000
        self.times = list[int]()

    def move(self, now: int) -> int:
        self.times.append(now)
        left = [frame for _, frame in self.end.wire_out()]
        self.came += left
        return len(left)

    def files(self) -> Sequence[int]:
        return [7]

    def deadline(self) -> int | None:
        return self.due or None


class Bus:
    """Of an engine, its bus."""

    def __init__(self) -> None:
        self.faults = BusFaults()

    def set_bus_faults(self, faults: BusFaults) -> None:
        self.faults = faults

    def bus_fault_log(self) -> list[Any]:
        return [type("Event", (), {"kind": BusKind.SLVERR})] * 2


def test_frames_are_lost_and_held_back_and_let_go_in_time() -> None:
    faults, cable, ends = GuestFaults(parse_plan(PLAN)), Cable(*FRAMES), list[Far]()

    def far(end: WireEnd, frequency: Frequency) -> Far:
        ends.append(Far(end))
        return ends[-1]

    wire = faults.wire(far)(cable, MHZ)
    (end,) = ends
    assert wire.files() == [7]
    assert wire.move(400) == 2
    assert end.came == [FRAMES[0], FRAMES[2]]
    assert wire.deadline() == 5_000
    end.end.wire_in(FRAMES[1])
    assert cable.came == []
    due = wire.deadline()
    assert due is not None
    assert 1_400 <= due <= 1_400 + 8
    end.due = 0
    assert wire.deadline() == due
    wire.move(due - 16)
    assert cable.came == []
    wire.move(due)
    assert [frame for frame, _, _ in cable.came] == [FRAMES[1]]
    assert wire.deadline() is None
    assert end.times == [400, due - 16, due]
    assert faults.counts(cast(Any, Bus())) == {"bus slverr": 2, "link drop": 1, "link reorder": 1}


def test_the_bus_is_hurt_as_the_plan_says() -> None:
    bus = Bus()
    GuestFaults(parse_plan(PLAN)).attach(cast(Any, bus))
    assert [(each.kind, each.ordinal) for each in bus.faults.fixed] == [(BusKind.SLVERR, 3)]
