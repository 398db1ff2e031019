"""What is known of an erratum is whole, and what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbed.hw.errata.erratum import CATEGORIES, Condition, Erratum
from ringbed.hw.errata.lab import EM_ERRATA
from ringbed.hw.stream.taps import TAPS

GOOD = EM_ERRATA[0]


@pytest.mark.parametrize("erratum", EM_ERRATA, ids=[erratum.id for erratum in EM_ERRATA])
def test_it_says_what_it_is(erratum: Erratum) -> None:
    assert set(erratum.taps) <= set(TAPS)
    assert len(erratum.description.split()) > 8
    assert erratum.description.endswith(".")
    assert not erratum.trigger.endswith(".")
    assert any(word in erratum.source for word in ("/", "erratum", "section", "commit", "RFC"))
    assert [each.name for each in erratum.conditions][0] == "every"
    assert erratum.conditions[0].default == erratum.every
    for own in erratum.own:
        assert f"`{own.name}`" in erratum.trigger + erratum.description or own.name in ("bursts", "past", "change")


def test_every_category_has_two_and_every_id_is_there_once() -> None:
    assert len({erratum.id for erratum in EM_ERRATA}) == len(EM_ERRATA)
    for category in CATEGORIES:
        assert sum(erratum.category == category for erratum in EM_ERRATA) >= 2


def test_what_cannot_be() -> None:
    for change, said in (
        ({"parts": {"tx.nowhere": GOOD.parts["rx.verdict"]}}, "wants tap 'tx.nowhere', which no card has"),
        ({"category": "weather"}, "is of 'weather', which is none of verdicts, "),
        ({"nature": "odd"}, "is of 'odd', which is none of device, driver"),
    ):
        with pytest.raises(ValueError, match=said):
            replace(GOOD, **change)
    for default, width in ((8, 3), (-1, 3), (0, 0), (0, 33)):
        with pytest.raises(ValueError, match=f"condition x has no default {default} in {width} bits"):
            Condition("x", "bytes", default, width, "")
