"""ITR on the card: the least time between two interrupts, whatever their cause (M 13.4.18)."""

from __future__ import annotations

from ringbed.sim.seam.engine import Event
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, frame

UNIT = 32  # clocks in 256 ns at 125 MHz


def rises(card: Card, clocks: int) -> list[int]:
    """When the line rose in the next `clocks`; every rise is answered by a read of ICR at once."""
    end, seen = card.engine.now + clocks, list[int]()
    while card.engine.run(end, Event.IRQ) & Event.IRQ:
        seen.append(card.engine.now)
        card.get("ICR")
    return seen


def up(card: Card) -> bool:
    return bool(card.engine.run(card.engine.now + 1, Event.IRQ) & Event.IRQ)


def quiet(card: Card) -> Card:
    """The link's own interrupt is behind it."""
    card.settle()
    card.get("ICR")
    return card


def traffic(card: Card) -> None:
    card.post()
    for k in range(40):
        card.arrive(frame(64, seed=k), at=card.engine.now + 100 + 150 * k)


def test_interrupts_keep_their_distance(native: Opener) -> None:
    """40 frames, one each 150 clocks: with ITR one interrupt for several, never closer than it says, none lost."""
    seen = {}
    for interval in (0, 1, 20, 100):
        card = native(rx=64)
        card.set("ITR", interval)
        card.set("IMS", CAUSE["RXT0"])
        traffic(card)
        seen[interval] = rises(card, 20_000)
        gaps = [b - a for a, b in zip(seen[interval], seen[interval][1:], strict=False)]
        assert min(gaps) >= interval * UNIT
        assert card.peek("ICR") & CAUSE["RXT0"] == 0, "the last cause was told too"
        assert card.peek("RB_RXDONE") == 40
    assert len(seen[0]) == len(seen[1]) == 40
    assert len(seen[20]) < 15
    assert len(seen[100]) < 5


def test_any_cause_waits_and_the_card_says_when_it_wakes(native: Opener) -> None:
    card = quiet(native())
    card.set("ITR", 1000)
    card.set("IMS", CAUSE["TXDW"] | CAUSE["LSC"])
    card.set("ICS", CAUSE["TXDW"])
    first = rises(card, 200)
    for cause in ("LSC", "TXDW"):  # by ICS, and a latched cause that is unmasked
        card.set("IMC", CAUSE[cause])
        card.set("ICS", CAUSE[cause])
        card.set("IMS", CAUSE[cause])
        skipped = card.engine.stats().skipped
        second = rises(card, 40_000)
        assert len(first) == len(second) == 1
        assert second[0] - first[0] >= 1000 * UNIT
        assert second[0] - first[0] < 1000 * UNIT + 20
        assert card.engine.stats().skipped > skipped
        first = second


def test_writing_0_ends_it_at_once_and_so_does_a_reset(native: Opener) -> None:
    for reset in (False, True):
        card = quiet(native())
        card.set("ITR", 0xFFFF)
        card.set("IMS", CAUSE["TXDW"])
        card.set("ICS", CAUSE["TXDW"])
        assert len(rises(card, 100)) == 1
        card.set("ICS", CAUSE["TXDW"])
        assert rises(card, 1000) == []
        if reset:
            card.reset()
            assert card.get("ITR") == 0
            card.set("IMS", CAUSE["TXDW"])
            card.set("ICS", CAUSE["TXDW"])
        else:
            card.set("ITR", 0)
        assert len(rises(card, 100)) == 1


def test_the_line_stays_up_until_its_causes_are_cleared(card: Opener) -> None:
    """A level: a second cause while it is up makes no second interrupt, and clearing one of two leaves it up."""
    c = quiet(card())
    c.set("ITR", 2)
    c.set("IMS", CAUSE["TXDW"] | CAUSE["LSC"])
    c.set("ICS", CAUSE["TXDW"])
    c.run(100)
    c.set("ICS", CAUSE["LSC"])
    c.run(100)
    assert up(c)
    c.set("ICR", CAUSE["TXDW"])
    c.run(10)
    assert up(c)
    c.set("ICR", CAUSE["LSC"])
    c.run(10)
    assert not up(c)
    assert R["ITR"]["INTERVAL"].width == 16
