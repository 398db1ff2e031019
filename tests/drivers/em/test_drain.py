"""How long the driver waits for a ring that goes: as long as something moves, and never for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ringbed.drivers.em.drain import LIMIT_NS, LOOK_NS, PATIENCE_NS
from ringbed.drivers.ethtool import RingSizes
from ringbed.drivers.world import RxFrame
from tests.drivers.bench import Bench, frame

OTHER = RingSizes(16, 16)


def waits(bench: Bench, step: Callable[[int], None] = lambda _: None) -> list[int]:
    """What `set_rings` waits, ns each; `step` is what the card does meanwhile."""
    waited: list[int] = []

    def delay(nanoseconds: int) -> None:
        waited.append(nanoseconds)
        step(nanoseconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.driver.hardware, "delay", delay)
        bench.driver.ethtool.set_rings(OTHER)
    return [each for each in waited if each >= LOOK_NS]  # a reset waits too, less


def test_nothing_sent_is_nothing_to_wait_for() -> None:
    assert waits(Bench()) == []


def test_a_clean_ring_is_not_an_empty_card() -> None:
    """The card has fetched everything, and sends a frame in each of the waits."""
    bench = Bench()
    bench.send(*(frame(64, seed) for seed in range(3)))
    bench.card.step(3)
    bench.interrupts()
    assert bench.driver.queues()[1].used == 0
    assert len(bench.card.wire) < 3
    assert waits(bench, lambda _: bench.card.step(0)) == [LOOK_NS]
    assert bench.card.wire == [frame(64, seed) for seed in range(3)]
    assert bench.card.rb["RB_TXFLUSH"] == 0


@pytest.mark.parametrize("window", [True, False])
def test_a_card_that_stands_still_is_given_the_time_of_one_frame(window: bool) -> None:
    bench = Bench()
    bench.card.window = window
    bench.send(frame(64))
    bench.card.hangs = True
    waited = waits(bench)
    assert waited[0] == LOOK_NS
    assert all(later == 2 * before for before, later in zip(waited[1:], waited[2:], strict=False))
    assert PATIENCE_NS / 2 < sum(waited) <= PATIENCE_NS + LOOK_NS
    assert bench.driver.counters()["tx_reset"] == 1


def test_a_card_without_a_count_of_its_own_is_believed_by_what_it_sends() -> None:
    """One frame leaves in the last wait that its patience allows, then none any more."""
    bench = Bench()
    bench.card.window = False
    bench.send(*(frame(64, seed) for seed in range(4)))
    bench.card.step(4)
    bench.interrupts()
    since = [0]

    def slow(nanoseconds: int) -> None:
        since[0] += nanoseconds
        if since[0] > PATIENCE_NS / 3:
            bench.card.step(0)

    assert waits(bench, slow)
    assert len(bench.card.wire) == 4


def test_what_moves_for_ever_is_left_in_the_end() -> None:
    bench = Bench()
    bench.send(frame(64))
    bench.card.hangs = True
    assert LIMIT_NS - LOOK_NS <= sum(waits(bench, lambda _: bench.card.count(GPTC=1))) <= LIMIT_NS


@pytest.mark.parametrize("why", ["no link", "stopped"])
def test_no_wait_for_what_cannot_move(why: str) -> None:
    bench = Bench()
    bench.send(*(frame(64, seed) for seed in range(3)))
    if why == "no link":
        bench.card.set_carrier(False)
    else:
        bench.card.fail("tx", "data")
        bench.card.step()
        assert bench.card["RB_TXSTOP"]
    assert waits(bench) == []


def test_what_is_offered_meanwhile_waits_for_the_new_ring() -> None:
    """Were it taken, a wire that answers all it hears would never let the old ring go."""
    bench = Bench()
    bench.send(frame(64))
    taken: list[int] = []

    def answer(_: int) -> None:
        taken.append(bench.send(frame(64, 1)))
        bench.card.step()

    assert waits(bench, answer)
    assert set(taken) == {0}
    assert (bench.sink.restarts, bench.driver.oactive) == (1, False)
    assert bench.driver.counters()["tx_reset"] == 0


def test_a_card_that_fails_meanwhile_keeps_its_rings_and_no_others() -> None:
    """What it raises is the caller's to see; the watchdog brings the card back with what it had."""
    bench = Bench()
    bench.send(frame(64))
    before = bench.dma.live

    def fails(_: int) -> None:
        raise TimeoutError("no answer")

    with pytest.raises(TimeoutError, match="no answer"):
        waits(bench, fails)
    assert bench.dma.live == before
    assert bench.driver.ethtool.rings() != OTHER
    bench.driver.watchdog(0)
    assert bench.driver.counters()["resets"] == 1
    bench.driver.down()
    assert bench.dma.live == 0


def test_a_sink_that_takes_the_driver_down_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.send(frame(64))

    def down(queue: int, frames: list[RxFrame]) -> None:
        bench.driver.down()

    def arrive(_: int) -> None:
        bench.card.receive(frame(64))
        bench.card.step()

    monkeypatch.setattr(bench.sink, "input", down)
    assert len(waits(bench, arrive)) == 1
    assert not bench.driver.running
    assert bench.dma.live == 0
