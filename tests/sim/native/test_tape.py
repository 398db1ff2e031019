"""What a compiled model's tape says of buses that a test drives by hand, and a memory that answers from one."""

from __future__ import annotations

import pytest

from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.native.tape import give, note, record, stamp, take, waiting
from ringbed.sim.record.records import Decoder, Kind, Record
from ringbed.sim.seam.engine import Event
from tests.sim.conftest import needs_native
from tests.sim.record.encode import fnv1a
from tests.sim.toy import pins_spec, toy_spec

pytestmark = needs_native
OKAY, SLVERR, DECERR = 0, 2, 3
LATENCY = 60  # clocks, and a few more than that
CONTROL, COUNT, TIMER = 8, 12, 20


class Wires:
    """The card that is nothing but pins, its memory, and what its tape says."""

    def __init__(self, replays: bool = False) -> None:
        self.memory = HostMemory()
        self.there = self.memory.coherent(4096)
        self.there.view[:64] = bytes(range(64))
        self.engine = NativeEngine(pins_spec(), self.memory, check=False)
        for pin in ("p_m_axi_rready", "p_m_axi_bready"):
            self.engine.set_pin(pin, 1)
        record(self.engine._lib, self.engine._live(), replays)
        self._decoder = Decoder()

    def clock(self, **pins: int) -> int:
        """One clock with these pins up; which it was."""
        for name, value in pins.items():
            self.engine.set_pin(f"p_{name}", value)
        self.engine.run(self.engine.now + 1)
        for name in pins:
            self.engine.set_pin(f"p_{name}", 0)
        return self.engine.now - 1

    def taken(self, *kinds: Kind) -> list[Record]:
        """Those of `kinds`; a burst that is being read is cut."""
        stamp(self.engine._lib, self.engine._live(), cut=True)
        found = self._decoder.records(take(self.engine._lib, self.engine._live()))
        return [each for each in found if each.kind in kinds]

    def read(self, address: int, beats: int) -> None:
        self.clock(m_axi_araddr=address, m_axi_arlen=beats - 1, m_axi_arsize=3, m_axi_arburst=1, m_axi_arvalid=1)
        self.engine.run(self.engine.now + LATENCY + beats)

    def write(self, address: int, *beats: tuple[int, int]) -> None:
        """Each a number of 8 bytes and its strobes."""
        self.clock(m_axi_awaddr=address, m_axi_awlen=len(beats) - 1, m_axi_awsize=3, m_axi_awburst=1, m_axi_awvalid=1)
        for index, (data, strobe) in enumerate(beats):
            last = int(index == len(beats) - 1)
            self.clock(m_axi_wdata=data, m_axi_wstrb=strobe, m_axi_wlast=last, m_axi_wvalid=1)
        self.engine.run(self.engine.now + LATENCY)


def test_a_burst_of_reads_is_one_record_with_its_bytes() -> None:
    wires = Wires()
    wires.read(wires.there.iova, 4)
    wires.read(wires.there.iova + 32, 1)
    wires.read(wires.there.iova + 12, 2)
    found = wires.taken(Kind.READ)
    assert [(each.place - wires.there.iova, each.length, each.value) for each in found] == [
        (0, 32, OKAY), (32, 8, OKAY), (12, 12, OKAY),
    ]  # fmt: skip
    assert [each.data for each in found] == [bytes(range(32)), bytes(range(32, 40)), bytes(range(12, 24))]


def test_a_burst_has_a_record_of_its_own_although_it_goes_on_where_the_last_one_ended() -> None:
    """Both are out before the first is answered."""
    wires = Wires()
    for address in (wires.there.iova, wires.there.iova + 16):
        wires.clock(m_axi_araddr=address, m_axi_arlen=1, m_axi_arsize=3, m_axi_arburst=1, m_axi_arvalid=1)
    wires.engine.run(wires.engine.now + LATENCY)
    first, second = wires.taken(Kind.READ)
    assert (first.data, second.data) == (bytes(range(16)), bytes(range(16, 32)))
    assert second.clock == first.clock + 2


def test_beats_of_one_address_are_records_of_their_own() -> None:
    """A FIXED burst."""
    wires = Wires()
    wires.clock(m_axi_araddr=wires.there.iova + 8, m_axi_arlen=2, m_axi_arsize=3, m_axi_arburst=0, m_axi_arvalid=1)
    wires.engine.run(wires.engine.now + LATENCY)
    found = wires.taken(Kind.READ)
    assert [(each.place, each.data) for each in found] == [(wires.there.iova + 8, bytes(range(8, 16)))] * 3


def test_beats_that_are_answered_otherwise_are_records_of_their_own() -> None:
    """What is not OKAY brings no bytes; each of them has the clock of its first beat."""
    wires = Wires()
    wires.read(wires.there.iova + 4096 - 16, 4)
    wires.memory.set_faulty(wires.there.iova + 8, 8)
    wires.read(wires.there.iova, 3)
    found = wires.taken(Kind.READ)
    assert [(each.place - wires.there.iova, each.length, each.value, len(each.data)) for each in found] == [
        (4080, 16, OKAY, 16), (4096, 16, DECERR, 0), (0, 8, OKAY, 8), (8, 8, SLVERR, 0), (16, 8, OKAY, 8),
    ]  # fmt: skip
    assert found[1].clock - found[0].clock == 2
    assert [each.clock - found[2].clock for each in found[3:]] == [1, 2]


def test_what_happens_between_two_beats_parts_them() -> None:
    """A note in the middle of a burst; without one, looks at the tape do not."""
    for noted in (False, True):
        wires = Wires()
        wires.clock(
            m_axi_araddr=wires.there.iova, m_axi_arlen=7, m_axi_arsize=3, m_axi_arburst=1, m_axi_arvalid=1
        )  # fmt: skip
        while wires.engine.stats().read_beats < 3:
            wires.engine.run(wires.engine.now + 1)
            assert waiting(wires.engine._lib, wires.engine._live()) > 0  # pins
            stamp(wires.engine._lib, wires.engine._live())
        if noted:
            note(wires.engine._lib, wires.engine._live(), b"now")
        wires.engine.run(wires.engine.now + 10)
        found = wires.taken(Kind.READ, Kind.NOTE)
        assert b"".join(each.data for each in found if each.kind is Kind.READ) == bytes(range(64))
        kinds = [each.kind.name for each in found]
        assert kinds == (["READ", "NOTE", "READ"] if noted else ["READ"])


def test_a_write_of_few_bytes_is_kept_itself_and_a_longer_one_by_its_digest() -> None:
    wires, at = Wires(), 0
    for beats in ([(0x0807060504030201, 0x3C)], [(0x11 * (1 << 56), 0x80), (0x22, 1)], [(1, 255), (2, 255)]):
        wires.write(wires.there.iova + at, *beats)
        at += 64
    wires.write(wires.there.iova + at, (1, 255), (2, 255), (3, 1))
    found = wires.taken(Kind.WRITE)
    assert [(each.place - wires.there.iova, each.length, each.value, each.exact) for each in found] == [
        (2, 4, OKAY, True), (64 + 7, 2, OKAY, True), (128, 16, OKAY, True), (192, 17, OKAY, False),
    ]  # fmt: skip
    assert [each.data for each in found[:3]] == [bytes([3, 4, 5, 6]), b"\x11\x22", bytes([1, *[0] * 7, 2, *[0] * 7])]
    written = b"".join(
        strobe.to_bytes(8, "little") + data
        for strobe, data in ((255, (1).to_bytes(8, "little")), (255, (2).to_bytes(8, "little")), (1, b"\3"))
    )
    assert found[3].data == fnv1a(written)


def test_few_bytes_with_a_hole_in_them_have_a_digest_too() -> None:
    """Of two writes with the same bytes and other strobes both are known from one another."""
    wires = Wires()
    for strobe in (0b101, 0b1001):
        wires.write(wires.there.iova, (0x01_0101_0101, strobe))
    first, second = wires.taken(Kind.WRITE)
    assert [(each.length, each.exact) for each in (first, second)] == [(2, False)] * 2
    assert (first.data, second.data) == (fnv1a(bytes([5, *[0] * 7, 1, 1])), fnv1a(bytes([9, *[0] * 7, 1, 1])))


def test_a_write_that_is_refused_says_so() -> None:
    wires = Wires()
    wires.write(wires.there.iova + 4096, (1, 255))
    (found,) = wires.taken(Kind.WRITE)
    assert (found.value, found.data) == (DECERR, bytes([1, *[0] * 7]))


def test_every_frame_has_its_clock() -> None:
    wires = Wires()
    sent = wires.clock(tx_tdata=0x0706050403020100, tx_tkeep=0x1F, tx_tlast=1, tx_tvalid=1)
    (frame,) = wires.taken(Kind.SENT)
    assert (frame.clock, frame.length, frame.data) == (sent, 5, fnv1a(bytes(range(5))))


def test_every_edge_of_the_interrupt_line_has_its_clock() -> None:
    engine = NativeEngine(toy_spec(), HostMemory())
    record(engine._lib, engine._live())
    engine.write(CONTROL, 2)
    engine.write(TIMER, 100)
    while Event.IRQ not in engine.run(engine.now + 1, Event.IRQ):
        assert engine.now < 200
    rose = engine.now
    engine.read(COUNT)
    engine.run(engine.now + 20)
    found = list(Decoder().records(take(engine._lib, engine._live())))
    up, down = (each for each in found if each.kind is Kind.LINE)
    (answer,) = (each for each in found if each.kind is Kind.ANSWER)
    assert (up.clock, up.value, down.value) == (rose, 1, 0)
    assert rose < down.clock <= answer.clock


def test_a_memory_that_was_given_answers_what_it_is_asked_in_order() -> None:
    """Where it is asked for something else, it answers DECERR from then on."""
    wires = Wires(replays=True)
    lib, handle = wires.engine._lib, wires.engine._live()
    bursts = [
        (0x1000, 16, OKAY, b"first of, second", 0), (0x1010, 8, SLVERR, b"", 0), (0x2000, 8, OKAY, b"another!", 0)
    ]  # fmt: skip
    give(lib, handle, bursts, [(SLVERR, 0)])
    wires.read(0x1000, 3)
    wires.write(wires.there.iova, (1, 255))
    wires.read(0x3000, 1)
    wires.read(0x2004, 1)
    give(lib, handle, [], [(OKAY, 0)])
    wires.write(wires.there.iova, (1, 255))
    wires.write(wires.there.iova, (1, 255))
    found = wires.taken(Kind.READ, Kind.WRITE)
    reads, writes = ([each for each in found if each.kind is kind] for kind in (Kind.READ, Kind.WRITE))
    assert [(each.place, each.value, each.data) for each in reads] == [
        (0x1000, OKAY, b"first of, second"), (0x1010, SLVERR, b""), (0x3000, DECERR, b""), (0x2004, DECERR, b""),
    ]  # fmt: skip
    assert [each.value for each in writes] == [SLVERR, OKAY, DECERR]
    assert bytes(wires.there.view[:8]) == bytes(range(8))  # which nobody wrote to
    assert wires.engine.findings() == []


def test_an_answer_without_its_bytes_is_not_given() -> None:
    wires = Wires(replays=True)
    with pytest.raises(ValueError, match="8 bytes at 0x10, answered 0, are 3 bytes of data"):
        give(wires.engine._lib, wires.engine._live(), [(16, 8, OKAY, b"abc", 0)], [])


def test_without_a_tape_nothing_is_kept() -> None:
    wires = Wires()
    engine = NativeEngine(pins_spec(), wires.memory)
    engine.set_pin("p_tx_tvalid", 1)
    engine.hold_irq(9)
    note(engine._lib, engine._live(), b"unheard")
    engine.run(10)
    assert waiting(engine._lib, engine._live()) == 0
