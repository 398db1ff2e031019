"""The statistics registers on the card: traffic of every kind, counted by software's own book (M 13.7)."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ringbed.hw.formats.em.statistics import STATISTICS
from tests.hw.nics.em.bench import STATION, Card, Opener, R, fcs, frame
from tests.hw.nics.em.tx.test_data import body
from tests.hw.station.test_statistics import bucket

NAMES = [name for name, _, _ in STATISTICS]
OTHER, GROUP, ALL = bytes.fromhex("020000000055"), bytes.fromhex("01005e000001"), b"\xff" * 6


def statistics(card: Card) -> dict[str, int]:
    """All that are not 0, by reading them; which clears them. Pairs whole, under the name of their low word."""
    values = {name: card.get(name) for name in NAMES}
    for name in list(values):
        if name.endswith("H") and name[:-1] + "L" in values:
            values[name[:-1] + "L"] |= values.pop(name) << 32
    return {name: value for name, value in values.items() if value}


def to(address: bytes, size: int, seed: int = 0) -> bytes:
    return address + body(size, seed)[6:]


def book_of_received(wires: list[bytes], bad: set[int]) -> Counter[str]:
    """What frames to us, to groups and to others add; `bad` have a broken FCS. The filter: station, BAM, MPE."""
    book = Counter[str]()
    for number, wire in enumerate(wires):
        if wire[:6] == OTHER:
            continue
        length, crc = len(wire), number in bad
        book += Counter(TPR=1, TORL=length)
        if length < 64 or length > 1522:
            size = "runt" if length < 64 else "giant"
            name = {("runt", False): "RUC", ("runt", True): "RFC", ("giant", False): "ROC", ("giant", True): "RJC"}
            book += Counter({name[size, crc]: 1, "RLEC": 1, "CRCERRS": int(crc and length >= 64)})
        elif crc:
            book["CRCERRS"] += 1
        else:
            book += Counter(GPRC=1, GORCL=length, BPRC=int(wire[:6] == ALL), MPRC=int(wire[:6] == GROUP))
            book.update(bucket("PRC", length))
    return +book


def book_of_sent(frames: list[bytes]) -> Counter[str]:
    book = Counter[str]()
    for one in frames:
        length = max(len(one), 60) + 4
        book += Counter(TPT=1, TOTL=length, GPTC=1, GOTCL=length, MPTC=int(one[:6] == GROUP), BPTC=int(one[:6] == ALL))
        book.update(bucket("PTC", length))
    return +book


def test_both_ways_and_cleared_by_the_read(native: Opener) -> None:
    """Every length around the edges, to everybody, whole and broken; then once more: the same again, so all cleared."""
    card, rng = native(rx=256, tx=256, rctl=("EN", "BAM", "MPE", "SECRC")), random.Random(1)
    statistics(card)
    lengths = [63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1518, 1522, 1523, 2000, 40]
    for _ in range(2):
        wires = [
            frame(length, k, rng.choice((STATION, STATION, OTHER, GROUP, ALL))) for k in range(4) for length in lengths
        ]
        bad = {number for number in range(len(wires)) if rng.random() < 0.3}
        wires = [wire[:-1] + bytes([wire[-1] ^ 1]) if k in bad else wire for k, wire in enumerate(wires)]
        frames = [
            to(rng.choice((OTHER, GROUP, ALL)), length - 4, k) for k, length in enumerate(lengths) if length <= 1522
        ]
        card.post()
        card.get("STATUS")
        card.arrive(*wires)
        card.push(each for one in frames for each in card.pieces(one))
        card.settle()
        card.harvest()
        card.reclaim()
        found = statistics(card)
        assert found == dict(book_of_received(wires, bad) + book_of_sent(frames))


def test_no_event_is_lost_to_a_reading_host(native: Opener) -> None:
    """Registers read all the while: what they gave adds up to what came."""
    card, total = native(rx=256, tx=64), Counter[str]()
    statistics(card)
    card.post()
    card.get("STATUS")
    for k in range(200):
        card.arrive(frame(64 + k % 100, seed=k), at=card.engine.now + 13 * k)
    while card.peek("RB_RXDONE") < 200:
        for name in ("TPR", "GPRC", "TORL", "TORH", "GORCL", "GORCH", "PRC64", "PRC127", "PRC255"):
            total[name] += card.get(name)
        assert card.engine.now < 1_000_000
    card.settle()
    for name, value in statistics(card).items():
        total[name] += value
    octets = sum(64 + k % 100 for k in range(200))
    assert (total["TPR"], total["GPRC"]) == (200, 200)
    assert (total["TORL"], total["GORCL"]) == (octets, octets)
    assert sum(total[name] for name in ("PRC64", "PRC127", "PRC255")) == 200


@pytest.mark.parametrize("share", ["EN", "link"])
def test_off_or_without_a_link_nothing_moves(native: Opener, share: str) -> None:
    card = native()
    card.settle()
    statistics(card)
    if share == "EN":
        card.receive_on()
    else:
        card.engine.set_pin("link_up", 0)
        card.run(20)
    card.arrive(frame(64), frame(700))
    card.settle()
    assert statistics(card) == {}
    assert card.counts()["RB_RXOFF"] == 2


def test_missed_frames_and_those_without_a_descriptor(native: Opener) -> None:
    """With no descriptors frames wait in the packet buffer (RNBC), then there is no room (MPC)."""
    card = native()
    card.settle()
    statistics(card)
    wires = [frame(1518, seed=k) for k in range(50)]
    card.arrive(*wires)
    card.settle()
    missed = card.counts()["RB_RXMISS"]
    assert 0 < missed < 50
    found = statistics(card)
    assert (found["MPC"], found["RNBC"], found["TPR"], found["GPRC"]) == (missed, 50 - missed, 50, 50 - missed)
    assert found["TORL"] == 50 * 1518


def test_peeks_clear_nothing_and_a_reset_clears_all(card: Opener) -> None:
    c = card()
    c.post()
    c.arrive(frame(64), fcs(ALL + body(100)[6:]))
    c.settle()
    before = {name: c.peek(name) for name in NAMES}
    assert before["TPR"] == 2
    assert {name: c.peek(name) for name in NAMES} == before
    c.reset()
    assert not any(c.peek(name) for name in NAMES)
    assert R["TPR"].offset == 0x40D0
