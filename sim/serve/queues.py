"""What a card says of its queues, by the counters and registers of its window: frames in them, and that they stand
still. It is looked at without side effect, whoever's the driver is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ringbed.hw.formats.window import Part, Window

__all__ = ["Looked", "Queues", "Way"]

LOOK_NS = 1_000_000  # between two looks
WAYS = {"rx": "receive", "tx": "transmit"}


class Looked(Protocol):
    """Of an engine as much as this needs."""

    @property
    def window(self) -> Window | None: ...

    def peek(self, offset: int) -> int: ...

    def report(self, rule: str, text: str) -> None: ...


class Way:
    """One direction of a card that counts: the value of every counter (`count`), by its place in the equation."""

    def __init__(self, window: Window, way: str, count: Callable[[str], int], peek: Callable[[int], int]) -> None:
        self._parts = {part: {each.name: count(each.name) for each in window.of(way, part)} for part in Part}
        self.ended, self.made = self._parts[Part.ENDED], self._parts[Part.MADE]
        self.begun, self.done = (sum(self._parts[part].values()) for part in (Part.BEGUN, Part.DONE))
        self.stopped = [
            f"behind {stop.name} {stop.why(value)}"
            for stop in window.stops
            if stop.way == way and (value := peek(stop.offset))
        ]

    def held(self, waiting: int) -> dict[str, int]:
        """The frames in the card, and `waiting` before it, under the name of the stop that holds them."""
        inside = self.begun + sum(self.made.values()) - self.done - sum(self.ended.values())
        return {name: max(0, inside) + max(0, waiting) for name in self.stopped}


class Queues:
    """Finds those that stand still until the card is reset, as the card's own registers say (`queue.stopped`).

    `expects_stops`: bus faults were put in, and a queue that they stop is no finding.
    """

    def __init__(self, engine: Looked) -> None:
        self.expects_stops = False
        self._engine = engine
        self._look_at = 0
        self._stopped = dict[str, int]()

    def look(self, now: int) -> None:
        """Whether one has stopped, at most once in `LOOK_NS`; `now` is in ns."""
        if now >= self._look_at:
            self._look_at = now + LOOK_NS
            self.look_now()

    def look_now(self) -> None:
        """Find those that have stopped since the last look."""
        engine = self._engine
        if engine.window is None or self.expects_stops:
            return
        for stop in engine.window.stops:
            value = engine.peek(stop.offset)
            if value and value != self._stopped.get(stop.name):
                why = f"{stop.why(value)} ({stop.name} is {value})"
                rings = [f"{each.name} {engine.peek(each.offset):#x}" for each in engine.window.rings.get(stop.way, ())]
                text = "; ".join([f"the {WAYS[stop.way]} queue stands still until a reset: {why}", *rings])
                engine.report("queue.stopped", text)
            self._stopped[stop.name] = value

    def held(self) -> dict[str, int]:
        """The frames in the card behind a queue that stands still, by its name and why."""
        window, peek = self._engine.window, self._engine.peek
        if window is None:
            return {}
        found = dict[str, int]()
        for way in WAYS:
            found |= Way(window, way, lambda name: peek(window.offset(name)), peek).held(0)
        return found
