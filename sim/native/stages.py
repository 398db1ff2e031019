"""The native engine's calls for stages and waveforms: what `Traced` asks of it, below the rest of the engine."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.seam.stages import NO_END, StageEvent, StageTable
from ringbed.sim.seam.traced import WaveLayout

__all__ = ["STAGE_CALLS", "NativeStages"]

u32, u64, handle = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p
STAGE_CALLS: dict[str, tuple[Any, list[Any]]] = {
    "rb_trace": (None, [handle, ctypes.c_char_p, u64, u64]),
    "rb_stages": (None, [handle, u64, u64, u64]),
    "rb_follow": (None, [handle, u32, u64]),
    "rb_mark": (None, [handle, ctypes.c_char_p]),
    "rb_stage_log": (u64, [handle, handle]),
}


class NativeStages:
    """See `sim/seam/engine.py`, Traced. What was asked for holds when the engine is compiled anew for a waveform."""

    settings: Settings
    _spec: NicSpec
    _lib: Any
    _waves: str
    _started: Callable[[], bool]
    _live: Callable[[], int]
    _open_again: Callable[[str], None]

    def _begin_stages(self) -> None:
        """At construction, before the first `_open`."""
        self._table = StageTable.of(self._spec.portmap.stages)
        self._logged: tuple[int, int, int] | None = None
        self._followed: dict[str, int] = {}
        self._left: list[StageEvent] | None = None
        self._traced: Path | None = None  # the waveform that is written

    @property
    def stage_table(self) -> StageTable:
        return self._table

    @property
    def portmap(self) -> PortMap:
        return self._spec.portmap

    @property
    def wave_layout(self) -> WaveLayout:
        period = self.settings.frequency.ns(1000)  # in picoseconds
        return WaveLayout(f"TOP.{self.portmap.top}", "journey.{group}.", "journey.host", period)

    def log_stages(self, begin: int = 0, end: int = NO_END, keep: int = 0) -> None:
        self._logged = begin, end, keep
        self._lib.rb_stages(self._live(), begin, end, keep)

    def stages(self) -> list[StageEvent]:
        if self._left is not None:
            events, self._left = self._left, []
            return events
        return self._take_stages()

    def _take_stages(self) -> list[StageEvent]:
        count = self._lib.rb_stage_log(self._live(), None)
        if not count:
            return []
        data = ctypes.create_string_buffer(24 * count)
        self._lib.rb_stage_log(self._live(), data)
        stages = self._table.stages
        records = struct.iter_unpack("=QQQ", data.raw)
        return [StageEvent(clock, stages[at].group, stages[at].name, frame) for clock, frame, at in records]

    def _leave_stages(self) -> None:
        """Before the engine is closed: the log stays readable."""
        self._left = self._take_stages()

    def follow(self, group: str, frame: int) -> None:
        self._lib.rb_follow(self._live(), self._table.group(group), frame)
        self._followed[group] = frame

    def mark(self, text: str) -> None:
        self._lib.rb_mark(self._live(), text.encode("ascii", "replace"))

    def trace(self, path: Path | str | None) -> None:
        if path is None:
            self._lib.rb_trace(self._live(), None, 0, 0)
        else:
            self.trace_window(path, 0, NO_END)

    def trace_window(self, path: Path | str, begin: int, end: int) -> None:
        path = Path(path)
        if not begin < end:
            raise ValueError(f"a waveform of clocks {begin} to {end} has none")
        if not os.path.isdir(path.parent):
            raise FileNotFoundError(f"there is no folder {path.parent} for a waveform")
        if not self._waves:
            if self._started():
                raise RuntimeError("this engine was compiled without tracing: open it with waves='fst' or 'vcd'")
            self._open_again("fst" if path.suffix == ".fst" else "vcd")
            if self._logged is not None:
                self.log_stages(*self._logged)
            for group, frame in self._followed.items():
                self.follow(group, frame)
        self._traced = path
        self._lib.rb_trace(self._live(), os.fsencode(path.absolute()), begin, end)

    def _no_room(self) -> None:
        """Once a waveform: what was written of it is whole."""
        path, self._traced = self._traced, None
        if path is not None:
            raise OSError(errno.ENOSPC, "the waveform ends here: less than 32 MiB are free", str(path))
