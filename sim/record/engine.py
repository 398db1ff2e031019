"""The native engine with a record: one that writes what its card gets and gives, and one that is given it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringbed.hw.formats.number import several
from ringbed.sim.memory.regions import RegionTable
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.native.tape import give, note, record, stamp, take, waiting
from ringbed.sim.record.file import RecordingWriter
from ringbed.sim.record.header import header_of
from ringbed.sim.record.records import Kind, Record
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.spec import NicSpec

__all__ = ["Recording", "RecordingEngine", "ReplayEngine"]

NOTE = 1000  # characters of what is said that are kept
BLOCK, SPAN_NS = 1 << 15, 10_000_000  # a block is written when it has so many bytes, or has waited for so long


class Recording:
    """A run's file: `engine` opens the card that is recorded in the place of NativeEngine, `heard` keeps what is said.

    A context manager, which ends after the engine. `engine` raises OSError with the file's name.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._writer: RecordingWriter | None = None  # not before the card is opened: a file may be another's until then
        self._engine: RecordingEngine | None = None

    def engine(self, spec: NicSpec, memory: RegionTable | None = None, **options: Any) -> RecordingEngine:
        """Raises BuildError, ValueError for a bad setting."""
        self._writer = RecordingWriter(self._path)
        self._engine = RecordingEngine(spec, memory, writer=self._writer, **options)
        return self._engine

    def heard(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """What is said goes among the records too."""

        def both(text: str) -> None:
            if self._engine is not None:
                self._engine.note(text)
            say(text)

        return both

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._writer is not None:
            self._writer.close()


class RecordingEngine(NativeEngine):
    """What is on record is in the file at the latest when the card is at rest and its wire has been looked at."""

    def __init__(
        self, spec: NicSpec, memory: RegionTable | None = None, *, writer: RecordingWriter, **options: Any
    ) -> None:  # fmt: skip
        if options.get("manner") == "strict":
            raise ValueError("a card whose stray accesses raise an error is not recorded")
        self._writer, self._written = writer, 0  # the clock at which the last block was
        super().__init__(spec, memory, **options)
        writer.begin(header_of(spec, self.settings, options.get("progress")))

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        try:
            return super().run(until, stop)
        finally:
            self._keep()

    def read(self, offset: int) -> int:
        try:
            return super().read(offset)
        finally:
            self._keep()

    def wire_out(self) -> list[tuple[int, bytes]]:
        """The last thing that a server's turn does: of a card at rest all is written, who knows when it goes on."""
        frames = super().wire_out()
        self._keep(self.due() > self.now)
        return frames

    def note(self, text: str) -> None:
        """Put what somebody should know of this clock among the records; nothing on a closed engine."""
        if self._handle is not None:
            if self._ending is None:
                self._catch_up()
            note(self._lib, self._handle, text[:NOTE].encode())

    def close(self) -> None:
        if self._handle is not None:
            try:
                if self._ending is None:
                    self._catch_up()  # time that was passed over is on record too
                stamp(self._lib, self._handle, cut=True)
                self._write_block()
            finally:
                super().close()

    def _open(self, waves: str, library: Any) -> None:
        super()._open(waves, library)
        record(library, self._live())

    def _open_again(self, waves: str) -> None:
        self._write_block()
        super()._open_again(waves)

    def _sync_regions(self) -> None:
        before = self._regions
        super()._sync_regions()
        if before and self._regions != before:
            note(self._lib, self._live(), f"memory: {several(len(self._known), 'region')}".encode())

    def _keep(self, now: bool = False) -> None:
        if self._handle is None or not (count := waiting(self._lib, self._handle)):
            return
        old = self.frequency.ns(self.now - self._written) >= SPAN_NS
        if now or count >= BLOCK or old:
            stamp(self._lib, self._handle)
            self._write_block()

    def _write_block(self) -> None:
        self._written = self.now
        if data := take(self._lib, self._live()):
            self._writer.add(data)


class ReplayEngine(NativeEngine):
    """A card whose memory is what `answer` brings. `taken` gives what happened since the last call, as bytes."""

    def _open(self, waves: str, library: Any) -> None:
        super()._open(waves, library)
        record(library, self._live(), replays=True)

    @property
    def pins(self) -> list[str]:
        """The card's, as PIN records number them."""
        return list(self._pins)

    def taken(self) -> bytes:
        return take(self._lib, self._live())

    def answer(self, reads: list[Record], writes: list[Record]) -> None:
        """Those of kind WAIT among them, where the burst behind waited."""
        bursts = [(each.place, each.length, each.value, each.data, each.clock) for each in reads]
        responses = [(None if each.kind is Kind.WAIT else each.value, each.clock) for each in writes]
        give(self._lib, self._live(), bursts, responses)

    def note(self, text: bytes) -> None:
        note(self._lib, self._live(), text)

    def frame_in(self, frame: bytes, at: int, error: bool) -> None:
        """As it comes from the wire's edge, without a look at it."""
        self._in.append(frame)
        self._in_at.append(at)
        self._in_errors.append(error)
        self._flush()
