"""Loopback in the MAC and at the PHY: what is sent is received, the wire says nothing and nobody hears it."""

from __future__ import annotations

import pytest

from ringbed.hw.nics.em.card import MDIO_CLOCKS
from tests.hw.nics.em.bench import Card, Opener, R, frame
from tests.hw.nics.em.tx.test_data import body

LOOPS = ("mac", "lbm 11", "phy")


def phy_control(card: Card, word: int) -> None:
    card.set("MDIC", R["MDIC"].pack(DATA=word, REGADD=0, PHYADD=1, OP=1))
    card.run(MDIO_CLOCKS + 10)


def loop(card: Card, how: str, on: bool = True) -> None:
    """Loopback by one of the three ways; off again with `on` False."""
    if how == "phy":
        phy_control(card, 0x5140 if on else 0x1140)
    else:
        code = {"mac": 1, "lbm 11": 3}[how] if on else 0
        card.set("RCTL", card.get("RCTL") & ~R["RCTL"]["LBM"].mask | R["RCTL"]["LBM"].put(code))
    card.get("STATUS")


@pytest.mark.parametrize("cable", [True, False])
@pytest.mark.parametrize("how", LOOPS)
def test_frames_come_back_and_the_wire_is_silent(card: Opener, how: str, cable: bool) -> None:
    c = card()
    c.engine.set_pin("link_up", int(cable))
    c.run(40)
    loop(c, how)
    assert bool(c.get("STATUS") & R["STATUS"].mask("LU")) == (cable or how == "phy")
    c.post()
    data = [body(size) for size in (60, 61, 200, 1514)]
    c.push(each for one in data for each in c.pieces(one))
    c.settle()
    assert [got.data for got in c.harvest()] == data
    assert c.sent() == []
    c.arrive(frame(64), frame(200))
    c.settle()
    assert c.harvest() == []
    assert c.counts() == {"RB_RXWIRE": 4, "RB_RXDONE": 4, "RB_RXLOOP": 2, "RB_TXFRAME": 4, "RB_TXWIRE": 4,
                          "RB_TXLOOP": 4}  # fmt: skip


@pytest.mark.parametrize("how", ["mac", "lbm 11"])
def test_switched_under_traffic_every_frame_goes_one_way_whole(native: Opener, how: str) -> None:
    """Frames both ways while it goes on and off: each is received, on the wire, or counted as not heard."""
    c = native(rx=256, tx=256)
    c.post()
    c.arrive(*(frame(64 + 13 * k, seed=k) for k in range(60)))
    data = [body(60 + 11 * k, k) for k in range(60)]
    c.push(each for one in data for each in c.pieces(one))
    for k in range(6):
        c.run(130)
        loop(c, how, on=k % 2 == 0)
    c.settle()
    counts = c.counts()
    received, sent = [got.data for got in c.harvest()], c.sent()
    assert counts["RB_TXWIRE"] == 60 == len(sent) + counts["RB_TXLOOP"]
    assert counts["RB_RXWIRE"] + counts["RB_RXLOOP"] == 60 + counts["RB_TXLOOP"]
    assert counts["RB_RXWIRE"] == counts["RB_RXDONE"] == len(received)
    looped = [one for one in data if one in received]
    assert len(looped) == counts["RB_TXLOOP"]
    assert counts["RB_TXLOOP"] * counts["RB_RXLOOP"] * len(sent) > 0


def test_a_reset_ends_loopback_in_the_mac_and_leaves_the_phys(native: Opener) -> None:
    for how, stays in (("mac", 0), ("phy", 1)):
        c = native()
        loop(c, how)
        c.reset()
        c.up()
        c.push(c.pieces(body(100)))
        c.settle()
        assert c.counts().get("RB_TXLOOP", 0) == stays
