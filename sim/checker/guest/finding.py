"""A finding about a driver whose lines nobody knows: the rule, what was done, and the clock."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass

from ringbed.hw.formats.rules import Rule
from ringbed.sim.checker.finding import DriverFinding, Log
from ringbed.sim.checker.places import Stretch

__all__ = ["GuestFinding", "GuestLog"]

NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass(frozen=True, slots=True)
class GuestFinding(DriverFinding):
    """`where` is nowhere; `ringbed replay --list` shows what was done about its clock, where the run is on record."""

    def __str__(self) -> str:
        more = f" ({self.count} times, the last at clock {self.last})" if self.count > 1 else ""
        return f"clock {self.clock}: {self.rule}: {self.text}; {self.sentence} ({self.section}){more}"


class GuestLog(Log):
    """What breaks the same rule in the same words, numbers aside, is one finding."""

    found = GuestFinding

    def _key(self, rule: Rule, text: str, where: Stretch) -> Hashable:
        return rule.name, NUMBER.sub("", text)
