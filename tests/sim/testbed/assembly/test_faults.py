"""Driver and card (RTL) under traffic while somebody pulls the cable, takes the driver down, or memory answers SLVERR.

Whatever happens, every frame is delivered or counted, no memory leaks, and afterwards everything works.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import TxFrame
from ringbed.hw.formats import em
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import account, open_host
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.cable import Loopback
from ringbed.sim.wire.frame import pad
from tests.sim.conftest import needs_native

pytestmark = needs_native

Bare = Host[Collector]
Meddle = Callable[[Bare, int], None]


class Traffic:
    """A card in loopback and a seeded stream of frames in one to four pieces."""

    def __init__(self, longest: int = 1514, **driver: Any) -> None:
        self.host = open_host("em0", Collector(), driver_options=driver)
        self.host.up()
        self.pump = Pump([self.host], [Loopback(self.host.engine)])
        self._random = random.Random(longest)
        self._longest = longest

    def data(self) -> bytes:
        rest = self._random.randbytes(self._random.randint(8, self._longest - 6))
        return bytes(self.host.driver.lladdr) + rest

    def offer(self) -> list[bytes]:
        """One batch; the frames that were taken."""
        batch = [self.data() for _ in range(self._random.randint(1, 6))]
        taken = self.host.driver.transmit(0, [TxFrame(self._pieces(data)) for data in batch])
        return batch[:taken]

    def _pieces(self, data: bytes) -> list[bytes]:
        cuts = sorted(self._random.choices(range(len(data)), k=self._random.randint(0, 3)))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    def run(self, batches: int, meddle: Meddle = lambda host, turn: None) -> None:
        for turn in range(batches):
            self.offer()
            meddle(self.host, turn)
            self.pump.run(self.host.now + self._random.randint(1, 3000))

    def settle(self) -> None:
        """What the watchdog repairs is repaired, what is under way arrives."""
        for _ in range(3):
            self.host.driver.watchdog(self.host.now)
            self.pump.run(self.host.now + 20_000_000, at_rest=True)

    def check(self) -> None:
        """Nothing is lost, and a batch of frames still goes round unharmed."""
        self.settle()
        assert lost(account(self.host)) == 0, [str(leg) for leg in account(self.host)]
        self.host.upper.take()
        sent = self.offer()
        assert sent
        assert self.pump.run_until(lambda: len(self.host.upper.frames) >= len(sent), self.host.now + 20_000_000)
        assert [item.data for item in self.host.upper.take()] == [pad(data) for data in sent]
        self.host.down()  # raises when memory leaked


@pytest.fixture
def traffic() -> Iterator[Callable[..., Traffic]]:
    opened: list[Traffic] = []

    def start(longest: int = 1514, **driver: Any) -> Traffic:
        opened.append(Traffic(longest, **driver))
        return opened[-1]

    yield start
    for each in opened:
        each.host.engine.close()


@pytest.mark.parametrize(
    ("longest", "driver"),
    [
        (1514, {"eeprom": "microwire"}),
        (1514, {"buffer_size": 256, "rx_ring": 16, "tx_ring": 8}),
        (9014, {"mtu": 9000, "buffer_size": 1024}),
        (16014, {"mtu": 16000, "buffer_size": 16384, "rx_ring": 8}),
    ],
)
def test_every_way_to_set_it_up(traffic: Callable[..., Traffic], longest: int, driver: dict[str, Any]) -> None:
    bed = traffic(longest, **driver)
    bed.run(30)
    bed.check()
    assert bed.host.engine.findings() == []


def test_down_and_up_under_traffic(traffic: Callable[..., Traffic]) -> None:
    def meddle(host: Bare, turn: int) -> None:
        if turn % 9 == 7:
            host.down()
            host.up()

    bed = traffic()
    bed.run(60, meddle)
    assert bed.host.driver.counters()["tx_reset"] > 0
    bed.check()
    assert bed.host.engine.findings() == []


def test_a_card_that_is_reset_behind_the_drivers_back(traffic: Callable[..., Traffic]) -> None:
    """Mid traffic, by whoever: the driver's watchdog finds the card without its set-up and begins anew."""
    control = em.REGISTERS["CTRL"]

    def meddle(host: Bare, turn: int) -> None:
        if turn % 20 == 9:
            host.device.write(0, control.offset, control.mask("RST"))
        if turn % 20 == 15:
            host.driver.watchdog(host.now)

    bed = traffic()
    bed.run(60, meddle)
    counters = bed.host.driver.counters()
    assert (counters["watchdog_card"], counters["resets"]) == (3, 3)
    assert counters["tx_reset"] > 0
    bed.check()
    assert bed.host.engine.findings() == []


def test_a_cable_that_comes_and_goes(traffic: Callable[..., Traffic]) -> None:
    bed = traffic()
    bed.run(60, lambda host, turn: host.engine.set_pin("link_up", int(turn % 7 != 3)))
    bed.host.engine.set_pin("link_up", 1)
    assert bed.host.driver.counters()["link_changes"] > 8
    bed.check()
    assert bed.host.driver.counters()["resets"] == 0


@pytest.mark.parametrize("what", ["rx ring", "tx ring", "rx data"])
def test_memory_that_answers_slverr(traffic: Callable[..., Traffic], what: str) -> None:
    """The queue stops with its cause, the watchdog resets the card, the frames on their way are counted."""
    places: list[tuple[int, int]] = []

    def meddle(host: Bare, turn: int) -> None:
        if turn % 20 == 5:
            assert isinstance(host.driver, Em)
            places[:] = _places(host.driver, what)
            for at, length in places:
                host.memory.set_faulty(at, length)
        elif turn % 20 == 15:
            for at, length in places:
                host.memory.set_faulty(at, length, False)
            host.driver.watchdog(host.now)

    bed = traffic()
    bed.run(60, meddle)
    counters = bed.host.driver.counters()
    assert counters["resets"] >= 3
    assert sum(counters[f"{what[:2]}_stop_{cause}"] for cause in ("fetch", "data", "writeback")) >= 3
    assert any(finding.rule.startswith("dma.") for finding in bed.host.engine.findings())
    bed.check()


def _places(driver: Em, what: str) -> list[tuple[int, int]]:
    """Address and length of the memory to break: a whole ring, or eight bytes in every receive buffer."""
    if what == "rx data":
        return [(buffer.iova + 8, 8) for buffer in driver.rings.rx._buffers]
    ring = (driver.rings.rx if what == "rx ring" else driver.rings.tx)._memory._shared
    assert ring is not None
    return [(ring.iova, len(ring.view))]


@pytest.mark.parametrize("what", ["rx ring", "tx ring", "rx data"])
def test_a_stopped_queue_lets_the_card_rest(traffic: Callable[..., Traffic], what: str) -> None:
    """Or the second until the watchdog looks would be simulated clock by clock."""
    bed = traffic()
    host = bed.host
    bed.run(5)
    assert isinstance(host.driver, Em)
    for at, length in _places(host.driver, what):
        host.memory.set_faulty(at, length)
    bed.run(30)
    before = host.engine.stats().clocks
    host.advance(host.now + 100_000_000)
    assert host.engine.stats().clocks - before < 100_000, "of 12.5 million"
