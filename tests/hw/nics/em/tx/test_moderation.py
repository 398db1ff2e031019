"""When transmission interrupts: IDE, TIDV, TADV, WTHRESH, LWTHRESH, in clocks (M 3.3.3.1, 3.4.2, 13.4.41-44)."""

from __future__ import annotations

import pytest

from ringbed.hw.formats import em
from ringbed.sim.seam.engine import Event
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, on_wire
from tests.hw.nics.em.tx.test_data import DD, body

UNIT = 128  # clocks in 1.024 us
SLACK = 100  # clocks between a write-back and its interrupt, register accesses included


def open_card(opener: Opener, **registers: int) -> Card:
    card = opener(tx=256)
    for name, value in registers.items():
        card.set(name, value)
    card.get("ICR")
    card.set("IMS", CAUSE["TXDW"])
    return card


def told(card: Card, within: int) -> int | None:
    """Clocks from now to the interrupt, which is then taken."""
    begin = card.engine.now
    event = card.engine.run(begin + within, Event.IRQ)
    if not event & Event.IRQ:
        return None
    clocks = card.engine.now - begin
    assert card.get("ICR") & CAUSE["TXDW"]
    return int(clocks)


def written(card: Card, index: int) -> bool:
    return bool(card.tx.at(index)[12] & DD)


def test_ide_delays_by_tidv(card: Opener) -> None:
    c = open_card(card, TIDV=10)
    c.push(c.pieces(body(100), IDE=1))
    clocks = told(c, 5000)
    assert clocks is not None
    assert 10 * UNIT < clocks < 10 * UNIT + 3 * SLACK
    assert written(c, 0), "what the timer tells of was in memory long before"
    c.push(c.pieces(body(100)))
    clocks = told(c, 5000)
    assert clocks is not None
    assert clocks < 3 * SLACK


def test_the_card_is_idle_while_the_timer_runs(native: Opener) -> None:
    """And says when it wakes: skipping the wait changes nothing."""
    card = open_card(native, TIDV=1000)
    card.push(card.pieces(body(100), IDE=1))
    card.run(5000)
    assert card.sent() == [on_wire(body(100))]
    clocks = told(card, 2000 * UNIT)
    assert clocks is not None
    assert abs(clocks + 5000 - 1000 * UNIT) < 10 * SLACK
    assert card.engine.stats().skipped > 990 * UNIT


def test_each_frame_starts_tidv_anew_and_tadv_bounds_it(native: Opener) -> None:
    card = open_card(native, TIDV=20)
    begin = card.engine.now
    for _ in range(8):
        card.push(card.pieces(body(100), IDE=1))
        assert told(card, 10 * UNIT) is None
    last = card.engine.now - 10 * UNIT
    assert told(card, 50 * UNIT) is not None
    assert abs(card.engine.now - last - 20 * UNIT) < 4 * SLACK
    card.set("TADV", 50)
    begin, after = card.engine.now, None
    while after is None:
        card.push(card.pieces(body(100), IDE=1))
        after = told(card, 10 * UNIT)
        assert card.engine.now < begin + 80 * UNIT
    assert abs(card.engine.now - begin - 50 * UNIT) < 4 * SLACK


def test_one_without_ide_tells_for_all(native: Opener) -> None:
    card = open_card(native, TIDV=1000, TADV=2000)
    for _ in range(3):
        card.push(card.pieces(body(100), IDE=1))
    card.push(card.pieces(body(100)))
    clocks = told(card, 5000)
    assert clocks is not None
    assert clocks < 6 * SLACK
    assert told(card, 3000 * UNIT) is None, "both timers were cleared"


def test_tidv_0_is_no_delay(native: Opener) -> None:
    card = open_card(native)
    card.push(card.pieces(body(100), IDE=1))
    clocks = told(card, 5000)
    assert clocks is not None
    assert clocks < 3 * SLACK


@pytest.mark.parametrize("ide", [0, 1])
def test_wthresh_gathers_write_backs(native: Opener, ide: int) -> None:
    """With IDE and TIDV they wait for enough or for the timer; without either an empty pipeline writes them."""
    card = open_card(native, TIDV=100, TXDCTL=8 << R["TXDCTL"]["WTHRESH"].lsb)
    for _ in range(5):
        card.push(card.pieces(body(100), IDE=ide))
        card.run(1000)
    assert [written(card, index) for index in range(5)] == [not ide] * 5
    assert card.get("TDH") == (0 if ide else 5)
    if ide:
        clocks = told(card, 200 * UNIT)
        assert clocks is not None
        assert abs(clocks - 100 * UNIT) < 20 * SLACK
        assert [written(card, index) for index in range(5)] == [True] * 5
        for _ in range(8):
            card.push(card.pieces(body(100), IDE=ide))
            card.run(1000)
        assert [written(card, index) for index in range(13)] == [True] * 8 + [False] * 5, "eight are enough for a line"


def test_low_ring(native: Opener) -> None:
    """TXD_LOW as the descriptors left for the card come down to 8 * LWTHRESH; LWTHRESH 0 is never."""
    for mark in (0, 2):
        card = open_card(native, TXDCTL=mark << R["TXDCTL"]["LWTHRESH"].lsb)
        card.set("IMC", 0xFFFF_FFFF)
        card.set("TCTL", 0)
        card.push(each for k in range(40) for each in card.pieces(body(100, k)))
        assert not card.get("ICR") & CAUSE["TXD_LOW"]
        card.set("TCTL", R["TCTL"].mask("EN", "PSP"))
        seen = False
        while card.peek("RB_TXWIRE") < 40 and not seen:
            card.run(5)
            left = 40 - card.peek("TDH")
            cause = card.get("ICR") & CAUSE["TXD_LOW"]
            assert not (cause and left > 8 * mark)
            seen = bool(cause)
        card.settle()
        assert seen == (mark != 0)
        assert not card.get("ICR") & CAUSE["TXD_LOW"], "once"


def test_a_reset_forgets_the_timers(native: Opener) -> None:
    card = open_card(native, TIDV=100)
    card.push(card.pieces(body(100), IDE=1))
    card.run(1000)
    card.reset()
    card.up()
    card.set("IMS", CAUSE["TXDW"])
    assert told(card, 300 * UNIT) is None
    assert em.REGISTERS["TIDV"].offset == 0x3820
