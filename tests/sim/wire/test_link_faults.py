"""Faults of a link: what each does to frames, that none goes uncounted, and that a record does the same again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.faults.plan import FaultPlan, FaultRecord, parse_plan, record_text
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.testbed.pump import TimedLink
from ringbed.sim.wire.cable import Cable
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire
from ringbed.sim.wire.link_faults import FaultyEnd, FaultyLink, LinkWay, flip, truncate
from tests.sim.wire.test_cable import End

KINDS = ("drop", "duplicate", "flip", "truncate", "delay", "reorder")
FRAMES = [to_wire(bytes([index]) * 80) for index in range(12)]


def way(text: str, records: list[FaultRecord] | None = None) -> LinkWay:
    return LinkWay(parse_plan(text), "em0 rx", Frequency(), (records if records is not None else []).append)


def through(link: LinkWay, frames: Sequence[bytes] = FRAMES, gap: int = 10) -> list[bytes]:
    """What leaves the link, frames going in `gap` clocks apart, and after a long time."""
    left = []
    for index, frame in enumerate(frames):
        left += link.due(gap * index)
        left += link.put(gap * index, frame, False)
    return [frame for _, frame, _ in left + link.due(1 << 40)]


def rule(kind: str, more: str = "", when: str = "at = [3]") -> str:
    return f"[[link]]\nkind = '{kind}'\n{when}\n{more}\n"


def test_dropped_and_doubled() -> None:
    assert through(way(rule("drop"))) == FRAMES[:3] + FRAMES[4:]
    assert through(way(rule("duplicate"))) == [*FRAMES[:3], FRAMES[3], *FRAMES[3:]]


@pytest.mark.parametrize("kind", ["flip", "truncate"])
@pytest.mark.parametrize("damage", ["wire", "host"])
def test_damage_that_the_fcs_tells_and_damage_it_does_not(kind: str, damage: str) -> None:
    left = through(way(rule(kind, f"damage = '{damage}'")))
    assert left[:3] + left[4:] == FRAMES[:3] + FRAMES[4:]
    assert left[3] != FRAMES[3]
    assert fcs_good(left[3]) == (damage == "host")


@given(
    st.binary(min_size=20, max_size=200), st.sets(st.integers(0, 2000), max_size=5), st.sampled_from(["wire", "host"])
)
def test_bits_flip_where_they_are_said_to(data: bytes, bits: set[int], damage: str) -> None:
    frame = to_wire(data)
    body = int.from_bytes(from_wire(frame), "little")
    for bit in bits:
        if bit < 8 * (len(frame) - 4):
            body ^= 1 << bit
    damaged = flip(frame, bits, damage)
    assert int.from_bytes(from_wire(damaged), "little") == body
    assert damaged[-4:] == frame[-4:] if damage == "wire" else fcs_good(damaged)
    assert flip(damaged, bits, damage) == frame


@given(st.integers(0, 200), st.sampled_from(["wire", "host"]))
def test_a_cut_frame_is_never_empty(length: int, damage: str) -> None:
    cut = truncate(FRAMES[1], length, damage)
    assert len(cut) == min(max(1, length), len(FRAMES[1]))
    assert cut[:-4] == FRAMES[1][: len(cut)][:-4]
    if damage == "host" and len(cut) > 4:
        assert fcs_good(cut)


def test_a_plan_cuts_no_shorter_than_asked_and_always_something() -> None:
    records: list[FaultRecord] = []
    left = through(
        way(rule("truncate", "shortest = 70", "rate = 1"), records), [to_wire(bytes(n)) for n in range(60, 100)]
    )
    lengths = [len(frame) for frame in left]
    assert all(min(70, 64 + n - 1) <= length < 64 + n for n, length in enumerate(lengths))
    assert [record.values["length"] for record in records] == lengths


def test_a_delayed_frame_keeps_its_place() -> None:
    link = way(rule("delay", "ns = 800"))
    passed = [link.put(10 * index, frame, False) for index, frame in enumerate(FRAMES[:5])]
    assert [clock for [(clock, _, _)] in passed] == [0, 10, 20, 130, 40]
    assert [frame for [(_, frame, _)] in passed] == FRAMES[:5]


@pytest.mark.parametrize("frames", [1, 4])
def test_so_many_overtake_a_held_frame(frames: int) -> None:
    left = through(way(rule("reorder", f"frames = {frames}\nns = 100_000")))
    assert left == FRAMES[:3] + FRAMES[4 : 4 + frames] + [FRAMES[3]] + FRAMES[4 + frames :]


def test_a_held_frame_waits_no_longer_than_its_time() -> None:
    link = way(rule("reorder", "frames = 9\nns = 160"))  # 20 clocks
    assert link.put(0, FRAMES[0], False) + link.put(10, FRAMES[1], False) + link.put(20, FRAMES[2], False) != []
    assert link.put(30, FRAMES[3], True) == []
    assert (link.held, link.due(49)) == (1, [])
    assert link.due(50) == [(30, FRAMES[3], True)]
    assert (link.held, link.due(60)) == (0, [])


def test_stopped_lets_everything_go() -> None:
    link = way(rule("reorder", "ns = 100_000", "rate = 1") + rule("drop", when="at = [1]"))
    assert link.put(0, FRAMES[0], False) == []
    link.stop()
    assert link.due(1) == [(0, FRAMES[0], False)]
    assert link.put(10, FRAMES[1], False) == [(10, FRAMES[1], False)]


@given(st.integers(0, 1 << 60), st.lists(st.sampled_from(KINDS), max_size=6), st.floats(0, 0.5), st.integers(1, 3000))
def test_nothing_goes_uncounted_and_a_record_does_it_again(seed: int, kinds: list[str], rate: float, gap: int) -> None:
    records: list[FaultRecord] = []
    text = f"seed = {seed}\n" + "".join(rule(kind, when=f"rate = {rate}") for kind in kinds)
    link = way(text, records)
    left = through(link, FRAMES * 3, gap)
    assert link.held == 0
    assert len(left) == link.passed == link.offered + link.duplicated - link.dropped
    again: list[FaultRecord] = []
    assert through(way(record_text(records), again), FRAMES * 3, gap) == left
    assert again == records


def test_same_seed_same_faults_and_another_others() -> None:
    texts = [f"seed = {seed}\n" + rule("drop", when="rate = 0.5") for seed in (1, 1, 2)]
    first, same, other = (through(way(text)) for text in texts)
    assert first == same != other


def faulty(end: End, text: str, clock: list[int]) -> FaultyEnd:
    return FaultyEnd(end, parse_plan(text), "em0", lambda: clock[0], Frequency(), lambda record: None)


def test_both_directions_of_an_end() -> None:
    a, b, clock = End([(5, FRAMES[0]), (6, FRAMES[1])]), End([(7, FRAMES[2]), (8, FRAMES[3])]), [100]
    plan = rule("drop", "where = 'em0 tx'", "at = [0]") + rule("drop", "where = 'em0 rx'", "at = [1]")
    end = faulty(a, plan, clock)
    assert Cable(end, b, latency_ns=8).move() == 3
    assert [frame for _, frame, _ in b.arrived] == [FRAMES[1]]
    assert [frame for _, frame, _ in a.arrived] == [FRAMES[2]]
    assert (end.rx.dropped, end.tx.dropped) == (1, 1)


def test_a_pump_sees_that_frames_are_held_back() -> None:
    a, b, clock = End(), End([(0, FRAMES[0])]), [0]
    end = faulty(a, rule("reorder", "where = 'rx'\nns = 800", "rate = 1"), clock)
    link = FaultyLink(Cable(end, b, latency_ns=8), end)
    assert isinstance(link, TimedLink)
    assert (link.due(), link.move(), a.arrived) == (NEVER, 1, [])
    assert (link.due(), link.move(), end.held) == (808, 0, 1)  # the cable's 8 ns and the 800
    link.advance(808)  # to a host that was left behind
    assert (link.move(), end.held, link.due()) == (0, 0, NEVER)
    assert [frame for _, frame, _ in a.arrived] == [FRAMES[0]]


def test_a_symbol_error_stays_one() -> None:
    a: Any = End()
    faulty(a, rule("duplicate", when="rate = 1"), [0]).wire_in(FRAMES[0], 9, True)
    assert a.arrived == [(9, FRAMES[0], True)] * 2
    assert FaultPlan().rules_of("link", "em0", "rx") == []
