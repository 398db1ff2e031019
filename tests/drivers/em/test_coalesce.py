"""Moderation: microseconds to the card's units and back, refusals, IDE, and what the adaptive mode chooses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.drivers.em.coalesce import BULK, LATENCY, MIXED, MOST_USECS, choose_rate
from ringbed.drivers.ethtool import Coalesce
from tests.drivers.bench import Bench, frame

TIMES = ("rx_usecs", "rx_usecs_max", "tx_usecs", "tx_usecs_max")
REGISTERS = ("RDTR", "RADV", "TIDV", "TADV", "ITR", "RSRPD")


def test_nothing_is_moderated_at_first() -> None:
    bench = Bench()
    assert bench.driver.ethtool.coalesce() == Coalesce()
    assert [bench.card[name] for name in REGISTERS] == [0] * 6


def test_registers_hold_the_cards_units() -> None:
    """1.024 us each: 100 us are 97.66, so 98; ITR 256 ns: M 13.4.18's own example, 7813 a second, is 500."""
    bench = Bench()
    bench.driver.ethtool.set_coalesce(
        Coalesce(100, 1024, 1, 67_000, interrupts_per_second=7813, rx_small_bytes=128)
    )  # fmt: skip
    assert [bench.card[name] for name in REGISTERS] == [98, 1000, 1, 65430, 500, 128]
    bench.driver.down()
    bench.driver.up()
    assert [bench.card[name] for name in REGISTERS] == [98, 1000, 1, 65430, 500, 128]
    assert bench.driver.ethtool.coalesce() == Coalesce(100, 1024, 1, 67_000, 7813, rx_small_bytes=128)
    bench.driver.ethtool.set_coalesce(Coalesce())
    assert [bench.card[name] for name in REGISTERS] == [0] * 6


@given(st.tuples(*[st.integers(1, MOST_USECS)] * 4), st.integers(60, 3_900_000))
def test_what_is_said_to_be_in_force_can_be_set_and_stays(times: tuple[int, ...], rate: int) -> None:
    bench = Bench(up=False)
    rx, rx_max, tx, tx_max = times
    wanted = Coalesce(rx, rx_max, tx, tx_max, interrupts_per_second=rate)
    bench.driver.ethtool.set_coalesce(wanted)
    got = bench.driver.ethtool.coalesce()
    assert all(abs(getattr(got, name) - getattr(wanted, name)) <= 1 for name in TIMES)
    bench.driver.ethtool.set_coalesce(got)
    assert bench.driver.ethtool.coalesce() == got


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Coalesce(rx_usecs=-1), "rx_usecs is 0 to 67107, not -1"),
        (Coalesce(tx_usecs=67108), "tx_usecs is 0 to 67107, not 67108"),
        (Coalesce(rx_usecs_max=5), "rx_usecs_max bounds a delay, and rx_usecs is 0: there is none"),
        (Coalesce(tx_usecs_max=5), "tx_usecs_max bounds a delay, and tx_usecs is 0: there is none"),
        (Coalesce(interrupts_per_second=59), "interrupts_per_second is 0, or 60 to 3906250, not 59"),
        (Coalesce(interrupts_per_second=5000, adaptive=True), "adaptive chooses interrupts_per_second itself; .*5000"),
        (Coalesce(rx_small_bytes=4096), "rx_small_bytes is 0 to 4095, not 4096"),
    ],
)
def test_what_the_card_cannot_do_is_refused_and_changes_nothing(wanted: Coalesce, sentence: str) -> None:
    bench = Bench()
    bench.driver.ethtool.set_coalesce(Coalesce(rx_usecs=10))
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        bench.driver.ethtool.set_coalesce(wanted)
    assert bench.driver.ethtool.coalesce().rx_usecs == 10
    assert bench.card["RDTR"] == 10


def test_transmit_descriptors_ask_for_the_delay_only_when_there_is_one() -> None:
    """TIDV 0 with IDE is not allowed (M 13.4.41)."""
    bench = Bench()
    for wanted in (Coalesce(), Coalesce(tx_usecs=50), Coalesce()):
        bench.driver.ethtool.set_coalesce(wanted)
        bench.send(frame(60))
        bench.run()
    assert [part["IDE"] for part in bench.card.descriptors] == [0, 1, 0]
    bench.driver.ethtool.set_coalesce(Coalesce(tx_usecs=50))
    bench.driver.ethtool.set_rings(replace(bench.driver.ethtool.rings(), tx=64))
    bench.send(frame(60))
    bench.run()
    assert bench.card.descriptors[-1]["IDE"] == 1


@pytest.mark.parametrize(
    ("frames", "octets", "rate"),
    [(0, 0, LATENCY), (1, 64, LATENCY), (4, 2048, LATENCY), (5, 320, MIXED), (1, 1514, MIXED), (6, 9084, MIXED),
     (7, 10598, BULK), (100, 6400, MIXED), (100, 151400, BULK), (10, 11999, MIXED), (10, 12000, BULK)],
)  # fmt: skip
def test_adaptive_chooses_by_what_came(frames: int, octets: int, rate: int) -> None:
    assert choose_rate(frames, octets) == rate


def test_adaptive_follows_the_traffic_and_writes_only_changes() -> None:
    bench = Bench(rx_ring=64)
    bench.driver.ethtool.set_coalesce(Coalesce(adaptive=True))
    rates, writes = [], []
    for length, count in ((1514, 1), (1514, 20), (1514, 20), (60, 1), (60, 1), (60, 20)):
        for seed in range(count):
            bench.card.receive(frame(length, seed))
        bench.card.accesses.clear()
        bench.run()
        rates.append(bench.driver.ethtool.coalesce().interrupts_per_second)
        writes.append(bench.card.accesses["ITR"])
    assert rates == [MIXED, BULK, BULK, LATENCY, LATENCY, MIXED]
    assert writes == [0, 1, 0, 1, 0, 1]
    assert bench.card["ITR"] == 196  # 20,000 a second in 256 ns, rounded up
    got = bench.driver.ethtool.coalesce()
    bench.driver.ethtool.set_coalesce(got)  # what was said can be set
    bench.driver.ethtool.set_coalesce(Coalesce())
    assert bench.card["ITR"] == 0
