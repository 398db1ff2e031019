"""A frame's journey: the log of stages, frame by frame, joined with what wire and host know, as marks in time.

The card numbers frames by group (`rx`, `tx` for `em`), the harness those on the wire. Into the card both count the
same frames, unless a loopback feeds them from inside; out of it, a frame of the card's is the one on the wire whose
last beat leaves in the clock of its last stage. Marks of the host carry the time of the clock at which it acted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.stages import WIRE_GROUPS, StageEvent, StageTable

__all__ = ["HostStep", "Journeys", "Mark", "text", "with_host"]

NEAR = 64  # clocks from the wire into the first stage, at most: more is another frame


class HostStep(Protocol):
    """A step of the stack's own journey (`stack/kern/journey.py`): `time` in ns."""

    @property
    def stage(self) -> str: ...
    @property
    def context(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def time(self) -> int: ...


class Mark(NamedTuple):
    """Where a frame was: `clock` of the card, `ns` of simulated time; `place` is a group and number, or a queue."""

    clock: int
    ns: int
    context: str
    stage: str
    place: str


class Journeys:
    """Every frame of a log."""

    def __init__(self, events: Iterable[StageEvent], table: StageTable, frequency: Frequency) -> None:
        self.table, self.frequency = table, frequency
        self.frames: dict[tuple[str, int], list[StageEvent]] = {}
        for event in events:
            if not event.frame:
                continue  # of a frame that was inside before the log began
            self.frames.setdefault((event.group, event.frame), []).append(event)
        followed = {(stage.group, stage.after) for stage in table.stages if stage.after}
        self._final = {(stage.group, stage.name) for stage in table.stages if (stage.group, stage.name) not in followed}
        self._left: dict[int, tuple[str, int]] = {}  # clock of its last stage -> the card's frame
        for key, passed in self.frames.items():
            if key[0] not in WIRE_GROUPS and (key[0], passed[-1].stage) in self._final:
                self._left[passed[-1].clock] = key

    def groups(self) -> list[str]:
        return [group for group in self.table.groups if group not in WIRE_GROUPS]

    def latest(self, group: str) -> int:
        """The highest number of a frame of `group` in the log; 0 without any."""
        return max((frame for name, frame in self.frames if name == group), default=0)

    def ends(self, group: str, frame: int) -> tuple[str, bool]:
        """The stage a frame was seen at last, and whether its way ends there: left the card, or dropped."""
        passed = self.frames.get((group, frame), [])
        return (passed[-1].stage, (group, passed[-1].stage) in self._final) if passed else ("", False)

    def path(self, group: str, frame: int) -> list[Mark]:
        """Its marks in order of time, those of the wire included; empty for a frame that is not in the log."""
        own = self.frames.get((group, frame), [])
        if not own:
            return []
        before = [] if group in WIRE_GROUPS else self._wire_in(own[0], frame)
        after = [] if group in WIRE_GROUPS else self._wire_out(own[-1])
        return sorted(map(self._mark, [*before, *own, *after]), key=lambda mark: mark.clock)

    def _wire_in(self, first: StageEvent, frame: int) -> list[StageEvent]:
        wire = self.frames.get(("wire_in", frame), [])
        return wire if wire and 0 <= first.clock - wire[0].clock <= NEAR else []

    def _wire_out(self, last: StageEvent) -> list[StageEvent]:
        for (group, _), passed in self.frames.items():
            if group == "wire_out" and passed[-1].stage == "last" and passed[-1].clock == last.clock:
                return passed
        return []

    def leaving(self, clock: int) -> list[Mark]:
        """The way of the frame whose last beat left on the wire in `clock`; empty when nothing did."""
        if clock in self._left:
            return self.path(*self._left[clock])
        return [
            mark
            for (group, frame), passed in self.frames.items()
            if group == "wire_out" and passed[-1].stage == "last" and passed[-1].clock == clock
            for mark in self.path(group, frame)
        ]

    def sent_as(self, wire_frame: int) -> tuple[str, int] | None:
        """The card's frame that left as frame `wire_frame` of `wire_out`."""
        passed = self.frames.get(("wire_out", wire_frame), [])
        return self._left.get(passed[-1].clock) if passed and passed[-1].stage == "last" else None

    def _mark(self, event: StageEvent) -> Mark:
        ns, place = self.frequency.ns(event.clock), f"{event.group} {event.frame}"
        if event.group in WIRE_GROUPS:
            return Mark(event.clock, ns, "wire", f"{event.group.replace('_', ' ')} {event.stage}", place)
        return Mark(event.clock, ns, "card", event.stage, place)


def with_host(marks: Sequence[Mark], steps: Iterable[HostStep], frequency: Frequency) -> list[Mark]:
    """The host's steps among the card's marks; in the same nanosecond the card was first."""
    host = [Mark(frequency.clocks(step.time), step.time, step.context, step.stage, step.queue) for step in steps]
    return sorted([*marks, *host], key=lambda mark: mark.ns)


def text(marks: Sequence[Mark]) -> str:
    """One line a mark: clock, time, how long since the one before, context, stage, place."""
    lines, before = [], marks[0].ns if marks else 0
    for mark in marks:
        line = f"{mark.clock:>12} {mark.ns:>14} ns {'+' + str(mark.ns - before):>9}  "
        lines.append((line + f"{mark.context:<9} {mark.stage:<16} {mark.place}").rstrip())
        before = mark.ns
    return "\n".join(lines)
