"""Who is at it, when and where: what every part of the checker says a finding with."""

from __future__ import annotations

from types import FrameType

from ringbed.hw.formats.rules import Rules
from ringbed.sim.checker.finding import Log
from ringbed.sim.checker.places import NOWHERE, Chain, Stretch, here
from ringbed.sim.memory.regions import Clocked

__all__ = ["Scene"]


class Scene:
    """`begin` is where the driver met the checker last, since it was called."""

    def __init__(self, rules: Rules, engine: Clocked, log: Log | None = None) -> None:
        self.rules, self.log = rules, Log() if log is None else log
        self.begin: Chain = NOWHERE
        self.frames: list[FrameType] = []  # the same, to tell one call from another of the same function
        self.line: Chain = NOWHERE  # the line that runs, when that is known
        self._engine = engine

    @property
    def now(self) -> int:
        """In clocks."""
        return self._engine.now

    def find(self, rule: str, text: str, where: Stretch) -> None:
        """`rule` was broken by the lines of `where`."""
        self.log.add(self._engine.now, self.rules.rules[rule], text, where)

    def find_here(self, rule: str, text: str) -> None:
        """By the line at which the driver called."""
        self.find(rule, text, Stretch(NOWHERE, here(), exact=True))
