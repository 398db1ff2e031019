"""A read of frame data that the bus fails: what was read before it is sent, it and all behind it never is.

Every burst of the traffic in turn, seeded: plain frames, messages to be segmented, some decoded behind the bad one.
"""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from ringbed.sim.seam.bus_faults import Access, BusFaults, BusFixed, BusKind
from tests.hw.nics.em.bench import Card, Opener, on_wire
from tests.hw.nics.em.test_rings import works
from tests.hw.nics.em.tx.test_data import DD, body
from tests.hw.nics.em.tx.test_tso import context, message, pieces, wanted

FRAMES = 24


def traffic(card: Card, rng: random.Random) -> tuple[list[bytes], list[bytes]]:
    """Descriptors, all with RS, and what they would put on the wire."""
    made, want = list[bytes](), list[bytes]()
    for number in range(FRAMES):
        if rng.random() < 0.3:
            m = message("tcp4", body(rng.randrange(200, 1500), number), rng.choice((100, 536)))
            made += [context(m, RS=1), *pieces(card, m, [rng.randrange(54, 200)], RS=1)]
            want += wanted(m)
        else:
            data = body(rng.randrange(60, 1000), number)
            made += card.pieces(data, sorted(rng.sample(range(1, 60), rng.randrange(3))), RS=1)
            want.append(on_wire(data))
    return made, want


@pytest.mark.parametrize("seed", range(12))
def test_what_stands_behind_a_bad_read_waits_for_the_reset(native: Opener, seed: int) -> None:
    """The account stays exact: what is decoded and not sent is inside until CTRL.RST, then in RB_TXFLUSH."""
    rng = random.Random(seed)
    card = native(tx=256, read_latency=rng.choice((1, 50, 250)), write_latency=rng.choice((1, 100)), seed=seed,
                  backpressure=rng.choice((0.0, 0.3)))  # fmt: skip
    card.provoked = True
    made, want = traffic(card, rng)
    kind, beat = rng.choice((BusKind.SLVERR, BusKind.DECERR)), rng.randrange(64)
    card.engine.set_bus_faults(BusFaults(fixed=(BusFixed(kind, Access.READ, rng.randrange(30), beat=beat),)))
    card.push(made)
    card.settle()
    assert [event.access for event in card.engine.bus_fault_log()] == [Access.READ]
    assert card.get("RB_TXSTOP") == em.StopCause.DATA
    sent = card.sent()
    assert sent == want[: len(sent)]
    assert len(sent) < len(want)
    counts, inside = card.counts(), card.inside()[1]
    assert counts.get("RB_TXWIRE", 0) == len(sent)
    assert counts["RB_TXFRAME"] <= FRAMES
    head = card.get("TDH")
    assert [card.tx.at(k)[12] & DD for k in range(len(made))] == [DD] * head + [0] * (len(made) - head)
    card.engine.set_bus_faults(BusFaults())
    card.reset()
    assert card.sent() == []
    assert card.counts().get("RB_TXFLUSH", 0) == inside
    assert card.inside() == (0, 0)
    card.up()
    works(card)
