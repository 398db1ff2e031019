"""The transmit ring: every size, segments, sums, OACTIVE and restart, refusals, nothing left uncleaned."""

from __future__ import annotations

import pytest

from ringbed.drivers.em.ring.tx import MAX_SEGMENTS
from ringbed.drivers.world import TxFrame, TxSum
from tests.drivers.bench import Bench, frame
from tests.drivers.em.ring.test_rx import udp
from tests.drivers.fake_card import ones_sum

ALL_UDP = TxSum.IPV4 | TxSum.UDP


def pieces(data: bytes, *cuts: int) -> list[bytes]:
    edges = [0, *cuts, len(data)]
    return [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def unsummed(whole: bytes) -> bytes:
    """As the stack hands it down: IP sum 0, the pseudo-header's sum in the UDP field."""
    length = whole[38:40]
    pseudo = ones_sum(whole[26:34] + b"\0\x11" + length)
    return whole[:24] + b"\0\0" + whole[26:40] + pseudo.to_bytes(2, "big") + whole[42:]


def test_every_size_one_and_several_segments() -> None:
    bench = Bench(mtu=2000, tx_ring=64, skew=3)
    sent = []
    for length in range(1, 2001):
        data = frame(length, length)
        assert bench.send(data, TxFrame(pieces(data, length // 3, length // 2))) == 2
        sent += [data.ljust(60, b"\0")] * 2
        bench.run()
    assert bench.card.wire == sent
    assert bench.driver.queues()[1].used == 0
    bench.check_account()
    bench.driver.down()
    assert bench.dma.live == 0
    assert bench.dma.faults == []


def test_ring_wraps_and_stays_clean_over_thousands_of_frames() -> None:
    bench = Bench(tx_ring=16)
    frames = [frame(60 + seed % 7, seed) for seed in range(2000)]
    at = 0
    while at < len(frames):
        at += bench.send(*frames[at : at + 1 + at % 9])
        bench.run()
        assert bench.driver.queues()[1].used == 0
    assert bench.card.wire == frames
    bench.check_account()


def test_full_ring_is_oactive_and_restarts_when_there_is_room() -> None:
    bench = Bench(tx_ring=16)
    frames = [frame(60, seed) for seed in range(40)]
    assert bench.send(*frames) == 15  # one descriptor stays free
    state = bench.driver.queues()[1]
    assert (state.used, state.oactive, state.oactives) == (15, True, 1)
    assert bench.send(*frames[15:]) == 0
    assert bench.driver.queues()[1].oactives == 1
    bench.card.step(2)
    bench.interrupts()
    assert bench.sink.restarts == 0  # two are not enough for any one frame
    bench.run()
    assert bench.sink.restarts == 1
    assert not bench.driver.oactive
    assert bench.send(*frames[15:30]) == 15
    bench.run()
    assert bench.card.wire == frames[:30]


def test_a_taken_batch_ends_oactive() -> None:
    bench = Bench(tx_ring=8)
    bench.send(*[frame(60)] * 9)
    bench.card.drain()  # done, and no interrupt taken yet
    assert bench.send(frame(60)) == 1
    assert not bench.driver.oactive


def test_a_frame_that_does_not_fit_is_not_begun() -> None:
    bench = Bench(tx_ring=8)
    bench.send(*[frame(60)] * 5)
    assert bench.send(TxFrame(pieces(frame(90), 30, 60))) == 0
    assert bench.send(TxFrame([unsummed(udp(b"a" * 30))], ALL_UDP), frame(60)) == 1  # context and data: full
    bench.run()
    assert len(bench.card.wire) == 6
    bench.send(*[frame(60)] * 6)
    assert bench.send(TxFrame([unsummed(udp(b"a" * 30))], TxSum.IPV4)) == 0  # another context: two, and one is free


def test_too_many_segments_are_joined() -> None:
    bench = Bench()
    data = frame(200, 5)
    assert bench.send(TxFrame([data[at : at + 1] for at in range(200)])) == 1
    assert bench.driver.queues()[1].used == 1
    assert bench.send(TxFrame(pieces(data, *range(1, MAX_SEGMENTS)))) == 1
    assert bench.driver.queues()[1].used == 1 + MAX_SEGMENTS
    bench.run()
    assert bench.card.wire == [data, data]
    assert bench.driver.counters()["tx_joined"] == 1


def test_empty_and_repeated_segments() -> None:
    bench = Bench()
    half = b"\x55" * 40
    assert bench.send(TxFrame([b"", half, b"", half, half, b""])) == 1
    bench.run()
    assert bench.card.wire == [half * 3]


def test_refused_frames_are_taken_and_counted() -> None:
    bench = Bench()
    assert bench.send(b"", TxFrame([]), TxFrame([b"", b""]), frame(1519), frame(1518)) == 5
    big = Bench(mtu=16270)
    assert big.send(frame(16288), frame(16289)) == 2
    for item in (bench, big):
        item.run()
        item.check_account()
        assert len(item.card.wire) == 1
    assert (bench.driver.counters()["tx_null"], bench.driver.counters()["tx_long"]) == (3, 1)
    assert big.driver.counters()["tx_long"] == 1


# ---- sums ----


@pytest.mark.parametrize("size", [0, 1, 18, 19, 1471, 1472])
def test_sums_in_hardware_equal_sums_in_software(size: int) -> None:
    bench = Bench()
    whole = udp(bytes(size)) if not size else udp(frame(size, size, b"abcdef"))
    raw = unsummed(whole)
    assert bench.send(TxFrame([raw], ALL_UDP), TxFrame([raw[:14], raw[14:42], raw[42:]], ALL_UDP)) == 2
    bench.run()
    assert bench.card.wire == [whole.ljust(60, b"\0")] * 2


def test_only_the_sums_asked_for() -> None:
    bench = Bench()
    whole = udp(b"payload of an even length..")
    raw = unsummed(whole)
    no_ip = whole[:24] + b"\0\0" + whole[26:]
    no_udp = raw[:24] + whole[24:26] + raw[26:]
    bench.send(TxFrame([raw], TxSum.IPV4), TxFrame([raw], TxSum.UDP), TxFrame([raw]))
    bench.run()
    assert bench.card.wire == [no_udp, no_ip, raw]


def test_context_is_sent_once_until_it_changes() -> None:
    bench = Bench()
    raw = unsummed(udp(b"x" * 30))
    one, tcp = TxFrame([raw], ALL_UDP), TxFrame([raw], TxSum.IPV4 | TxSum.TCP)
    bench.send(one, one, frame(60), one)
    bench.send(one)
    bench.run()
    assert bench.card.contexts == 1
    bench.send(tcp, one, one)
    bench.run()
    assert bench.card.contexts == 3


def test_context_is_sent_again_after_a_reset() -> None:
    bench = Bench()
    whole = udp(b"x" * 30)
    for _ in range(2):
        bench.send(TxFrame([unsummed(whole)], ALL_UDP))
        bench.run()
        bench.card["RB_TXSTOP"] = 1
        bench.driver.watchdog(0)
    assert bench.card.wire == [whole, whole]


@pytest.mark.parametrize(
    ("sums", "l3", "l4"),
    [
        (TxSum.TCP | TxSum.UDP, 14, 34),
        (TxSum.IPV4, 14, 33),
        (TxSum.IPV4, 250, 270),
        (TxSum.UDP, 14, 250),
        (TxSum.UDP, 14, 93),
        (TxSum.TCP, 14, 81),
        (TxSum.UDP, 14, -1),
    ],
)
def test_sums_that_the_card_cannot_make_are_refused(sums: TxSum, l3: int, l4: int) -> None:
    bench = Bench()
    assert bench.send(TxFrame([frame(100)], sums, l3, l4)) == 1
    assert bench.driver.counters()["tx_bad_sums"] == 1
    assert bench.driver.queues()[1].used == 0


def test_interrupts_are_fewer_than_frames_and_nothing_stays_uncleaned() -> None:
    bench = Bench(tx_ring=256)
    bench.send(*[frame(60)] * 100)
    causes = 0
    while bench.card["TDH"] != bench.card["TDT"]:
        bench.card.step(1)
        causes += bench.card.irq
        bench.interrupts()
    assert causes <= 5
    assert bench.driver.queues()[1].used == 0


def test_a_ring_that_was_given_back_is_not_written_any_more() -> None:
    bench = Bench()
    words = bench.driver.rings.tx._words
    bench.driver.down()
    with pytest.raises(ValueError, match="released memoryview"):
        words[0] = 1
