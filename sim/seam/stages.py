"""The stages a frame passes inside a card: what the port map says of them, and which frame each pulse speaks of.

A card with a `stages` port pulses one bit of it as a frame passes a stage, or shows how many frames passed in that
clock. Frames are not named on the port: within a group they go in order, so a stage's n-th pulse is about the frame
that left the stage before it n-th. The first stage of a group begins a frame and numbers it, from 1 on; a stage that
`ends` takes it out (a drop); one that `clears` takes out everything at and behind the stage it comes after (a reset).

The groups `wire_in` and `wire_out` are the harness's own: first and last beat of each frame on the wire, for any card.
`harness/stages.hpp` holds the same rules; a test compares the two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ringbed.hw.formats.number import is_number

__all__ = [
    "NO_END", "WIRE_GROUPS", "WIRE_STAGES", "Numbering", "Stage", "StageEvent", "StageTable", "Stages", "wire_stages",
]  # fmt: skip

WIRE_GROUPS = ("wire_in", "wire_out")
WIRE_STAGES = 2 * len(WIRE_GROUPS)
NO_END = (1 << 64) - 1  # a clock that does not come
KEYS = {"after", "width", "ends", "clears"}


@dataclass(frozen=True, slots=True)
class Stage:
    """`after` is the stage before it in the group, "" for the first; `width` above 1: a count of frames."""

    group: str
    name: str
    after: str = ""
    width: int = 1
    ends: bool = False
    clears: bool = False


@dataclass(frozen=True, slots=True)
class Stages:
    """The port `port`, lowest bits first the stages in `order`."""

    port: str
    order: tuple[Stage, ...]

    @property
    def width(self) -> int:
        return sum(stage.width for stage in self.order)

    @classmethod
    def read(cls, port: str, groups: Mapping[str, Any]) -> Stages:
        """From the port map's tables, one a group; raises ValueError naming what is wrong."""
        order = []
        for group, table in groups.items():
            if not group.isidentifier() or group in WIRE_GROUPS or not isinstance(table, dict) or not table:
                raise ValueError(f"{group} must be a table of stages with a name of its own, not {table!r}")
            before: set[str] = set()
            for name, entry in table.items():
                order.append(_stage(group, name, entry, before))
                before.add(name)
        found = cls(port, tuple(order))
        if not 1 <= found.width <= 64:
            raise ValueError(f"the stages take {found.width} bits; a port has 1 to 64")
        return found


def _stage(group: str, name: str, entry: object, before: set[str]) -> Stage:
    if not name.isidentifier() or not isinstance(entry, dict) or not set(entry) <= KEYS:
        raise ValueError(f"{group}.{name} must be a table of {', '.join(sorted(KEYS))}, not {entry!r}")
    stage = Stage(group, name, **entry)
    for key, kind in {"after": str, "ends": bool, "clears": bool}.items():
        if not isinstance(getattr(stage, key), kind):
            raise ValueError(f"{group}.{name}.{key} must be of type {kind.__name__}, not {getattr(stage, key)!r}")
    if not before and stage.after:
        raise ValueError(f"{group}.{name} is the first of its group and comes after nothing, not {stage.after!r}")
    if before and stage.after not in before:
        raise ValueError(f"{group}.{name} must come after one of {', '.join(sorted(before))}, not {stage.after!r}")
    if not is_number(stage.width, range(1, 33)):
        raise ValueError(f"{group}.{name}.width must be 1 to 32, not {stage.width!r}")
    return stage


def wire_stages() -> tuple[Stage, ...]:
    """What the harness sees by itself: of `wire_in` and `wire_out`, each frame's first and last beat."""
    return tuple(stage for group in WIRE_GROUPS for stage in (Stage(group, "first"), Stage(group, "last", "first")))


@dataclass(frozen=True, slots=True)
class StageTable:
    """All stages of a card under one numbering: the wire's first, then the port's; `before[i]` is -1 or an index."""

    stages: tuple[Stage, ...]
    before: tuple[int, ...]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, port: Stages | None) -> StageTable:
        stages = wire_stages() + (port.order if port is not None else ())
        index = {(stage.group, stage.name): at for at, stage in enumerate(stages)}
        before = tuple(index[stage.group, stage.after] if stage.after else -1 for stage in stages)
        return cls(stages, before, tuple(dict.fromkeys(stage.group for stage in stages)))

    def values(self) -> dict[str, Any]:
        """For the harness's template."""
        return {"stages": self.stages, "before": self.before, "groups": self.groups}

    def group(self, name: str) -> int:
        """The group's number; raises ValueError for one that is not there."""
        if name not in self.groups:
            raise ValueError(f"no group of stages {name!r}; there are {', '.join(self.groups)}")
        return self.groups.index(name)


class StageEvent(NamedTuple):
    """Frame `frame` of `group` passed `stage` in clock `clock`; frame 0: one that never began as far as is known."""

    clock: int
    group: str
    stage: str
    frame: int


class Numbering:
    """Pulses to frame numbers; feed it every clock with pulses, from the first frame on.

    `passed` is the last frame at each stage; by group, `followed` is one frame and `where` the stage it passed last.
    """

    def __init__(self, table: StageTable) -> None:
        self.table = table
        self.passed = [0] * len(table.stages)
        self.followed, self.where = [0] * len(table.groups), [-1] * len(table.groups)
        self._before = table.before
        self._waits = [at in table.before for at in range(len(table.stages))]  # somebody takes frames from here
        self._queues: list[deque[int]] = [deque() for _ in table.stages]
        self._begun = [0] * len(table.stages)
        self._group = [table.groups.index(stage.group) for stage in table.stages]

    def follow(self, group: str, frame: int) -> None:
        at = self.table.group(group)
        self.followed[at], self.where[at] = frame, -1

    def pulse(self, at: int, count: int = 1) -> list[int]:
        """The frames that passed stage number `at` of the table."""
        stage = self.table.stages[at]
        if stage.clears:
            passed = self._clear(self._before[at]) if count else []
        else:
            passed = self._advance(at, count, stage.ends)
        group = self._group[at]
        for frame in passed:
            self.passed[at] = frame
            if frame and frame == self.followed[group]:
                self.where[group] = at
        return passed

    def _advance(self, at: int, count: int, ends: bool) -> list[int]:
        before, passed = self._before[at], []
        for _ in range(count):
            if before < 0:
                self._begun[at] += 1
                frame = self._begun[at]
            else:
                frame = self._queues[before].popleft() if self._queues[before] else 0
            passed.append(frame)
            if self._waits[at] and not ends:
                self._queues[at].append(frame)
        return passed

    def _clear(self, start: int) -> list[int]:
        gone = set(self._queues[start])
        self._queues[start].clear()
        for at in range(start + 1, len(self._before)):
            if self._before[at] == start and not self.table.stages[at].clears:
                gone.update(self._clear(at))
        return sorted(gone)

    def clock(self, now: int, value: int) -> list[StageEvent]:
        """All that the port's `value` says of clock `now`."""
        events = []
        for at, stage in enumerate(self.table.stages[WIRE_STAGES:], WIRE_STAGES):
            count = value & (1 << stage.width) - 1
            value >>= stage.width
            events += [StageEvent(now, stage.group, stage.name, frame) for frame in self.pulse(at, count)]
        return events

    def wire(self, now: int, group: str, first: bool, last: bool) -> list[StageEvent]:
        """A beat on the wire: of `wire_in` or `wire_out`, a frame's first or last or neither."""
        at = 2 * WIRE_GROUPS.index(group)
        events = []
        for offset, name, here in ((0, "first", first), (1, "last", last)):
            events += [StageEvent(now, group, name, frame) for frame in self.pulse(at + offset, int(here))]
        return events
