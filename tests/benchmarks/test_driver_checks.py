"""The cost of the checker of drivers is a median of pairs, and it is really on and off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ringbed.benchmarks import driver_checks
from ringbed.benchmarks.driver_checks import FAULTS, FAULTS_OF_EM, checker_cost, false_findings, notice
from ringbed.benchmarks.planted.fault import PUT, Fault, after
from tests.sim.checker.planted import TEMPLATE, planted


def test_a_cost_is_the_median_of_pairs() -> None:
    """A machine that slows down meanwhile, or hesitates once, changes little."""
    asked = list[tuple[int, int, bool]]()

    def run(size: int, frames: int, checker: bool) -> float:
        asked.append((size, frames, checker))
        hesitates = 50 if len(asked) == 7 else 0
        return (100 + len(asked)) * (1.5 if checker else 1) + hesitates

    assert checker_cost(64, 500, 5, run) == pytest.approx(1.5, rel=0.02)
    assert asked == [(64, 1, False), *[(64, 500, False), (64, 500, True)] * 5]


def test_the_checker_is_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[Any]()

    def loop(size: int, frames: int, **options: Any) -> Any:
        told.append((size, frames, options))
        return SimpleNamespace(cpu_seconds=2.0 if options["checker"] else 1.0)

    monkeypatch.setattr(driver_checks, "loop", loop)
    assert checker_cost(1514, 10, 1) == 2.0
    assert told == [(1514, 1, {"checker": False}), (1514, 10, {"checker": False}), (1514, 10, {"checker": True})]


def test_at_least_forty_faults_are_planted() -> None:
    assert len({each.name for each in FAULTS} | set(FAULTS_OF_EM)) == len(FAULTS) + len(FAULTS_OF_EM) >= 40


@pytest.mark.needs("native")
def test_a_fault_is_noticed_by_its_rule_and_by_its_line() -> None:
    """One that is; of another the rule is wrong; of a third the line; one does nothing; one is over `Em`."""
    no_end = next(fault for fault in FAULTS if fault.name == "no end of packet")
    elsewhere = (*no_end.edits, after('self.count["rx_frames"] += len(frames)', "pass  # here", indent=12))
    faults = (
        no_end,
        Fault("another rule", "tx.no_fcs", no_end.edits),
        Fault("another line", "tx.no_end", elsewhere),
        Fault("nothing", "tx.no_end", ((PUT, PUT + "  # here"),)),
        Fault("no line", "tx.no_end", tuple((old, new.replace("  # here", "")) for old, new in no_end.edits)),
    )
    seen = notice(TEMPLATE, faults, ("status kept",))
    assert [(each.by_name, each.located) for each in seen] == [
        (True, True), (False, False), (True, False), (False, False), (True, None), (True, None),
    ]  # fmt: skip


@pytest.mark.needs("native")
def test_what_is_found_of_drivers_that_should_be_clean() -> None:
    """Nothing of clean ones; of one that is not, each finding, and what it raises."""
    twice = next(fault for fault in FAULTS if fault.name == "unmapped twice")
    assert false_findings((None, planted(Fault("none", "", ()))[0]), 80) == []
    told = false_findings((planted(twice)[0],), 40)
    assert "dma.misuse" in told[0]
    assert told[-1].startswith("MappingError: second unmap")
