"""A waveform of what failed, for a run that records none: a run is determined, so the one that failed is run again.

    def scenario(case: Case) -> None:
        host = open_host("em0", Collector())
        ...
    run_with_waveform(scenario, Path("out"))

The first run is at full speed; it only counts stages. When the scenario raises, it is run a second time with a
waveform of each engine it opens, in a window from shortly before the suspect frame began to shortly after its end, or
the failure. The files are named in notes on the error, which is raised as it was. A scenario must open its engines
itself and depend on nothing but its arguments and seeds; one that does not fail again is told so in a note.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ringbed.sim.engines import OBSERVER, wave_formats
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.stages import StageEvent
from ringbed.sim.seam.traced import Traced
from ringbed.sim.trace.gtkw import save_file
from ringbed.sim.trace.journey import Journeys, text
from ringbed.sim.trace.perfetto import document, trace_events

__all__ = ["AFTER", "BEFORE", "LONGEST", "Case", "run_with_waveform"]

BEFORE, AFTER = 500, 500  # clocks around what is suspected
LONGEST = 100_000  # clocks of a window: more is too much to look at, and to store
KEEP = 200_000  # records of stages in the first run

T = TypeVar("T")


@dataclass(slots=True)
class Blame:
    """What a scenario knows of its failure, or what is guessed; frames by group."""

    frames: dict[str, int] = field(default_factory=dict)
    clock: int | None = None


@dataclass(slots=True)
class Window:
    """What the second run records of one engine."""

    begin: int
    end: int
    suspects: dict[str, int]
    follow: dict[str, int]


class Case:
    """Handed to the scenario in each run. `again` is True in the second."""

    def __init__(self, folder: Path, windows: list[Window] | None = None) -> None:
        self.folder, self.again = folder, windows is not None
        self.engines: list[Traced] = []
        self.waveforms: list[Path] = []
        self.files: list[Path] = []
        self._windows = windows or []
        self._blames: dict[int, Blame] = {}

    def blame(self, engine: Any, group: str = "", frame: int = 0, clock: int | None = None) -> None:
        """Say which frame of which group, or which clock, the failure is about; before raising."""
        blame = self._blames.setdefault(id(engine), Blame())
        if group:
            engine.stage_table.group(group)
            blame.frames[group] = frame
        blame.clock = clock if clock is not None else blame.clock

    def keep(self, path: Path) -> None:
        """A file of the scenario's own, a capture, that the note shall name."""
        self.files.append(path)

    def blamed(self, engine: Traced) -> Blame:
        return self._blames.get(id(engine), Blame())

    # -- for `open_engine` ---------------------------------------------------------------------------------------

    def options(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        if not self.again or len(self.engines) >= len(self._windows):
            return options
        return options | {"waves": next(iter(wave_formats(kind)), "")}

    def opened(self, engine: object) -> None:
        if not isinstance(engine, Traced) or not engine.deterministic_time:
            return
        at = len(self.engines)
        self.engines.append(engine)
        if not self.again:
            engine.log_stages(keep=KEEP)
        elif at < len(self._windows):
            self._record(engine, self._windows[at], at)

    def _record(self, engine: Traced, window: Window, at: int) -> None:
        suffix = wave_formats(engine.kind)[0]
        name = "failure" if len(self._windows) == 1 else f"failure-{at}"
        path = self.folder / f"{name}.{suffix}"
        engine.trace_window(path, window.begin, window.end)
        engine.log_stages(window.begin, window.end)
        for group, frame in window.follow.items():
            engine.follow(group, frame)
        self.waveforms.append(path)


@contextlib.contextmanager
def _observed(case: Case) -> Iterator[None]:
    token = OBSERVER.set(case)
    try:
        yield
    finally:
        OBSERVER.reset(token)


def run_with_waveform(
    scenario: Callable[[Case], T], folder: Path, *, say: Callable[[str], None] | None = None
) -> T:  # fmt: skip
    """What `scenario` returns; or its error, with the files of a second run in `folder` named in notes on it."""
    first = Case(folder)
    try:
        with _observed(first):
            return scenario(first)
    except Exception as error:
        if not first.engines:
            raise
        if say is not None:
            say(f"{error}: run again with a waveform ...")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            notes = _again(scenario, error, first)
        except Exception as trouble:  # a full disk must not hide what failed
            notes = [f"no waveform: {type(trouble).__name__}: {trouble}"]
        for note in notes:
            error.add_note(note)
        raise


def _again(scenario: Callable[[Case], object], error: Exception, first: Case) -> list[str]:
    """The second run; the notes to put on the error."""
    second = Case(first.folder, [_window(engine, first.blamed(engine)) for engine in first.engines])
    met: Exception | None = None
    try:
        with _observed(second):
            scenario(second)
    except Exception as raised:
        met = raised
    notes = []
    if met is None:
        notes.append("run again, it did not fail: something in the scenario is not determined by its arguments")
    elif (type(met), str(met)) != (type(error), str(error)):
        notes.append(f"run again, it failed otherwise: {type(met).__name__}: {met}")
    pairs = zip(second.engines, second.waveforms, second._windows, strict=False)
    return notes + [note for pair in pairs for note in _finish(*pair)] + [f"file: {path}" for path in second.files]


def _window(engine: Traced, blame: Blame) -> Window:
    """Where to look, from what the first run logged."""
    events = engine.stages()
    journeys = Journeys(events, engine.stage_table, engine.frequency)
    clocks = [finding.clock for finding in engine.findings()]
    failed = blame.clock if blame.clock is not None else min(clocks, default=engine.now)
    follow = _last_moved(events, failed) | blame.frames
    suspects = blame.frames or follow
    spans = [journeys.frames[key] for key in suspects.items() if key in journeys.frames]
    begin = min((passed[0].clock for passed in spans), default=failed)
    end = max((passed[-1].clock for passed in spans), default=failed)
    if blame.clock is not None or not blame.frames:
        begin, end = min(begin, failed), max(end, failed)
    if not blame.frames:
        end = failed
    end += AFTER
    return Window(max(0, begin - BEFORE, end - LONGEST), end, suspects, follow)


def _last_moved(events: list[StageEvent], until: int) -> dict[str, int]:
    """Of each group, the frame that passed a stage last."""
    return {event.group: event.frame for event in events if event.clock <= until and event.frame}


def _finish(engine: Traced, waveform: Path, window: Window) -> list[str]:
    """Some clocks more where the engine is still open, then the files beside the waveform."""
    with contextlib.suppress(Exception):
        engine.run(max(engine.now, window.end), Event.NONE)
        engine.trace(None)
    journeys = Journeys(engine.stages(), engine.stage_table, engine.frequency)
    paths = {group: journeys.path(group, frame) for group, frame in window.suspects.items()}
    told = [f"{group} {frame}\n{text(paths[group])}\n" for group, frame in window.suspects.items() if paths[group]]
    waveform.with_suffix(".txt").write_text("\n".join(told), encoding="utf-8")
    waveform.with_suffix(".json").write_text(document(trace_events(journeys)), encoding="utf-8")
    longest = max(paths.values(), key=len, default=[])
    save = save_file(waveform, engine.portmap, longest, engine.wave_layout)
    waveform.with_suffix(".gtkw").write_text(save, encoding="utf-8")
    seen = [f"{group} {frame} {_where(journeys, group, frame)}" for group, frame in window.suspects.items()]
    beside = "beside it .gtkw for GTKWave, .json for Perfetto, .txt with the journey"
    where = f"waveform: {waveform}, clocks {window.begin} to {window.end}; {beside}"
    return [where, f"suspects: {', '.join(seen) or 'none'}"]


def _where(journeys: Journeys, group: str, frame: int) -> str:
    stage, ended = journeys.ends(group, frame)
    if not stage:
        return "(not seen in the window)"
    last = journeys.frames[group, frame][-1].clock
    return f"({'ended' if ended else 'still'} at {stage}, clock {last})"
