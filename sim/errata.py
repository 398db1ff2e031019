"""The bugs of a lab build switched on at run time, on any engine: the writes of `hw/errata/asked.py`, a clock each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ringbed.hw.errata.asked import Asked, errata_writes
from ringbed.hw.errata.erratum import Erratum
from ringbed.hw.errata.lab import EM_ERRATA
from ringbed.sim.seam.engine import Event

__all__ = ["PINS", "BusPins", "pin_steps", "switch_errata"]

PINS = ("errata_index", "errata_value", "errata_write")


class BusPins(Protocol):
    """What is wanted of an engine."""

    @property
    def now(self) -> int: ...

    def set_pin(self, name: str, value: int) -> None: ...

    def run(self, until: int, stop: Event = Event.IRQ) -> Event: ...


def pin_steps(asked: Asked, errata: Sequence[Erratum] = EM_ERRATA) -> Sequence[dict[str, int]]:
    """The pins' values, one clock behind the other; in the last nothing is written. Raises UnknownErratum."""
    steps = [dict(zip(PINS, (index, value, 1), strict=True)) for index, value in errata_writes(asked, errata)]
    return [*steps, dict.fromkeys(PINS, 0)]


def switch_errata(engine: BusPins, asked: Asked, errata: Sequence[Erratum] = EM_ERRATA) -> None:
    """Switch these on, which takes a clock for each register; what is on already stays on.

    `errata` are those of the card (`em_lab`), in its order; the lab's own, if it was not given any.

    Raises UnknownErratum before anything is written, and KeyError for a card without the bus.
    """
    *writes, last = pin_steps(asked, errata)
    for step in writes:
        for name, value in step.items():
            engine.set_pin(name, value)
        engine.run(engine.now + 1, Event.NONE)
    if writes:
        for name, value in last.items():
            engine.set_pin(name, value)
