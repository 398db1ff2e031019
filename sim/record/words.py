"""Records as a person reads them, and where a replay left its recording."""

from __future__ import annotations

from collections.abc import Mapping

from ringbed.sim.record.records import Kind, Record
from ringbed.sim.record.replay import Difference
from ringbed.sim.seam.engine import NEVER

__all__ = ["difference_words", "record_words"]

ANSWERS = {0: "", 1: ", answered EXOKAY", 2: ", answered SLVERR", 3: ", answered DECERR"}
SHOWN = 16  # bytes of what memory or wire had


def record_words(record: Record, registers: Mapping[int, str]) -> str:
    """What happened, without its clock; `registers` are names by offset."""
    place, value, count = record.place, record.value, record.length
    match record.kind:
        case Kind.READ | Kind.WRITE:
            return f"the card {record.kind.name.lower()}s {count} bytes at {place:#x}{_bytes(record)}{ANSWERS[value]}"
        case Kind.LINE:
            return f"the interrupt line is {value}"
        case Kind.SENT:
            return f"a frame of {count} bytes leaves the card{_bytes(record)}"
        case Kind.STORE:
            return f"{value:#x} is written to {_register(place, registers)}"
        case Kind.ASK:
            return f"{_register(place, registers)} is read"
        case Kind.ANSWER:
            return f"the answer is {value:#x}" if record.exact else "there is no answer"
        case Kind.PEEK:
            return f"{_register(place, registers)} is looked at: {value:#x}"
        case Kind.FRAME:
            error = ", with a symbol error" if value else ""
            return f"a frame of {count} bytes is put on the wire for clock {place}{error}{_bytes(record)}"
        case _:
            return _beside(record)


def _beside(record: Record) -> str:
    """What is not of the card's buses."""
    place, value = record.place, record.value
    match record.kind:
        case Kind.PIN:
            return f"pin number {place} is set to {value:#x}"
        case Kind.HOLD:
            when = f" before clock {value}" if value < NEVER else ""
            return f"nobody looks at the interrupt line{when}" if value else "the interrupt line is looked at"
        case Kind.SHUT:
            return "memory is shut no more" if place > value else f"memory from {place:#x} to {value:#x} is shut"
        case Kind.FAULTS:
            return f"faults of the bus: {place} rules, {value} fixed"
        case Kind.RESET:
            return "the card is reset"
        case Kind.WAIT:
            return f"a burst that {'writes' if value else 'reads'} waits for who was asked"
        case Kind.NOTE:
            return record.data.decode(errors="replace")
        case _:
            return "time passes"


def difference_words(difference: Difference, registers: Mapping[int, str]) -> str:
    """One sentence: the clock, what is on record, and what happened."""
    recorded, replayed = difference.recorded, difference.replayed
    there, here = (
        "nothing more" if each is None else f"{record_words(each, registers)} (clock {each.clock})"
        for each in (recorded, replayed)
    )
    return f"it differs first at clock {difference.clock}: on record: {there}; replayed: {here}"


def _register(offset: int, registers: Mapping[int, str]) -> str:
    name = registers.get(offset)
    return f"register {offset:#x}" if name is None else f"{name} ({offset:#x})"


def _bytes(record: Record) -> str:
    if record.kind is Kind.SENT or not record.exact:
        return f", digest {record.data[::-1].hex()}"
    if not record.data:
        return ""
    return f": {record.data[:SHOWN].hex()}{'...' if len(record.data) > SHOWN else ''}"
