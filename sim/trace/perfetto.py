"""Journeys as a Chrome trace in JSON, which Perfetto and chrome://tracing open: one track a group, one slice a frame.

Source: "Trace Event Format", the Chrome project: nestable async events `b`, `n`, `e` with `cat` and `id`, since frames
of one group overlap; `M` names tracks. Times are in microseconds with the card's clocks beside them in `args`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ringbed.sim.trace.journey import Journeys, Mark

__all__ = ["document", "host_events", "trace_events"]

Event = dict[str, Any]


def trace_events(journeys: Journeys, name: str = "card", process: int = 1) -> list[Event]:
    """All frames of one engine: a slice from first to last stage, and inside it one from each stage to the next."""
    tracks = {group: at for at, group in enumerate(journeys.table.groups, 1)}
    events = _names(name, process, tracks)
    for group, frame in journeys.frames:
        stage, final = journeys.ends(group, frame)
        marks = [mark for mark in journeys.path(group, frame) if mark.place == f"{group} {frame}"]
        title = f"{group} {frame}" if final else f"{group} {frame}, still at {stage}"
        common = {"pid": process, "tid": tracks[group], "cat": group, "id": f"{process}.{group}.{frame}"}
        events += _slices(title, marks, common)
    return events


def _names(name: str, process: int, tracks: dict[str, int]) -> list[Event]:
    named = [{"ph": "M", "pid": process, "name": "process_name", "args": {"name": name}}]
    named += [
        {"ph": "M", "pid": process, "tid": at, "name": "thread_name", "args": {"name": track}}
        for track, at in tracks.items()
    ]  # fmt: skip
    return named


def _slices(title: str, marks: Sequence[Mark], common: Event) -> list[Event]:
    begin, end = marks[0], marks[-1]
    stages = {mark.stage: mark.clock for mark in marks}
    events = [common | {"ph": "b", "ts": begin.ns / 1000, "name": title, "args": stages | {"ends": end.stage}}]
    for mark, after in zip(marks, marks[1:], strict=False):
        args = {"clock": mark.clock, "clocks": after.clock - mark.clock}
        events.append(
            common | {"ph": "b", "ts": mark.ns / 1000, "name": f"{mark.stage} .. {after.stage}", "args": args}
        )
        events.append(common | {"ph": "e", "ts": after.ns / 1000, "name": f"{mark.stage} .. {after.stage}"})
    return [*events, common | {"ph": "e", "ts": end.ns / 1000, "name": title}]


def host_events(marks: Sequence[Mark], title: str, process: int = 1, track: int = 100) -> list[Event]:
    """One packet's way through driver and stack: an instant a step, on a track of its own."""
    named = [{"ph": "M", "pid": process, "tid": track, "name": "thread_name", "args": {"name": "host"}}]
    return named + [
        {"ph": "i", "s": "t", "pid": process, "tid": track, "ts": mark.ns / 1000, "name": mark.stage,
         "args": {"clock": mark.clock, "context": mark.context, "queue": mark.place, "packet": title}}
        for mark in marks if mark.context not in ("wire", "card")
    ]  # fmt: skip


def document(events: Iterable[Event]) -> str:
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": list(events)}) + "\n"
