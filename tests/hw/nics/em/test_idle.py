"""`idle` and `wake_in` are honest: a card whose quiet clocks are skipped does what one clocked through them does.

The same inputs go to two cards, one with idle skip and one without (and no back-pressure: it is drawn
per clock). Every frame leaves with the same clock, the line rises with the same clock, every register reads the same at
every look.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.nics.em.card import QUIET
from ringbed.hw.nics.em.station import EEPROM_CLOCKS
from ringbed.sim.seam.engine import Event
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, frame
from tests.hw.nics.em.tx.test_data import body

MODERATION = {"ITR": 400, "RDTR": 60, "RADV": 90, "TIDV": 60, "TADV": 90}  # the most a round asks for; 0: off


def pair(native: Opener, **options: Any) -> tuple[Card, Card]:
    both = native(**options), native(skip_idle=False, **options)
    for card in both:
        card.provoked = True  # stray descriptors are part of it; findings are compared instead
        card.set("IMS", sum(CAUSE.values()))
    return both


def picture(card: Card) -> dict[str, Any]:
    """All that can be seen from outside at this clock."""
    seen: dict[str, Any] = {register.name: card.peek(register.name) for register in R}
    found = [(f.clock, f.rule) for f in card.engine.findings()]
    return seen | {"now": card.engine.now, "sent": card.engine.wire_out(), "findings": found}


def setup(card: Card, rng: random.Random) -> None:
    """Some registers that change when things happen."""
    for name, most in MODERATION.items():
        if rng.random() < 0.5:
            card.set(name, rng.choice((0, 1, rng.randrange(1, most))))
    for name in ("RXDCTL", "TXDCTL"):
        if rng.random() < 0.4:
            card.set(name, rng.randrange(10) << 16)
    if rng.random() < 0.2:
        card.engine.set_pin("link_up", rng.randrange(2))
    for name, fields in (("EERD", {"START": 1, "ADDR": 10}), ("MDIC", {"OP": 2, "REGADD": 2, "PHYADD": 1, "I": 1})):
        if rng.random() < 0.3:
            card.set(name, R[name].pack(**fields))
    if rng.random() < 0.2:
        card.set("TCTL", R["TCTL"].mask(*rng.choice((("EN", "PSP"), ("PSP",)))))


def traffic(card: Card, rng: random.Random) -> None:
    if rng.random() < 0.7:
        card.post(rng.randrange(card.rx.free + 1))
    card.arrive(*(frame(rng.choice((63, 64, 300, 1518)), seed=k) for k in range(rng.randrange(6))))
    for _ in range(rng.randrange(5)):
        data = body(rng.randrange(20, 1514))
        made = card.pieces(data, sorted(rng.sample(range(1, len(data)), rng.randrange(3))), IDE=rng.randrange(2))
        if len(made) <= card.tx.free:
            card.push(made)


def interrupts(card: Card, clocks: int) -> list[tuple[int, int]]:
    """Run so many clocks, answering the line at once: when it was up, and with what."""
    end, seen = card.engine.now + clocks, list[tuple[int, int]]()
    while card.engine.run(end, Event.IRQ) & Event.IRQ:
        seen.append((card.engine.now, card.get("ICR")))
    return seen


def round_of(card: Card, seed: int) -> dict[str, Any]:
    """One round: the same for the same seed."""
    rng = random.Random(seed)
    setup(card, rng)
    traffic(card, rng)
    served = interrupts(card, rng.choice((40, 700, 5_000, 60_000)))
    if rng.random() < 0.1:
        card.set("CTRL", R["CTRL"].mask("RST"))
        card.run(30_000)
        card.up()
        card.set("IMS", sum(CAUSE.values()))
    elif rng.random() < 0.5:
        served += interrupts(card, 100_000)
    card.harvest()
    card.reclaim()
    return picture(card) | {"served": served}


def compare(native: Opener, seed: int, rounds: int) -> None:
    rng = random.Random(seed)
    latencies = (1, 50, 250)
    skipping, clocked = pair(
        native, rx=32, tx=32, size=rng.choice((256, 2048)),
        read_latency=rng.choice(latencies), write_latency=rng.choice(latencies),
    )  # fmt: skip
    for number in range(rounds):
        one, other = (round_of(card, seed * 1000 + number) for card in (skipping, clocked))
        different = {name: (one[name], other[name]) for name in one if one[name] != other[name]}
        assert not different, f"seed {seed}, round {number}"
    assert skipping.engine.stats().skipped > 0
    assert clocked.engine.stats().skipped == 0


@pytest.mark.parametrize("seed", range(4))
def test_skipping_changes_nothing(native: Opener, seed: int) -> None:
    compare(native, seed, 6)


@pytest.mark.parametrize("early", [0, 8])
def test_a_word_of_the_eeprom_wakes_the_card_for_its_one_clock(native: Opener, early: int) -> None:
    """So that 64 of them, which every driver reads, cost an engine little; at rest, and on the way to it."""
    card = native()
    card.run(1000)
    card.get("STATUS")
    card.run(QUIET - early)
    before, start = card.engine.stats().clocks, card.engine.now
    card.set("EERD", R["EERD"].pack(START=1, ADDR=10))
    card.run(EEPROM_CLOCKS + 1000)
    assert card.engine.stats().clocks - before < QUIET + 20
    assert card.engine.now - start >= EEPROM_CLOCKS
    assert R["EERD"]["DONE"].get(card.get("EERD"))
    assert R["EERD"]["DATA"].get(card.get("EERD")) == 0x6403


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 140))
def test_skipping_changes_nothing_more(native: Opener, seed: int) -> None:
    compare(native, seed, 20)
