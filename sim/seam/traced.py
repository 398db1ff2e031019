"""What a testbed needs of an engine to follow frames through the card and to record waveforms: native and pysim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Engine
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.stages import NO_END, StageEvent, StageTable

__all__ = ["Traced", "WaveLayout"]


@dataclass(frozen=True, slots=True)
class WaveLayout:
    """How an engine names things in its waveforms: scope of the card's ports, prefix of the journey's signals with
    `{group}` in it, name of the host's marks, units of time in a clock, and ports that have another name there.
    """

    card: str
    journey: str
    host: str
    period: int
    renamed: Mapping[str, str] = field(default_factory=dict)

    def port(self, name: str) -> str:
        return f"{self.card}.{self.renamed.get(name, name)}"


@runtime_checkable
class Traced(Engine, Protocol):
    """Numbers of frames count from the first call of `log_stages` or a waveform's, which belongs before any frame.

    None of this changes what the card does or when: a run with it is the run without.
    """

    @property
    def stage_table(self) -> StageTable: ...

    @property
    def portmap(self) -> PortMap: ...

    @property
    def wave_layout(self) -> WaveLayout: ...

    @property
    def frequency(self) -> Frequency: ...

    def log_stages(self, begin: int = 0, end: int = NO_END, keep: int = 0) -> None:
        """Log stages passed in clocks `begin` to before `end`: the last `keep` of them at least, 0 for all."""
        ...

    def stages(self) -> list[StageEvent]:
        """Take what was logged since the last call, in order; also after `close`."""
        ...

    def follow(self, group: str, frame: int) -> None:
        """Let a waveform show where this frame of `group` is; 0 for none. Raises ValueError for a group not there."""
        ...

    def mark(self, text: str) -> None:
        """What the host does now, for a waveform that is being recorded: 16 characters are shown."""
        ...

    def trace_window(self, path: Path | str, begin: int, end: int) -> None:
        """A waveform of clocks `begin` to before `end`, recorded as the clock gets there, however runs are split.

        Raises ValueError for an empty window, FileNotFoundError for a folder that is not there, RuntimeError when the
        engine cannot: compiled without tracing and already used, or pysim for the second time.
        """
        ...
