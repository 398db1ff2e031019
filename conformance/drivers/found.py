"""What a case is, and what it ends in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Case", "End", "Ended", "Found", "NotApplicable", "Outcome"]


class NotApplicable(Exception):
    """The case asks for what this driver does not claim, or this card has not; one sentence says which."""


class Ended(Exception):
    """A finding after which the case cannot go on; it is in the case's findings already."""


class End(StrEnum):
    """How a case ended."""

    HOLDS = "holds"
    FINDINGS = "findings"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Found:
    """`text` says what was done or seen; `places` are the driver's lines, `file:line` or `file:first-last`.

    `clock` is the card's, None where none was there yet; `count` is how often it was seen.
    """

    rule: str
    text: str
    section: str = ""
    sentence: str = ""
    places: tuple[str, ...] = ()
    clock: int | None = None
    count: int = 1

    def __str__(self) -> str:
        when = "" if self.clock is None else f"clock {self.clock}: "
        where = f", at {', '.join(self.places)}" if self.places else ""
        law = f"; {self.sentence} ({self.section})" if self.sentence else ""
        more = f" ({self.count} times)" if self.count > 1 else ""
        return f"{when}{self.rule}: {self.text}{where}{law}{more}"


@dataclass(frozen=True, slots=True)
class Case:
    """`asks` is what it asks of a driver, in one line. `needs`: what must be known of the card (`Card.knows`)."""

    name: str
    asks: str
    run: Callable[[Any], None]  # of a Bench
    needs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """`why`: of a case that is not applicable. `frames` went in or out, `clocks` passed on the cards of this case."""

    case: Case
    found: Sequence[Found] = ()
    why: str = ""
    frames: int = 0
    clocks: int = 0

    @property
    def end(self) -> End:
        return End.FINDINGS if self.found else End.NOT_APPLICABLE if self.why else End.HOLDS
