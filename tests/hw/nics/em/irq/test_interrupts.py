"""Causes and the line: nothing lost to a read, data in memory before its cause, masks, the link (M 13.4.17-21)."""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from ringbed.hw.nics.em.card import MDIO_CLOCKS
from ringbed.sim.seam.engine import Event
from tests.hw.nics.em.bench import CAUSE, Card, Opener, frame
from tests.hw.nics.em.tx.test_data import body

ALL = sum(CAUSE.values())


def done(card: Card) -> int:
    """RX descriptors of the ring that are written back, from the first."""
    count = 0
    while count < card.rx.count and em.RX_LEGACY.decode(card.rx.at(count))["DD"]:
        count += 1
    return count


@pytest.mark.parametrize("seed", range(6))
def test_what_a_cause_says_is_in_memory(native: Opener, seed: int) -> None:
    """After each read of ICR with RXT0, the new descriptors and their data are there; without it, nothing is new."""
    rng = random.Random(seed)
    card = native(rx=256, read_latency=rng.choice((1, 50, 250)), write_latency=rng.choice((1, 50, 250)),
                  backpressure=rng.choice((0.0, 0.3)), seed=seed)  # fmt: skip
    card.post()
    card.get("ICR")
    wires = [frame(rng.choice((64, 64, 300, 1500)), seed=k) for k in range(200)]
    for k, wire in enumerate(wires):
        card.arrive(wire, at=card.engine.now + 37 * k * rng.randrange(1, 5))
    began, ended, checked, told = 0, 0, 0, 0  # frames done when the last read of ICR began, when it ended
    while checked < len(wires):
        card.run(rng.randrange(1, 40))
        before = card.peek("RB_RXDONE")
        cause = card.get("ICR") & CAUSE["RXT0"]
        after = card.peek("RB_RXDONE")
        assert cause or before <= ended, "an event between two reads was in neither"
        assert after > began or not cause, "told, and nothing came"
        if cause:
            told += 1
            assert done(card) >= after
            for index in range(checked, after):
                slot, part = card.rx.slots[index], em.RX_LEGACY.decode(card.rx.at(index))
                assert slot is not None
                assert slot.read(part["length"]) == wires[index][:-4]
            checked = after
        began, ended = before, after
        assert card.engine.now < 10_000_000
    assert told > 20


def test_no_event_is_lost_to_a_reading_host(native: Opener) -> None:
    """ICR read in every possible clock around a frame's write-back: RXT0 is read exactly once for each frame."""
    for clocks in range(60, 200):
        card = native()
        card.post()
        card.get("ICR")
        card.arrive(frame(64))
        card.run(clocks)
        reads = [card.get("ICR") & CAUSE["RXT0"] for _ in range(3)]
        card.settle()
        reads.append(card.get("ICR") & CAUSE["RXT0"])
        assert sum(map(bool, reads)) == 1, clocks


def test_read_clears_and_write_clears_one(card: Opener) -> None:
    c = card(up=False)
    c.set("ICS", ALL | 1 << 31 | 1 << 5)
    assert c.get("ICS") == ALL, "only causes that exist; a read of ICS clears nothing"
    c.set("ICR", CAUSE["LSC"] | CAUSE["TXDW"])
    assert c.get("ICS") == ALL & ~CAUSE["LSC"] & ~CAUSE["TXDW"]
    assert c.peek("ICR") == c.peek("ICR") == ALL & ~CAUSE["LSC"] & ~CAUSE["TXDW"], "a peek clears nothing"
    assert c.get("ICR") == ALL & ~CAUSE["LSC"] & ~CAUSE["TXDW"]
    assert c.get("ICR") == 0


def up(card: Card) -> bool:
    """The interrupt line, as the engine sees it."""
    return bool(card.engine.run(card.engine.now + 5, Event.NONE) & Event.IRQ)


def test_the_line_is_causes_and_mask(card: Opener) -> None:
    c = card(up=False)
    assert (c.get("IMS"), up(c)) == (0, False)
    for name, mask in CAUSE.items():
        c.set("ICS", mask)
        assert not up(c), name
        c.set("IMS", mask)
        assert c.get("IMS") == mask
        assert up(c), name
        c.set("IMC", mask)
        assert not up(c), name
        c.set("IMS", mask)
        assert up(c), "the cause was latched while masked"
        assert c.get("ICR") == mask
        assert not up(c), name
        c.set("IMC", ALL)
    c.set("IMS", CAUSE["LSC"])
    c.set("IMS", CAUSE["RXT0"])
    assert c.get("IMS") == CAUSE["LSC"] | CAUSE["RXT0"], "ones add, zeros leave alone"
    assert c.get("IMC") == 0


def test_the_line_goes_up_after_the_descriptor(native: Opener) -> None:
    for latency in (1, 50, 250):
        card = native(write_latency=latency)
        card.post()
        card.get("ICR")
        card.set("IMS", CAUSE["RXT0"])
        card.get("STATUS")
        card.arrive(frame(300))
        assert card.engine.run(card.engine.now + 5000, Event.IRQ) & Event.IRQ
        assert [one.data for one in card.harvest()] == [frame(300)[:-4]]


def test_link_changes(card: Opener) -> None:
    """LSC both ways, also when the card was idle and time only skipped; STATUS.LU follows; SLU counts as well."""
    c = card()
    c.settle()
    c.get("ICR")
    c.set("IMS", CAUSE["LSC"])
    c.settle()
    for state in (0, 1, 0, 1):
        c.engine.set_pin("link_up", state)
        event = c.engine.run(c.engine.now + 100_000, Event.IRQ)
        assert event & Event.IRQ
        assert c.get("STATUS") >> 1 & 1 == state
        assert c.get("ICR") == CAUSE["LSC"]
        c.settle()
    c.set("CTRL", 0)
    c.run(20)
    assert c.get("ICR") == CAUSE["LSC"]
    assert c.get("STATUS") & 2 == 0


def test_transmit_causes(card: Opener) -> None:
    """TXDW with each write-back, TXQE as the head meets the tail, and not before."""
    c = card()
    c.get("ICR")
    c.push(c.pieces(body(1500)))
    c.run(60)
    assert c.get("ICR") == 0
    c.settle()
    assert c.get("ICR") == CAUSE["TXDW"] | CAUSE["TXQE"]
    assert em.TX_LEGACY.decode(c.tx.at(0))["DD"]


def test_every_received_frame_is_told(native: Opener) -> None:
    """One frame at a time: one RXT0 each, no other cause of the receive side."""
    card = native(rx=256)
    card.post()
    card.get("ICR")
    for k in range(100):
        card.arrive(frame(64 + k, seed=k))
        card.settle()
        assert card.get("ICR") == CAUSE["RXT0"]


def test_an_idle_card_tells_of_a_timer_in_time(card: Opener) -> None:
    """MDAC is on the line a few clocks after the access, not at the end of the time that an idle card skips."""
    c = card()
    c.settle()
    c.set("IMS", CAUSE["MDAC"])
    fields = em.REGISTERS["MDIC"]
    c.set("MDIC", 2 << fields["OP"].lsb | 1 << fields["PHYADD"].lsb | fields["I"].mask)
    start = c.engine.now
    assert c.engine.run(start + 100_000, Event.IRQ) & Event.IRQ
    assert MDIO_CLOCKS <= c.engine.now - start < MDIO_CLOCKS + 100
    assert c.get("ICR") & CAUSE["MDAC"]
