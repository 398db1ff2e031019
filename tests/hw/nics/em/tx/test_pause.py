"""Flow control: pause frames received stop transmission, a filling receive buffer sends them (M 8.7, 13.4.21-24)."""

from __future__ import annotations

import pytest

from tests.hw.nics.em.bench import Card, Opener, R, fcs, frame, on_wire
from tests.hw.nics.em.tx.test_data import body

GROUP = bytes.fromhex("0180c2000001")
STATION = bytes.fromhex("020000000001")
SLOT = 64  # clocks in 512 ns


def pause(time: int, source: bytes = b"\x02" + bytes(5)) -> bytes:
    return fcs((GROUP + source + b"\x88\x08\x00\x01" + time.to_bytes(2, "big")).ljust(60, b"\0"))


def open_card(opener: Opener, *ctrl: str, **registers: int) -> Card:
    card = opener()
    card.set("CTRL", R["CTRL"].mask("SLU", *ctrl))
    for name, value in ({"FCAL": 0x00C28001, "FCAH": 0x0100, "FCT": 0x8808, "FCTTV": 0x1234} | registers).items():
        card.set(name, value)
    card.get("STATUS")
    return card


def txoff(card: Card) -> bool:
    return bool(R["STATUS"]["TXOFF"].get(card.peek("STATUS")))


def xoff(card: Card) -> None:
    card.set("TCTL", R["TCTL"].mask("EN", "PSP", "SWXOFF"))


def test_a_pause_holds_frames_for_its_time(card: Opener) -> None:
    c = open_card(card, "RFCE")
    c.arrive(pause(20))
    c.run(200)
    assert txoff(c)
    begin = c.engine.now - 200
    c.push(c.pieces(body(100)))
    c.run(10 * SLOT)
    assert c.engine.wire_out() == []
    c.settle()
    ((at, data),) = c.engine.wire_out()
    assert data == on_wire(body(100))
    assert 20 * SLOT < at - begin < 20 * SLOT + 200
    assert not txoff(c)


def test_xon_ends_it_and_a_longer_one_replaces_it(native: Opener) -> None:
    card = open_card(native, "RFCE")
    card.arrive(pause(10), pause(0xFFFF))
    card.push(card.pieces(body(100)))
    card.run(2000)
    assert txoff(card)
    card.arrive(pause(0))
    card.settle()
    assert not txoff(card)
    assert card.sent() == [on_wire(body(100))]


def test_the_frame_under_way_is_finished(native: Opener) -> None:
    card = open_card(native, "RFCE")
    card.push([*card.pieces(body(1500)), *card.pieces(body(1500, 1))])
    while not card.peek("TDH"):
        card.run(5)
    card.run(40)
    card.arrive(pause(50))
    card.run(1000)
    assert txoff(card)
    assert len(card.engine.wire_out()) == 1
    card.settle()
    assert card.sent() == [on_wire(body(1500, 1))]


def test_without_rfce_nothing_stops(native: Opener) -> None:
    card = open_card(native)
    card.arrive(pause(0xFFFF))
    card.run(200)
    assert not txoff(card)
    card.push(card.pieces(body(100)))
    card.settle()
    assert card.sent() == [on_wire(body(100))]


def test_the_card_is_idle_while_it_is_held(native: Opener) -> None:
    """Waiting is no activity; skipped or not, the frame leaves when the time is over."""
    card = open_card(native, "RFCE")
    card.arrive(pause(5000))
    card.push(card.pieces(body(100)))
    begin = card.engine.now
    card.run(2000 * SLOT)
    assert txoff(card)
    assert card.sent() == []
    card.settle()
    ((at, _),) = card.engine.wire_out()
    assert abs(at - begin - 5000 * SLOT) < 500
    assert card.engine.stats().skipped > 4900 * SLOT


def test_software_asks_for_xoff(card: Opener) -> None:
    """No TFCE needed; the bit reads 0; it goes out even while the card itself is held, and counts apart."""
    c = open_card(card, "RFCE")
    c.arrive(pause(0xFFFF))
    c.run(200)
    c.push(c.pieces(body(100)))
    xoff(c)
    c.run(500)
    assert c.sent() == [pause(0x1234, STATION)]
    assert not c.get("TCTL") & R["TCTL"].mask("SWXOFF")
    assert c.counts()["RB_TXPAUSE"] == 1
    assert "RB_TXWIRE" not in c.counts()
    assert [c.get(name) for name in ("XOFFTXC", "XONTXC", "GPTC", "TPT", "MPTC")] == [1, 0, 0, 1, 0]


def fill(card: Card, count: int) -> None:
    """Frames of 1 KB with nowhere to go: no descriptors."""
    card.arrive(*(frame(1024, seed=k) for k in range(count)))
    card.settle()


@pytest.mark.parametrize("xone", [0, 1])
def test_thresholds_of_the_receive_buffer(native: Opener, xone: int) -> None:
    """XOFF at FCRTH, one; XON below FCRTL when the driver gives buffers again, if XONE."""
    card = open_card(native, "TFCE", FCRTH=16384, FCRTL=8192 | xone << 31)
    fill(card, 14)
    assert card.sent() == []
    fill(card, 8)
    assert card.sent() == [pause(0x1234, STATION)]
    card.post()
    card.settle()
    assert card.sent() == [pause(0, STATION)] * xone
    assert [card.get(name) for name in ("XOFFTXC", "XONTXC")] == [1, xone]


def test_an_overflow_says_it_again(native: Opener) -> None:
    card = open_card(native, "TFCE", FCRTH=0x8000, FCRTL=0x4000)
    fill(card, 40)
    assert len(card.sent()) == 1
    fill(card, 20)
    missed = card.counts()["RB_RXMISS"]
    assert missed
    assert 1 <= len(card.sent()) <= missed


def test_without_tfce_nothing_is_said(native: Opener) -> None:
    card = open_card(native, FCRTH=0x1000, FCRTL=0x800)
    fill(card, 60)
    assert card.sent() == []


def test_pause_frames_go_between_frames(native: Opener) -> None:
    """A busy transmitter: every frame whole, the account even."""
    card = open_card(native)
    frames = [body(300 + k) for k in range(40)]
    card.push(each for data in frames for each in card.pieces(data))
    for _ in range(10):
        card.run(100)
        xoff(card)
    card.settle()
    sent = card.sent()
    assert [data for data in sent if data[:6] != GROUP] == [on_wire(data) for data in frames]
    assert sent.count(pause(0x1234, STATION)) == card.counts()["RB_TXPAUSE"] > 3
    assert card.inside() == (0, 0)
