"""Errata by name become writes of the configuration bus; what there is not is refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.hw.errata.asked import UnknownErratum, errata_writes, erratum_of, parse_errata
from ringbed.hw.errata.lab import EM_ERRATA, lab_em
from ringbed.hw.formats.errata_bus import INDEX_BITS

STALL, FIRST = "tx-stall-32-bytes", EM_ERRATA[0]


def registers() -> dict[int, str]:
    """By index, as the card has them."""
    return {number: signal.name for number, signal in enumerate(lab_em().taps.registers)}


def test_the_writes_go_to_the_registers_of_the_card() -> None:
    """The conditions first, as they are asked for or at their defaults, and then the switch."""
    names = registers()
    assert len(names) < 1 << INDEX_BITS
    for erratum in (FIRST, erratum_of(STALL), EM_ERRATA[-1]):
        writes = errata_writes({erratum.id: {}})
        stem = erratum.id.replace("-", "_")
        wanted = [*(f"{stem}_{each.name}" for each in erratum.conditions), f"{stem}_on"]
        assert [names[index] for index, _ in writes] == wanted
        assert [value for _, value in writes] == [*(each.default for each in erratum.conditions), 1]
    assert [value for _, value in errata_writes({STALL: {"length": 40, "every": 3}})] == [3, 40, 1]
    assert errata_writes({STALL: {}, FIRST.id: {}}) == errata_writes({STALL: {}}) + errata_writes({FIRST.id: {}})
    assert errata_writes({}) == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tx-stal-32-bytes": {}}, "the lab has no erratum 'tx-stal-32-bytes'; near it are tx-stall-32-bytes, "),
        ({"zzz": {}}, "the lab has no erratum 'zzz': `ringbed errata list` has all "),
        ({STALL: {"size": 1}}, "erratum tx-stall-32-bytes has no condition 'size'; it has every, length"),
        ({STALL: {"length": 1 << 15}}, "condition 'length' of erratum tx-stall-32-bytes is 0 to 32767, not 32768"),
        ({STALL: {"length": -1}}, "is 0 to 32767, not -1"),
        ({STALL: {"length": True}}, "is 0 to 32767, not True"),
    ],
)
def test_what_the_lab_does_not_have(asked: Any, said: str) -> None:
    with pytest.raises(UnknownErratum) as caught:
        errata_writes(asked)
    assert said in str(caught.value)


def test_as_it_is_written_on_a_command_line() -> None:
    assert parse_errata([]) == {}
    texts = [f"{STALL}:length=0x28,every=3", FIRST.id]
    assert parse_errata(texts) == {STALL: {"length": 40, "every": 3}, FIRST.id: {}}
    for text, said in (
        (f"{STALL}:length", "is no erratum with conditions: write ID:name=value,name=value"),
        (f"{STALL}:length=x", "is no erratum with conditions"),
        (f"{STALL}:length=99999", "is 0 to 32767, not 99999"),
        ("none", "the lab has no erratum 'none'"),
    ):
        with pytest.raises(UnknownErratum) as caught:
            parse_errata([text])
        assert said in str(caught.value)
    with pytest.raises(UnknownErratum, match="erratum 'tx-stall-32-bytes' is asked for twice"):
        parse_errata([STALL, f"{STALL}:every=2"])
