"""Clean drivers have no finding, on every engine that can be checked; and what a finding is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ringbed.benchmarks.planted.buffers import FAULTS_OF_BUFFERS
from ringbed.benchmarks.planted.frames import FAULTS_OF_FRAMES
from ringbed.benchmarks.planted.rings import FAULTS_OF_RINGS
from ringbed.drivers.world import Direction, TxFrame
from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.checker.lines import Lines
from ringbed.sim.checker.wanted import check_for
from ringbed.sim.checker.world import checked
from ringbed.sim.processor.model import Processor
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from tests.sim.checker.planted import Fault, carried, driver_findings, marked, planted, traffic
from tests.sim.testbed.em_mini import EmMini

TEMPLATE = planted(Fault("none", "", ()))[0]
DRIVERS: dict[str, tuple[Callable[..., Any] | None, dict[str, Any]]] = {
    "em": (None, {}),
    "em, small rings": (None, {"rx_ring": 8, "tx_ring": 8}),
    "em, small buffers": (None, {"rx_ring": 32, "buffer_size": 256}),
    "em, errata of the silicon": (None, {"workarounds": ("descriptor_4k", "tso_tail")}),
    "template": (TEMPLATE, {}),
    "template, a small ring": (TEMPLATE, {"size": 8}),
}


def clean(name: str, frames: int, **settings: Any) -> None:
    driver, options = DRIVERS[name]
    found, raised = driver_findings(driver, frames, driver_options=options, **settings)
    assert [str(each) for each in found] == []
    assert raised is None


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.needs("native")
def test_a_clean_driver_has_no_finding(name: str) -> None:
    clean(name, 400, engine="native", batch=30)


@pytest.mark.parametrize("name", ["em", "template"])
@pytest.mark.needs("native")
def test_nor_line_by_line(name: str) -> None:
    clean(name, 30, engine="native", checker="lines")


@pytest.mark.needs("native")
def test_line_by_line_a_single_store_has_its_line() -> None:
    """A context that is wrong once lies in a stretch of twenty lines, and is not there again."""
    fault = next(each for each in FAULTS_OF_FRAMES if each.name == "a context that ends early")
    driver, text = planted(fault)
    (line,) = marked(text)
    found, _ = driver_findings(driver, 1, engine="native")
    assert [each.where.span > 10 for each in found] == [True]
    found, _ = driver_findings(driver, 1, engine="native", checker="lines")
    assert [carried(each, fault, line) for each in found] == [True]


@pytest.mark.needs("native")
def test_line_by_line_a_method_is_still_the_drivers() -> None:
    fault = next(each for each in FAULTS_OF_BUFFERS if each.name == "causes not read")
    driver, text = planted(fault)
    found, _ = driver_findings(driver, 1, engine="native", checker="lines")
    assert [(each.rule, carried(each, fault, *marked(text))) for each in found] == [("irq.unacknowledged", True)]


@pytest.mark.needs("native")
def test_a_driver_with_slots_is_not_traced() -> None:
    """Nothing can be put on it, and nothing is raised for that."""

    class Fixed:
        __slots__ = ()

        def transmit(self) -> None: ...

    lines = Lines(Checker.__new__(Checker))
    lines.attach(Fixed())
    assert lines.attached


def test_nor_on_pysim() -> None:
    clean("template", 2, engine="pysim")


def test_a_fault_is_found_on_pysim() -> None:
    fault = next(each for each in FAULTS_OF_RINGS if each.name == "written behind the bell")
    found, _ = driver_findings(planted(fault)[0], 2, engine="pysim")
    assert {each.rule for each in found} == {"ring.owned"}


@pytest.mark.full
@pytest.mark.parametrize("name", ["em", "template"])
@pytest.mark.needs("native")
def test_nor_over_a_hundred_thousand_frames(name: str) -> None:
    """Of both drivers, and of them half each way."""
    clean(name, 25_000, engine="native", batch=40)


@pytest.mark.needs("native")
def test_a_driver_without_rules_of_its_card_is_not_for_it() -> None:
    """The engine of the tests' own small driver has no PCI identity but em's: it is checked like any."""
    host = open_host("em0", Collector(), driver=EmMini, checker=True)
    host.up()
    host.driver.transmit(0, [TxFrame([bytes(range(60))])])
    host.advance(host.now + 50_000)
    host.down()
    assert host.findings() == []
    host.engine.close()


def test_qemu_is_refused() -> None:
    assert check_for("qemu", None) is None
    with pytest.raises(ValueError, match="on engine qemu the card moves while the driver does"):
        check_for("qemu", True)


def test_what_cannot_be_is_said_before_a_card_is_built() -> None:
    with pytest.raises(ValueError, match=r"checker='line': it is True, False or 'lines'"):
        open_host("em0", Collector(), checker="line")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"processor=.* is part of the checker, and checker=False"):
        open_host("em0", Collector(), checker=False, processor=Processor())
    with pytest.raises(ValueError, match="no time below 0"):
        Processor(store_ns=-1)


@pytest.mark.needs("native")
def test_what_is_found_is_taken_once_and_counted() -> None:
    """The rule, its section, what was done, the lines, and how often."""
    fault = next(each for each in FAULTS_OF_RINGS if each.name == "head written live")
    driver, text = planted(fault)
    found, _ = driver_findings(driver, engine="native")
    (finding,) = found
    line = next(number for number, each in enumerate(text.splitlines(), 1) if each.endswith("# here"))
    assert finding.count == 3
    assert finding.last is not None
    assert finding.last > finding.clock
    assert finding.section == "M 13.4.28, 13.4.39"
    place = f"/planted/head_written_live.py:{line}"
    told = f"clock {finding.clock}: ring.live: TDH was written 0x0 with TCTL.EN = 1, at {place}"
    rule = "base, length and head are written with the direction off (M 13.4.28, 13.4.39) (3 times, the last at clock"
    assert str(finding).startswith(f"{told}; {rule}")


@pytest.mark.needs("native")
def test_without_a_checker_there_is_none() -> None:
    host = open_host("em0", Collector(), checker=False)
    assert host.checker is None
    host.up()
    traffic(host, 4)
    host.down()
    assert [each for each in host.findings() if isinstance(each, DriverFinding)] == []
    host.engine.close()


@pytest.mark.needs("native")
def test_a_buffer_of_another_length_was_changed() -> None:
    host = open_host("em0", Collector(), engine="native", checker=True)
    assert host.checker is not None
    _, dma, _ = checked(host.checker, host.device, host.memory, host.upper)
    data = bytearray(range(60))
    mapping = dma.map(data, Direction.TO_DEVICE)
    del data[30:]
    dma.unmap(mapping)
    (found,) = host.findings()
    assert found.rule == "dma.changed"
    assert "byte 30 of what was mapped was changed before its unmap" in found.text
    host.engine.close()
