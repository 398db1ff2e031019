"""Where a driver is: its line now, and the stretch of lines between two points at which it met the checker.

A place is the chain of the driver's own frames, the innermost first, kept as code and line numbers: words are made when
somebody asks. A function of one statement, such as `def w(self, reg, value)`, is how a driver spells an access and not
what it does: of such a place the caller is the line.
"""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

__all__ = ["ENTRIES", "NOWHERE", "Chain", "Range", "Stretch", "frames", "here", "is_drivers", "shared", "whole"]

Chain = tuple[tuple[CodeType, int], ...]
NOWHERE: Chain = ()
DEEPEST = 12  # frames of a driver that are looked at

_ROOM = Path(__file__).parent
# Between driver and world: the checker, and what bounds a driver in a conformance run.
_OURS = (str(_ROOM), str(_ROOM.parent.parent / "conformance" / "drivers" / "guard.py"))
_NOT_A_DRIVERS = tuple(
    str(path) + "/"
    for path in (
        *(_ROOM.parent.parent / room for room in ("sim", "stack", "benchmarks", "conformance")),
        sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"),
    )
) + (str(_ROOM.parent.parent / "drivers" / "plain.py"),)  # fmt: skip
# What a driver is called by; what calls these is not the driver any more, even in the same file.
ENTRIES = frozenset((
    "__init__", "up", "down", "start", "stop", "transmit", "interrupt", "watchdog", "set_lladdr", "set_promiscuous",
    "set_all_multicast", "set_multicast", "set_vlans",
))  # fmt: skip
_CHECKER, _OTHERS, _DRIVERS = range(3)
_kinds: dict[str, int] = {}  # by file


def _kind(file: str) -> int:
    kind = _kinds.get(file)
    if kind is None:
        kind = _CHECKER if file.startswith(_OURS) else _OTHERS if file.startswith(_NOT_A_DRIVERS) else _DRIVERS
        if file.startswith("<"):
            kind = _OTHERS
        _kinds[file] = kind
    return kind


def is_drivers(code: CodeType) -> bool:
    """Whether it is a driver's file, as far as a file's place tells: not ours, not the stack's, not Python's."""
    return _kind(code.co_filename) == _DRIVERS


def here() -> Chain:
    """The driver's frames that lead to this call of the checker; none when it was called past the driver."""
    return tuple((frame.f_code, frame.f_lineno) for frame in frames())


def frames() -> list[FrameType]:
    """The same, as frames; whoever keeps them keeps what is in them."""
    frame: FrameType | None = sys._getframe(1)
    found: list[FrameType] = []
    while frame is not None and len(found) < DEEPEST:  # at every access of a driver: no function is called here
        file = frame.f_code.co_filename
        kind = _kinds[file] if file in _kinds else _kind(file)
        if kind == _DRIVERS:
            found.append(frame)
        elif kind == _OTHERS or found:
            break
        frame = frame.f_back
    return found


def shared(before: list[FrameType], now: list[FrameType]) -> int:
    """How many calls, from the outermost on, are the same ones."""
    count = 0
    while count < min(len(before), len(now)) and before[-1 - count] is now[-1 - count]:
        count += 1
    return count


def _lines(code: CodeType) -> tuple[int, int]:
    """A function's first and last line of code."""
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return min(lines), max(lines)


def _is_accessor(code: CodeType) -> bool:
    return len({line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}) <= 1


def _told(chain: Chain) -> Chain:
    """Up to the call that the driver was entered by, and without the accessors at its inner end."""
    entries = [at for at, (code, _) in enumerate(chain) if code.co_name in ENTRIES]
    if entries:
        chain = chain[: entries[-1] + 1]
    for at, (code, _) in enumerate(chain):
        if not _is_accessor(code):
            return chain[at:]
    return chain[-1:]


def _between(code: CodeType, begin: int, end: int) -> tuple[int, int]:
    """The lines from one to the other in one call: when that is backwards, or nowhere, the loop around them."""
    if end > begin:
        return begin, end
    around = [(first, last) for first, last in _loops(code) if first <= end and begin <= last]
    return min(around, key=lambda loop: loop[1] - loop[0], default=(end, begin))


def _loops(code: CodeType) -> Iterator[tuple[int, int]]:
    """First and last line of each loop."""
    instructions = list(dis.get_instructions(code))
    at = {each.offset: number for number, each in enumerate(instructions)}
    for number, each in enumerate(instructions):
        if "JUMP_BACKWARD" in each.opname and each.argval in at:
            body = instructions[at[each.argval] : number + 1]
            lines = [each.positions.lineno for each in body if each.positions and each.positions.lineno]
            yield min(lines), max(lines)


class Range(NamedTuple):
    file: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.file}:{self.first}" + (f"-{self.last}" if self.last != self.first else "")


class Stretch(NamedTuple):
    """The lines that ran between two places. `exact`: the place itself, which is then `end`; `chained`: with the lines
    that called it, since what it did was done for them. `shared` calls, the outermost ones, are under way at both.
    """

    begin: Chain
    end: Chain
    exact: bool = False
    chained: bool = False
    shared: int = 0

    @classmethod
    def of(cls, begin: Chain, end: Chain) -> Stretch:
        """Between two places of one call of the driver, as far as lines tell."""
        count = 0
        while count < min(len(begin), len(end)) and begin[-1 - count][0] is end[-1 - count][0]:
            count += 1
            if begin[-count][1] != end[-count][1]:
                break
        return cls(begin, end, shared=count)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """In the order in which they ran: what was left of the functions it came out of, then those it went into."""
        if self.exact:
            end = _told(self.end)
            return tuple(Range(code.co_filename, line, line) for code, line in (end if self.chained else end[:1]))
        begin, end = self.begin[: len(self.begin) - self.shared], self.end[: len(self.end) - self.shared]
        outer = self.end[len(end) :]
        inside = bool(outer) and any(code.co_name in ENTRIES for code, _ in outer)
        left = begin if inside else _told(begin)
        found = [Range(code.co_filename, line, _lines(code)[1]) for code, line in left if not _is_accessor(code)]
        if inside:
            code, last = outer[0]
            found.append(Range(code.co_filename, *_between(code, self.begin[len(begin)][1], last)))
        went = reversed(end if inside else _told(end))
        return (
            *found,
            *(Range(code.co_filename, code.co_firstlineno, line) for code, line in went if not _is_accessor(code)),
        )

    @property
    def span(self) -> int:
        """How many lines that are."""
        return sum(each.last - each.first + 1 for each in self.ranges)

    def holds(self, file: str, line: int) -> bool:
        return any(each.file == file and each.first <= line <= each.last for each in self.ranges)

    def meets(self, other: Stretch) -> bool:
        """Whether a line of the other's is one of this."""
        return any(self.holds(each.file, each.first) for each in other.ranges)

    def __str__(self) -> str:
        return ", ".join(map(str, self.ranges)) or "outside the driver"


def whole(driver: object, *names: str) -> Stretch:
    """The first line of a driver's method, the first by these names that it wrote itself."""
    for name in names:
        method = inspect.unwrap(getattr(driver, name, whole))  # line by line it is wrapped
        code = getattr(getattr(method, "__func__", method), "__code__", None)
        if code is not None and is_drivers(code):
            return Stretch(NOWHERE, ((code, code.co_firstlineno),), exact=True)
    return Stretch(NOWHERE, NOWHERE)
