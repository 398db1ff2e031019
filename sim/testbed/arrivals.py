"""When frames began to go missing between the wire and a driver, for a card that does not count them itself.

A look compares what has come whole on the receive wire with what the driver has an answer for. The difference is what
the card holds, and what it lost; the last time that it was no more than some number is kept for every number, so that
afterwards the last time it was 0 is known. The list has one entry a number, at most `KEPT`.
"""

from __future__ import annotations

from typing import NamedTuple

from ringbed.drivers.world import Nic
from ringbed.sim.seam.engine import Engine

__all__ = ["Arrivals", "Look"]

KEPT = 1024


class Look(NamedTuple):
    """At `ns`, `missing` of the `came` frames that had come whole had not arrived."""

    missing: int
    ns: int
    came: int


class Arrivals:
    """Of one host: `look` at every interrupt and whenever time has passed; `note` is the sentence for its account."""

    def __init__(self, engine: Engine, driver: Nic) -> None:
        self._engine, self._driver = engine, driver
        self._looks: list[Look] = []  # each with more missing than the one before it
        self._most = 0

    def look(self, now: int) -> None:
        """It is `now`, in ns."""
        missing, came = self._missing()
        looks = self._looks
        while looks and looks[-1].missing >= missing:
            looks.pop()
        if len(looks) < KEPT:
            looks.append(Look(missing, now, came))
        self._most = max(self._most, missing)

    def note(self) -> str:
        """What is missing now, until when nothing was, and how much was on its way at most; "" when nothing is."""
        missing, came = self._missing()
        if missing <= 0:
            return ""
        whole = [each for each in self._looks if each.missing <= 0]
        since = (
            f"the last time that all had, {whole[-1].came} of them, was {whole[-1].ns} ns" if whole else "never all had"
        )
        most = f"at most {max(self._most, missing)} were on their way"
        return f"{missing} of {came} frames of the wire never reached the driver; {since}; {most}"

    def _missing(self) -> tuple[int, int]:
        """Frames that came whole and have no end yet, and frames that came whole."""
        counters, stats = self._driver.counters(), self._engine.stats()
        came = stats.wire_in - stats.wire_waiting
        ended = sum(stats.dropped.values()) + sum(counters[name] for name in self._driver.RX_DROPS)
        return came - ended - counters["rx_frames"], came
