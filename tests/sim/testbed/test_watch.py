"""What no checker on a bus sees: a line that nobody answers, a queue that stands still; and findings of a driver's own
faults, in words that stay true."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from ringbed.drivers.world import Direction, TxFrame
from ringbed.sim.testbed.accounting import driver_legs, lost
from ringbed.sim.testbed.host import WATCHDOG_NS, Collector
from ringbed.sim.testbed.watch import AT_ONCE, IN_VAIN
from ringbed.sim.wire.frame import to_wire
from tests.drivers.bench import frame
from tests.sim.conftest import needs_native
from tests.sim.fake_engine import FakeEngine, fake_host
from tests.sim.testbed.em_mini import EmMini, opened

pytestmark = needs_native


class NoAck(EmMini):
    """ICR is never read."""

    def interrupt(self, vector: int) -> None:
        self.receive()
        self.clean()


class ReadsOnly(NoAck):
    """Nor here, but a register is, so that clocks pass."""

    def interrupt(self, vector: int) -> None:
        super().interrupt(vector)
        self.read("STATUS")


@pytest.mark.parametrize(("make", "calls"), [(NoAck, AT_ONCE), (ReadsOnly, IN_VAIN)])
def test_a_line_that_nobody_answers_is_a_finding_and_time_goes_on(make: type[EmMini], calls: int) -> None:
    with opened(make) as host:
        end = host.now + 100_000_000
        host.engine.wire_in(to_wire(frame(100)), host.engine.now)
        host.advance(end)
        assert host.now == end
        assert calls <= host.interrupts <= 2 * calls + 10
        assert [each.data for each in host.upper.take()] == [frame(100)]
        (found,) = host.engine.findings()
        assert found.rule == "irq.storm"
        assert found.text.startswith(f"the interrupt line stayed up through {calls} calls of the driver ")
        assert ": RXT0 (ICR 0x80, IMS 0xc1)" in found.text
        before = host.interrupts
        host.advance(end + WATCHDOG_NS)  # the driver is asked again, and has not learned
        assert before + calls <= host.interrupts <= before + 2 * calls + 10
        (found,) = host.engine.findings()
        assert found.rule == "irq.storm"


def test_many_interrupts_are_no_storm() -> None:
    """One right behind the other, each with something to do."""
    with opened(EmMini, link_bps=10**9) as host:
        for number in range(2 * IN_VAIN):
            host.engine.wire_in(to_wire(frame(60, number)), host.engine.now)
        for _ in range(10):
            host.advance(host.now + 1_000_000)
        assert host.interrupts > AT_ONCE
        assert host.engine.findings() == []
        assert len(host.upper.take()) == 2 * IN_VAIN


class BadTail(EmMini):
    """The tail is beyond the ring."""

    def fill(self) -> None:
        super().fill()
        self.write("RDT", self.size)


def test_a_stopped_queue_is_in_the_findings_and_in_the_account() -> None:
    with opened(BadTail) as host:
        for number in range(5):
            host.engine.wire_in(to_wire(frame(100, number)), host.engine.now)
        host.advance(host.now + 2_000_000)
        host.advance(host.now + 2_000_000)
        (found,) = host.engine.findings()  # told once
        assert found.rule == "queue.stopped"
        sentence = (
            r"the receive queue stands still until a reset: ring \(RB_RXSTOP is 1\); RDBAL 0x2[0-9a-f]{7}; RDBAH 0x1; "
            r"RDLEN 0x400; RDH 0x0; RDT 0x40"
        )
        assert re.fullmatch(sentence, found.text), found.text
        up, down = driver_legs(host)  # of a driver that is not ours
        assert str(up) == "em0 wire to driver: sent 5, delivered 0, behind RB_RXSTOP ring 5, lost 0"
        assert lost([up, down]) == 0


def test_a_stop_is_seen_before_the_driver_mends_it() -> None:
    """Its watchdog resets the card, and then the register says nothing."""
    host = fake_host(Collector())
    assert isinstance(host.engine, FakeEngine)
    host.advance(host.now + 1_000_000)
    host.engine.card.reg["RB_TXSTOP", 0] = 3
    host.advance(host.now + 2 * WATCHDOG_NS)
    assert host.driver.counters()["resets"] == 1
    (found,) = host.engine.findings()
    assert found.text.startswith("the transmit queue stands still until a reset: data (RB_TXSTOP is 3); TDBAL 0x")


def test_a_stop_by_the_testbeds_own_faults_is_expected() -> None:
    host = fake_host(Collector())
    assert isinstance(host.engine, FakeEngine)
    host.watch.expects_stops = True
    host.engine.card.reg["RB_TXSTOP", 0] = 3
    host.down()
    assert host.engine.findings() == []


class FreesEarly(EmMini):
    """Unmaps right behind the doorbell."""

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        taken = super().transmit(queue, frames)
        for at, buffer in enumerate(self.tx.slots):
            if buffer is not None:
                self.dma.unmap(buffer)
                self.tx.slots[at] = None
        return taken


def test_a_finding_says_after_down_what_it_said_before() -> None:
    """It is worded when it is seen: later the mapping may be another's, or forgotten. And a burst is one finding."""
    told = []
    for early in (True, False):
        with opened(FreesEarly) as host:
            host.driver.transmit(0, [TxFrame([frame(1000)])])
            host.advance(host.now + 100_000)
            if early:
                told.append(host.engine.findings())
            for _ in range(3):
                host.memory.map(bytes(1000), Direction.TO_DEVICE)  # the slot is somebody else's now
            if not early:
                told.append(host.engine.findings())
    assert told[0] == told[1]
    (found,) = told[0]
    assert found.count == 125
    assert f"inside the mapping of 1000 bytes at 0x{host.memory.regions[0].iova >> 24:x}" in found.text
    assert "em_mini.py:" in found.text
    assert " that was unmapped at " in found.text
    assert "test_watch.py:" in found.text


class SmallBuffers(EmMini):
    """The card is told of 2048 bytes, and has 256."""

    def fill(self) -> None:
        while self.rx.used < self.size - 1:
            buffer = self.dma.map(bytes(256), Direction.FROM_DEVICE)
            self.rx.put(buffer.iova, 0, buffer)
        self.write("RDT", self.rx.tail)


def test_a_finding_says_by_how_much_a_buffer_is_too_small() -> None:
    with opened(SmallBuffers) as host:
        host.engine.wire_in(to_wire(frame(1000)), host.engine.now)
        host.advance(host.now + 100_000)
        found = host.engine.findings()[0]
        assert ": beyond, by 64 bytes, the mapping of 256 bytes at 0x" in found.text  # then the next buffer begins
        assert found.count == 8
