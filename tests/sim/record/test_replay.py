"""A recording once more: the same to the clock, wherever it is cut; and found out where it is not the same."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.record.file import RecordingReader
from ringbed.sim.record.records import Decoder, Kind, Record
from ringbed.sim.record.replay import Difference, Replay
from ringbed.sim.seam.settings import Settings
from tests.sim.conftest import needs_native
from tests.sim.record.scene import BASE, CONTROL, SCRATCH, Heard, Scene, kept, recorded, replayed, short
from tests.sim.toy import toy_spec

pytestmark = needs_native
SETTINGS: list[dict[str, Any]] = [
    {},
    {"backpressure": 0.3, "seed": 7, "read_latency": 3, "write_latency": 9},
    {"link_bps": 10**9, "skip_idle": False, "irq_hold": 20},
    {"answer_limit": 1},
]


def settings_of(path: Path) -> Settings:
    with RecordingReader(path) as reader:
        return reader.header.settings


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "back-pressure", "paced", "no answers"])
@pytest.mark.parametrize("seed", range(4))
def test_a_run_comes_again_to_the_clock(settings: dict[str, Any], seed: int, tmp_path: Path) -> None:
    """By what the replay compares, and by what came out of the card, record by record."""
    path = tmp_path / "record"
    scene = recorded(path, seed, **settings)
    records = [each for each in kept(path) if each.kind is not Kind.TIME]
    outcome, engine = replayed(kept(path), settings_of(path))
    assert outcome.difference is None
    assert outcome.same == Counter(each.kind for each in records)
    assert {*outcome.same} >= {*Kind} - {Kind.TIME}
    decoder = Decoder()
    again = [each for piece in engine.pieces for each in decoder.records(piece)]
    assert [each for each in again if each.kind is not Kind.TIME] == records
    assert engine.frames == scene.frames != []
    assert [each.value if each.exact else None for each in again if each.kind is Kind.ANSWER] == scene.answers
    assert outcome.clock == scene.engine.now
    assert engine.findings() == [each for each in scene.engine.findings() if not each.rule.startswith("dma.")]


def test_where_nothing_is_put_in_for_long_the_clock_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbed.sim.record.replay.AHEAD", 2)
    path = tmp_path / "record"
    recorded(path, 5)
    told = list[int]()
    engine = Heard(toy_spec(), None)
    outcome = Replay(engine, ("invert",)).run(kept(path), told=told.append)
    assert outcome.difference is None
    assert told == sorted(told)
    assert len(told) > 100


def test_cut_behind_any_record_it_is_the_same_up_to_there(tmp_path: Path) -> None:
    records = short(tmp_path / "record")
    assert {each.kind for each in records} >= {Kind.READ, Kind.WRITE, Kind.LINE, Kind.SENT, Kind.ANSWER, Kind.NOTE}
    for count in range(len(records) + 1):
        outcome, _ = replayed(records[:count], Settings())
        assert outcome.difference is None, (count, records[:count][-1:])
        last = records[count - 1] if count else Record(0, Kind.TIME)
        asked = next((each for each in reversed(records[:count]) if each.kind in (Kind.ASK, Kind.ANSWER)), last)
        assert outcome.clock == (asked.clock if asked.kind is Kind.ASK else last.clock)


def test_it_stops_at_the_clock_that_was_asked_for(tmp_path: Path) -> None:
    records = short(tmp_path / "record")
    for until in sorted({each.clock + more for each in records[3:] for more in (0, 1) if each.clock + more}):
        outcome, _ = replayed(records, Settings(), until)
        assert outcome.difference is None
        asked = [each.clock for each in records if each.kind is Kind.ASK and each.clock < until]
        answered = [each.clock for each in records if each.kind is Kind.ANSWER and each.clock < until]
        assert outcome.clock == (min(until, records[-1].clock) if len(asked) == len(answered) else asked[-1])


CHANGES: dict[Kind, list[dict[str, Any]]] = {
    Kind.WRITE: [{"place": BASE + 8}, {"length": 7}, {"data": b"\xff" * 8}],
    Kind.LINE: [{"value": 2}, {"clock": 1}],
    Kind.SENT: [{"length": 5}, {"data": b"anything"}, {"clock": 1}],
    Kind.ANSWER: [{"value": 9}, {"exact": False}, {"clock": 1}],
    Kind.READ: [{"place": BASE + 8}, {"clock": 1}],
}


@pytest.mark.parametrize(
    ("kind", "change"), [(kind, change) for kind, changes in CHANGES.items() for change in changes], ids=str
)  # fmt: skip
def test_whatever_is_not_the_same_is_found_where_it_is(kind: Kind, change: dict[str, Any], tmp_path: Path) -> None:
    """`clock` is by how much; of each kind the last is changed, so that there is something before it."""
    records = short(tmp_path / "record")
    at = max(index for index, each in enumerate(records) if each.kind is kind)
    old = records[at]
    values = change | ({"clock": old.clock + change["clock"]} if "clock" in change else {})
    new = old._replace(**values)
    outcome, _ = replayed([*records[:at], new, *records[at + 1 :]], Settings())
    found = outcome.difference
    assert found is not None
    if kind is Kind.READ and "place" in change:
        assert found == Difference(new, old._replace(value=3, data=b"", length=8))
    else:
        assert found == Difference(new, old)


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.LINE, Kind.SENT, Kind.READ])
def test_what_is_missing_and_what_is_too_much_is_found(kind: Kind, tmp_path: Path) -> None:
    records = short(tmp_path / "record")
    at = next(index for index, each in enumerate(records) if each.kind is kind)
    old = records[at]
    without, _ = replayed([*records[:at], *records[at + 1 :]], Settings())
    assert without.difference is not None
    assert without.difference.replayed is not None
    assert without.difference.replayed[:3] == old[:3]
    twice, _ = replayed([*records[:at], old, old, *records[at + 1 :]], Settings())
    assert twice.difference is not None
    assert twice.difference.recorded == old
    assert twice.difference.clock >= old.clock


def test_what_never_comes_is_found_at_the_end(tmp_path: Path) -> None:
    records = short(tmp_path / "record")
    end = records[-1].clock
    more = [Record(end + 100, Kind.LINE, value=1), Record(end + 200, Kind.TIME)]
    outcome, _ = replayed([*records, *more], Settings())
    assert outcome.difference == Difference(more[0], None)
    before_an_input, _ = replayed([*records, more[0], Record(end + 300, Kind.STORE, SCRATCH, 1)], Settings())
    assert before_an_input.difference == Difference(more[0], Record(end + 300, Kind.STORE, SCRATCH, 1))


def test_what_memory_answered_is_what_the_card_gets(tmp_path: Path) -> None:
    """Other bytes on record: the card sends those, and that is the difference."""
    records = short(tmp_path / "record")
    at, old = next((index, each) for index, each in enumerate(records) if each.kind is Kind.READ)
    new = old._replace(data=bytes(byte ^ 1 for byte in old.data))
    outcome, _ = replayed([*records[:at], new, *records[at + 1 :]], Settings())
    sent = next(each for each in records if each.kind is Kind.SENT)
    assert outcome.difference is not None
    assert outcome.difference.recorded == sent
    assert outcome.difference.replayed is not None
    assert outcome.difference.replayed._replace(data=sent.data) == sent


def test_another_card_is_found_out_at_the_first_thing_that_it_does_otherwise(tmp_path: Path) -> None:
    """A pin that turns bits of what is received over, held for the whole replay whatever is on record of it."""
    path = tmp_path / "record"

    def act(scene: Scene) -> None:
        scene.engine.set_pin("invert", 0)
        scene.engine.wire_in(bytes(8), 10)
        scene.engine.run(300)

    recorded(path, act=act)
    records = kept(path)
    written = next(each for each in records if each.kind is Kind.WRITE)
    assert replayed(records, Settings())[0].difference is None
    outcome, _ = replayed(records, Settings(), instead=[{"invert": 1}])
    assert outcome.difference == Difference(written, written._replace(data=b"\1" + bytes(7)))
    assert outcome.difference.clock == written.clock
    assert outcome.same[Kind.WRITE] == 0


def test_other_pins_have_their_values_clock_by_clock(tmp_path: Path) -> None:
    """The first item in the first clock, the next in the next; the last stays, whatever is on record of it."""
    path = tmp_path / "record"

    def act(scene: Scene) -> None:
        scene.engine.set_pin("invert", 0)
        scene.engine.wire_in(bytes(8), 100)
        scene.engine.run(400)

    recorded(path, act=act)
    records = kept(path)
    [written] = [each for each in records if each.kind is Kind.WRITE]
    inverted = Difference(written, written._replace(data=b"\1" + bytes(7)))
    behind = written.clock + 1
    for steps, meant in (
        ([{"invert": 1}], inverted), ([{"invert": 1}, {"invert": 0}], None),
        ([*[{"invert": 0}] * 90, {"invert": 1}], inverted), ([*[{"invert": 0}] * behind, {"invert": 1}], None),
    ):  # fmt: skip
        outcome, _ = replayed(records, Settings(), instead=steps)
        assert outcome.difference == meant


@pytest.mark.parametrize("name", [each.name for each in fields(Settings) if "latency" in each.name])
def test_other_settings_are_found_out(name: str, tmp_path: Path) -> None:
    records = short(tmp_path / "record")
    outcome, _ = replayed(records, Settings.of({name: 51}))
    assert outcome.difference is not None


def test_the_card_is_still_on_for_the_frames(tmp_path: Path) -> None:
    """What the tests above count on: three frames were taken, two left."""
    records = short(tmp_path / "record")
    assert [each.value for each in records if each.kind is Kind.STORE and each.place == CONTROL] == [3]
    kinds = Counter(each.kind for each in records)
    assert (kinds[Kind.FRAME], kinds[Kind.SENT]) == (3, 2)
    assert list(itertools.pairwise(each.clock for each in records)) == sorted(
        itertools.pairwise(each.clock for each in records)
    )
