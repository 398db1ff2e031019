"""Stages and waveforms of the pysim engine: the twin of `harness/stages.hpp` and `harness/waveform.hpp`.

A waveform is VCD in femtoseconds; clock n falls at n periods and rises half a period later, as in the native engine's.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from pathlib import Path
from typing import Any

from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.stages import Numbering, StageEvent, StageTable

__all__ = ["PyStages", "PyWaveform"]

TEXT = 16  # characters


class PyStages:
    """Feeds the port and the wire to a Numbering, once a clock while `on`."""

    def __init__(self, portmap: PortMap) -> None:
        self.map, self.table = portmap, StageTable.of(portmap.stages)
        self.numbering = Numbering(self.table)
        self.on = False
        self.begin, self.end = 0, 0
        self.log: deque[StageEvent] = deque()
        self._in_frame = self._out_frame = False

    def start(self, begin: int, end: int, keep: int) -> None:
        self.on, self.begin, self.end = True, begin, end
        self.log = deque(self.log, maxlen=keep or None)

    def take(self) -> list[StageEvent]:
        taken = list(self.log)
        self.log.clear()
        return taken

    def sample(self, bench: Any, now: int) -> None:
        events = []
        rx = self.map.rx
        if rx and bench.value(rx.prefix + "tvalid") and (not rx.ready or bench.bit(rx.prefix + "tready")):
            last = bool(bench.value(rx.prefix + "tlast"))
            events += self.numbering.wire(now, "wire_in", not self._in_frame, last)
            self._in_frame = not last
        if self.map.tx is not None:
            prefix = self.map.tx.prefix
            if bench.bit(prefix + "tvalid") and (not self.map.tx.ready or bench.value(prefix + "tready")):
                last = bench.bit(prefix + "tlast")
                events += self.numbering.wire(now, "wire_out", not self._out_frame, last)
                self._out_frame = not last
        if self.map.stages is not None and (value := bench.get(self.map.stages.port)):
            events += self.numbering.clock(now, value)
        if self.begin <= now < self.end:
            self.log.extend(events)


class PyWaveform:
    """A window of clocks as VCD, with the signals of scope `journey` as `journey_<group>_<name>`."""

    def __init__(self, stages: PyStages) -> None:
        self._stages, self._open = stages, contextlib.ExitStack()
        self._path: Path | None = None
        self._window = 0, 0
        self._used = self.running = False
        self._host = ""

    def arm(self, path: Path, begin: int, end: int) -> None:
        if self._used:
            raise RuntimeError("a pysim engine records one waveform: open another for the next")
        if not begin < end:
            raise ValueError(f"a waveform of clocks {begin} to {end} has none")
        if not os.path.isdir(path.parent):
            raise FileNotFoundError(f"there is no folder {path.parent} for a waveform")
        self._used, self._path, self._window = True, path, (begin, end)

    def look(self, bench: Any, now: int) -> None:
        """Called before values of clock `now` are set: the file begins or ends here."""
        begin, end = self._window
        if self._path is not None and begin <= now < end:
            self._begin(bench, self._path)
        elif self.running and now >= end:
            self.close()

    def _begin(self, bench: Any, path: Path) -> None:
        from amaranth.hdl import Signal

        table = self._stages.table
        self._numbers = [Signal(32, name=f"journey_{stage.group}_{stage.name}") for stage in table.stages]
        self._frames = [Signal(32, name=f"journey_{group}_frame") for group in table.groups]
        self._at = [Signal(8 * TEXT, name=f"journey_{group}_at") for group in table.groups]
        self._host_text = Signal(8 * TEXT, name="journey_host")
        ours = [*self._numbers, *self._frames, *self._at, self._host_text]
        self._open.enter_context(bench.sim.write_vcd(str(path), traces=ours))
        self._path, self.running = None, True
        self.show(bench)

    def mark(self, text: str) -> None:
        self._host = text

    def show(self, bench: Any) -> None:
        """The journey's signals as they are after the clock that was sampled."""
        numbering, stages = self._stages.numbering, self._stages.table.stages
        texts = [stages[where].name if where >= 0 else "" for where in numbering.where]
        pairs = [
            *zip(self._numbers, numbering.passed, strict=True), *zip(self._frames, numbering.followed, strict=True),
            *zip(self._at, map(_text, texts), strict=True), (self._host_text, _text(self._host)),
        ]  # fmt: skip
        for signal, value in pairs:
            bench.show(signal, value)

    def close(self) -> None:
        self._path, self.running = None, False
        self._open.close()


def _text(text: str) -> int:
    """The first character in the highest byte, so that a viewer reads it from the left."""
    return int.from_bytes(text.encode("ascii", "replace")[:TEXT].ljust(TEXT, b"\0"), "big")
