"""Each case catches a driver with a fault that it is there for, and clean drivers pass all of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from ringbed.conformance.drivers.card import Card, em_card, map_card
from ringbed.conformance.drivers.found import Case, End, Outcome
from ringbed.conformance.drivers.run import CASES, named, run_case, run_cases
from ringbed.drivers.em.driver import Em
from tests.conformance.drivers.planted import CATCHES, FILE, template
from tests.sim.conftest import NIC

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


def test_a_case_alone_is_the_case_of_a_run(card: Card) -> None:
    """Frames, clocks and findings are the seed's, whatever ran before."""
    cases, planted = named(["frames.pieces", "filters.groups", "sums.out"]), CATCHES["sums.out"]
    together = list(run_cases(cases, card, planted.make, 7))
    assert [run_case(case, card, planted.make, 7) for case in cases] == together
    assert [outcome.end for outcome in together] == [End.HOLDS, End.FINDINGS, End.NOT_APPLICABLE]


def test_names_of_cases() -> None:
    assert [case.name for case in named(["detach", "attach"])] == ["attach", "detach"]
    assert named([]) == list(CASES)
    with pytest.raises(ValueError, match="there is no case 'ring'; there are attach, "):
        named(["ring"])


def test_what_a_driver_raises_has_its_line(card: Card) -> None:
    """In the middle of a case; behind it the next ones run."""
    raising = template(("        self._clean()\n        taken = 0\n", "        raise LookupError('full moon')\n"))
    outcome, after = run_cases(named(["frames.pieces", "filters.station"]), card, raising, 1)
    (found,) = [each for each in outcome.found if each.rule == "call.raised"]
    assert found.text == "LookupError: full moon"
    assert [place.rpartition(":")[0] for place in found.places] == [FILE]
    assert after.end is End.HOLDS


def test_a_driver_that_does_not_come_up_is_asked_once(card: Card) -> None:
    dead = template(
        ("        self._reset(self.name)\n        self.device.write", "        1 / 0\n        self.device.write")
    )
    first, *rest = run_cases(named(["attach", "rings.full", "detach"]), card, dead, 1)
    assert {each.rule for each in first.found} == {"call.raised"}
    assert {outcome.why for outcome in rest} == {"the driver does not come up: see the case attach"}


def test_an_answer_that_is_none_is_a_finding(card: Card) -> None:
    silent = template(("        return taken\n", "        return None\n"))
    (outcome,) = run_cases(named(["frames.out"]), card, silent, 1)
    assert [each.text for each in outcome.found if each.rule == "call.answer"] == ["transmit() of 16 frames gave None"]


def test_an_error_of_ours_is_no_finding(card: Card) -> None:
    """Of a case that is wrong itself; a file like this one would be taken for a driver's."""
    names: dict[str, Any] = {}
    exec(
        compile("def wrong(bench):\n    bench.open()\n    raise LookupError('of the case')\n", "<case>", "exec"), names
    )
    with pytest.raises(LookupError, match="of the case"):
        run_case(Case("wrong", "", names["wrong"]), card, DRIVERS["template"], 1)


@pytest.mark.full
def test_the_example_nic_passes() -> None:
    """By its map: nobody has written its manual's rules, and the rest holds."""
    spec = importlib.util.spec_from_file_location("mini_driver", NIC / "mini_driver.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outcomes = list(run_cases(CASES, map_card(NIC / "mini_nic.toml", "native"), module.MiniNic, 1))
    assert [said(outcome) for outcome in outcomes if outcome.found] == []
    assert sum(outcome.end is End.HOLDS for outcome in outcomes) >= 19
