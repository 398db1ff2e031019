"""What happened to a card, record by record, and the bytes of it (docs/recordings.md; sim/native/harness/tape.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

__all__ = ["INPUTS", "Broken", "Decoder", "Kind", "Record"]

SHORT = 16  # bytes of a write that are kept themselves
DIGEST = 8  # bytes of an FNV-1a digest
LONGEST = 1 << 20  # bytes of anything in a record
BURST = 256 * 64  # bytes: of AXI's longest burst on the widest bus
RULE, FIXED = 48, 40  # bytes of what a plan of faults says of a bus
WORD = (1 << 64) - 1


class Broken(Exception):
    """These bytes are no records."""


class Kind(IntEnum):
    """Numbered as in the file."""

    TIME = 0
    READ = 1
    WRITE = 2
    LINE = 3
    SENT = 4
    STORE = 5
    ASK = 6
    ANSWER = 7
    FRAME = 8
    PIN = 9
    HOLD = 10
    PEEK = 11
    FAULTS = 12
    SHUT = 13
    NOTE = 14
    RESET = 15
    WAIT = 16


# What enters the card, or the harness around it, from outside a clock: a replay does each of these anew.
INPUTS = frozenset(
    {Kind.STORE, Kind.ASK, Kind.FRAME, Kind.PIN, Kind.HOLD, Kind.PEEK, Kind.FAULTS, Kind.SHUT, Kind.NOTE, Kind.RESET}
)


class Record(NamedTuple):
    """What happened at clock `clock`. The rest is, by kind:

    READ: `length` bytes at `place`, answered `value` (an AXI response), `data` if that is 0.
    WRITE: the same; `data` are the bytes themselves where `exact`, else their digest.
    LINE: `value` of the interrupt port. SENT: a frame of `length` bytes with digest `data` left.
    STORE, PEEK: `value` to or from register `place`. ASK: a read of it; ANSWER: its `value`, `exact` unless none came.
    FRAME: `data` for clock `place`, `value` 1 with a symbol error. PIN: number `place` is `value`.
    HOLD: the line is not looked at before clock `value`. SHUT: bytes `place` to `value`, none if `place` is more.
    FAULTS: `place` rules and `value` fixed faults, as `data`. NOTE: `data` is text. RESET: the card's
    own, over which its clock goes on. WAIT: a burst waits for an answer that another process has to give, `value` 1
    one that writes. TIME: nothing but the clock.
    """

    clock: int
    kind: Kind
    place: int = 0
    value: int = 0
    length: int = 0
    data: bytes = b""
    exact: bool = True


class Decoder:
    """Of one stream: each record's clock and place stand in it as what has changed since the last."""

    def __init__(self) -> None:
        self._clock = self._read_end = self._write_end = 0
        self._bytes, self._at = b"", 0
        self._decode: dict[Kind, Callable[[Kind], Record]] = {
            Kind.TIME: self._made, Kind.READ: self._read, Kind.WRITE: self._written, Kind.LINE: self._value,
            Kind.RESET: self._made, Kind.WAIT: self._waits,
            Kind.SENT: self._sent, Kind.STORE: self._placed, Kind.ASK: self._ask, Kind.ANSWER: self._answer,
            Kind.FRAME: self._frame, Kind.PIN: self._placed, Kind.HOLD: self._hold, Kind.PEEK: self._placed,
            Kind.FAULTS: self._faults, Kind.SHUT: self._placed, Kind.NOTE: self._note,
        }  # fmt: skip

    def records(self, data: bytes) -> Iterator[Record]:
        """Of a piece of the stream that ends with a record. Raises Broken."""
        self._bytes, self._at = data, 0
        while self._at < len(data):
            word = self._number()
            self._clock += word >> 5
            kind = word & 31
            if self._clock > WORD:
                raise Broken("a clock is beyond all that can be")
            if kind >= len(Kind):
                raise Broken(f"there is no kind {kind}")
            yield self._decode[Kind(kind)](Kind(kind))

    def _number(self) -> int:
        """Seven bits a byte, the lowest first; the last byte is below 128."""
        value, shift, data = 0, 0, self._bytes
        while True:
            if self._at >= len(data) or shift > 63:
                raise Broken("a number breaks off")
            byte = data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & WORD
            shift += 7

    def _signed(self) -> int:
        """0, -1, 1, -2 ... as 0, 1, 2, 3 ..."""
        value = self._number()
        return value >> 1 ^ -(value & 1)

    def _take(self, count: int) -> bytes:
        begin = self._at
        self._at = begin + count
        if count > LONGEST or self._at > len(self._bytes):
            raise Broken("a record breaks off")
        return self._bytes[begin : self._at]

    def _made(
        self, kind: Kind, place: int = 0, value: int = 0, length: int = 0, data: bytes = b"", exact: bool = True
    ) -> Record:  # fmt: skip
        return Record(self._clock, kind, place, value, length, data, exact)

    def _read(self, kind: Kind) -> Record:
        place, word = self._read_end + self._signed() & WORD, self._number()
        count, resp = word >> 2, word & 3
        if not 0 < count <= BURST:
            raise Broken("a burst has an impossible length")
        self._read_end = place + count
        return self._made(kind, place, resp, count, b"" if resp else self._take(count))

    def _written(self, kind: Kind) -> Record:
        place, word = self._write_end + self._signed() & WORD, self._number()
        count, exact = word >> 3, not word & 4
        if count > (SHORT if exact else BURST):
            raise Broken("a burst has an impossible length")
        self._write_end = place + count
        return self._made(kind, place, word & 3, count, self._take(count if exact else DIGEST), exact)

    def _value(self, kind: Kind) -> Record:
        return self._made(kind, value=self._number())

    def _waits(self, kind: Kind) -> Record:
        if (write := self._number()) > 1:
            raise Broken("what waits is no read and no write")
        return self._made(kind, value=write)

    def _placed(self, kind: Kind) -> Record:
        return self._made(kind, self._number(), self._number())

    def _ask(self, kind: Kind) -> Record:
        return self._made(kind, self._number())

    def _answer(self, kind: Kind) -> Record:
        word = self._number()
        return self._made(kind, value=max(0, word - 1), exact=word > 0)

    def _sent(self, kind: Kind) -> Record:
        return self._made(kind, length=self._number(), data=self._take(DIGEST))

    def _frame(self, kind: Kind) -> Record:
        at, word = self._clock + self._signed(), self._number()
        if not 0 <= at <= WORD or not word >> 1:
            raise Broken("a frame has an impossible clock or length")
        return self._made(kind, at, word & 1, word >> 1, self._take(word >> 1))

    def _hold(self, kind: Kind) -> Record:
        return self._made(kind, value=self._number() - 1 & WORD)

    def _faults(self, kind: Kind) -> Record:
        rules, fixed = self._number(), self._number()
        return self._made(kind, rules, fixed, data=self._take(rules * RULE + fixed * FIXED))

    def _note(self, kind: Kind) -> Record:
        return self._made(kind, data=self._take(self._number()))
