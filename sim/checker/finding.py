"""What the checker found a driver do: a finding that knows its rule, the rule's section, and the driver's lines."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from ringbed.hw.formats.rules import Rule
from ringbed.sim.checker.places import Stretch
from ringbed.sim.seam.engine import Finding

__all__ = ["DriverFinding", "Log"]

CAP = 256  # kept between two looks; what is beyond is counted
LONG = 10  # lines: a stretch that is longer does not help
NO_PLACE = Stretch((), ())


@dataclass(frozen=True, slots=True)
class DriverFinding(Finding):
    """`text` says what was done, `where` is the line or the stretch of lines that did it; `section` is the manual's.

    What breaks the same rule at the same lines is one finding with a count, in the words of the first.
    """

    section: str = ""
    sentence: str = ""  # what the rule asks
    where: Stretch = NO_PLACE

    def __str__(self) -> str:
        more = f" ({self.count} times, the last at clock {self.last})" if self.count > 1 else ""
        return f"clock {self.clock}: {self.rule}: {self.text}, at {self.where}; {self.sentence} ({self.section}){more}"


class Log:
    """Findings in the order of their first time, until they are taken."""

    found: type[DriverFinding] = DriverFinding

    def __init__(self) -> None:
        self._kept: dict[Hashable, DriverFinding] = {}
        self.lost = 0
        self.vague = False  # there was one whose stretch is too long

    def add(self, clock: int, rule: Rule, text: str, where: Stretch) -> None:
        key = self._key(rule, text, where)
        before = self._kept.get(key)
        if before is not None:
            self._kept[key] = replace(before, count=before.count + 1, last=clock)
        elif len(self._kept) < CAP:
            self._kept[key] = self.found(
                clock, rule.name, text, section=rule.section, sentence=rule.sentence, where=where
            )
        else:
            self.lost += 1

    def _key(self, rule: Rule, text: str, where: Stretch) -> Hashable:
        """The place of one that is known in a long stretch gets better when these lines are some of it."""
        key = rule.name, where.ranges
        if where.span > LONG:
            self.vague = True
        elif self.vague:
            for old, before in list(self._kept.items()):
                if before.rule == rule.name and before.where.span > LONG and before.where.meets(where):
                    del self._kept[old]
                    self._kept.setdefault(key, replace(before, where=where))
        return key

    def __len__(self) -> int:
        return len(self._kept)

    def take(self) -> list[DriverFinding]:
        found = list(self._kept.values())
        self._kept.clear()
        return found
