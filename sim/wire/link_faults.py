"""Faults of a link: frames dropped, doubled, damaged, cut, delayed, overtaken, as a link around a link.

`FaultyEnd` is a wire end around a host's own (its engine, or a tap around that): `rx` is what comes to the host, `tx`
what it sends. So it goes wherever an end goes: into a Cable, a Loopback, a HostLink. Frames are numbered per direction
from 0, and every draw is from its number. `FaultyLink` tells a pump that frames are still held back.

A frame meets its faults in this order: dropped; its bits flipped; cut; doubled; delayed or held back. Damage is of two
kinds (sim/wire/frame.py): `wire` leaves the FCS bad, `host` makes it right again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ringbed.sim.faults.draw import chance, draw, key_of, mix
from ringbed.sim.faults.plan import FaultPlan, FaultRecord, Value
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.wire.frame import FCS_LENGTH, WireEnd, fcs

__all__ = ["FaultyEnd", "FaultyLink", "Link", "LinkWay", "Passing", "flip", "truncate"]

ORDER = ("drop", "flip", "truncate", "duplicate", "delay", "reorder")

Passing = tuple[int, bytes, bool]  # clock, frame with FCS, symbol error


def flip(frame: bytes, bits: Iterable[int], damage: str) -> bytes:
    """`frame` with these bits turned, counted from the first byte's lowest; those of the FCS are left alone."""
    body = bytearray(frame[:-FCS_LENGTH])
    for bit in bits:
        if bit >> 3 < len(body):
            body[bit >> 3] ^= 1 << (bit & 7)
    return bytes(body) + (fcs(bytes(body)) if damage == "host" else frame[-FCS_LENGTH:])


def truncate(frame: bytes, length: int, damage: str) -> bytes:
    """The first `length` bytes of `frame`, at least one; with `host` damage the last four become a right FCS."""
    cut = frame[: max(1, length)]
    if damage == "host" and len(cut) > FCS_LENGTH:
        return cut[:-FCS_LENGTH] + fcs(cut[:-FCS_LENGTH])
    return cut


@dataclass(slots=True)
class _Held:
    """A frame kept back until `frames` others have passed, or until clock `until`."""

    passing: Passing
    frames: int
    until: int


class LinkWay:
    """One direction of a host's link. `offered` = `passed` + `dropped` + held - `duplicated`."""

    def __init__(
        self, plan: FaultPlan, where: str, frequency: Frequency, record: Callable[[FaultRecord], None]
    ) -> None:
        host, direction = where.split()
        self.where = where
        self.offered = self.passed = self.dropped = self.duplicated = 0
        self._clocks, self._ns, self._record = frequency.clocks, frequency.ns, record
        rules = sorted(plan.rules_of("link", host, direction), key=lambda rule: ORDER.index(rule.kind))
        self._rules = [(rule, key_of(plan.seed, rule.number, where), chance(rule.rate)) for rule in rules]
        self._fixed: dict[int, list[tuple[str, dict[str, Value]]]] = {}
        for record_ in sorted(plan.records_of("link", where), key=lambda found: ORDER.index(found.kind)):
            self._fixed.setdefault(record_.ordinal, []).append((record_.kind, dict(record_.values)))
        self._held: list[_Held] = []

    @property
    def held(self) -> int:
        """Frames kept back for others to overtake them."""
        return len(self._held)

    @property
    def release(self) -> int:
        """The clock at which the first of those is let go at the latest."""
        return min(held.until for held in self._held)

    def stop(self) -> None:
        """No more faults; what is held back is due."""
        self._rules, self._fixed = [], {}
        for held in self._held:
            held.until = 0

    def put(self, clock: int, frame: bytes, error: bool) -> list[Passing]:
        """A frame enters the link; what leaves it now, in order."""
        ordinal = self.offered
        self.offered += 1
        copies, clocks, held = 1, 0, None
        for kind, values in self._befalls(ordinal, len(frame)):
            self._record(FaultRecord("link", kind, self.where, ordinal, "", values, self._ns(clock), clock))
            if kind == "drop":
                self.dropped += 1
                return []
            if kind == "flip":
                frame = flip(frame, _numbers(values["bits"]), str(values["damage"]))
            elif kind == "truncate":
                frame = truncate(frame, _number(values["length"]), str(values["damage"]))
            elif kind == "duplicate":
                copies += 1
            elif kind == "delay":
                clocks += self._clocks(_number(values["ns"]))
            else:
                held = values
        self.duplicated += copies - 1
        passing = [(clock + clocks, frame, error)] * copies
        if held is not None:
            until = clock + clocks + self._clocks(_number(held["ns"]))
            self._held += [_Held(each, _number(held["frames"]), until) for each in passing]
            return []
        return self._pass(passing)

    def due(self, now: int) -> list[Passing]:
        """Frames that were held back long enough by clock `now`."""
        return self._release(lambda held: held.until <= now)

    def _pass(self, passing: list[Passing]) -> list[Passing]:
        """They leave, and with them what waited to be overtaken by them."""
        self.passed += len(passing)
        for held in self._held:
            held.frames -= len(passing)
        return passing + self._release(lambda held: held.frames <= 0)

    def _release(self, may_go: Callable[[_Held], bool]) -> list[Passing]:
        free = [held.passing for held in self._held if may_go(held)]
        self._held = [held for held in self._held if not may_go(held)]
        self.passed += len(free)
        return free

    def _befalls(self, ordinal: int, length: int) -> list[tuple[str, dict[str, Value]]]:
        """What happens to frame `ordinal` of `length` bytes."""
        found = []
        for rule, key, threshold in self._rules:
            drawn = draw(key, ordinal)
            if drawn >> 32 < threshold or ordinal in rule.at:
                found.append((rule.kind, _drawn(rule.kind, dict(rule.values), drawn, length)))
        return found + self._fixed.get(ordinal, [])


def _drawn(kind: str, values: dict[str, Value], drawn: int, length: int) -> dict[str, Value]:
    """A rule's parameters with what the frame's own draw makes of them: which bits, how long."""
    if kind == "flip":
        bits = []
        for _ in range(_number(values["bits"])):
            drawn = mix(drawn + 1)
            bits.append(drawn % (8 * max(1, length - FCS_LENGTH)))
        return {"bits": tuple(sorted(set(bits))), "damage": values["damage"]}
    if kind == "truncate":
        shortest = min(_number(values["shortest"]), length - 1) or 1
        return {"length": shortest + mix(drawn + 1) % max(1, length - shortest), "damage": values["damage"]}
    return values


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _numbers(value: Value) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value


class FaultyEnd:
    """A WireEnd around `end`, whose host is called `name` and whose clock is at `now()`, or further: see `advance`."""

    def __init__(
        self, end: WireEnd, plan: FaultPlan, name: str, now: Callable[[], int], frequency: Frequency,
        record: Callable[[FaultRecord], None],
    ) -> None:  # fmt: skip
        self.name, self.frequency = name, frequency
        self.rx, self.tx = (LinkWay(plan, f"{name} {way}", frequency, record) for way in ("rx", "tx"))
        self._end, self._now, self._told = end, now, 0

    def advance(self, clock: int) -> None:
        """It is clock `clock`, although the host may have been left behind, with nothing to do."""
        self._told = clock

    @property
    def held(self) -> int:
        """Frames kept back, both ways."""
        return self.rx.held + self.tx.held

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        """A frame comes to the host."""
        for clock, data, bad in self.rx.put(max(at, self._clock()), frame, error):
            self._end.wire_in(data, clock, bad)

    def wire_out(self) -> list[tuple[int, bytes]]:
        """What the host sent and the link lets through; looks after what is held back in both directions."""
        now = self._clock()
        for clock, data, bad in self.rx.due(now):
            self._end.wire_in(data, clock, bad)
        left = [passing for clock, frame in self._end.wire_out() for passing in self.tx.put(clock, frame, False)]
        return [(clock, frame) for clock, frame, _ in left + self.tx.due(now)]

    def _clock(self) -> int:
        return max(self._now(), self._told)


class Link(Protocol):
    """As the pump has it."""

    def move(self) -> int: ...


@runtime_checkable
class _TimedLink(Protocol):
    def advance(self, now: int) -> None: ...

    def due(self) -> int: ...


class FaultyLink:
    """A link whose `ends` may hold frames back: a TimedLink, so that a pump comes back for them."""

    def __init__(self, link: Link, *ends: FaultyEnd) -> None:
        self._link, self._ends = link, ends
        self._timed = link if isinstance(link, _TimedLink) else None

    def move(self) -> int:
        return self._link.move()

    def advance(self, now: int) -> None:
        if self._timed is not None:
            self._timed.advance(now)
        for end in self._ends:
            end.advance(end.frequency.clocks(now))

    def due(self) -> int:
        """When the first frame held back is let go, ns."""
        dues = [self._timed.due()] if self._timed is not None else []
        dues += [end.frequency.ns(way.release) for end in self._ends for way in (end.rx, end.tx) if way.held]
        return min(dues, default=NEVER)
