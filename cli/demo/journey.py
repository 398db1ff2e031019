"""One packet followed from the wire through card, driver and stack and back out, and what the card showed of all."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from ringbed.cli.files import write_text
from ringbed.sim.seam.stages import StageEvent
from ringbed.sim.seam.traced import Traced
from ringbed.sim.testbed.host import Host
from ringbed.sim.trace.gtkw import save_file
from ringbed.sim.trace.journey import Journeys, Mark, with_host
from ringbed.sim.trace.perfetto import document, host_events, trace_events
from ringbed.sim.wire.frame import from_wire
from ringbed.stack.kern.journey import Journey

__all__ = ["Follower", "StageBook"]

UDP, HEADERS = 17, 14 + 20 + 8
KEEP = 200_000  # records of stages: some ten thousand frames, the last ones of a run


class StageBook:
    """Every stage a frame passes in the card from now on, if the engine can tell. Made before the first frame."""

    def __init__(self, host: Host[Any]) -> None:
        self._host, self.kind = host, host.engine.kind
        self._engine = host.engine if isinstance(host.engine, Traced) else None
        self._events: deque[StageEvent] = deque(maxlen=KEEP)
        if self._engine is not None:
            self._engine.log_stages(keep=KEEP)

    def journeys(self) -> Journeys | None:
        if self._engine is None:
            return None
        self._events.extend(self._engine.stages())
        return Journeys(self._events, self._engine.stage_table, self._host.frequency)

    def follow(self, group: str, frame: int) -> None:
        """In a waveform that is being recorded."""
        if self._engine is not None:
            self._engine.follow(group, frame)

    def mark(self, text: str) -> None:
        if self._engine is not None:
            self._engine.mark(text)

    def write_perfetto(self, path: Path, marks: list[Mark]) -> None:
        """The card's frames, and the followed packet's way through the host, as a Chrome trace."""
        journeys = self.journeys()
        events = trace_events(journeys, self._host.name) if journeys is not None else []
        write_text(path, document([*events, *host_events(marks, "followed packet")]))

    def write_save(self, waveform: Path, marks: list[Mark]) -> None:
        """GTKWave's save file beside a waveform, markers where the followed packet was."""
        if self._engine is not None:
            save = save_file(waveform, self._engine.portmap, marks, self._engine.wave_layout)
            write_text(waveform.with_suffix(".gtkw"), save)


class _Marked(Journey):
    """A journey whose steps are in the waveform too."""

    __slots__ = ("_book",)

    def __init__(self, host: Host[Any], book: StageBook) -> None:
        super().__init__(host.upper.stack.scheduler)
        self._book = book

    def step(self, stage: str, queue: str = "") -> None:
        self._book.mark(stage)
        super().step(stage, queue)


class Follower:
    """A wire end around the card's own. The first UDP datagram of `size` payload bytes to `port` is followed.

    `marks` is its way: what the card showed, what the stack did, and the answer's way out as the second half.
    """

    def __init__(self, host: Host[Any], size: int, port: int, book: StageBook) -> None:
        self._host, self._end, self._size, self._port, self._book = host, host.engine, size, port, book
        self.marks: list[Mark] = []
        self._journey: Journey | None = None
        self._entered = self._number = 0
        self._arrived = 0
        self._payload = b""

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._entered += 1
        if not self._number and self._matches(frame):
            self._number, self._arrived = self._entered, max(at, self._host.engine.now)
            self._book.follow("rx", self._number)
            self._book.follow("wire_in", self._number)
            self._host.upper.follow = self._follow
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        left = self._end.wire_out()
        if self._journey is not None and not self.marks:
            for clock, frame in left:
                if from_wire(frame)[HEADERS : HEADERS + self._size] == self._payload:
                    self._arrive(self._journey, clock)
                    break
        return left

    def _arrive(self, journey: Journey, clock: int) -> None:
        """The answer left in `clock`: all of the way is known."""
        self._host.upper.follow = None
        frequency, journeys = self._host.frequency, self._book.journeys()
        card = [] if journeys is None else journeys.path("rx", self._number) + journeys.leaving(clock)
        if not card:
            ends = (("wire in", self._arrived, "rx"), ("wire out", clock, "tx"))
            card = [Mark(at, frequency.ns(at), "card", name, f"em0 {way}") for name, at, way in ends]
        self.marks = with_host(card, journey.steps, frequency)

    def _matches(self, frame: bytes) -> bool:
        ours = frame[12:15] == b"\x08\x00\x45" and frame[23] == UDP
        return ours and frame[36:38] == self._port.to_bytes(2, "big") and len(from_wire(frame)) == HEADERS + self._size

    def _follow(self, data: bytes) -> Journey | None:
        """Asked by the testbed for each frame the driver hands on."""
        if self._journey is not None or not self._matches(data + bytes(4)):
            return None
        self._payload = data[HEADERS : HEADERS + self._size]
        self._journey = _Marked(self._host, self._book)
        self._book.mark("em_intr")
        self._journey.add("em_intr", "interrupt", "em0 rx ring", self._host.upper.stack.now)
        return self._journey
