"""A ring without descriptors: frames wait in the packet buffer, then are missed; nothing kept is lost or changed."""

from __future__ import annotations

import random

import pytest

from tests.hw.nics.em.bench import CAUSE, RCTL, Card, Opener, R, frame


def kept_room(card: Card, wires: list[bytes]) -> int:
    """Send until the buffer is over full; how many frames it kept."""
    card.arrive(*wires)
    card.settle()
    counts = card.counts()
    assert counts["RB_RXWIRE"] == len(wires)
    return len(wires) - counts.get("RB_RXMISS", 0) - counts.get("RB_RXDONE", 0)


def drain(card: Card) -> list[bytes]:
    """Descriptors until nothing is left inside."""
    got: list[bytes] = []
    while card.inside()[0]:
        card.post()
        card.settle()
        fresh = card.harvest()
        assert fresh
        got += [one.data for one in fresh]
    return got


@pytest.mark.parametrize("length", [64, 100, 1001, 1518])
def test_overrun(native: Opener, length: int) -> None:
    card = native(rx=16)
    card.get("ICR")
    wires = [frame(length, seed=k) for k in range(2000 if length < 200 else 200)]
    kept = kept_room(card, wires)
    beats = -(-(length - 4) // 8)
    assert kept == 48 * 1024 // (8 * beats)
    assert card.get("ICR") & CAUSE["RXO"]
    assert drain(card) == [wire[:-4] for wire in wires[:kept]]
    assert card.counts() == {"RB_RXWIRE": len(wires), "RB_RXDONE": kept, "RB_RXMISS": len(wires) - kept}
    card.post()
    card.arrive(frame(99))
    card.settle()
    assert [one.data for one in card.harvest()] == [frame(99)[:-4]]
    assert not card.get("ICR") & CAUSE["RXO"]


def test_overrun_on_both_engines(card: Opener) -> None:
    """With RXA of 8 KB, so that pysim gets there soon."""
    c = card(up=False, rx=8, size=16384)
    c.set("PBA", 8)
    c.reset()
    c.up()
    wires = [frame(1500, seed=k) for k in range(8)]
    assert kept_room(c, wires) == 5
    assert drain(c) == [wire[:-4] for wire in wires[:5]]
    assert c.counts() == {"RB_RXWIRE": 8, "RB_RXDONE": 5, "RB_RXMISS": 3}


def test_a_small_frame_finds_room_where_a_big_one_did_not(native: Opener) -> None:
    card = native(rx=128)
    big, small = [frame(1518, seed=k) for k in range(60)], [frame(64, seed=k) for k in range(30)]
    order = [each for pair in zip(big, small * 2, strict=True) for each in pair]
    kept_room(card, order)
    got, at = drain(card), 0
    for data in got:  # in order, none twice
        while order[at][:-4] != data:
            at += 1
        at += 1
    counts = card.counts()
    assert len(got) == counts["RB_RXDONE"]
    assert counts["RB_RXMISS"] == len(order) - len(got)
    assert sum(len(data) + 7 & ~7 for data in got) > 48 * 1024 - 64


@pytest.mark.parametrize("seed", range(6))
def test_a_ring_that_comes_and_goes(native: Opener, seed: int) -> None:
    """Descriptors a few at a time under a wire that never rests: what is kept comes in order, the account is exact."""
    rng = random.Random(seed)
    card = native(rx=24, size=rng.choice((256, 512, 2048)))
    wires = [frame(rng.choice((64, rng.randrange(64, 1523))), seed=k) for k in range(600)]
    card.arrive(*wires)
    got = []
    for _ in range(2000):
        card.post(min(card.rx.free, rng.randrange(1, 8)))
        card.run(rng.randrange(20, 900))
        got += [one.data for one in card.harvest()]
        if card.peek("RB_RXWIRE") == len(wires):
            break
    card.settle()
    got += [one.data for one in card.harvest()] + drain(card)
    at = 0
    for data in got:
        while wires[at][:-4] != data:
            at += 1
        at += 1
    counts = card.counts()
    assert counts["RB_RXDONE"] == len(got) > 50
    assert counts["RB_RXDONE"] + counts.get("RB_RXMISS", 0) == len(wires)


@pytest.mark.parametrize(("code", "share"), [(0, 2), (1, 4), (2, 8)])
def test_rxdmt0(native: Opener, code: int, share: int) -> None:
    """Raised when the free descriptors fall to the share of the ring, once, not before and not again below it."""
    card = native(rx=64)
    card.set("RCTL", card.peek("RCTL") | code << R["RCTL"]["RDMTS"].lsb)
    card.post()
    card.get("ICR")
    for used in range(1, 64):
        card.arrive(frame(64, seed=used))
        card.settle()
        raised = bool(card.get("ICR") & CAUSE["RXDMT0"])
        assert raised == (63 - used == 64 // share), used


def test_rxdmt0_when_a_batch_passes_the_threshold(native: Opener) -> None:
    card = native(rx=64)
    card.post()
    card.get("ICR")
    card.arrive(*(frame(64, seed=k) for k in range(40)))
    card.settle()
    assert card.get("ICR") & CAUSE["RXDMT0"]


@pytest.mark.parametrize("kilobytes", [8, 16, 24, 32, 40, 48, 56])
def test_pba_shares_the_buffer_after_a_reset(native: Opener, kilobytes: int) -> None:
    card = native(up=False, rx=8)
    card.set("PBA", kilobytes)
    assert card.get("PBA") == (64 - kilobytes) << 16 | kilobytes
    card.up()
    wires = [frame(1028, seed=k) for k in range(70)]
    assert kept_room(card, wires) == 48, "not before CTRL.RST"
    for _ in range(2):  # and it stays in force
        card.reset()
        assert card.get("PBA") == (64 - kilobytes) << 16 | kilobytes
        card.up()
        before = card.counts()
        card.arrive(*wires)
        card.settle()
        kept = 70 - (card.counts()["RB_RXMISS"] - before["RB_RXMISS"])
        assert kept == kilobytes
    done = card.counts().get("RB_RXDONE", 0)
    assert drain(card) == [wire[:-4] for wire in wires[:kilobytes]]
    assert card.counts()["RB_RXDONE"] == done + kilobytes


@pytest.mark.parametrize(("asked", "kilobytes"), [(0, 8), (64, 56), (127, 56), (20, 16)])
def test_pba_values_that_make_no_sense_become_the_nearest(native: Opener, asked: int, kilobytes: int) -> None:
    card = native(up=False, rx=8)
    card.set("PBA", asked)
    card.reset()
    card.up()
    assert kept_room(card, [frame(1028, seed=k) for k in range(70)]) == kilobytes


def test_more_short_frames_than_the_queue_has_places(native: Opener) -> None:
    """SBP keeps runts of 18 bytes: 48 KB would hold 3,000 of them, the card's list fewer; the rest is missed."""
    card = native(rx=256, rctl=(*RCTL, "SBP"))
    wires = [frame(22, seed=k) for k in range(1500)]
    kept = kept_room(card, wires)
    assert 900 < kept < 1100
    assert drain(card) == [wire[:-4] for wire in wires[:kept]]


@pytest.mark.parametrize("width", [64, 512])
def test_the_buffer_overflows_at_any_byte_of_a_frame(native: Opener, width: int) -> None:
    """8 KB filled but for some beats, then a frame of about as many: it is kept whole or missed, FCS and all."""
    lanes, rng = width // 8, random.Random(width)
    card = native(width=width, up=False, rx=64)
    card.set("PBA", 8)
    card.reset()
    for length in range(64, 64 + 9 * lanes):
        card.up()
        before = card.counts()
        room = max(1, -(-length // lanes) + rng.choice((-2, -1, 0, 0, 1)))
        fill = (8192 // lanes - room + 2) * lanes  # two beats are in the reader's hands
        sizes = []
        while fill:
            sizes.append(fill if 60 <= fill <= 1518 else 60 // lanes * lanes + lanes if fill < 1600 else 1472)
            fill -= sizes[-1]
            if 0 < fill < 64:
                sizes[-1], fill = sizes[-1] - 64, fill + 64
        wires = [frame(size + 4, seed=k) for k, size in enumerate(sizes)]
        last = frame(length, seed=999)
        assert kept(card, [*wires, last], before) == len(wires) + (room >= -(-length // lanes)), (length, room)
        want = [*wires, last][: len(wires) + (room >= -(-length // lanes))]
        assert drain(card) == [wire[:-4] for wire in want]
        card.set("RCTL", 0)
        card.settle()


def kept(card: Card, wires: list[bytes], before: dict[str, int]) -> int:
    card.arrive(*wires)
    card.settle()
    return len(wires) - card.counts().get("RB_RXMISS", 0) + before.get("RB_RXMISS", 0)
