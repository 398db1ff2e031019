"""A fault plan: a TOML file that a person wrote, or the record of a run, which plays the same faults back.

A plan is a seed and rules; a rule says what happens (`kind`), where, and how often (`rate`, or `at` which ordinals).
A record is JSON lines, one a fault that happened; it is told from TOML by its first character. docs/faults.md has every
key. Nothing here knows an engine: parameters are names and numbers. A file that cannot be used raises FaultFileError
with one sentence that names the file, the line (of a rule that which it begins in) and the bad value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringbed.sim.files import read_file
from ringbed.sim.seam.sentence import sentence
from ringbed.sim.seam.toml import NotToml, parse_toml

__all__ = [
    "ACCESSES", "DIRECTIONS", "KINDS", "PARTS", "FaultFileError", "FaultPlan", "FaultRecord", "FaultRule", "Value",
    "load_plan", "parse_plan", "record_text",
]  # fmt: skip

Value = int | str | tuple[int, ...]

DIRECTIONS = ("rx", "tx")
ACCESSES = ("fetch", "read", "write", "writeback")
DAMAGES = ("wire", "host")
HIGHEST = (1 << 64) - 1
MOST_BEAT = (1 << 32) - 1  # engines count them in 32 bits
# part -> kind -> its parameters with their defaults
KINDS: dict[str, dict[str, dict[str, Value]]] = {
    "link": {
        "drop": {}, "duplicate": {}, "flip": {"bits": 1, "damage": "wire"},
        "truncate": {"shortest": 18, "damage": "wire"}, "delay": {"ns": 50_000}, "reorder": {"frames": 1, "ns": 50_000},
    },
    "bus": {
        "latency": {"clocks": 200}, "jitter": {"clocks": 100}, "backpressure": {"clocks": 100},
        "reorder": {"clocks": 200}, "slverr": {}, "decerr": {},
    },
    "host": {"irq_lost": {}, "irq_late": {"ns": 50_000}, "slow": {"ns": 50_000}},
}  # fmt: skip
PARTS = tuple(KINDS)
LIMITS = {"bits": 64, "shortest": 1 << 16, "ns": 10**9, "frames": 1000, "clocks": 10**6}
# What a record has in place of the parameters of these kinds: what was drawn.
DRAWN: dict[tuple[str, str], tuple[str, ...]] = {
    ("link", "flip"): ("bits", "damage"), ("link", "truncate"): ("length", "damage"),
    ("bus", "slverr"): ("beat",), ("bus", "decerr"): ("beat",),
}  # fmt: skip
HEADER = {"record": "ringbed faults", "version": 1}


class FaultFileError(Exception):
    """A fault file that cannot be used; one sentence."""

    def __init__(self, text: str) -> None:
        super().__init__(sentence(text))


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault of a plan. `number` counts rules from 0 in the file's order of parts; `host` "" is every host.

    `direction` (link) "" is both; `accesses` and `span` (bus) choose among bursts. Either `rate` or `at` chooses when.
    """

    part: str
    kind: str
    number: int = 0
    rate: float = 0.0
    at: tuple[int, ...] = ()
    host: str = ""
    direction: str = ""
    accesses: tuple[str, ...] = ACCESSES
    span: tuple[int, int] = (0, HIGHEST)
    values: Mapping[str, Value] = field(default_factory=dict)

    def of(self, host: str, direction: str = "") -> bool:
        """Whether it is meant for this host, and this direction of its link."""
        return self.host in ("", host) and self.direction in ("", direction)


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault that happened: `where` is a host's name, for links followed by rx or tx; `access` is for the bus alone.

    `ordinal` counts frames, bursts of that access, or interrupts of that place, from 0. `at_ns` and `clock` are the
    host's simulated time; they and `note` are for a reader, the rest is what a replay needs.
    """

    part: str
    kind: str
    where: str
    ordinal: int
    access: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    at_ns: int = 0
    clock: int = 0
    note: Mapping[str, Value] = field(default_factory=dict)

    def line(self) -> str:
        """As a line of JSON."""
        found: dict[str, object] = {"at_ns": self.at_ns, "clock": self.clock, "part": self.part, "kind": self.kind}
        found |= {"where": self.where, "ordinal": self.ordinal}
        if self.access:
            found["access"] = self.access
        return json.dumps({**found, **self.values, **self.note})


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What shall happen: `rules` by chance from `seed` and by ordinal, and `records` exactly."""

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()
    records: tuple[FaultRecord, ...] = ()

    def rules_of(self, part: str, host: str, direction: str = "") -> list[FaultRule]:
        return [rule for rule in self.rules if rule.part == part and rule.of(host, direction)]

    def records_of(self, part: str, where: str) -> list[FaultRecord]:
        return [record for record in self.records if record.part == part and record.where == where]

    def require_hosts(self, names: Collection[str]) -> None:
        """Raises FaultFileError when a fault is meant for a host that is not there."""
        asked = {rule.host for rule in self.rules if rule.host} | {record.where.split()[0] for record in self.records}
        for name in sorted(asked):
            if name not in names:
                raise FaultFileError(f"faults are asked for at {name!r}, but the hosts are {', '.join(sorted(names))}")


def load_plan(path: Path | str) -> FaultPlan:
    """Read a plan or a record. Raises FaultFileError when it is neither, OSError when it cannot be read."""
    data = read_file(path)
    try:
        return parse_plan(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise FaultFileError(f"{path} is not text: byte {error.start} is {data[error.start]:#04x}") from None


def parse_plan(text: str, name: str = "fault plan") -> FaultPlan:
    """A plan (TOML) or a record (JSON lines), `name` being what error sentences call it."""
    try:
        return _record(text) if text.lstrip().startswith("{") else _toml(text)
    except FaultFileError as error:
        raise FaultFileError(f"{name}: {error}") from None


def record_text(records: Iterable[FaultRecord]) -> str:
    """The file that plays `records` back."""
    return "".join(line + "\n" for line in [json.dumps(HEADER), *(record.line() for record in records)])


# TOML ------------------------------------------------------------------------------------------------------------


def _toml(text: str) -> FaultPlan:
    try:
        table = parse_toml(text)
    except NotToml as error:
        raise FaultFileError(str(error)) from None
    for key in table:
        if key not in ("seed", *PARTS):
            raise FaultFileError(f"there is no {key!r} in a fault plan; it has seed, {', '.join(PARTS)}")
    seed = table.get("seed", 0)
    if type(seed) is not int or not 0 <= seed <= HIGHEST:
        raise FaultFileError(f"seed must be a whole number of 64 bits, not {seed!r}")
    rules: list[FaultRule] = []
    for part in PARTS:
        entries = table.get(part, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise FaultFileError(f"{part} must be tables that begin with [[{part}]], not {entries!r}")
        places = _places(part, text, len(entries))
        for place, entry in zip(places, entries, strict=True):
            try:
                rules.append(_rule(part, entry, len(rules)))
            except FaultFileError as error:
                raise FaultFileError(f"{place}: {error}") from None
    return FaultPlan(seed, tuple(rules))


def _places(part: str, text: str, count: int) -> list[str]:
    """What to call each rule of a part: the line of its [[part]], and its number where it was written otherwise."""
    heads = [
        text.count("\n", 0, head.start(1)) + 1 for head in re.finditer(rf"^[ \t]*(\[\[[ \t]*{part}\b)", text, re.M)
    ]
    lines = [f"line {line}, " for line in heads] if len(heads) == count else [""] * count
    return [f"{line}{part} fault {index}" for index, line in enumerate(lines, 1)]


def _rule(part: str, entry: dict[str, Any], number: int) -> FaultRule:
    kind = _kind(part, entry)
    chosen = {"link": (), "bus": ("access", "from", "to"), "host": ()}[part]
    defaults = KINDS[part][kind]
    for key in entry:
        if key not in ("kind", "rate", "at", "where", *chosen, *defaults):
            known = ", ".join(["rate", "at", "where", *chosen, *defaults])
            raise FaultFileError(f"{kind} has no {key!r}; it has {known}")
    host, direction = _where(part, entry.get("where", ""))
    rate, at = _when(entry)
    values = {name: _value(name, entry.get(name, default)) for name, default in defaults.items()}
    return FaultRule(part, kind, number, rate, at, host, direction, _accesses(entry), _span(entry), values)


def _kind(part: str, entry: Mapping[str, Any]) -> str:
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS[part]:
        raise FaultFileError(f"kind must be one of {', '.join(KINDS[part])}, not {kind!r}")
    return kind


def _where(part: str, where: Any) -> tuple[str, str]:
    """A host's name, and for links a direction; either may be left out."""
    words = where.split() if isinstance(where, str) else []
    direction = words.pop() if part == "link" and words and words[-1] in DIRECTIONS else ""
    if len(words) > 1 or not isinstance(where, str):
        wanted = "a host's name, rx, tx, or a name and one of them" if part == "link" else "a host's name"
        raise FaultFileError(f"where must be {wanted}, not {where!r}")
    return words[0] if words else "", direction


def _when(entry: Mapping[str, Any]) -> tuple[float, tuple[int, ...]]:
    if ("rate" in entry) == ("at" in entry):
        raise FaultFileError("give either rate or at, " + ("not both" if "at" in entry else "one is missing"))
    rate, at = entry.get("rate", 0.0), entry.get("at", [])
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise FaultFileError(f"rate must be a number from 0 to 1, not {rate!r}")
    if not isinstance(at, list) or not all(type(number) is int and 0 <= number <= HIGHEST for number in at):
        raise FaultFileError(f"at must be a list of numbers counted from 0, not {at!r}")
    return float(rate), tuple(sorted(set(at)))


def _accesses(entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = entry.get("access", list(ACCESSES))
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not found or not all(access in ACCESSES for access in found):
        raise FaultFileError(f"access must be some of {', '.join(ACCESSES)}, not {entry['access']!r}")
    return tuple(access for access in ACCESSES if access in found)


def _span(entry: Mapping[str, Any]) -> tuple[int, int]:
    low, high = entry.get("from", 0), entry.get("to", HIGHEST)
    if type(low) is not int or type(high) is not int or not 0 <= low <= high <= HIGHEST:
        raise FaultFileError(f"from and to must be addresses, the lower first, not {low!r} and {high!r}")
    return low, high


def _value(name: str, value: Any) -> Value:
    """A parameter of a kind, checked."""
    if name == "damage":
        if value not in DAMAGES:
            raise FaultFileError(f"damage must be one of {', '.join(DAMAGES)}, not {value!r}")
        return str(value)
    if type(value) is not int or not 1 <= value <= LIMITS[name]:
        raise FaultFileError(f"{name} must be a whole number from 1 to {LIMITS[name]}, not {value!r}")
    return value


# Records ---------------------------------------------------------------------------------------------------------


def _record(text: str) -> FaultPlan:
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except RecursionError:
            raise FaultFileError(f"line {number} is nested too deep") from None
        except ValueError as error:  # JSONDecodeError is one; a number of thousands of digits is another
            raise FaultFileError(f"line {number} is not JSON: {getattr(error, 'msg', error)}") from None
        if entry == HEADER:
            continue
        if isinstance(entry, dict) and entry.get("record") == HEADER["record"]:
            found = entry.get("version")
            raise FaultFileError(
                f"line {number}: a record of version {found!r}; this ringbed reads {HEADER['version']}"
            )
        try:
            records.append(_one_record(entry))
        except FaultFileError as error:
            raise FaultFileError(f"line {number}: {error}") from None
    return FaultPlan(records=tuple(records))


def _one_record(entry: Any) -> FaultRecord:
    part = entry.get("part") if isinstance(entry, dict) else None
    if part not in PARTS:
        raise FaultFileError(f"part must be one of {', '.join(PARTS)}, not {part!r}")
    kind = _kind(part, entry)
    host, direction = _where(part, entry.get("where"))
    if not host or (part == "link") != bool(direction):
        raise FaultFileError(f"where must name one place, not {entry.get('where')!r}")
    access = entry.get("access", "")
    if access not in (ACCESSES if part == "bus" else ("",)):
        raise FaultFileError(f"access must be one of {', '.join(ACCESSES)}, not {access!r}")
    names = DRAWN.get((part, kind), tuple(KINDS[part][kind]))
    values = {name: _drawn(kind, name, entry.get(name)) for name in names}
    ordinal, at_ns, clock = (_count(name, entry.get(name)) for name in ("ordinal", "at_ns", "clock"))
    return FaultRecord(part, kind, f"{host} {direction}".strip(), ordinal, access, values, at_ns, clock)


def _drawn(kind: str, name: str, value: Any) -> Value:
    """What was drawn, as a record has it."""
    if name == "bits":
        if not isinstance(value, list) or not value or not all(type(bit) is int and bit >= 0 for bit in value):
            raise FaultFileError(f"bits of {kind} must be a list of numbers counted from 0, not {value!r}")
        return tuple(value)
    if name in ("length", "beat"):
        count = _count(name, value)
        if name == "beat" and count > MOST_BEAT:
            raise FaultFileError(f"beat must be at most {MOST_BEAT}, not {value!r}")
        return count
    return _value(name, value)


def _count(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= HIGHEST:
        raise FaultFileError(f"{name} must be a number counted from 0, not {value!r}")
    return value
