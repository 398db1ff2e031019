"""CTRL.RST: at any clock of any traffic it ends, on a quiet bus, with every frame in one counter (M 13.4.1, 14)."""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from ringbed.hw.formats.field import Access
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, frame, on_wire
from tests.hw.nics.em.test_rings import works
from tests.hw.nics.em.tx.test_data import body
from tests.hw.nics.em.tx.test_sums import context

KEPT = ("PBA", "RDBAL", "RDBAH", "TDBAL", "TDBAH", "MTA", "VFTA")
LIVE = ("STATUS", "RAL", "RAH", "EECD", "ICR", "ICS", "MDIC", "EERD")  # looked at on their own, or of no reset value


def traffic(card: Card, rng: random.Random) -> None:
    """Some of everything, both ways at once, and no time for it yet."""
    wires = [frame(rng.choice((rng.randrange(1, 64), 64, rng.randrange(64, 1600))), seed=k) for k in range(40)]
    wires = [wire if rng.random() < 0.9 else wire[:-1] + b"!" for wire in wires]
    card.post(rng.randrange(1, card.rx.free + 1))
    card.arrive(*wires)
    made: list[bytes] = []
    while len(made) < card.tx.free - 12:
        data = body(rng.randrange(1, 1515), rng.randrange(9))
        cuts = sorted(rng.choices(range(1, len(data) + 1), k=rng.randrange(4)))
        made += card.pieces(data, cuts, extended=True, TXSM=rng.randrange(2), IXSM=1, TSE=int(rng.random() < 0.1))
        if rng.random() < 0.2:
            made.append(context(34, 40, tcp=False))
    card.push(made[: card.tx.free])


def reset_in_the_middle(card: Card, rng: random.Random) -> None:
    """Traffic, CTRL.RST after some clocks, the account, and work as if nothing had been."""
    traffic(card, rng)
    card.run(rng.randrange(1, 2500))
    card.reset()
    card.sent()
    # what is still on the receive wire meets a card that is off
    card.settle()
    received, sending = card.inside()
    assert (received, sending) == (0, 0), card.counts()
    assert card.get("RCTL") == card.get("TCTL") == card.get("RDT") == card.get("TDT") == card.get("TDH") == 0
    card.up()
    card.harvest()
    works(card, rng.randrange(1000))


@pytest.mark.parametrize("batch", range(10))
def test_at_any_clock(native: Opener, batch: int) -> None:
    """200 resets: 20 in each of ten cards, whose memory is fast, slow, or answers out of step."""
    rng = random.Random(batch)
    options = {"read_latency": rng.choice((1, 50, 250)), "write_latency": rng.choice((1, 50, 250))}
    card = native(
        rx=64, tx=64, size=rng.choice((256, 2048)), backpressure=rng.choice((0.0, 0.3)), seed=batch, **options
    )
    for _ in range(20):
        reset_in_the_middle(card, rng)


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("batch", range(10, 60))
def test_at_any_clock_more(native: Opener, batch: int) -> None:
    test_at_any_clock(native, batch)


def test_in_the_middle_on_both_engines(card: Opener) -> None:
    c = card(rx=16, tx=32)
    rng = random.Random(5)
    c.post()
    c.arrive(frame(500), frame(700, seed=1))
    c.push(each for k in range(3) for each in c.pieces(body(400 + k)))
    c.run(rng.randrange(80, 130))
    c.reset()
    c.settle()
    assert c.inside() == (0, 0)
    c.up()
    works(c)


def test_a_frame_on_the_wire_is_sent_to_its_end(native: Opener) -> None:
    """Whatever leaves the card is whole: no torn frame, no bad FCS, at any clock of the reset."""
    for clocks in range(1, 500, 11):
        card = native()
        data = [body(700 + k) for k in range(3)]
        card.push(each for one in data for each in card.pieces(one))
        card.run(clocks)
        card.reset()
        card.settle()
        sent = card.sent()
        assert sent == [on_wire(each) for each in data[: len(sent)]]
        counts = card.counts()
        assert counts.get("RB_TXWIRE", 0) == len(sent)


def test_twice_in_a_row_and_while_under_way(native: Opener) -> None:
    card = native()
    traffic(card, random.Random(1))
    card.run(200)
    for _ in range(3):
        card.set("CTRL", R["CTRL"].mask("RST"))
    card.reset()
    card.reset()
    card.settle()
    assert card.inside() == (0, 0)
    card.up()
    card.sent()
    works(card)


def _marks(card: Card) -> dict[str, int]:
    """Every writable field but CTRL.RST and the EEPROM's and MDIO's commands at other than its reset value."""
    written = {}
    for register in R:
        mask = sum(field.mask for field in register.fields if field.access is Access.RW)
        if mask and register.name not in (*LIVE, "RCTL", "TCTL", "IMS", "IMC", "RDH", "TDH"):
            written[register.name] = ~register.reset & mask
    written["CTRL"] &= ~R["CTRL"].mask("PHY_RST")
    for name, value in written.items():
        card.set(name, value)
    for name in ("IMS", "RDH", "TDH", "RAL", "RAH"):
        card.set(name, 0x53)
    return written


def test_survivors_and_reset_values(card: Opener) -> None:
    c = card(up=False)
    initial = {register.name: c.get(register.name) for register in R}
    written = _marks(c)
    for name, value in written.items():
        assert name in LIVE or c.get(name) & value == value, name
    c.reset()
    for register in R:
        if register.name in KEPT:
            assert c.get(register.name) & written[register.name] == written[register.name], register.name
        elif register.name not in LIVE:
            assert c.get(register.name) == initial[register.name], register.name
    assert (c.get("RAL"), c.get("RAH")) == (0x0000_0002, 0x8000_0100), "from the EEPROM again, and valid"


def test_reset_values_are_the_table(card: Opener) -> None:
    c = card(up=False)
    for register in R:
        if register.name not in (*LIVE, *(name for name in KEPT if name != "PBA")):
            assert c.get(register.name) == register.reset, register.name
    assert c.get("STATUS") & em.REGISTERS["STATUS"].mask("LU") == 0


def test_the_link_that_a_reset_takes_down_is_no_event(card: Opener) -> None:
    """Drivers or RST into CTRL as it is, SLU included: causes read 0 behind it all the same."""
    c = card()
    c.run(20)
    c.set("CTRL", R["CTRL"].mask("SLU", "RST"))
    c.settle()
    assert c.get("STATUS") & R["STATUS"].mask("LU") == 0
    assert c.get("ICR") == 0
    c.set("CTRL", R["CTRL"].mask("SLU"))
    c.settle()
    assert c.get("ICR") == CAUSE["LSC"]


def test_counters_survive(native: Opener) -> None:
    card = native()
    works(card)
    before = card.counts()
    card.reset()
    assert card.counts() == before != {}
