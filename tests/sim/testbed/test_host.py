"""A host: interrupts taken, watchdog called, nothing kept after down."""

from __future__ import annotations

import pytest

from ringbed.drivers.world import RxFrame, TxFrame
from ringbed.sim.seam.engine import Event
from ringbed.sim.testbed.host import WATCHDOG_NS, Collector
from ringbed.sim.wire.frame import from_wire, to_wire
from tests.drivers.bench import frame
from tests.sim.fake_engine import FakeEngine, fake_host


def test_a_frame_in_and_a_frame_out() -> None:
    host = fake_host(Collector())
    assert host.upper.link_up
    host.engine.wire_in(to_wire(frame(60, 1)), host.engine.now + 100)
    host.driver.transmit(0, [TxFrame([frame(70, 2)])])
    event = host.advance(host.now + 10_000)
    assert event == Event.IRQ | Event.IDLE
    assert [item.data for item in host.upper.take()] == [frame(60, 1)]
    assert host.upper.take() == []
    assert [from_wire(wire) for _, wire in host.engine.wire_out()] == [frame(70, 2)]


def test_what_comes_up_is_stamped_with_the_time_it_came() -> None:
    """The upper side is told the time before the driver hands it frames, not the time of its last work."""

    class Clocked(Collector):
        def __init__(self) -> None:
            super().__init__()
            self.told, self.stamps = 0, list[int]()

        def work(self, now: int) -> None:
            self.told = now

        def input(self, queue: int, frames: list[RxFrame]) -> None:
            self.stamps.append(self.told)

    host = fake_host(Clocked())
    host.advance(host.now + 1000)
    due = host.engine.now + 50_000
    host.engine.wire_in(to_wire(frame(60, 1)), due)
    host.advance(host.now + 1_000_000)
    assert len(host.upper.stamps) == 1
    assert host.frequency.ns(due) <= host.upper.stamps[0] < host.frequency.ns(due) + 10_000


def test_time_passes_exactly_when_nothing_happens() -> None:
    host = fake_host(Collector())
    host.advance(host.now + 1000)
    now = host.now
    assert host.advance(now + 8000) == Event.IDLE
    assert host.now == now + 8000


def test_rest_ends_it_early_when_asked_for() -> None:
    """And without being asked for it does not."""
    host = fake_host(Collector())
    host.engine.wire_in(to_wire(frame(60, 1)), host.engine.now + 100)
    assert Event.IDLE in host.advance(host.now + WATCHDOG_NS, Event.IDLE)
    assert host.now < WATCHDOG_NS // 100
    assert [item.data for item in host.upper.take()] == [frame(60, 1)]


def test_a_stop_event_ends_early() -> None:
    host = fake_host(Collector())
    host.advance(host.now + 1000)
    host.driver.transmit(0, [TxFrame([frame(60)])])
    end = host.now + 1_000_000
    assert host.advance(end, Event.WIRE) & Event.WIRE
    assert host.now < end


def test_the_watchdog_is_called_every_simulated_second_and_repairs() -> None:
    host = fake_host(Collector())
    assert isinstance(host.engine, FakeEngine)
    host.engine.card["RB_RXSTOP"] = 3
    end = host.deadline()
    assert end <= WATCHDOG_NS + host.now
    host.advance(end - 1000)
    assert host.driver.counters()["resets"] == 0
    host.advance(end)
    assert host.driver.counters()["resets"] == 1
    assert host.deadline() >= end + WATCHDOG_NS


@pytest.mark.parametrize("busy", ["interrupt", "work"])
def test_who_takes_time_beyond_the_watchdogs_keeps_no_timer_from_firing(
    busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to an interrupt, and the upper side, spend time by register accesses and delays."""

    class Slow(Collector):
        due = 0
        fired: list[int] = []

        def work(self, now: int) -> None:
            if busy == "work" and self.frames:
                self.frames.clear()
                host.device.delay(5_000)
            if now >= self.due:
                self.fired.append(now)
                self.due += WATCHDOG_NS // 2

        def deadline(self) -> int:
            return self.due

    host = fake_host(Slow())
    called: list[int] = []
    answer = host.driver.interrupt

    def interrupt(vector: int) -> None:
        answer(vector)
        if busy == "interrupt":
            host.device.delay(5_000)

    monkeypatch.setattr(host.driver, "watchdog", called.append)
    monkeypatch.setattr(host.driver, "interrupt", interrupt)
    host.advance(host.now + 1_000)
    start, Slow.fired, first = host.now, [], host._watchdog_at
    host.upper.due = start + WATCHDOG_NS // 4
    host.engine.wire_in(to_wire(frame(60, 1)), host.frequency.clocks(first - 2_000))
    host.advance(first + 3 * WATCHDOG_NS)
    assert [(at - first + WATCHDOG_NS // 2) // WATCHDOG_NS for at in called] == [0, 1, 2, 3][: len(called)]
    assert len(called) >= 3
    assert len(Slow.fired) >= 7


def test_down_gives_back_all_memory_and_a_leak_is_told() -> None:
    host = fake_host(Collector())
    host.down()
    assert not host.upper.link_up
    host.up()
    host.memory.coherent(128)
    with pytest.raises(RuntimeError, match="em0: the driver is down and keeps 1 mapping"):
        host.down()
