"""Rings: many times around, in odd steps, the smallest one; and what a ring that makes no sense does (StopCause)."""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, frame, on_wire
from tests.hw.nics.em.tx.test_data import body, sent_after

STOP = em.StopCause


def works(card: Card, seed: int = 0) -> None:
    """Three frames each way."""
    wires = [frame(200 + k, seed=seed) for k in range(3)]
    card.post(min(card.rx.free, 4))
    card.arrive(*wires)
    card.settle()
    assert [one.data for one in card.harvest()] == [wire[:-4] for wire in wires]
    data = [body(100 + k, seed) for k in range(3)]
    assert sent_after(card, *(card.pieces(each) for each in data)) == [on_wire(each) for each in data]


@pytest.mark.parametrize("count", [8, 16, 24, 72, 256])
def test_receive_many_times_around(native: Opener, count: int) -> None:
    rng, card = random.Random(count), native(rx=count, size=256)
    rest = [frame(rng.choice((64, 100, 300)), seed=k) for k in range(4000)]
    while rest:
        card.post(rng.randrange(1, card.rx.free + 1) if card.rx.free else 0)
        batch = rest[: rng.randrange(1, 60)]
        del rest[: len(batch)]
        card.arrive(*batch)
        want = [wire[:-4] for wire in batch]
        while want:  # as few descriptors as it likes: what finds none waits in the packet buffer
            card.settle()
            got = [one.data for one in card.harvest()]
            assert got == want[: len(got)]
            del want[: len(got)]
            card.post(min(card.rx.free, rng.randrange(1, 6)))
    assert card.counts() == {"RB_RXWIRE": 4000, "RB_RXDONE": 4000}


@pytest.mark.parametrize("count", [8, 16, 40, 256])
def test_transmit_many_times_around(native: Opener, count: int) -> None:
    rng, card = random.Random(count), native(tx=count)
    for _ in range(40):
        frames = [body(rng.choice((60, 64, 90)), rng.randrange(50)) for _ in range(100)]
        made = [card.pieces(data, RS=int(rng.random() < 0.7), extended=rng.random() < 0.3) for data in frames]
        assert sent_after(card, *made, step=rng.randrange(1, 12)) == [on_wire(data) for data in frames]
    assert card.counts() == {"RB_TXFRAME": 4000, "RB_TXWIRE": 4000}
    assert card.get("TDH") == 4000 % count


def test_a_frame_larger_than_the_whole_receive_ring(card: Opener) -> None:
    """7 descriptors of 256 bytes at a time: used ones come back before the frame has ended."""
    c = card(rx=8, size=256)
    wire = frame(3000)
    c.set("RCTL", c.peek("RCTL") | R["RCTL"].mask("LPE"))
    c.get("STATUS")
    c.post()
    c.arrive(wire, frame(64))
    c.settle()
    assert (c.harvest(), c.rx.free) == ([], 7)
    c.post()
    c.settle()
    got = c.harvest()
    assert [one.data for one in got] == [wire[:-4], frame(64)[:-4]]
    assert [part["EOP"] for part in got[0].parts] == [0] * 11 + [1]


def test_rings_at_any_16_byte_address(native: Opener) -> None:
    """Bursts stop at 128-byte lines and pages wherever the ring begins."""
    for offset in (16, 48, 112, 4096 - 16, 4096 - 64, 4080 - 128):
        card = native(rx=16, tx=16)
        for ring in (card.rx, card.tx):
            slab = card.memory.coherent(3 * 4096, 4096)
            ring.memory.view, base = slab.view[offset : offset + 256], slab.iova + offset
            ring.program(base)
        for seed in range(12):
            works(card, seed)


def test_a_tail_written_in_between_is_enough(native: Opener) -> None:
    """Tail by tail while the card is at work on the ones before."""
    card = native(tx=64)
    data = [body(70 + k) for k in range(60)]
    for each in data:
        card.push(card.pieces(each))
        card.run(3)
    card.settle()
    assert card.sent() == [on_wire(each) for each in data]


def _break(card: Card, letter: str, how: str) -> None:
    count = card.rx.count
    match how:
        case "tail":
            card.set(letter + "DT", count)
        case "far tail":
            card.set(letter + "DT", 0xFFFF)
        case "head":
            card.set(letter + "DH", count + 3)
            card.set(letter + "DT", 1)
        case "no length":
            card.set(letter + "DLEN", 0)
            card.set(letter + "DT", 2)


@pytest.mark.parametrize("letter", ["R", "T"])
@pytest.mark.parametrize("how", ["tail", "far tail", "head", "no length"])
def test_a_ring_that_makes_no_sense_stops_alone(card: Opener, letter: str, how: str) -> None:
    """`RING`; the other direction goes on; CTRL.RST starts it again."""
    c = card(rx=16, tx=16)
    other = "T" if letter == "R" else "R"
    _break(c, letter, how)
    c.run(100)
    assert c.get(f"RB_{letter}XSTOP") == STOP.RING
    assert c.get(f"RB_{other}XSTOP") == STOP.NONE
    if letter == "R":
        assert sent_after(c, c.pieces(body(80))) == [on_wire(body(80))]
    else:
        c.post()
        c.arrive(frame(90))
        c.settle()
        assert [one.data for one in c.harvest()] == [frame(90)[:-4]]
    _break(c, letter, "tail")
    c.set(letter + "DT", 1)  # a tail that makes sense again does not start it
    c.run(200)
    assert c.get(f"RB_{letter}XSTOP") == STOP.RING
    c.reset()
    assert c.get(f"RB_{letter}XSTOP") == STOP.NONE
    c.up()
    works(c)
    assert c.inside() == (0, 0)


@pytest.mark.parametrize("letter", ["R", "T"])
@pytest.mark.parametrize("how", ["head", "length"])
def test_a_head_left_outside_while_off_stops_the_queue(native: Opener, letter: str, how: str) -> None:
    """Written with EN = 0, or the ring made smaller around it: it reads as it was, and nothing beyond is fetched."""
    card = native(rx=16, tx=16)
    for seed in range(3):
        works(card, seed)  # 9 of 16: both heads inside 16, outside 8
    card.set("RCTL", 0)
    card.set("TCTL", 0)
    head = 20 if how == "head" else card.get(letter + "DH")
    if how == "head":
        card.set(letter + "DH", head)
    else:
        card.set(letter + "DLEN", 128)
    card.set(letter + "DT", 5)
    card.run(50)
    assert card.get(letter + "DH") == head >= 9
    card.receive_on("EN")
    card.set("TCTL", R["TCTL"].mask("EN"))
    card.run(500)
    assert card.get(f"RB_{letter}XSTOP") == STOP.RING


def test_a_stopped_receive_ring_keeps_frames_until_reset(native: Opener) -> None:
    card = native(rx=16)
    card.set("RDT", 99)
    card.run(50)
    card.arrive(*(frame(1500, seed=k) for k in range(50)))
    card.run(20_000)
    missed = card.counts()["RB_RXMISS"]
    assert 10 < missed < 20
    assert card.inside()[0] == 50 - missed
    card.reset()
    assert card.counts() == {"RB_RXWIRE": 50, "RB_RXMISS": missed, "RB_RXFLUSH": 50 - missed}
    card.up()
    works(card)


def _stray(card: Card, letter: str, where: str) -> int:
    """Set up one kind of stray access and let traffic meet it; the cause the card should give."""
    nowhere = 0x7000_0000
    if where == "ring":
        ring = card.rx if letter == "R" else card.tx
        ring.program(nowhere)
        card.set(letter + "DT", 4)
        return STOP.FETCH
    if where == "faulty ring":
        card.memory.set_faulty((card.rx if letter == "R" else card.tx).memory.iova, 256)
        card.set(letter + "DT", 4)
        return STOP.FETCH
    if letter == "R":
        card.post(3)
        card.rx.put(em.RX_LEGACY.encode(address=nowhere + 5))
    else:
        card.push(each for k in range(3) for each in card.pieces(body(90 + k)))
        card.settle()
        card.push(card.pieces(body(100), [20], EOP=0)[:1])
        card.tx.put(em.TX_LEGACY.encode(address=nowhere + 3, length=600, EOP=1, RS=1, IFCS=1))
        card.push(card.pieces(body(130)))
    (card.rx if letter == "R" else card.tx).bell()
    if letter == "R":
        card.post(5)
    return STOP.DATA


@pytest.mark.parametrize("letter", ["R", "T"])
@pytest.mark.parametrize("where", ["ring", "faulty ring", "buffer"])
def test_memory_that_is_not_there(card: Opener, letter: str, where: str) -> None:
    """DECERR and SLVERR stop the queue with a cause; what was before is delivered; the account stays exact."""
    c = card(rx=16, tx=16)
    c.provoked = True
    cause = _stray(c, letter, where)
    c.arrive(*(frame(80 + k) for k in range(6)))
    c.run(2500)
    assert c.get(f"RB_{letter}XSTOP") == cause
    assert c.get(f"RB_{'T' if letter == 'R' else 'R'}XSTOP") == STOP.NONE
    rules = {finding.rule for finding in c.engine.findings()}
    assert rules == {"dma.read"} if letter == "T" or where != "buffer" else {"dma.write"}
    if where == "buffer" and letter == "R":
        assert [one.data for one in c.harvest()] == [frame(80 + k)[:-4] for k in range(3)]
        assert c.get("RDH") == 3
        assert c.inside() == (3, 0)
    if where == "buffer" and letter == "T":
        assert c.sent() == [on_wire(body(90 + k)) for k in range(3)], "neither the bad one nor the one behind it"
        assert em.TX_LEGACY.decode(c.tx.at(4))["DD"] == 0
        assert c.get("TDH") <= 4
    c.reset()
    assert c.inside() == (0, 0)
    c.memory.set_faulty(c.rx.memory.iova, 256, False)
    c.memory.set_faulty(c.tx.memory.iova, 256, False)
    c.up()
    works(c)
    assert c.engine.findings() == []


@pytest.mark.parametrize("latency", [3, 60, 400])
def test_frames_before_a_bad_buffer_are_delivered(native: Opener, latency: int) -> None:
    """All their data is on the bus when the fourth's fails: the three in memory get their status, no later one does."""
    card = native(rx=16, read_latency=latency, write_latency=latency)
    card.provoked = True
    card.post(3)
    card.rx.put(em.RX_LEGACY.encode(address=0x7000_0000))
    card.post(5)
    card.run(2000)
    card.get("ICR")
    card.arrive(*(frame(64 + k) for k in range(6)))
    card.run(5000)
    assert card.get("RB_RXSTOP") == STOP.DATA
    assert [one.data for one in card.harvest()] == [frame(64 + k)[:-4] for k in range(3)]
    assert card.get("RDH") == 3
    assert card.get("ICR") & CAUSE["RXT0"]
    assert card.inside() == (3, 0)
    card.settle()
    card.reset()
    card.up()
    works(card)


@pytest.mark.parametrize("letter", ["R", "T"])
def test_a_write_back_that_fails(card: Opener, letter: str) -> None:
    """`WRITEBACK`: no head moves past it, no interrupt tells of it, the frames in question are flushed by the reset."""
    c = card(rx=16, tx=16)
    c.provoked = True
    ring = c.rx if letter == "R" else c.tx
    if letter == "R":
        c.post(7)
    else:
        c.set("TCTL", 0)
        c.push(each for k in range(6) for each in c.pieces(body(80 + k)))
    c.run(300)  # the descriptors of the receive ring are on the card now
    c.get("ICR")
    if letter == "R":
        c.memory.set_faulty(ring.memory.iova, 256)
        c.arrive(*(frame(80 + k) for k in range(6)))
    else:
        c.set("TCTL", R["TCTL"].mask("EN", "PSP"))
        c.run(150)
        c.memory.set_faulty(ring.memory.iova, 256)
    c.run(2500)
    assert c.get(f"RB_{letter}XSTOP") == STOP.WRITEBACK
    assert {finding.rule for finding in c.engine.findings()} == {"dma.write"}
    if letter == "R":
        assert c.get("ICR") & CAUSE["RXT0"] == 0
        assert c.get("RDH") == 0
        assert c.inside() == (6, 0)
    c.memory.set_faulty(ring.memory.iova, 256, False)
    c.reset()
    c.sent()
    assert c.inside() == (0, 0)
    if letter == "R":
        assert c.counts() == {"RB_RXWIRE": 6, "RB_RXFLUSH": 6}
    c.up()
    works(c)
