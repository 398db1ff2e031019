"""Each planted fault is found, by the right rule and at the right lines; drivers without one have no finding."""

from __future__ import annotations

import pytest

from ringbed.benchmarks.planted.buffers import FAULTS_OF_BUFFERS
from ringbed.benchmarks.planted.frames import FAULTS_OF_FRAMES
from ringbed.benchmarks.planted.over_em import FAULTS_OF_EM
from ringbed.benchmarks.planted.rings import FAULTS_OF_RINGS
from ringbed.hw.formats.em.rules import RULES
from tests.sim.checker.planted import Fault, carried, driver_findings, marked, planted

FAULTS = (*FAULTS_OF_RINGS, *FAULTS_OF_BUFFERS, *FAULTS_OF_FRAMES)
pytestmark = pytest.mark.needs("native")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_is_found(fault: Fault) -> None:
    """First of all that is found: what comes of a fault comes after it."""
    driver, text = planted(fault)
    frames = max(12, 3 * fault.batch)
    found, raised = driver_findings(driver, frames, fault.batch, fault.longest, **fault.settings)
    assert found, raised
    assert found[0].rule == fault.rule
    for line in marked(text):
        assert any(carried(each, fault, line) for each in found if each.rule == fault.rule), str(found[0])
    if fault.raises is not None:
        assert isinstance(raised, fault.raises)


def test_every_rule_has_a_fault() -> None:
    """Here or over `Em`."""
    planted_rules = {fault.rule for fault in FAULTS} | {rule for rule, _ in FAULTS_OF_EM.values()}
    assert planted_rules == set(RULES.rules)


def test_every_rule_says_where_it_is_written() -> None:
    for rule in RULES.rules.values():
        assert rule.section.startswith(("M ", "drivers/world.py: "))
        assert not rule.sentence.endswith(".")
