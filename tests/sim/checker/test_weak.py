"""Weak stores under whole drivers: with barriers a run is the same as where stores keep their order, clock by clock; a
driver without one loses frames, and is told of its doorbell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ringbed.drivers.em.driver import Em
from ringbed.drivers.ethtool import RingSizes
from ringbed.drivers.world import Direction, Nic, TxFrame
from ringbed.hw.formats.em.rules import RULES
from ringbed.sim.cards import EM_PCI
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.checker.wanted import Check
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.processor.model import Processor
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.wire.frame import from_wire, to_wire
from tests.sim.checker.planted import NO_BARRIER, NO_RX_BARRIER, PUT, RX_PUT, STATION, Fault, planted
from tests.sim.checker.test_any_driver import AT, Card
from tests.sim.fake_engine import FakeEngine

SEEDS = range(3)
TEMPLATE = planted(Fault("none", "", ()))[0]
FORGETS, RX_FORGETS = planted(NO_BARRIER), planted(NO_RX_BARRIER)
DRIVERS: dict[str, tuple[Callable[..., Nic], dict[str, Any]]] = {
    "em": (Em, {}),
    "em, small rings": (Em, {"rx_ring": 8, "tx_ring": 8}),
    "template": (TEMPLATE, {}),
    "template, a small ring": (TEMPLATE, {"size": 8}),
}


def frame(number: int) -> bytes:
    return bytes.fromhex("0200000000fe") + STATION + b"\x88\xb5" + bytes([number]) * (46 + 7 * number)


def fake(driver: Callable[..., Nic], seed: int | None, **options: Any) -> Host[Collector]:
    """On a card of plain Python, a step of which takes 400 ns. Without a seed its driver is checked all the same."""
    memory = HostMemory()
    engine, check = FakeEngine(memory), Check(RULES, processor=Processor(weak=seed))
    engine.card["RAL"] = STATION[0]  # a card loads an address from its EEPROM; this one leaves that to its driver
    host = Host("em0", engine, memory, EM_PCI, lambda *world: driver(*world, **options), Collector(), None, check)
    host.driver.set_lladdr(STATION)
    return host


def walk(host: Host[Collector], rounds: int = 2) -> list[Any]:
    """Up, both ways, wraps, a reset with work in flight, down; everything that came out, and the clock."""
    said: list[Any] = []
    for _ in range(rounds):
        host.up()
        host.advance(host.now + 3_000_000)
        waiting = [TxFrame([frame(number)]) for number in range(40)]
        for number in range(30):
            waiting = waiting[host.driver.transmit(0, waiting[:7]) :]
            host.engine.wire_in(to_wire(STATION + frame(number)[6:]), host.engine.now)
            host.advance(host.now + 20_000)
        said += [from_wire(out) for _, out in host.engine.wire_out()]
        said += [each.data for each in host.upper.take()]
        host.driver.transmit(0, [TxFrame([frame(number)]) for number in range(5)])
        host.down()
        said += [host.engine.now, dict(host.driver.counters())]
    return said


def rules(host: Host[Collector]) -> list[str]:
    return [each.rule for each in host.findings() if isinstance(each, DriverFinding)]


@pytest.mark.parametrize("name", DRIVERS)
def test_with_barriers_a_run_is_the_same(name: str) -> None:
    driver, options = DRIVERS[name]
    strong = fake(driver, None, **options)
    expected = walk(strong)
    assert len([each for each in expected if isinstance(each, bytes)]) >= 2 * (40 + 30)  # and what a `down` let out
    for seed in SEEDS:
        weak = fake(driver, seed, **options)
        assert walk(weak) == expected
        assert rules(weak) == []


@pytest.mark.needs("native")
@pytest.mark.parametrize("name", DRIVERS)
def test_on_rtl_too(name: str) -> None:
    """To the clock: a barrier takes no time, and nothing else waits."""
    driver, options = DRIVERS[name]
    runs = []
    for seed in (None, 1):
        host = open_host("em0", Collector(), engine="native", driver=driver, driver_options=options,
                         processor=Processor(weak=seed))  # fmt: skip
        runs.append((walk(host), rules(host)))
        host.engine.close()
    assert runs[0] == runs[1]
    assert runs[0][1] == []


@pytest.mark.needs("native")
def test_settings_and_the_self_test_of_em() -> None:
    host = open_host("em0", Collector(), engine="native", processor=Processor(weak=7))
    host.up()
    host.driver.ethtool.set_rings(RingSizes(64, 32))
    walk(host, 1)
    host.up()
    assert all(check.passed for check in host.driver.ethtool.self_test())
    host.advance(host.now + 1_500_000_000)  # the watchdog
    host.down()
    assert rules(host) == []
    host.engine.close()


def lost(driver: Callable[..., Nic], seed: int) -> tuple[int, list[DriverFinding]]:
    """Frames of twenty, ten each way, that did not come through."""
    host = fake(driver, seed)
    host.up()
    host.advance(host.now + 100_000)
    came = 0
    for number in range(10):
        host.driver.transmit(0, [TxFrame([frame(number)])])
        host.engine.wire_in(to_wire(STATION + frame(number)[6:]), host.engine.now)
        host.advance(host.now + 20_000)
        came += sum(from_wire(out) == frame(number) for _, out in host.engine.wire_out())
        came += sum(each.data == STATION + frame(number)[6:] for each in host.upper.take())
    return 20 - came, [each for each in host.findings() if isinstance(each, DriverFinding)]


@pytest.mark.parametrize(("driver", "tail"), [(FORGETS, "TDT"), (RX_FORGETS, "RDT")], ids=["transmit", "receive"])
def test_without_one_the_doorbell_is_named_and_frames_are_lost(driver: tuple[Any, str], tail: str) -> None:
    """With its line, and the lines that stored the descriptor. Whatever the seed is."""
    made, text = driver
    lines = text.splitlines()
    (bell,) = [number for number, line in enumerate(lines, 1) if line.endswith("# here")]
    (store,) = [number for number, line in enumerate(lines, 1) if (PUT if tail == "TDT" else RX_PUT) in line]
    for seed in SEEDS:
        frames, found = lost(made, seed)
        assert bool(frames) is (tail == "TDT")  # a receive ring that is not empty has no use for the descriptor yet
        assert found[0].rule == "ring.unsynced"
        first = next(each for each in found if each.text.startswith(tail))
        assert [(each.first, each.last) for each in first.where.ranges] == [(bell, bell)]
        assert first.text.startswith(f"{tail} was written ")
        stored = re.findall(r"\.py:(\d+)(?:-(\d+))?", first.text)
        assert any(int(begin) <= store <= int(end or begin) for begin, end in stored)


def test_without_weak_nothing_is_lost_or_said() -> None:
    host = fake(FORGETS[0], None)
    walk(host)
    assert rules(host) == []


class Bench:
    """The driver's world, without a driver: a transmit ring of eight descriptors before a card that does nothing."""

    def __init__(self) -> None:
        card: Any = Waits()
        memory = HostMemory(size=1 << 20)
        check = Check(RULES, processor=Processor(weak=1))
        self.checker, (self.device, self.dma, self.sink) = check.between(card, memory, Frequency(), card, Collector())
        self.ring = self.dma.coherent(16 * 8)
        for name, value in (("TDBAL", self.ring.iova & 0xFFFF_FFFF), ("TDBAH", self.ring.iova >> 32), ("TDLEN", 128)):
            self.write(name, value)

    def write(self, name: str, value: int) -> None:
        self.device.write(0, AT[name], value)

    def store(self, *indices: int) -> None:
        """Descriptors that transfer nothing, with their end."""
        for index in indices:
            self.ring.view[16 * index + 8 : 16 * index + 12] = bytes((0, 0, 0, 3))

    def found(self) -> list[str]:
        return [str(each) for each in self.checker.take() if getattr(each, "rule", "") == "ring.unsynced"]


class Waits(Card):
    def delay(self, nanoseconds: int) -> None:
        self.now += nanoseconds


@pytest.mark.parametrize(
    ("between", "told"),
    [
        (lambda bench: bench.dma.sync(), False),
        (lambda bench: bench.device.read(0, AT["STATUS"]), False),
        (lambda bench: bench.checker.leave(), False),
        (lambda bench: bench.checker.interrupt(NoDriver(), bench.device), False),
        (lambda bench: bench.write("TADV", 0), True),
        (lambda bench: bench.dma.map(bytes(60), Direction.TO_DEVICE), True),
        (lambda bench: bench.sink.link(True), True),
        (lambda bench: bench.device.delay(100), True),
        (lambda bench: bench.checker.take(), True),
    ],
    ids=["sync", "read", "return", "interrupt", "write", "map", "sink", "delay", "a look at findings"],
)
def test_what_is_a_barrier(between: Callable[[Bench], None], told: bool) -> None:
    bench = Bench()
    bench.write("TCTL", 2)
    bench.store(0)
    between(bench)
    bench.write("TDT", 1)
    assert bool(bench.found()) is told
    bench.dma.sync()
    bench.store(1)
    bench.dma.sync()
    bench.write("TDT", 2)
    assert bench.found() == []


class NoDriver:
    def interrupt(self, vector: int) -> None: ...


class Rings(NoDriver):
    """Rings the bell first of all."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def interrupt(self, vector: int) -> None:
        self._bench.write("TDT", 1)


def test_the_start_of_an_interrupt_is_one() -> None:
    bench = Bench()
    bench.write("TCTL", 2)
    bench.store(0)
    driver: Any = Rings(bench)
    bench.checker.interrupt(driver, bench.device)
    assert bench.found() == []


def test_how_many_there_are_is_said() -> None:
    bench = Bench()
    bench.write("TCTL", 2)
    bench.store(0)
    bench.dma.sync()
    bench.store(1, 2, 3)
    bench.write("TDT", 3)
    (text,) = bench.found()
    assert "TDT was written 3 before the stores into descriptors are seen: descriptor 1 of the transmit ring" in text
    assert "), and 1 more, at " in text


def test_doorbells_of_a_direction_that_is_off_count_when_it_is_turned_on() -> None:
    bench = Bench()
    bench.store(0, 1)
    bench.write("TDT", 2)
    assert bench.found() == []
    bench.write("TCTL", 2)
    (text,) = bench.found()
    assert "TCTL.EN was set before the stores into descriptors are seen: descriptor 0 of the transmit ring" in text
    bench = Bench()
    bench.store(0, 1)
    bench.write("TDT", 2)
    bench.dma.sync()
    bench.write("TCTL", 2)
    assert bench.found() == []


def test_stores_behind_the_end_of_memory_are_told() -> None:
    bench = Bench()
    cast = bench.ring.view.cast("B")
    bench.dma.free(bench.ring)
    cast[5] = 1
    driver: Any = Down()
    bench.checker.down(driver, False)
    (found,) = bench.checker.take()
    assert found.rule == "dma.misuse"
    assert "was written (byte 5 to 5) after it was freed" in str(found)


class Down:
    def down(self) -> None: ...
