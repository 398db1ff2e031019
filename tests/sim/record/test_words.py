"""Every record and a difference in words, as they stand in a list and at the end of a replay."""

from __future__ import annotations

import pytest

from ringbed.sim.record.records import Kind, Record
from ringbed.sim.record.replay import Difference
from ringbed.sim.record.words import difference_words, record_words
from tests.sim.record.encode import SAMPLE

REGISTERS = {0x3818: "TDT", 0xC0: "ICR"}
SAID = [
    "pin number 0 is set to 0x7",
    "nobody looks at the interrupt line",
    "client 1 is h\u00e9re",
    "0xffffffff is written to TDT (0x3818)",
    "the card reads 24 bytes at 0x120001000: 000102030405060708090a0b0c0d0e0f...",
    "the card reads 8 bytes at 0x120001018, answered DECERR",
    "the card writes 8 bytes at 0x2000: 3820627974657321",
    "the card writes 1500 bytes at 0x1000, digest 0706050403020100, answered SLVERR",
    "the interrupt line is 1",
    "ICR (0xc0) is read",
    "the interrupt line is 0",
    "the answer is 0x80000000",
    "register 0xc4 is read",
    "there is no answer",
    "a frame of 60 bytes is put on the wire for clock 9500, with a symbol error: 00000000000000000000000000000000...",
    "a frame of 3 bytes is put on the wire for clock 9599: 616263",
    "a frame of 64 bytes leaves the card, digest 6465747365676964",
    "register 0x8 is looked at: 0x201",
    "memory from 0x1000 to 0x1fff is shut",
    "memory is shut no more",
    "faults of the bus: 0 rules, 0 fixed",
    "the card is reset",
    "a burst that writes waits for who was asked",
    "the interrupt line is looked at",
    "time passes",
]


@pytest.mark.parametrize(("record", "said"), [*zip(SAMPLE, SAID, strict=True)], ids=[each.kind.name for each in SAMPLE])
def test_a_record_is_one_line(record: Record, said: str) -> None:
    assert record_words(record, REGISTERS) == said


def test_the_line_is_looked_at_later() -> None:
    hold = Record(0, Kind.HOLD, value=77)
    assert record_words(hold, {}) == "nobody looks at the interrupt line before clock 77"


def test_a_difference_is_one_sentence_with_both_clocks() -> None:
    line, stored = Record(23, Kind.LINE, value=1), Record(20, Kind.STORE, 0x3818, 2)
    assert difference_words(Difference(line, stored), REGISTERS) == (
        "it differs first at clock 20: on record: the interrupt line is 1 (clock 23); "
        "replayed: 0x2 is written to TDT (0x3818) (clock 20)"
    )
    assert difference_words(Difference(line, None), {}).endswith("replayed: nothing more")
    assert difference_words(Difference(None, line), {}).startswith(
        "it differs first at clock 23: on record: nothing more; replayed: the interrupt line is 1"
    )
