"""A NIC under test that is the card: what is asked of it gets there, and pieces lie where they shall."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringbed.conformance.nic.case import Case
from ringbed.conformance.nic.claims import EM
from ringbed.conformance.nic.em import STATION, em_opener
from ringbed.conformance.nic.over_host import HostNic, apart
from ringbed.conformance.nic.places import PlacedMemory
from ringbed.conformance.nic.run import Suite
from ringbed.conformance.nic.table import table
from ringbed.conformance.nic.target import Arrival, Offer, Place, Setup
from ringbed.hw.errata.asked import Asked
from ringbed.sim.memory.regions import POISON
from ringbed.sim.testbed.offer import Direction

pytestmark = pytest.mark.needs("native")
GIB4 = 1 << 32


@pytest.fixture
def nic() -> Iterator[HostNic]:
    opened = em_opener()(Setup())
    assert isinstance(opened, HostNic)
    yield opened
    opened.close()


def offer(length: int, *places: Place) -> Offer:
    return Offer((bytes(range(12)) + b"\x88\xb5" + bytes([length % 256]) * (length - 14),), places=places)


def test_frames_go_both_ways_and_nothing_is_wrong(nic: HostNic) -> None:
    offers = [offer(60 + n) for n in range(200)]
    assert nic.send(offers) == [each.data for each in offers]
    frames = [STATION + bytes(6) + b"\x88\xb5" + bytes([n]) * 60 for n in range(200)]
    assert [each.data for each in nic.receive([Arrival(each) for each in frames])] == frames
    assert nic.wrongs() == []


def test_a_frame_with_a_bad_fcs_does_not_come(nic: HostNic) -> None:
    assert nic.receive([Arrival(STATION + bytes(60), bad_fcs=True)]) == []


def test_what_the_card_does_not_take_is_wrong(nic: HostNic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nic.host.driver, "transmit", lambda queue, frames: 0)
    assert nic.send([offer(60)]) == []
    assert nic.wrongs() == ["of 1 frames it took 0, and no more with nothing to do"]


def test_pieces_lie_where_the_case_says() -> None:
    memory = PlacedMemory()
    memory.place([None, Place(GIB4 - 2, b"\xa5" * 8)])
    assert memory.map(b"abc", Direction.TO_DEVICE).iova not in range(GIB4 - 2, GIB4 + 2)
    put = memory.map(b"wxyz", Direction.TO_DEVICE)
    assert put.iova == GIB4 - 2
    assert memory.device_read(GIB4 - 2, 8)[0] == b"wxyz" + bytes([POISON]) * 4  # the pattern is nobody's to read
    memory.unmap(put)
    assert memory.device_read(GIB4 - 2, 4)[1] != 0


def test_what_was_put_over_a_piece_stays_when_the_first_is_given_back() -> None:
    memory = PlacedMemory()
    memory.place([Place(GIB4), Place(GIB4)])
    first, second = memory.map(b"abcd", Direction.TO_DEVICE), memory.map(b"wxyz", Direction.TO_DEVICE)
    memory.unmap(first)
    assert memory.device_read(GIB4, 4)[0] == b"wxyz"
    memory.unmap(second)


def test_no_memory_is_where_no_window_is() -> None:
    memory = PlacedMemory()
    memory.place([Place(7 << 30)])
    with pytest.raises(ValueError, match="no window of memory is at 0x1c0000000"):
        memory.map(b"abcd", Direction.TO_DEVICE)


def test_frames_that_would_lie_on_each_other_are_not_in_flight_together() -> None:
    apart_, over = offer(60, Place(GIB4 + 4096)), offer(60, Place(GIB4 + 59))
    assert apart([offer(60, Place(GIB4)), apart_, over, over]) == 2
    assert apart([over, over]) == 1
    assert apart([offer(60)] * 5) == 5
    assert apart([offer(60, Place(GIB4, bytes(4036))), apart_]) == 2
    assert apart([offer(60, Place(GIB4, bytes(4037))), apart_]) == 1


def test_a_lab_card_fails_the_rule_that_its_erratum_breaks_and_no_other() -> None:
    """OSPF, behind a frame that asks for sums; beside it stand protocols that miss the trigger by one."""
    cases = [case for case in table(EM) if case.rule.id == "csum.tx.ip4-other"]
    found = failing(cases, {"tx-ospf-corrupted-by-csum-engine": {}})
    assert found == {case.id for case in cases if ".protocol-89." in case.id}
    assert len(found) == 4
    assert failing(cases, {}) == set()


def failing(cases: list[Case], errata: Asked) -> set[str]:
    suite = Suite(em_opener(errata=errata), EM, 1)
    return {each.case.id for each in suite.ask(0, cases) if each.findings}
