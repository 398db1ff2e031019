"""Memory that somebody has to be asked for, on buses that a test drives by hand: what is asked, when the clock stands
still, and what becomes of a burst that nobody can answer.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import pytest

from ringbed.sim.memory.regions import POISON, Region, RegionTable, Response
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.native.tape import record, stamp, take
from ringbed.sim.record.records import Decoder, Kind, Record
from ringbed.sim.seam.engine import Event
from tests.sim.conftest import needs_native
from tests.sim.toy import pins_spec

pytestmark = needs_native
NEAR, FAR, PAGE, LATENCY = 0x1000_0000, 0x8000_0000, 4096, 60
FIXED, INCR, WRAP = 0, 1, 2


class Far:
    """The card that is nothing but pins, on a bus of 8 bytes, with two far pages and one beside them that is not."""

    def __init__(self) -> None:
        self.near = mmap.mmap(-1, PAGE)
        self.memory = RegionTable([Region(NEAR, self.near)])
        self.memory.far = [(FAR, PAGE), (FAR + PAGE, PAGE)]
        self.engine = NativeEngine(pins_spec(), self.memory, check=False)
        for pin in ("p_m_axi_rready", "p_m_axi_bready"):
            self.engine.set_pin(pin, 1)
        record(self.engine._lib, self.engine._live())
        self._decoder = Decoder()

    def clock(self, **pins: int) -> None:
        """One clock with these pins up."""
        for name, value in pins.items():
            self.engine.set_pin(f"p_{name}", value)
        self.engine.run(self.engine.now + 1, Event.NONE)
        for name in pins:
            self.engine.set_pin(f"p_{name}", 0)

    def read(self, address: int, beats: int = 1, size: int = 3, burst: int = INCR) -> None:
        self.clock(m_axi_araddr=address, m_axi_arlen=beats - 1, m_axi_arsize=size, m_axi_arburst=burst, m_axi_arvalid=1)

    def write(self, address: int, *beats: tuple[int, int]) -> None:
        """Each a number of 8 bytes and its strobes."""
        last = len(beats) - 1
        self.clock(m_axi_awaddr=address, m_axi_awlen=last, m_axi_awsize=3, m_axi_awburst=INCR, m_axi_awvalid=1)
        for index, (data, strobe) in enumerate(beats):
            self.clock(m_axi_wdata=data, m_axi_wstrb=strobe, m_axi_wlast=int(index == last), m_axi_wvalid=1)

    def run(self, clocks: int = 2 * LATENCY, stop: Event = Event.ASKED) -> None:
        self.engine.run(self.engine.now + clocks, stop)

    def answer(self, data: bytes = b"", response: Response = Response.OKAY, write: bool = False) -> bool:
        return self.engine.answer_asked(write, self.engine.asked(write), response, data)

    def kept(self, *kinds: Kind) -> list[Record]:
        stamp(self.engine._lib, self.engine._live(), cut=True)
        found = self._decoder.records(take(self.engine._lib, self.engine._live()))
        return [each for each in found if each.kind in kinds]

    def got(self) -> list[tuple[int, int, bytes]]:
        """What the card was given: place, response, bytes."""
        return [(each.place, each.value, each.data) for each in self.kept(Kind.READ)]


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.engine.close()


def test_a_burst_is_asked_for_once_and_the_clock_stands_still(far: Far) -> None:
    far.read(FAR + 8, 4)
    far.run()
    assert (far.engine.asked(False), far.engine.asked(True)) == (1, 0)
    assert far.engine.spans(False) == [(FAR + 8, 32, b"")]
    asked = far.engine.now
    assert asked < LATENCY
    far.run()
    assert far.engine.now == asked
    assert far.answer(bytes(range(32)))
    far.run()
    assert far.engine.now > asked
    assert far.got() == [(FAR + 8, 0, bytes(range(32)))]
    assert (far.engine.asked(False), far.engine.in_flight(0, 1 << 64), far.engine.findings()) == (0, 0, [])


def test_without_the_stop_the_clock_goes_on_and_the_burst_waits(far: Far) -> None:
    far.read(FAR)
    far.run(1000, Event.NONE)
    assert far.engine.now > 1000
    assert (far.got(), far.engine.in_flight(FAR, 8)) == ([], 1)
    assert far.engine.due() == far.engine.now  # not at rest
    assert far.answer(b"12345678")
    far.run(4)
    assert far.got() == [(FAR, 0, b"12345678")]


def test_others_of_its_kind_wait_behind_it_and_those_of_the_other_do_not(far: Far) -> None:
    far.near[:8] = b"near by!"
    far.read(FAR)
    far.read(NEAR)
    far.write(NEAR + 8, (7, 255))
    far.run(4 * LATENCY, Event.NONE)
    assert (far.got(), far.near[8]) == ([], 7)
    far.answer(bytes(8))
    far.run()
    assert far.got() == [(FAR, 0, bytes(8)), (NEAR, 0, b"near by!")]


@pytest.mark.parametrize(
    ("address", "beats", "size", "burst", "spans"),
    [
        (FAR + 3, 2, 3, INCR, [(3, 13)]),  # the first beat to its end
        (FAR + 2, 3, 1, INCR, [(2, 6)]),  # beats of two bytes, and no more than these
        (FAR + 4, 3, 2, FIXED, [(4, 4)]),  # one place, once
        (FAR + 16, 4, 3, WRAP, [(16, 8), (24, 8), (0, 16)]),
        (FAR + 4088, 2, 3, INCR, [(4088, 8), (4096, 8)]),  # two maps
    ],
    ids=["unaligned", "narrow", "fixed", "wrap", "two maps"],
)  # fmt: skip
def test_what_is_asked_for_is_what_the_card_may_use(
    far: Far, address: int, beats: int, size: int, burst: int, spans: list[tuple[int, int]]
) -> None:
    far.read(address, beats, size, burst)
    asked = []
    for _ in spans:
        far.run()
        ((at, count, _),) = far.engine.spans(False)
        asked.append((at - FAR, count))
        assert far.answer(bytes((at + each) & 0xFF for each in range(count)))
    far.run()
    assert asked == spans
    for place, response, data in far.got():
        good = len(data) if size == 3 else (1 << size) - place % (1 << size)
        assert (response, data[:good]) == (0, bytes((place + at) & 0xFF for at in range(good)))
        assert set(data[good:]) <= {POISON}
    assert far.engine.findings() == []


def test_a_write_brings_the_bytes_that_its_strobes_name(far: Far) -> None:
    far.write(FAR + 16, (0x0706050403020100, 0b1100_1111), (0x0F0E0D0C0B0A0908, 0b1111_1111))
    far.run()
    assert far.engine.asked(False) == 0
    assert far.engine.spans(True) == [(FAR + 16, 4, bytes(range(4))), (FAR + 22, 10, bytes(range(6, 16)))]
    assert far.kept(Kind.WRITE) == []  # it is not answered before it has landed
    assert far.engine.in_flight(FAR + 16, 1) == 1
    assert far.answer(write=True)
    far.run(4)
    ((place, response),) = [(each.place, each.value) for each in far.kept(Kind.WRITE)]
    assert (place, response, far.engine.in_flight(0, 1 << 64)) == (FAR + 16, 0, 0)


def test_a_burst_into_both_kinds_of_memory(far: Far) -> None:
    """No burst may cross a page; one that does finds each part where it is."""
    end = NEAR + PAGE
    far.memory.far = [(end, PAGE)]
    far.memory.version += 1
    far.near[PAGE - 8 :] = b"near by!"
    far.read(end - 8, 2)
    far.write(end - 8, (1, 255), (2, 255))
    far.run()
    assert far.engine.spans(False) == [(end, 8, b"")]
    far.answer(b"far away")
    far.run()
    assert far.got() == [(end - 8, 0, b"near by!"), (end, 0, b"far away")]
    assert far.engine.spans(True) == [(end, 8, (2).to_bytes(8, "little"))]
    assert far.near[PAGE - 8 :] == b"near by!"
    far.answer(write=True)
    far.run()
    assert far.near[PAGE - 8] == 1


def test_an_error_is_the_cards_and_a_finding(far: Far) -> None:
    far.read(FAR)
    far.write(FAR, (1, 255))
    far.run(2 * LATENCY, Event.NONE)
    assert far.answer(response=Response.SLVERR)
    assert far.answer(response=Response.SLVERR, write=True)
    far.run()
    assert [each.value for each in far.kept(Kind.READ, Kind.WRITE)] == [2, 2]
    assert sorted(finding.rule for finding in far.engine.findings()) == ["dma.read", "dma.write"]
    assert far.engine.faults == 2


def test_an_answer_that_nobody_waits_for_changes_nothing(far: Far) -> None:
    assert not far.engine.answer_asked(False, 1, Response.OKAY, b"12345678")
    far.read(FAR)
    far.run()
    assert not far.engine.answer_asked(False, 2, Response.OKAY, b"12345678")
    assert not far.engine.answer_asked(True, 1, Response.OKAY)
    assert not far.engine.answer_asked(False, 1, Response.OKAY, b"1234567")  # not all of it
    assert far.engine.asked(False) == 1


@pytest.mark.parametrize("how", ["nobody", "shut"])
def test_bursts_that_nobody_can_answer_end_without_a_finding(far: Far, how: str) -> None:
    """SLVERR: those that wait, and those behind them; with `nobody` those that come, too."""
    far.read(FAR)
    far.read(FAR + 8)
    far.write(FAR, (1, 255))
    far.run()
    assert far.engine.in_flight(0, 1 << 64) == 3
    far.engine.nobody(True) if how == "nobody" else far.engine.shut(FAR, PAGE)
    assert (far.engine.asked(False), far.engine.asked(True), far.engine.in_flight(0, 1 << 64)) == (0, 0, 0)
    if how == "nobody":
        far.read(FAR + 16)
    far.run(3 * LATENCY)
    assert [each.value for each in far.kept(Kind.READ, Kind.WRITE)] == [2] * (4 if how == "nobody" else 3)
    assert far.engine.findings() == []
    far.engine.nobody(False) if how == "nobody" else far.engine.shut(0, 0)
    far.read(FAR)
    far.run()
    assert far.engine.spans(False) == [(FAR, 8, b"")]


def test_other_bytes_are_shut_without_harm(far: Far) -> None:
    far.read(FAR)
    far.run()
    far.engine.shut(FAR + PAGE, PAGE)
    assert far.engine.asked(False) == 1


def test_reset_forgets_what_was_asked_for(far: Far) -> None:
    far.read(FAR)
    far.write(FAR, (1, 255))
    far.run(2 * LATENCY, Event.NONE)
    assert far.engine.asked(False)
    assert far.engine.asked(True)
    far.engine.reset()
    assert (far.engine.asked(False), far.engine.asked(True), far.engine.in_flight(0, 1 << 64)) == (0, 0, 0)
    far.run(3 * LATENCY)
    assert far.kept(Kind.READ, Kind.WRITE) == []


def test_a_burst_at_address_0_is_shut_only_when_it_is() -> None:
    """ "None are shut" is from 1 to 0: a burst that begins at 0 holds both."""
    far = Far()
    far.memory.far = [(0, PAGE)]
    far.memory.version += 1
    far.read(0, 2)
    far.run()
    assert far.engine.spans(False) == [(0, 16, b"")]
    far.answer(bytes(16))
    far.run()
    assert far.got() == [(0, 0, bytes(16))]
    far.engine.close()


def test_that_a_burst_waits_is_on_record(far: Far) -> None:
    far.read(FAR)
    far.run()
    began = far.engine.now
    far.run(100, Event.NONE)
    far.answer(bytes(8))
    far.run()
    wait, read = far.kept(Kind.WAIT, Kind.READ)
    assert (wait.value, wait.clock, read.kind) == (0, began - 1, Kind.READ)
    assert read.clock >= began + 100
