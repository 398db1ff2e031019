"""RCTL.EN, TCTL.EN and the PHY's reset in the middle of traffic: what is under way ends whole, and nothing is lost.

The manual leaves the moment open; docs/nics/em.notes.md says what this card does: the frame in progress is finished.
"""

from __future__ import annotations

import random

import pytest

from ringbed.hw.nics.em.card import MDIO_CLOCKS
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, frame, on_wire
from tests.hw.nics.em.test_rings import works
from tests.hw.nics.em.tx.test_data import body

FRAMES = 12
MII_RESET = 0x8000  # PHY register 0 bit 15; clears itself (IEEE 802.3 22.2.4.1.1)


def opened(native: Opener, rng: random.Random, seed: int, **options: object) -> Card:
    return native(
        rx=64, tx=64, size=rng.choice((256, 2048)), backpressure=rng.choice((0.0, 0.3)), seed=seed,
        read_latency=rng.choice((1, 50, 250)), write_latency=rng.choice((1, 50, 250)), **options,
    )  # fmt: skip


def received(card: Card) -> list[bytes]:
    return [one.data for one in card.harvest()]


def receive_off_and_on(card: Card, rng: random.Random) -> None:
    """Of the frames sent, those before the gap and behind it are in memory; each one in it is counted as RB_RXOFF."""
    off = card.counts().get("RB_RXOFF", 0)
    wires = [frame(rng.randrange(64, 1519), seed=k) for k in range(FRAMES)]
    card.post()
    card.arrive(*wires)
    card.run(rng.randrange(1, 1500))
    card.receive_on(*(bit for bit in card.rctl if bit != "EN"))
    card.run(rng.randrange(1, 400))
    card.receive_on(*card.rctl)
    card.settle()
    missed = card.counts().get("RB_RXOFF", 0) - off
    sent, got = [wire[:-4] for wire in wires], received(card)
    assert len(got) == FRAMES - missed
    first = next((k for k, (one, other) in enumerate(zip(sent, got, strict=False)) if one != other), len(got))
    assert got == sent[:first] + sent[first + missed :]


def transmit_off_and_on(card: Card, rng: random.Random) -> None:
    """Off, the card comes to rest with whole frames on the wire; on again, it goes on where it stopped."""
    data = [body(rng.randrange(60, 1515), rng.randrange(9)) for _ in range(FRAMES)]
    card.push(each for one in data for each in card.pieces(one, sorted(rng.sample(range(1, len(one)), 2))))
    card.run(rng.randrange(1, 1500))
    tctl = card.get("TCTL")
    card.set("TCTL", tctl & ~R["TCTL"].mask("EN"))
    card.settle()
    before = card.sent()
    assert before == [on_wire(one) for one in data[: len(before)]]
    card.run(rng.randrange(1, 3000))
    assert card.sent() == []
    card.set("TCTL", tctl)
    card.settle()
    assert before + card.sent() == [on_wire(one) for one in data]
    card.reclaim()


def busy(card: Card, rng: random.Random) -> None:
    """Traffic both ways, and some clocks of it."""
    card.post()
    card.arrive(*(frame(rng.randrange(64, 1519), seed=k) for k in range(FRAMES)))
    card.push(each for _ in range(FRAMES) for each in card.pieces(body(rng.randrange(60, 1515))))
    card.run(rng.randrange(1, 1500))


def rest(card: Card) -> None:
    card.settle()
    card.sent()
    card.harvest()
    card.reclaim()


def phy_reset(card: Card, rng: random.Random) -> None:
    """The link goes; frames that meet no link are counted, the rings go on as they were."""
    busy(card, rng)
    ctrl = card.get("CTRL")
    card.set("CTRL", ctrl | R["CTRL"].mask("PHY_RST"))
    card.run(rng.randrange(1, 2000))
    card.set("CTRL", ctrl)
    rest(card)


def mii_access(card: Card, **fields: int) -> int:
    """One access to PHY register 0; its data."""
    card.set("MDIC", R["MDIC"].pack(REGADD=0, PHYADD=1, **fields))
    card.run(MDIO_CLOCKS + 10)
    value = card.get("MDIC")
    assert value & R["MDIC"].mask("R", "E") == R["MDIC"].mask("R")
    return R["MDIC"].unpack(value)["DATA"]


def mii_reset(card: Card, rng: random.Random) -> None:
    """PHY register 0 bit 15 in mid-traffic: it clears itself, registers go back, the link was away (LSC)."""
    mii_access(card, OP=1, DATA=0x0140)  # not what reset gives
    card.get("ICR")
    busy(card, rng)
    assert mii_access(card, OP=1, DATA=MII_RESET) == MII_RESET
    assert card.get("ICR") & CAUSE["LSC"]
    assert mii_access(card, OP=2) == 0x1140
    assert card.get("STATUS") & R["STATUS"].mask("LU")
    rest(card)


ACTIONS = {"receive": receive_off_and_on, "transmit": transmit_off_and_on, "phy": phy_reset, "mii": mii_reset}


def sweep(native: Opener, action: str, batch: int, times: int) -> None:
    rng = random.Random(f"{action} {batch}")
    card = opened(native, rng, batch)
    for turn in range(times):
        ACTIONS[action](card, rng)
        assert card.inside() == (0, 0), (turn, card.counts())
    works(card, batch)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("batch", range(4))
def test_at_any_clock(native: Opener, action: str, batch: int) -> None:
    sweep(native, action, batch, 25)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("batch", range(4, 24))
def test_at_any_clock_more(native: Opener, action: str, batch: int) -> None:
    sweep(native, action, batch, 100)


def test_rings_are_made_anew_between(native: Opener) -> None:
    """Both queues off in mid-traffic, at rest, new rings, on: what a driver does that changes its ring sizes."""
    rng = random.Random(7)
    card = opened(native, rng, 7)
    for seed in range(30):
        card.post(rng.randrange(1, card.rx.free + 1))
        card.arrive(*(frame(rng.randrange(64, 1519), seed=k) for k in range(FRAMES)))
        card.push(each for _ in range(FRAMES) for each in card.pieces(body(rng.randrange(60, 1515))))
        card.run(rng.randrange(1, 2500))
        card.set("TCTL", 0)
        card.receive_on(*(bit for bit in card.rctl if bit != "EN"))
        card.reset()
        card.settle()
        card.sent()
        card.harvest()
        card.up()
        works(card, seed)
