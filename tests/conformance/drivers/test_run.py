"""Each case catches a driver with a fault that it is there for, and clean drivers pass all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ringbed.conformance.drivers.card import Card, em_card
from ringbed.conformance.drivers.found import End, Outcome
from ringbed.conformance.drivers.run import CASES, run_case, run_cases
from ringbed.drivers.em.driver import Em
from tests.conformance.drivers.planted import CATCHES, template

pytestmark = pytest.mark.needs("native")
LONG = ("rings.transmit", "rings.receive", "frames.out", "frames.in")  # of a driver that takes every size
DRIVERS: dict[str, Callable[..., Any]] = {"em": Em, "template": template()}
BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def card() -> Card:
    return em_card("native")


def said(outcome: Outcome) -> list[str]:
    return [str(each) for each in outcome.found]


def test_every_case_has_its_fault() -> None:
    """A case that catches nothing is none."""
    assert CATCHES.keys() == BY_NAME.keys()


@pytest.mark.parametrize("name", BY_NAME)
def test_a_case_catches_its_fault(name: str, card: Card) -> None:
    planted = CATCHES[name]
    outcome = run_case(BY_NAME[name], card, planted.make, 1)
    assert planted.rule in {each.rule for each in outcome.found}, (outcome.why, said(outcome))


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in LONG])
def test_a_clean_driver_passes(name: str, driver: str, card: Card) -> None:
    outcome = run_case(BY_NAME[name], card, DRIVERS[driver], 1)
    assert said(outcome) == []


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_clean_driver_passes_whatever_the_seed(name: str, driver: str, seed: int, card: Card) -> None:
    outcome = run_case(BY_NAME[name], card, DRIVERS[driver], seed)
    assert said(outcome) == []


@pytest.mark.full
@pytest.mark.parametrize("planted", CATCHES)
def test_every_case_on_every_fault(planted: str, card: Card) -> None:
    """Whatever a driver does, a case ends in findings, in 'holds' or in why not, and never in an error of ours."""
    ends = {outcome.case.name: outcome.end for outcome in run_cases(CASES, card, CATCHES[planted].make, 1)}
    assert ends[planted] is End.FINDINGS
    assert ends.keys() <= BY_NAME.keys()
