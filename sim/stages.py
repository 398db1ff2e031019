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

__all__ = ["WIRE_GROUPS", "Numbering", "Stage", "StageEvent", "Stages", "wire_stages"]

WIRE_GROUPS = ("wire_in", "wire_out")
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
    if not before and stage.after:
        raise ValueError(f"{group}.{name} is the first of its group and comes after nothing, not {stage.after!r}")
    if before and stage.after not in before:
        raise ValueError(f"{group}.{name} must come after one of {', '.join(sorted(before))}, not {stage.after!r}")
    if not isinstance(stage.width, int) or not 1 <= stage.width <= 32:
        raise ValueError(f"{group}.{name}.width must be 1 to 32, not {stage.width!r}")
    return stage


def wire_stages() -> tuple[Stage, ...]:
    """What the harness sees by itself: of `wire_in` and `wire_out`, each frame's first and last beat."""
    return tuple(stage for group in WIRE_GROUPS for stage in (Stage(group, "first"), Stage(group, "last", "first")))


class StageEvent(NamedTuple):
    """Frame `frame` of `group` passed `stage` in clock `clock`; frame 0: one that never began as far as is known."""

    clock: int
    group: str
    stage: str
    frame: int


class Numbering:
    """Pulses to frame numbers. `order` as in Stages; feed it every clock with pulses, from the first frame on."""

    def __init__(self, order: tuple[Stage, ...]) -> None:
        self.order = order
        index = {(stage.group, stage.name): at for at, stage in enumerate(order)}
        self._before = [index[stage.group, stage.after] if stage.after else -1 for stage in order]
        self._waits = [at in self._before for at in range(len(order))]  # somebody takes frames from here
        self._queues: list[deque[int]] = [deque() for _ in order]
        self._begun = [0] * len(order)

    def pulse(self, at: int, count: int = 1) -> list[int]:
        """The frames that passed stage number `at`."""
        stage, before = self.order[at], self._before[at]
        if stage.clears:
            return self._clear(before) if count else []
        passed = []
        for _ in range(count):
            if before < 0:
                self._begun[at] += 1
                frame = self._begun[at]
            else:
                frame = self._queues[before].popleft() if self._queues[before] else 0
            passed.append(frame)
            if self._waits[at] and not stage.ends:
                self._queues[at].append(frame)
        return passed

    def _clear(self, start: int) -> list[int]:
        gone = set(self._queues[start])
        self._queues[start].clear()
        for at in range(start + 1, len(self.order)):
            if self._before[at] == start and not self.order[at].clears:
                gone.update(self._clear(at))
        return sorted(gone)

    def clock(self, now: int, value: int) -> list[StageEvent]:
        """All that the port's `value` says of clock `now`."""
        events = []
        for at, stage in enumerate(self.order):
            count = value & (1 << stage.width) - 1
            value >>= stage.width
            events += [StageEvent(now, stage.group, stage.name, frame) for frame in self.pulse(at, count)]
        return events
