"""Statistics: nothing lost however often they are read, over resets, and 64 bits of what the card counts in 32."""

from __future__ import annotations

import random

from ringbed.drivers.em.stats import NAMES
from ringbed.hw.formats import em
from ringbed.hw.formats.em.statistics import PAIRS, STATISTICS
from tests.drivers.bench import Bench, frame


def test_every_register_of_the_block_has_a_name_and_no_name_is_twice() -> None:
    named = {register for registers in NAMES.values() for register in registers}
    halves = {pair + half for pair in PAIRS for half in "LH"}
    assert named == {name for name, _, _ in STATISTICS if name not in halves} | set(PAIRS)


def test_what_was_there_before_up_does_not_count() -> None:
    bench = Bench(up=False)
    bench.card.count(GPRC=5, GORC=1 << 40, MPC=7)
    bench.driver.up()
    assert not any(bench.driver.ethtool.statistics().values())


def test_pieces_add_up_over_reads_resets_down_and_up() -> None:
    bench = Bench()
    totals: dict[str, int] = {}
    chance = random.Random(1)
    for turn in range(240):
        name = chance.choice([name for name, registers in NAMES.items() if len(registers) == 1])
        number = chance.randrange(1, 1 << 31)
        bench.card.count(**{NAMES[name][0]: number})
        totals[name] = totals.get(name, 0) + number
        if turn % 5 == 0:
            bench.driver.ethtool.statistics()
        elif turn % 5 == 1:
            bench.card["RB_TXSTOP"] = em.StopCause.DATA
            bench.driver.watchdog(turn)
        elif turn % 5 == 2:
            bench.driver.down()
            assert bench.driver.ethtool.statistics()[name] == totals[name]
            bench.driver.up()
    got = bench.driver.ethtool.statistics()
    assert {name: got[name] for name in totals} == totals
    assert max(totals.values()) > 1 << 32


def test_pairs_are_read_low_word_first() -> None:
    bench = Bench()
    bench.card.count(GORC=0x1_2345_6789_ABCD, TOT=(1 << 64) - 1)
    assert bench.driver.ethtool.statistics()["rx_bytes"] == 0x1_2345_6789_ABCD
    got = bench.driver.ethtool.statistics()
    assert (got["rx_bytes"], got["tx_all_bytes"]) == (0x1_2345_6789_ABCD, (1 << 64) - 1)


def test_the_watchdog_collects_before_a_counter_could_stick() -> None:
    bench = Bench()
    for now in range(1000):
        bench.card["GPRC"] = min(0xFFFF_FFFF, bench.card["GPRC"] + 1_488_096)  # 64-byte frames, 1 Gb/s, a second
        bench.driver.watchdog(now)
    assert bench.driver.ethtool.statistics()["rx_packets"] == 1_488_096_000


def test_frames_are_counted_as_the_card_saw_them() -> None:
    bench = Bench()
    bench.card.loopback = True
    bench.send(frame(100), frame(200))
    bench.run()
    got = bench.driver.ethtool.statistics()
    assert (got["tx_packets"], got["tx_bytes"], got["rx_packets"], got["rx_bytes"]) == (2, 308, 2, 308)


def test_errors_are_sums() -> None:
    bench = Bench()
    bench.card.count(CRCERRS=1, RXERRC=2, RUC=4, ROC=8, RJC=16)
    assert bench.driver.ethtool.statistics()["rx_errors"] == 15
