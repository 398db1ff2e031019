"""Receive moderation by registers: RDTR, RADV, FPD, RSRPD and RXDCTL.WTHRESH (M 3.2.5.1, 3.2.7, 13.4.29-31)."""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, Received, fcs, frame
from tests.hw.nics.em.rx.test_vlan import payload, vme, with_tag

UNIT = 128  # clocks of 1.024 us
SLACK = 250  # from a timer's end to its cause: the write-back in between


def moderate(card: Card, *, rdtr: int, radv: int = 0, wthresh: int = 1) -> None:
    for name, value in (("RDTR", rdtr), ("RADV", radv), ("RXDCTL", R["RXDCTL"].pack(WTHRESH=wthresh))):
        card.set(name, value)
    card.post()
    card.get("ICR")


def work(card: Card) -> None:
    """Long enough for all that waits for no timer."""
    card.run(800)


def causes(card: Card) -> set[str]:
    """The receive causes that are up, not taken."""
    return {name for name, mask in CAUSE.items() if card.peek("ICR") & mask and name in ("RXT0", "SRPD", "RXDMT0")}


def written(card: Card) -> int:
    return sum(em.RX_LEGACY.decode(card.rx.at(index))["DD"] for index in range(card.rx.count))


def test_a_delayed_cause_and_its_write_back(card: Opener) -> None:
    """With WTHRESH 8 the descriptor waits with the cause; when that is up the descriptor is in memory."""
    c = card()
    moderate(c, rdtr=10, wthresh=8)
    c.arrive(frame(64))
    work(c)
    start = c.engine.now
    assert (causes(c), written(c), c.get("RDH")) == (set(), 0, 0)
    c.run(10 * UNIT - 900)
    assert (causes(c), written(c)) == (set(), 0)
    while not causes(c):
        c.run(1)
        assert c.engine.now < start + 10 * UNIT + SLACK
    assert (causes(c), written(c), c.get("RDH")) == ({"RXT0"}, 1, 1)
    assert len(c.harvest()) == 1


def test_the_threshold_writes_back_without_a_cause(native: Opener) -> None:
    card = native()
    moderate(card, rdtr=50, wthresh=5)
    card.arrive(*(frame(64, seed=k) for k in range(4)))
    work(card)
    assert written(card) == 0
    card.arrive(frame(64))
    work(card)
    assert (written(card), causes(card)) == (5, set())
    card.run(50 * UNIT + SLACK)
    assert causes(card) == {"RXT0"}


def test_without_delay_each_frame_is_told_at_once(native: Opener) -> None:
    """RDTR 0: WTHRESH gathers what comes together, and an empty pipeline flushes; RADV means nothing."""
    card = native()
    moderate(card, rdtr=0, radv=500, wthresh=8)
    for seed in range(3):
        card.arrive(frame(64, seed=seed))
        work(card)
        assert (written(card), causes(card)) == (seed + 1, {"RXT0"})
        card.get("ICR")


def test_the_packet_timer_starts_anew_with_each_frame(native: Opener) -> None:
    card = native()
    moderate(card, rdtr=10)
    for seed in range(8):
        card.arrive(frame(64, seed=seed))
        card.run(9 * UNIT)
        assert causes(card) == set()
    card.run(UNIT + SLACK)
    assert causes(card) == {"RXT0"}
    card.get("ICR")
    card.run(50 * UNIT)
    assert causes(card) == set()


def test_the_absolute_timer_does_not(native: Opener) -> None:
    card = native()
    moderate(card, rdtr=10, radv=25)
    ups = []
    for seed in range(8):
        card.arrive(frame(64, seed=seed))
        card.run(9 * UNIT)
        ups.append(bool(card.get("ICR") & CAUSE["RXT0"]))
    assert ups == [False, False, True, False, False, True, False, False]
    card.run(2 * UNIT + SLACK)
    assert causes(card) == {"RXT0"}, "one timer's cause ends both: this is the packet timer of the last frame"


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_flush_by_hand(native: Opener, frames: int) -> None:
    card = native()
    moderate(card, rdtr=1000, wthresh=8)
    card.arrive(*(frame(64, seed=k) for k in range(frames)))
    work(card)
    assert (written(card), causes(card)) == (0, set())
    card.set("RDTR", R["RDTR"].mask("FPD") | 1000)
    work(card)
    assert (written(card), causes(card)) == (frames, {"RXT0"})
    assert card.get("RDTR") == 1000
    card.get("ICR")
    card.run(1001 * UNIT)
    assert causes(card) == set(), "the timer was over with it"


@pytest.mark.parametrize("crc", [True, False])
def test_small_frames(native: Opener, crc: bool) -> None:
    """Stored bytes count: of a frame of 64 to 90 on the wire those up to SIZE are told at once, with those before."""
    card = native(rctl=("EN", "UPE", "SECRC") if crc else ("EN", "UPE"))
    card.set("RSRPD", 75)
    moderate(card, rdtr=100, wthresh=8)
    waiting, at_once = 0, 0
    for size in range(90, 63, -1):
        card.arrive(frame(size))
        work(card)
        waiting += 1
        small = size - (4 if crc else 0) <= 75
        if small:
            assert (written(card) - at_once, causes(card)) == (waiting, {"RXT0", "SRPD"}), size
            at_once, waiting = at_once + waiting, 0
            card.get("ICR")
        assert causes(card) == set()
        if waiting == 7:
            card.run(101 * UNIT)
            at_once, waiting = at_once + waiting, 0
            card.get("ICR")


def test_stripped_bytes_do_not_make_a_frame_large(native: Opener) -> None:
    card = native()
    vme(card)
    card.set("RSRPD", 60)
    moderate(card, rdtr=100)
    for size, wanted in ((61, set()), (60, {"RXT0", "SRPD"})):
        card.arrive(fcs(with_tag(payload(size), 5)))
        work(card)
        assert causes(card) == wanted
    card.set("RSRPD", 0)
    card.get("ICR")
    card.arrive(frame(64))
    work(card)
    assert causes(card) == set()


def test_small_frames_without_delay(native: Opener) -> None:
    card = native()
    card.set("RSRPD", 60)
    moderate(card, rdtr=0)
    card.arrive(frame(64))
    work(card)
    assert causes(card) == {"RXT0", "SRPD"}


def test_a_delay_set_to_0_tells_what_waits(native: Opener) -> None:
    card = native()
    moderate(card, rdtr=5000, wthresh=8)
    card.arrive(frame(64), frame(65))
    work(card)
    assert (written(card), causes(card)) == (0, set())
    card.set("RDTR", 0)
    work(card)
    assert (written(card), causes(card)) == (2, {"RXT0"})


def test_a_ring_run_dry_waits_for_no_timer(native: Opener) -> None:
    """A frame of more buffers than there are: those used come back although neither threshold nor timer is reached."""
    card = native(rx=8, size=256, rctl=("EN", "UPE", "SECRC", "LPE"))
    moderate(card, rdtr=60_000, wthresh=32)
    card.arrive(frame(5000))
    got = []
    for _ in range(20):
        work(card)
        got += card.harvest()
        card.post()
    card.set("RDTR", R["RDTR"].mask("FPD"))
    work(card)
    got += card.harvest()
    assert [one.data for one in got] == [frame(5000)[:-4]]


def test_software_hears_of_a_ring_run_dry_in_mid_frame(native: Opener) -> None:
    """Few descriptors from the start, so the threshold is never crossed: RXDMT0 all the same, when they are used."""
    card = native(rx=64, size=256, rctl=("EN", "UPE", "SECRC", "LPE"))
    card.post(3)
    card.run(200)
    card.get("ICR")
    card.arrive(frame(5000))
    card.run(800)  # it is on the wire that long
    got, told = list[Received](), 0
    while not got:
        work(card)
        assert causes(card) & {"RXDMT0", "RXT0"}
        told += "RXDMT0" in causes(card)
        card.get("ICR")
        got += card.harvest()
        card.post(3)
    assert [one.data for one in got] == [frame(5000)[:-4]]
    assert told == 6


@pytest.mark.parametrize("seed", range(3))
def test_every_frame_is_told_in_the_end(native: Opener, seed: int) -> None:
    """A host that looks only when RXT0 came finds every frame, whatever the timers; none waits longer than they say."""
    rng = random.Random(seed)
    card = native(rx=256)
    moderate(card, rdtr=rng.randrange(1, 20), radv=rng.choice((0, rng.randrange(1, 40))), wthresh=rng.randrange(9))
    wires = [frame(rng.choice((64, 300, 1500)), seed=k) for k in range(100)]
    got = []
    for wire in wires:
        card.arrive(wire)
        card.run(rng.choice((10, 500, 3000)))
        if card.get("ICR") & CAUSE["RXT0"]:
            got += card.harvest()
    card.run(60 * UNIT + SLACK)
    assert card.get("ICR") & CAUSE["RXT0"]
    got += card.harvest()
    assert [one.data for one in got] == [wire[:-4] for wire in wires]
