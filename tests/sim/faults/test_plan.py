"""The format of fault files: what a plan says, one sentence for each thing that is wrong, records back again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.faults.plan import (
    ACCESSES,
    DIRECTIONS,
    DRAWN,
    HEADER,
    KINDS,
    LIMITS,
    MOST_BEAT,
    FaultFileError,
    FaultPlan,
    FaultRecord,
    load_plan,
    parse_plan,
    record_text,
)

ROOT = Path(__file__).parent.parent.parent.parent
PLAN = """
seed = 7
[[link]]
kind = "flip"
rate = 0.25
where = "em0 rx"
damage = "host"
bits = 3
[[link]]
kind = "drop"
at = [4, 0, 4]
where = "tx"
[[bus]]
kind = "slverr"
rate = 1
access = ["writeback", "fetch"]
from = 0x1000
to = 0x1FFF
[[host]]
kind = "irq_late"
rate = 0.5
where = "em1"
"""


def test_a_plan_says_what_where_and_when() -> None:
    plan = parse_plan(PLAN)
    flip, drop, slverr, late = plan.rules
    assert (plan.seed, [rule.number for rule in plan.rules]) == (7, [0, 1, 2, 3])
    assert (flip.part, flip.kind, flip.rate, flip.host, flip.direction) == ("link", "flip", 0.25, "em0", "rx")
    assert flip.values == {"bits": 3, "damage": "host"}
    assert (drop.at, drop.host, drop.direction) == ((0, 4), "", "tx")
    assert (slverr.accesses, slverr.span) == (("fetch", "writeback"), (0x1000, 0x1FFF))
    assert (late.host, late.values) == ("em1", {"ns": 50_000})


def test_rules_go_where_they_are_meant() -> None:
    plan = parse_plan(PLAN)
    assert [rule.kind for rule in plan.rules_of("link", "em0", "rx")] == ["flip"]
    assert [rule.kind for rule in plan.rules_of("link", "em0", "tx")] == ["drop"]
    assert [rule.kind for rule in plan.rules_of("link", "em1", "tx")] == ["drop"]
    assert [rule.kind for rule in plan.rules_of("bus", "em1")] == ["slverr"]
    assert plan.rules_of("host", "em0") == []
    plan.require_hosts(["em0", "em1"])
    with pytest.raises(FaultFileError, match="asked for at 'em1', but the hosts are em0"):
        plan.require_hosts(["em0"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed = ", "not TOML: Invalid value"),
        ("seed = -1", "seed must be a whole number of 64 bits, not -1"),
        ("seed = true", "seed must be a whole number of 64 bits, not True"),
        ("sed = 1", "there is no 'sed' in a fault plan; it has seed, link, bus, host"),
        ("[link]\nkind = 'drop'", r"link must be tables that begin with \[\[link\]\], not"),
        ("[[link]]\nrate = 1", "link fault 1: kind must be one of drop, duplicate, .*, not None"),
        ("[[link]]\nkind = 'slverr'\nrate = 1", "link fault 1: kind must be one of drop, .*, not 'slverr'"),
        ("[[bus]]\nkind = ['a']\nrate = 1", r"bus fault 1: kind must be one of latency, .*, not \['a'\]"),
        ("[[link]]\nkind = 'drop'", "link fault 1: give either rate or at, one is missing"),
        ("[[link]]\nkind = 'drop'\nrate = 1\nat = [1]", "link fault 1: give either rate or at, not both"),
        ("[[link]]\nkind = 'drop'\nrate = 1.5", "link fault 1: rate must be a number from 0 to 1, not 1.5"),
        ("[[link]]\nkind = 'drop'\nrate = nan", "link fault 1: rate must be a number from 0 to 1, not nan"),
        ("[[link]]\nkind = 'drop'\nrate = true", "link fault 1: rate must be a number from 0 to 1, not True"),
        ("[[link]]\nkind = 'drop'\nat = 3", "link fault 1: at must be a list of numbers counted from 0, not 3"),
        (
            "[[link]]\nkind = 'drop'\nat = [-3]",
            r"link fault 1: at must be a list of numbers counted from 0, not \[-3\]",
        ),
        ("[[link]]\nkind = 'drop'\nrate = 1\nbits = 2", "link fault 1: drop has no 'bits'; it has rate, at, where"),
        ("[[link]]\nkind = 'drop'\nrate = 1\naccess = 'fetch'", "link fault 1: drop has no 'access'"),
        ("[[link]]\nkind = 'flip'\nrate = 1\nbits = 65", "bits must be a whole number from 1 to 64, not 65"),
        ("[[link]]\nkind = 'flip'\nrate = 1\ndamage = 'x'", "damage must be one of wire, host, not 'x'"),
        ("[[link]]\nkind = 'drop'\nrate = 1\nwhere = 'em0 up'", "where must be a host's name, rx, tx, or .* 'em0 up'"),
        ("[[link]]\nkind = 'drop'\nrate = 1\nwhere = 3", "where must be a host's name, .*, not 3"),
        (
            "[[bus]]\nkind = 'slverr'\nrate = 1\nwhere = 'em0 rx'",
            "bus fault 1: where must be a host's name, not 'em0 rx'",
        ),
        ("[[bus]]\nkind = 'slverr'\nrate = 1\naccess = 'ring'", "access must be some of fetch, .*, not 'ring'"),
        ("[[bus]]\nkind = 'slverr'\nrate = 1\naccess = []", r"access must be some of fetch, .*, not \[\]"),
        ("[[bus]]\nkind = 'slverr'\nrate = 1\nfrom = 2\nto = 1", "from and to must be addresses, .* 2 and 1"),
        ("[[bus]]\nkind = 'latency'\nrate = 1\nclocks = 0", "clocks must be a whole number from 1 to 1000000, not 0"),
        (
            "[[link]]\nkind='drop'\nrate=0\n[[host]]\nkind='slow'\nrate=1\nns='a'",
            "line 4, host fault 1: ns must be .*, not 'a'",
        ),
        (
            "[[link]]\nkind='drop'\nrate=0\n\n  # of two\n [[ link ]]\nkind='drop'",
            "line 6, link fault 2: give either rate or at",
        ),
        ("link = [{kind = 'drop', rate = 2}]", r"(?<!, )link fault 1: rate must be"),  # no line begins it
        (f"seed = {'9' * 5000}", "not TOML: Exceeds the limit"),
        (f'{{"ordinal": {"9" * 5000}}}', "line 1 is not JSON: Exceeds the limit"),
        ('{"record": "ringbed faults", "version": 2}', "line 1: a record of version 2; this ringbed reads 1"),
        (
            '{"part": "bus", "kind": "slverr", "where": "em0", "access": "read", "beat": 4294967296}',
            "line 1: beat must be at most 4294967295, not 4294967296",
        ),
        ('{"part": "link"', "line 1 is not JSON: "),
        ("{}\n[1]", "line 1: part must be one of link, bus, host, not None"),
        ('{"part": "link", "kind": "drop"}', "line 1: where must be a host's name, .*, not None"),
        ('{"part": "link", "kind": "drop", "where": "em0"}', "line 1: where must name one place, not 'em0'"),
        ('{"part": "host", "kind": "slow", "where": "em0", "ns": 5}', "line 1: ordinal must be a number"),
        ('{"part": "bus", "kind": "slverr", "where": "em0"}', "line 1: access must be one of fetch, .*, not ''"),
        (
            json.dumps(HEADER) + '\n\n{"part": "link", "kind": "flip", "where": "em0 rx", "ordinal": 1, "bits": 3}',
            "line 3: bits of flip must be a list of numbers counted from 0, not 3",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FaultFileError, match="^my file: " + ".*" + sentence) as raised:
        parse_plan(text, "my file")
    assert "\n" not in str(raised.value)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    assert load_plan(path) == parse_plan(PLAN)
    path.write_bytes(b"\xff\xfe")
    (tmp_path / "marked.toml").write_bytes(b"\xef\xbb\xbfseed = 3")  # as editors of Windows begin a file
    assert load_plan(tmp_path / "marked.toml").seed == 3
    with pytest.raises(FaultFileError, match="plan.toml is not text: byte 0 is 0xff"):
        load_plan(path)
    with pytest.raises(OSError, match="No such file"):
        load_plan(tmp_path / "missing.toml")


def test_an_empty_record_is_no_faults_and_not_a_plan() -> None:
    assert parse_plan(record_text([])) == FaultPlan()


def _records() -> st.SearchStrategy[FaultRecord]:
    numbers = st.integers(0, 1 << 40)

    def value(name: str) -> st.SearchStrategy[object]:
        if name == "damage":
            return st.sampled_from(["wire", "host"])
        if name == "bits":
            return st.lists(numbers, min_size=1, max_size=4).map(tuple)
        if name == "beat":
            return st.integers(0, MOST_BEAT)
        return numbers if name == "length" else st.integers(1, LIMITS[name])

    def of(part: str, kind: str) -> st.SearchStrategy[FaultRecord]:
        names = DRAWN.get((part, kind), tuple(KINDS[part][kind]))
        where = st.sampled_from([f"em0 {way}" for way in DIRECTIONS] if part == "link" else ["em0", "em1"])
        access = st.sampled_from(ACCESSES) if part == "bus" else st.just("")
        values = st.fixed_dictionaries({name: value(name) for name in names})
        return st.builds(FaultRecord, st.just(part), st.just(kind), where, numbers, access, values, numbers, numbers)

    return st.one_of([of(part, kind) for part, kinds in KINDS.items() for kind in kinds])


@given(st.lists(_records()))
def test_records_come_back_from_their_file(records: list[FaultRecord]) -> None:
    plan = parse_plan(record_text(records))
    assert plan == FaultPlan(records=tuple(records))


def _page() -> str:
    return (ROOT / "docs" / "faults.md").read_text()


def test_the_page_shows_files_that_can_be_used() -> None:
    [plan] = re.findall(r"^```toml\n(.*?)^```$", _page(), re.MULTILINE | re.DOTALL)
    assert [rule.kind for rule in parse_plan(plan).rules] == ["flip", "slverr"]
    [record] = re.findall(r"^```json\n(.*?)^```$", _page(), re.MULTILINE | re.DOTALL)
    assert [(found.kind, found.ordinal) for found in parse_plan(record).records] == [("flip", 9), ("slverr", 40)]


def test_the_page_lists_every_kind_with_its_keys_and_defaults() -> None:
    _, link, bus, host = re.split(r"^Of the ", _page(), flags=re.MULTILINE)
    for part, section in zip(KINDS, (link, bus, host), strict=True):
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
        for kind, values in KINDS[part].items():
            [keys] = [row[2] for row in rows if f"`{kind}`" in row[1]]
            assert [f"`{name} = {json.dumps(value)}`" in keys for name, value in values.items()] == [True] * len(values)


def test_the_example_has_one_of_everything() -> None:
    rules = load_plan(ROOT / "examples" / "faults.toml").rules
    assert {(rule.part, rule.kind) for rule in rules} == {(part, kind) for part in KINDS for kind in KINDS[part]}
