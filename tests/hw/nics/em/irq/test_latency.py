"""The same traffic on memory of every temper: the frames, the descriptors and the account do not depend on it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.hw.nics.em.bench import Card, Opener, frame, on_wire
from tests.hw.nics.em.packets import udp4, unsummed
from tests.hw.nics.em.tx.test_data import body
from tests.hw.nics.em.tx.test_sums import context, offloaded

LATENCIES = [(1, 1), (1, 250), (250, 1), (50, 50), (250, 250)]


def both_ways(card: Card, seed: int) -> tuple[list[Any], list[bytes]]:
    """60 frames in, spaced so that none is missed, and 60 out, at once; what came of them."""
    rng = random.Random(seed)
    start = card.engine.now + 200
    wires = [frame(rng.choice((64, 65, rng.randrange(64, 1523))), seed=k) for k in range(60)]
    for k, wire in enumerate(wires):
        card.arrive(wire, at=start + 700 * k)
    made: list[bytes] = []
    for k in range(60):
        data = body(rng.randrange(1, 1515), k)
        cuts = sorted(rng.choices(range(1, len(data) + 1), k=rng.randrange(4)))
        offsets = [rng.randrange(4096) for _ in range(5)]
        if k % 3:
            made += card.pieces(data, cuts, extended=bool(k & 1), offsets=offsets)
        else:
            made += offloaded(card, udp4(data[:1400]), 34, False, [10])
    card.post(offsets=[rng.randrange(4096) for _ in range(card.rx.free)])
    received = []
    card.push(made)
    card.settle()
    received += [(one.data, one.parts) for one in card.harvest()]
    assert [data for data, _ in received] == [wire[:-4] for wire in wires]
    assert card.inside() == (0, 0)
    return received, card.sent()


@pytest.fixture(scope="module")
def reference() -> tuple[list[Any], list[bytes]]:
    card = Card("native", rx=256, tx=512, size=256)
    found = both_ways(card, 11)
    card.close()
    return found


@pytest.mark.parametrize("latency", LATENCIES)
def test_latencies(native: Opener, latency: tuple[int, int], reference: Any) -> None:
    card = native(rx=256, tx=512, size=256, read_latency=latency[0], write_latency=latency[1])
    assert both_ways(card, 11) == reference


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("latency", [(1, 1), (50, 250)])
def test_back_pressure(native: Opener, seed: int, latency: tuple[int, int], reference: Any) -> None:
    """Every channel held off at random, answers of different ids out of order."""
    card = native(
        rx=256, tx=512, size=256, read_latency=latency[0], write_latency=latency[1], backpressure=0.3, seed=seed
    )
    assert both_ways(card, 11) == reference


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 160))
def test_back_pressure_more(native: Opener, seed: int) -> None:
    rng = random.Random(seed)
    card = native(rx=256, tx=512, size=rng.choice((256, 512, 2048)), read_latency=rng.randrange(1, 300),
                  write_latency=rng.randrange(1, 300), backpressure=rng.choice((0.1, 0.5, 0.8)), seed=seed)  # fmt: skip
    _, sent = both_ways(card, seed)
    assert len(sent) == 60


def test_back_pressure_on_both_engines(card: Opener) -> None:
    c = card(backpressure=0.3, seed=3, size=256)
    c.post(6)
    wires = [frame(300), frame(64)]
    c.arrive(*wires)
    packet = udp4(b"payload")
    c.push([context(34, 40, tcp=False), *c.pieces(unsummed(packet, 34, 40), [20], extended=True, TXSM=1, IXSM=1)])
    c.settle()
    assert [one.data for one in c.harvest()] == [wire[:-4] for wire in wires]
    assert c.sent() == [on_wire(packet)]


@pytest.mark.parametrize("bps", [10_000_000, 1_000_000_000])
def test_a_paced_link(native: Opener, bps: int) -> None:
    """A wire that takes and gives a beat now and then."""
    card = native(rx=256, tx=64, link_bps=bps)
    card.post()
    wires = [frame(100 + k, seed=k) for k in range(20)]
    data = [body(70 + k) for k in range(20)]
    card.arrive(*wires)
    card.push(each for one in data for each in card.pieces(one))
    card.settle(10_000_000)
    assert [one.data for one in card.harvest()] == [wire[:-4] for wire in wires]
    assert card.sent() == [on_wire(each) for each in data]
