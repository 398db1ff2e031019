"""Any sequence of operations: what was sent is delivered or counted, order is kept, memory is given back."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.world import TxFrame, TxSum
from ringbed.hw.formats import em
from tests.drivers.bench import Bench, frame
from tests.drivers.em.ring.test_rx import udp
from tests.drivers.em.ring.test_tx import unsummed

LENGTHS = st.sampled_from([0, 1, 59, 60, 61, 255, 256, 257, 1514, 1518, 1519, 1600, 3000, 17000])
STAGES = st.tuples(st.sampled_from(["rx", "tx"]), st.sampled_from(["fetch", "data", "writeback"]), st.integers(0, 9))
OPERATIONS = st.one_of(
    st.tuples(st.just("send"), st.lists(LENGTHS, max_size=12), st.integers(1, 4)),
    st.tuples(st.just("sums"), st.integers(18, 1400), st.integers(0, 9)),
    st.tuples(st.just("receive"), LENGTHS, st.booleans()),
    st.tuples(st.just("step"), st.integers(0, 20)),
    st.tuples(st.just("interrupt")),
    st.tuples(st.just("lose interrupt")),
    st.tuples(st.just("watchdog")),
    st.tuples(st.just("carrier"), st.booleans()),
    st.tuples(st.just("hang"), st.booleans()),
    st.tuples(st.just("loopback"), st.booleans()),
    st.tuples(st.just("fail"), STAGES),
    st.tuples(st.just("down")),
    st.tuples(st.just("up")),
)


def segments(data: bytes, count: int) -> list[bytes]:
    """`data` in up to `count` pieces, some of them empty."""
    cuts = sorted(random.Random(len(data)).choices(range(len(data) + 1), k=count - 1))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def play(bench: Bench, operation: tuple[object, ...], serial: int) -> None:
    """One operation; `serial` makes every frame different."""
    match operation:
        case ("send", list(lengths), int(count)):
            frames = [frame(length, 100 * serial + index) for index, length in enumerate(lengths)]
            bench.send(*(TxFrame(segments(data, count)) for data in frames))
        case ("sums", int(size), int(which)):
            raw = TxFrame([unsummed(udp(bytes([which]) * size))], TxSum.IPV4 | TxSum.UDP)
            bench.send(raw, raw)
        case ("receive", int(length), bool(bad)):
            bench.card.receive(frame(length, serial) or b"\0", "crc" if bad else "")
        case ("step", int(frames)):
            bench.card.step(frames)
        case ("interrupt",):
            bench.interrupts()
        case ("lose interrupt",):
            bench.card["ICR"] = 0
        case ("watchdog",):
            bench.driver.watchdog(serial)
        case ("carrier", bool(on)):
            bench.card.set_carrier(on)
        case ("hang", bool(on)):
            bench.card.hangs = on
        case ("loopback", bool(on)):
            bench.card.loopback = on
        case ("fail", (str(ring), str(stage), int(after))):
            bench.card.fail(ring, stage, after)
        case ("down",):
            bench.driver.down()
        case _:
            bench.driver.up()


def settle(bench: Bench) -> None:
    """Everything works again; the watchdog repairs what was broken."""
    bench.card.hangs = bench.card.loopback = False
    bench.card.faults.clear()
    bench.card.set_carrier(True)
    for now in range(2):
        bench.run()
        bench.driver.watchdog(now)
    bench.run()


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATIONS, max_size=60), st.sampled_from([8, 16, 32]), st.sampled_from([256, 2048]), st.integers(0, 7))
def test_sent_is_delivered_plus_counted(
    operations: list[tuple[object, ...]], ring: int, buffer_size: int, skew: int
) -> None:
    bench = Bench(rx_ring=ring, tx_ring=ring, buffer_size=buffer_size, skew=skew, mtu=1500)
    for serial, operation in enumerate(operations):
        play(bench, operation, serial)
        queues = bench.driver.queues()
        assert all(0 <= queue.used < queue.size for queue in queues)
    settle(bench)
    bench.check_account()
    assert bench.received == bench.card.delivered
    assert bench.driver.queues()[1].used == 0
    bench.driver.down()
    assert bench.dma.live == 0
    assert bench.dma.faults == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.sampled_from([8, 64]), st.integers(1, 5))
def test_order_is_kept_and_offering_again_ends(steps: list[int], ring: int, count: int) -> None:
    """A queue that offers what was not taken, whenever it is asked, gets everything out in order."""
    bench = Bench(tx_ring=ring)
    queue = [frame(60 + index % 900, index) for index in range(100)]
    sent, at = list(queue), 0
    for turn in range(10_000):
        if not bench.driver.oactive or turn == 0:
            taken = bench.send(*(TxFrame(segments(data, count)) for data in queue))
            queue = queue[taken:]
        if not queue:
            break
        bench.card.step(steps[at % len(steps)] or 1)
        bench.interrupts()
        at += 1
    bench.run()
    assert bench.card.wire == sent
    assert bench.card.rb["RB_TXWIRE"] == len(sent)
    assert bench.driver.counters()["tx_stop_" + em.StopCause.NAMES[em.StopCause.DATA]] == 0
