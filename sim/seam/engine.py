"""What a testbed needs of an engine: the thing that runs a card's RTL, whatever runs it.

One engine step, in order, so that traces agree everywhere: pins, wire in, register master, clock edge, memory
responses, events out. Time is counted in clocks of the card; `sim/seam/clock.py` turns clocks into nanoseconds.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag
from pathlib import Path
from typing import Protocol

from ringbed.hw.formats.window import Window
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults

__all__ = ["BusFault", "CardEnded", "Engine", "EngineClosed", "EngineStats", "Event", "NEVER", "Finding"]


NEVER = (1 << 64) - 1  # a clock that does not come


class Event(IntFlag):
    """Why `run` returned: all that holds, not only the first."""

    NONE = 0
    TIME = 1  # `until` was reached
    IRQ = 2  # the interrupt line is up and `irq_hold` clocks have passed since it rose
    WIRE = 4  # at least one frame left the card
    FINDING = 8  # the protocol checker or the memory has something to say
    IDLE = 16  # nothing in flight, no wake-up, nothing queued: time would only be skipped
    ASKED = 256  # only to stop for: the card waits for far memory (native, served)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a checker saw the device do: `rule` is a short name, `clock` when, `text` one sentence.

    What is seen again, by the same rule of the same thing, is the same finding: `count` times, the last at clock
    `last`, in the words of the one that reached farthest. `about` is the thing when the words alone do not say it.
    """

    clock: int
    rule: str
    text: str
    count: int = 1
    last: int | None = None
    about: Hashable = field(default=None, compare=False, repr=False)
    reach: int = field(default=0, compare=False, repr=False)

    @property
    def key(self) -> Hashable:
        """Of two findings with one key the later is the earlier again."""
        return self.rule, self.text if self.about is None else self.about

    def again(self, other: Finding) -> Finding:
        """This one with a later one of the same key."""
        last = max(each.clock if each.last is None else each.last for each in (self, other))
        farther = other if other.reach > self.reach else self
        return replace(self, count=self.count + other.count, last=last, text=farther.text, reach=farther.reach)

    def __str__(self) -> str:
        more = f" ({self.count} times, the last at clock {self.last})" if self.count > 1 else ""
        return f"clock {self.clock}: {self.rule}: {self.text}{more}"


@dataclass(slots=True)
class EngineStats:
    """Where an engine's time went, in nanoseconds of wall time; and what its memory bus carried, where it has one."""

    clocks: int = 0  # evaluated one by one
    skipped: int = 0  # jumped over while the card was idle
    model_ns: int = 0
    harness_ns: int = 0
    read_beats: int = 0  # of data, taken by the card
    write_beats: int = 0  # of data, taken by the memory
    dropped: dict[str, int] = field(default_factory=dict)  # frames before the card, as a MAC would, by cause
    wire_in: int = 0  # frames put on the receive wire, those dropped before the card among them
    wire_waiting: int = 0  # of `wire_in`: those that the card has not taken whole yet
    wire_out: int = 0  # frames that left the card, whether somebody has taken them from the wire or not


class EngineClosed(ValueError):
    """A call of an engine after its `close`; `name` is the card's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the engine of {name} is closed")


class CardEnded(RuntimeError):
    """The card's own Verilog has ended it, by $finish or $fatal; raised at that call and at every one from then on.

    What came of it before is still there: frames, findings, figures.
    """

    def __init__(self, name: str, clock: int, how: str) -> None:
        super().__init__(f"the Verilog of {name} ended it at clock {clock}: {how}")


class BusFault(Exception):
    """A device access outside memory, in `strict` manner; raised at the call that let the clock run.

    `findings` has it, and all else that was found.
    """

    @classmethod
    def of(cls, found: Sequence[Finding]) -> BusFault:
        """By the first stray access of what was found since the fault before."""
        strays = [finding for finding in found if finding.rule.startswith("dma.")]
        if not strays:
            return cls("a device access outside memory")
        more = f"; findings() has {len(found) - 1} more" if len(found) > 1 else ""
        return cls(f"clock {strays[0].clock}: {strays[0].text}{more}")


class Engine(Protocol):
    """The card and its clock. All frames on the wire are whole, with FCS."""

    kind: str  # its name in the registry
    deterministic_time: bool
    window: Window | None  # the card's own count of frames, which `peek` reads; None: it has none

    @property
    def now(self) -> int:
        """Clocks since the start, skipped ones included."""
        ...

    def read(self, offset: int) -> int:
        """A register read; runs the clock until the answer is there."""
        ...

    def write(self, offset: int, value: int) -> None:
        """A posted register write, queued: done when the clock next runs, in order."""
        ...

    def peek(self, offset: int) -> int:
        """A register as it is, without what a read does to it; the clock does not run.

        Raises ValueError where the engine cannot look: there is no such register, the card has no port for it, or, on
        `qemu`, a look would clear the register, as it does every statistic.
        """
        ...

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        """Run to clock `until`, or to the first event of `stop`; queued writes count as work.

        What holds already ends it at once: without `stop` it does not go on while the interrupt line is up, however far
        `until` is, and with Event.NONE it does, on every engine.

        With IDLE in `stop` it returns early at rest, on every engine, of a card that says when it is: one whose port
        map has no `idle` (`[idle]`) never is, and every clock to `until` is run. On `qemu`, where nobody says, rest is
        that for some milliseconds of wall time nothing was heard. Without IDLE it goes on to `until`, and time is
        skipped.
        """
        ...

    def due(self) -> int:
        """The clock at which something may happen in here, if nothing is put in: `now` while anything is in flight.

        `NEVER` at rest. Before it, time may be skipped.
        """
        ...

    def skip(self, until: int) -> None:
        """Let time pass to clock `until`, which must not be beyond `due()`: nothing happens meanwhile."""
        ...

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        """Queue a frame for the receive wire, not before clock `at`; queued frames keep their order.

        Raises ValueError for an empty frame, a card without that wire, and an `at` that is no clock.
        """
        ...

    def wire_out(self) -> list[tuple[int, bytes]]:
        """Take what left the card since the last call: (clock of the last beat, frame with FCS)."""
        ...

    def set_pin(self, name: str, value: int) -> None: ...

    def get_pin(self, name: str) -> int: ...

    def hold_irq(self, until: int) -> None:
        """The host does not see the interrupt line before clock `until`, however long it is up."""
        ...

    def set_bus_faults(self, faults: BusFaults) -> None:
        """Faults of the memory behind the card from now on, bursts counted from 0; those before are forgotten.

        Raises ValueError when the engine, or the card, has no memory bus to put them on.
        """
        ...

    def bus_fault_log(self) -> list[BusEvent]:
        """Take what happened to bursts since the last call, in its order."""
        ...

    def findings(self) -> list[Finding]:
        """Take what the checkers saw since the last call, and what the card's Verilog said of itself (`verilog.error`,
        `.fatal`, `.stop`); of an engine that is closed too.
        """
        ...

    def report(self, rule: str, text: str) -> None:
        """A finding of somebody else's, as of now: the testbed sees what no checker on a bus does."""
        ...

    def stats(self) -> EngineStats: ...

    def trace(self, path: Path | str | None) -> None:
        """Record a waveform from now on; None ends it."""
        ...

    def close(self) -> None:
        """The card is gone: what needs it from then on raises EngineClosed; closing once more does nothing.

        Figures and `findings` need no card.
        """
        ...
