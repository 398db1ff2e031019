"""What a host sees of its card that no checker on a bus does, told as findings of the engine.

* `irq.storm`: the interrupt line stays up whatever the driver does. Either `AT_ONCE` calls in a row without a clock
  passing, or `IN_VAIN` calls in a row, each within `CLOSE` clocks of the one before it, in which nothing moved on the
  card's bus or wires. The host then does not look at the line for a second, so that time goes on.
* `queue.stopped`: a queue stands still until the card is reset, as the card's own registers say. What the testbed's own
  bus faults have stopped is none.
"""

from __future__ import annotations

from ringbed.hw.formats.field import Register
from ringbed.sim.seam.engine import Engine
from ringbed.sim.serve.queues import Queues

__all__ = ["Watch"]

AT_ONCE, IN_VAIN, CLOSE = 100, 1000, 1000


class Watch:
    """Of one host's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._queues = engine, Queues(engine)
        self._left = 0  # the clock at which the driver last returned
        self._at_once = self._close = 0  # calls in a row
        self._moved: tuple[int, ...] = ()

    # ---- the line ----

    def storms(self, clock: int) -> bool:
        """The driver was called at `clock` and has returned. Whether the line is a storm, which then is a finding."""
        now, before = self._engine.now, self._left
        self._left = now
        self._at_once = self._at_once + 1 if now == clock == before else 0
        self._close = self._close + 1 if clock - before <= CLOSE else 0
        if self._at_once == AT_ONCE:
            self._tell_storm(f"{AT_ONCE} calls of the driver without a clock between them")
            return True
        if self._close and not self._close % IN_VAIN:
            return self._in_vain()
        return False

    def _in_vain(self) -> bool:
        stats = self._engine.stats()
        moved = stats.read_beats, stats.write_beats, stats.wire_in - stats.wire_waiting, stats.wire_out
        before, self._moved = self._moved, moved
        if moved != before:
            return False
        self._tell_storm(f"{IN_VAIN} calls of the driver in which nothing moved on bus or wire")
        return True

    def _tell_storm(self, through: str) -> None:
        self._at_once = self._close = 0
        self._engine.report("irq.storm", f"the interrupt line stayed up through {through}{self._causes()}")

    def _causes(self) -> str:
        """Which bits hold it up, of a card that says so."""
        window, peek = self._engine.window, self._engine.peek
        if window is None or window.cause is None or window.mask is None:
            return ""
        there, let = peek(window.cause.offset), peek(window.mask.offset)
        names = " ".join(_names(window.cause, there & let)) or "no cause that may raise it"
        return f": {names} ({window.cause.name} {there:#x}, {window.mask.name} {let:#x})"

    # ---- the queues ----

    @property
    def expects_stops(self) -> bool:
        """Bus faults were put in, and a queue that they stop is no finding."""
        return self._queues.expects_stops

    @expects_stops.setter
    def expects_stops(self, on: bool) -> None:
        self._queues.expects_stops = on

    def look(self, now: int) -> None:
        """Whether a queue has stopped, now and then; `now` is in ns."""
        self._queues.look(now)

    def look_at_queues(self) -> None:
        """Find those that have stopped since the last look."""
        self._queues.look_now()


def _names(register: Register, word: int) -> list[str]:
    """The fields of a word that are set, and the bits that are no field's."""
    names = [field.name for field in register.fields if field.get(word)]
    rest = word & ~sum(field.mask for field in register.fields)
    return [*names, *([f"{rest:#x}"] if rest else [])]
