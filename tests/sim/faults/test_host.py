"""Faults of a host: interrupts nobody hears in time, a driver that takes its time."""

from __future__ import annotations

from typing import Any

from ringbed.sim.faults.host import HostFaults
from ringbed.sim.faults.plan import FaultRecord, parse_plan
from ringbed.sim.seam.engine import Event
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import WATCHDOG_NS, Collector, Host
from ringbed.sim.wire.frame import to_wire
from tests.drivers.bench import frame
from tests.sim.fake_engine import fake_host
from tests.sim.test_engines import FRAME, IRQ_ENABLE, ON, Opener, toy


def told(text: str) -> tuple[HostFaults, list[FaultRecord]]:
    records: list[FaultRecord] = []
    return HostFaults(parse_plan(text), "em0", records.append), records


def test_each_interrupt_is_drawn_once_and_heard_once() -> None:
    faults, records = told("[[host]]\nkind = 'irq_late'\nat = [1]\nns = 500")
    assert faults.unheard_until(100, 9, 10**9) == 100
    assert faults.unheard_until(200, 19, 10**9) == 700
    assert faults.unheard_until(701, 60, 10**9) == 701  # the same one, heard at last
    assert faults.unheard_until(800, 70, 10**9) == 800
    assert [(record.ordinal, record.at_ns, record.clock) for record in records] == [(1, 200, 19)]


def test_faults_of_one_interrupt_add_up() -> None:
    faults, records = told(
        "[[host]]\nkind = 'slow'\nrate = 1\nns = 30\n[[host]]\nkind = 'slow'\nat = [0]\nns = 7\n"
        "[[host]]\nkind = 'irq_late'\nat = [0]\nns = 10\n[[host]]\nkind = 'irq_lost'\nat = [0]"
    )
    assert faults.unheard_until(5, 1, 900) == 900
    assert (faults.unheard_until(900, 9, 10**9), faults.lag) == (900, 37)
    assert (faults.unheard_until(950, 10, 10**9), faults.lag) == (950, 30)
    assert [record.kind for record in records] == ["slow", "slow", "irq_late", "irq_lost", "slow"]


def test_faults_of_another_host_are_not_ours() -> None:
    faults, records = told("[[host]]\nkind = 'irq_lost'\nrate = 1\nwhere = 'em1'")
    assert faults.unheard_until(5, 1, 900) == 5
    assert records == []


def received(text: str, run_ns: int) -> tuple[list[int], Host[Any]]:
    """When the driver handed on frames that came in 100 us apart, ns after the first; interrupt 0 is the link's."""
    times: list[int] = []

    class Upper(Collector):
        def input(self, queue: int, frames: list[Any]) -> None:
            times.append(host.now - begin)

    host = fake_host(Upper())
    begin = host.now
    Faults(parse_plan(text)).attach(host)
    for index in range(3):
        host.engine.wire_in(to_wire(frame(60, index)), host.engine.now + 12_500 * index)
    host.advance(begin + run_ns)
    return times, host


def test_late_lost_and_slow() -> None:
    clean, _ = received("", 400_000)
    assert [time // 100_000 for time in clean] == [0, 1, 2]
    late, _ = received("[[host]]\nkind = 'irq_late'\nat = [2]\nns = 30_000", 400_000)
    assert [round(a - b, -3) for a, b in zip(late, clean, strict=True)] == [0, 30_000, 0]
    slow, _ = received("[[host]]\nkind = 'slow'\nat = [2]\nns = 30_000", 400_000)
    assert [round(a - b, -3) for a, b in zip(slow, clean, strict=True)] == [0, 30_000, 0]
    missing, host = received("[[host]]\nkind = 'irq_lost'\nat = [2]", 400_000)
    assert missing == clean[:1]
    host.advance(host.now + WATCHDOG_NS)  # then two frames are there at once
    assert len(missing) == 2
    assert WATCHDOG_NS - 500_000 < missing[1] <= WATCHDOG_NS
    assert host.interrupts == 3


def test_an_engine_does_not_look_at_its_line_before_it_is_told(opened: Opener) -> None:
    engine, _ = toy(opened, ON | IRQ_ENABLE)
    engine.wire_in(FRAME, at=100)
    assert engine.run(5_000) & Event.IRQ
    engine.hold_irq(engine.now + 700)
    until = engine.now + 700
    assert engine.due() == until
    clocks = engine.stats().clocks
    assert not engine.run(until - 1, Event.IDLE) & Event.IDLE, "an interrupt is still to come"
    assert engine.run(20_000) & Event.IRQ
    assert engine.now == until
    assert engine.stats().clocks - clocks < 50, "the time before it is skipped"
