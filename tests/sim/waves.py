"""Waveforms read back, FST or VCD, for the tests of what is written into them."""

from __future__ import annotations

from pathlib import Path

import pywellen

__all__ = ["Waves"]


class Waves:
    """Signals by full name; changes as (time in the file's unit, value)."""

    def __init__(self, path: Path) -> None:
        self._variables = {variable.full_name: variable for variable in pywellen.Waveform(str(path)).all_vars()}

    def names(self) -> set[str]:
        return set(self._variables)

    def changes(self, name: str) -> list[tuple[int, int]]:
        return [(int(time), int(value)) for time, value in self._variables[name].signal]

    def texts(self, name: str) -> list[tuple[int, str]]:
        """Of a signal that holds text, its first character in the highest byte."""
        size = self._variables[name].bitwidth // 8
        return [(time, value.to_bytes(size, "big").rstrip(b"\0").decode()) for time, value in self.changes(name)]

    def at(self, name: str, time: int) -> int:
        """The value just before `time`: what is sampled there."""
        return [value for when, value in self.changes(name) if when < time][-1]

    def rises(self, name: str) -> list[int]:
        """Times at which a signal of one bit went up; a file of pysim has values of before its window at time 0."""
        return [time for time, value in self.changes(name) if value and time]
