"""A recording once more: the same card gets what it got at the same clocks, and gives the same or is found out.

The card's clock runs to each input of the recording, which is then done as it was; memory answers what it answered.
What the card does meanwhile is recorded again, and compared record by record, so nothing that is on record is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ringbed.sim.native.bus_faults import handed_over
from ringbed.sim.record.engine import ReplayEngine
from ringbed.sim.record.records import INPUTS, Broken, Decoder, Kind, Record
from ringbed.sim.seam.engine import NEVER, CardEnded, Event
from ringbed.sim.wire.frame import WireEnd, to_wire

__all__ = ["Difference", "Outcome", "Replay"]

STEP = 1_000_000  # clocks
AHEAD, AHEAD_BYTES = 1000, 1 << 20  # records, and of what was read, before the clock follows, where nothing is put in
WITHIN = 100  # times as much may happen while a register is read: a clock that is not known yet


@dataclass(frozen=True, slots=True)
class Difference:
    """The first: what the recording has next, and what happened; None for what did not come, or was not there."""

    recorded: Record | None
    replayed: Record | None

    @property
    def clock(self) -> int:
        return min(each.clock for each in (self.recorded, self.replayed) if each is not None)


@dataclass(slots=True)
class Outcome:
    """`same` records by kind, up to clock `clock`, and the first that was not. `ending`: how the card ended itself."""

    clock: int = 0
    ending: str = ""
    same: Counter[Kind] = field(default_factory=Counter)
    difference: Difference | None = None


class Replay:
    """`pins` are the names of the recording's; those in `instead` have the values of its first item in the first clock,
    of its second in the next, and so on, and of its last from then on.

    `end` is given the wire's end and gives what frames in and out pass: a tap, or the same.
    """

    def __init__(
        self, engine: ReplayEngine, pins: tuple[str, ...], instead: Sequence[Mapping[str, int]] = (),
        end: Callable[[WireEnd], WireEnd] = lambda end: end,
    ) -> None:  # fmt: skip
        self.outcome = Outcome()
        self._engine, self._pins, self._steps, self._decoder = engine, pins, deque(instead), Decoder()
        self._instead = {name for step in instead for name in step}
        self._raw = RawEnd(engine)
        self._end = end(self._raw)
        self._expected = deque[Record]()  # what the recording has and the replay has not come to
        self._reads, self._writes = list[Record](), list[Record]()  # of these, what memory has not been told yet
        self._bytes = 0  # of those reads
        self._asked: Record | None = None  # a read of a register whose answer has not been read
        self._told: Callable[[int], None] = lambda clock: None
        self._last, self._ended = 0, NEVER  # the last clock that is on record; from which on nothing is
        engine.taken()  # what nobody recorded
        self._next_pins()

    def run(
        self, records: Iterable[Record], until: int = NEVER, told: Callable[[int], None] = lambda clock: None
    ) -> Outcome:  # fmt: skip
        """To clock `until`, the end of the records, or the first difference; `told` of the clock now and then.

        Raises Broken for records that no card like this was recorded with.
        """
        self._told, stream = told, iter(records)
        try:
            self._play(stream, until)
        except CardEnded as error:
            self._card_ended(str(error), stream)
        self.outcome.clock = self._engine.now
        return self.outcome

    def _play(self, records: Iterator[Record], until: int) -> None:
        for number, record in enumerate(records):
            if record.clock >= until:
                self._last = until
                break
            if not number % AHEAD:
                self._told(self._engine.now)
            self._next(record)
            if self.outcome.difference is not None:
                break
        if self.outcome.difference is None:
            self._finish()

    def _card_ended(self, how: str, rest: Iterator[Record]) -> None:
        """By its own Verilog, which is the same if it did so then: nothing but words is on record behind it."""
        self.outcome.ending = how
        self._compare()
        behind = (each for each in chain(self._expected, rest) if each.kind not in (Kind.NOTE, Kind.TIME))
        if self.outcome.difference is None and (first := next(behind, None)) is not None:
            self.outcome.difference = Difference(first, None)

    def _next(self, record: Record) -> None:
        self._last = record.clock
        if record.kind is Kind.TIME or (record.kind is Kind.PIN and self._pin(record) in self._instead):
            return
        entered = record.kind in INPUTS or record.kind is Kind.ANSWER
        if entered and (self._asked is None) is (record.kind is Kind.ANSWER):
            raise Broken("registers are read in another order than they can be")
        self._expected.append(record)
        if record.kind in (Kind.READ, Kind.WRITE, Kind.WAIT):
            writes = record.kind is Kind.WRITE or (record.kind is Kind.WAIT and record.value)
            (self._writes if writes else self._reads).append(record)
            self._bytes += 0 if writes else record.length
        elif record.kind is Kind.ASK:
            self._asked = record
        elif entered:
            self._enter(record)
        self._follow(record.clock)

    def _follow(self, clock: int) -> None:
        """What is read ahead has a bound."""
        count, size = len(self._expected), self._bytes
        if self._asked is None and (count > AHEAD or size > AHEAD_BYTES):
            self._advance(clock)
            if len(self._expected) > AHEAD and self.outcome.difference is None:  # no card does as much in one clock
                self.outcome.difference = Difference(self._expected[0], None)
        elif count > WITHIN * AHEAD or size > WITHIN * AHEAD_BYTES:
            raise Broken("more is on record while a register is read than can happen then")

    def _enter(self, record: Record) -> None:
        """What was done to the card is done again; whatever was on record until then has happened by now."""
        at, self._asked = self._asked or record, None
        self._advance(at.clock, at)
        if self.outcome.difference is None:
            try:
                self._do(at)
            except (ValueError, KeyError) as error:
                raise Broken(f"what was done to the card cannot be done to this one: {error.args[0]}") from None
            self._compare()

    def _advance(self, clock: int, before: Record | None = None) -> None:
        """The clock comes to `clock`, and what happened is compared; `before`, an input, has not."""
        self._engine.answer(self._reads, self._writes)
        self._reads, self._writes, self._bytes = [], [], 0
        if clock > self._engine.now or (self._expected and self._expected[0] is not before):
            self._run(clock)
        self._compare()

    def _run(self, clock: int) -> None:
        """In steps, or nobody could end it: a file of a few bytes may name any clock."""
        while self._steps and self._engine.now < clock:
            self._engine.run(self._engine.now + 1, Event.NONE)
            self._next_pins()
        while self._engine.now < clock - STEP:
            self._engine.run(self._engine.now + STEP, Event.NONE)
            self._told(self._engine.now)
        self._engine.run(clock, Event.NONE)

    def _next_pins(self) -> None:
        """The pins that are other than recorded, as they are in this clock."""
        for name, value in (self._steps.popleft() if self._steps else {}).items():
            self._engine.set_pin(name, value)

    def _do(self, record: Record) -> None:
        engine, place, value = self._engine, record.place, record.value
        match record.kind:
            case Kind.STORE:
                engine.write(place, value)
            case Kind.ASK:
                try:
                    engine.read(place)
                except TimeoutError:
                    pass  # which is on record as well
            case Kind.PEEK:
                engine.peek(place)
            case Kind.FRAME:
                self._raw.inside = record.data
                self._end.wire_in(self._outside(record.data), place, bool(value))
            case Kind.PIN:
                engine.set_pin(self._pin(record), value)
            case Kind.HOLD:
                engine.hold_irq(value)
            case Kind.SHUT:
                engine.shut(place, value - place + 1 if place <= value else 0)
            case Kind.RESET:
                engine.reset()
            case Kind.NOTE:
                engine.note(record.data)
            case Kind.FAULTS:
                engine.set_bus_faults(handed_over(place, value, record.data))

    def _outside(self, frame: bytes) -> bytes:
        """As it was on the wire, where the card's stream has no FCS; its pad was off by then and is on again."""
        return to_wire(frame) if self._engine.edge.strips else frame

    def _pin(self, record: Record) -> str:
        return self._pins[record.place] if record.place < len(self._pins) else f"number {record.place}"

    def _compare(self) -> None:
        self._end.wire_out()
        for record in self._decoder.records(self._engine.taken()):
            if record.kind is Kind.TIME or self.outcome.difference is not None:
                continue
            if record.kind is Kind.PIN and self._engine.pins[record.place] in self._instead:
                continue  # set here, and nobody recorded it
            recorded = self._expected.popleft() if self._expected else None
            if recorded is None and record.clock >= self._ended:
                continue
            if recorded == record:
                self.outcome.same[record.kind] += 1
            else:
                self.outcome.difference = Difference(recorded, record)

    def _finish(self) -> None:
        """Up to the last clock on record. Of what happened in it, or of a burst that went on, a part may be missing."""
        if self._asked is not None:  # cut off while it was answered
            self._last = self._asked.clock
        self._ended = self._last
        self._advance(self._last)
        missed = [each for each in self._expected if each.clock < self._last]
        if missed and missed[0].kind is Kind.READ:
            missed.pop(0)
        if missed and self.outcome.difference is None:
            self.outcome.difference = Difference(missed[0], None)


class RawEnd:
    """The wire's end of a card, at which a frame is put in as the card's stream had it: `inside`."""

    def __init__(self, engine: ReplayEngine) -> None:
        self._engine, self.inside = engine, b""

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._engine.frame_in(self.inside, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        return self._engine.wire_out()
