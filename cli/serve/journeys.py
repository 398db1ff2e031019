"""What a served card's frames and its driver did, beside each other, for Perfetto."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from ringbed.cli.files import write_text
from ringbed.cli.serve.card import REGISTER_NAMES
from ringbed.sim.cards import EM_PCI
from ringbed.sim.serve.function import RegisterAccess
from ringbed.sim.serve.opened import Opened
from ringbed.sim.trace.accesses import access_events
from ringbed.sim.trace.journey import Journeys
from ringbed.sim.trace.perfetto import document, trace_events

__all__ = ["AccessBook"]

KEEP = 200_000  # stages, and register accesses: the last ones of a run


class AccessBook:
    """Of a card that has just been opened; `write` before it is closed."""

    def __init__(self, opened: Opened) -> None:
        self._engine, self._function = opened.engine, opened.function
        self._accesses: deque[RegisterAccess] = deque(maxlen=KEEP)
        self._engine.log_stages(keep=KEEP)
        self._function.on_access = self._accesses.append

    def __len__(self) -> int:
        return len(self._accesses)

    def write(self, path: Path) -> None:
        """Raises OSError with its name."""
        engine = self._engine
        names = REGISTER_NAMES if self._function.pci is EM_PCI else {}
        journeys = Journeys(engine.stages(), engine.stage_table, engine.frequency)
        accesses = access_events(self._accesses, names, engine.frequency)
        write_text(path, document([*trace_events(journeys), *accesses]))
