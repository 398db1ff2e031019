"""The driver's own promises, on our RTL and on QEMU's card, the very same tests."""

from __future__ import annotations

import random

import pytest

from ringbed.drivers.em.driver import MAX_MTU
from ringbed.drivers.world import TxFrame, TxSum
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.testbed.accounting import card_count
from ringbed.sim.wire.frame import pad
from tests.drivers.bench import frame
from tests.drivers.live import MAC, Live, Opener
from tests.hw.nics.em.packets import tcp4, tcp6, udp4, udp6, unsummed

STRANGER, GROUP, BROADCAST = bytes.fromhex("0200000000ee"), bytes.fromhex("01005e000001"), b"\xff" * 6
SIZES = (60, 61, 63, 64, 65, 127, 128, 255, 256, 1023, 1024, 1513, 1514)


# ---- attach, up, down ----


@pytest.mark.parametrize("eeprom", ["eerd", "microwire", "auto"])
def test_the_address_comes_from_the_eeprom(live: Opener, eeprom: str) -> None:
    mac = bytes.fromhex("0211223344f5")
    assert live(up=False, mac=mac, eeprom=eeprom).driver.lladdr == mac


def test_attaching_looks_when_the_serial_buses_are_done(live: Opener) -> None:
    """A look costs a real machine a microsecond, and an engine in Python a tenth of a second: 9,584 clocks once."""
    engine = live(up=False).host.engine
    assert engine.kind == "qemu" or 64 < engine.stats().clocks < 3500


def test_down_and_up_again_and_no_memory_is_kept(live: Opener) -> None:
    card = live()
    for round_ in range(3):
        sent = [frame(100 + round_, seed) for seed in range(5)]
        card.send_all(sent)
        assert card.sent() == sent
        assert card.arrive(sent) == sent
        card.host.down()
        assert not card.driver.link
        assert not card.host.memory.leaks()
        card.up()


def test_frames_before_up_wait_and_the_queue_is_told(live: Opener) -> None:
    card = live(up=False)
    assert card.send(frame(60)) == 0
    card.up()
    assert card.host.upper.restarts >= 1
    card.send_all([frame(60)])
    assert card.sent() == [frame(60)]


def test_down_in_the_middle_of_traffic_counts_every_frame_once(live: Opener) -> None:
    card = live(tx_ring=64)
    taken = card.send(*(frame(1514, seed) for seed in range(40)))
    card.host.down()
    card.step()
    counters = card.counters
    assert taken == counters["tx_frames"]
    flushed = card_count(card.host, "RB_TXFLUSH") if card.host.engine.window is not None else 0  # QEMU counts none
    assert len(card.sent()) + counters.get("tx_reset", 0) + flushed == taken
    card.up()
    card.send_all([frame(60)])
    assert card.sent()[-1] == frame(60)


# ---- transmit ----


def test_every_size_leaves_as_it_was_given(live: Opener) -> None:
    card = live()
    sent = [frame(size, size) for size in (*range(14, 60), *SIZES)]
    card.send_all(sent)
    assert card.sent() == [pad(each) for each in sent]


def test_frames_in_pieces_leave_whole(live: Opener) -> None:
    card, rng = live(), random.Random(5)
    whole = [frame(rng.randrange(60, 1515), seed) for seed in range(60)]
    pieces = []
    for data in whole:
        edges = sorted({0, len(data), *rng.choices(range(len(data)), k=rng.randrange(20))})
        pieces.append(TxFrame([data[a:b] for a, b in zip(edges, edges[1:], strict=False)]))
    card.send_all(pieces)
    assert card.sent() == whole


@pytest.mark.parametrize("ring", [8, 16, 256])
def test_a_full_ring_is_offered_again_and_loses_nothing(live: Opener, ring: int) -> None:
    card = live(tx_ring=ring)
    sent = [frame(60 + seed % 900, seed) for seed in range(300)]
    card.send_all(sent)
    assert card.sent() == sent
    card.until(lambda: card.driver.queues()[1].used < ring // 2 or not card.driver.oactive)
    assert card.counters["tx_frames"] == 300


def test_sums_are_put_in_as_scapy_would(live: Opener) -> None:
    card = live()
    cases: list[tuple[bytes, int, TxSum]] = []
    for size in (0, 1, 2, 17, 18, 19, 700, 1400):
        data = bytes(range(size % 251)) * (size // 251 + 1)
        cases += [
            (udp4(data[:size]), 34, TxSum.UDP | TxSum.IPV4), (tcp4(data[:size]), 34, TxSum.TCP | TxSum.IPV4),
            (udp6(data[:size]), 54, TxSum.UDP), (tcp6(data[:size]), 54, TxSum.TCP),
        ]  # fmt: skip
    given = []
    for whole, l4, sums in cases:
        at = l4 + (16 if TxSum.TCP in sums else 6)
        given.append(TxFrame([unsummed(whole, l4, at)], sums, 14, l4))
    card.send_all(given)
    assert card.sent() == [pad(whole) for whole, _, _ in cases]


def test_what_cannot_be_sent_is_counted_and_the_rest_goes_on(live: Opener) -> None:
    card = live()
    bad_sums = TxFrame([frame(60)], TxSum.UDP | TxSum.TCP)
    card.send_all([frame(60, 1)])
    assert card.send(b"", frame(1600), bad_sums, frame(60, 2)) == 4
    card.until(lambda: len(card._sent) == 2)
    assert card.sent() == [frame(60, 1), frame(60, 2)]
    assert (card.counters["tx_null"], card.counters["tx_long"], card.counters["tx_bad_sums"]) == (1, 1, 1)


# ---- receive ----


def test_every_size_is_handed_on_as_it_came(live: Opener) -> None:
    card = live()
    came = [frame(size, size) for size in SIZES]
    assert card.arrive(came) == came
    assert card.counters["rx_frames"] == len(came)


@pytest.mark.parametrize("buffer_size", [256, 512, 2048])
def test_a_frame_over_several_buffers_is_one_frame(live: Opener, buffer_size: int) -> None:
    card = live(buffer_size=buffer_size)
    came = [frame(size, size) for size in (60, 252, 255, 256, 257, 511, 512, 513, 1514)]
    assert card.arrive(came) == came


def test_many_times_round_the_ring(live: Opener) -> None:
    card = live(rx_ring=16)
    came = [frame(60 + seed % 1400, seed) for seed in range(200)]
    assert card.arrive(came, batch=12) == came


def test_long_frames_when_the_mtu_says_so(live: Opener) -> None:
    card = live(mtu=MAX_MTU)
    long = [frame(size, size) for size in (1514, 1518, 1519, 4000, 9014, 16000)]
    assert card.arrive(long, batch=1) == long
    card.send_all(long)
    assert card.sent() == long


def test_the_filter_follows_address_and_promiscuous(live: Opener) -> None:
    card = live()
    mine = bytes.fromhex("0200000000aa")
    who = {MAC: "first", mine: "second", STRANGER: "stranger", GROUP: "group", BROADCAST: "broadcast"}
    last = frame(61, 99, BROADCAST)  # when this one is here, those before it are

    def through() -> list[str]:
        for to in who:
            card.arrive_later(frame(60, 1, to))
        card.arrive_later(last)
        card.until(lambda: any(each.data == last for each in card.frames))
        return [who[each.data[:6]] for each in card.take()[:-1]]

    assert through() == ["first", "broadcast"]
    card.driver.set_lladdr(mine)
    assert through() == ["second", "broadcast"]
    card.driver.set_promiscuous(True)
    assert through() == list(who.values())
    card.driver.set_promiscuous(False)
    assert through() == ["second", "broadcast"]


def test_a_verdict_is_the_truth_or_none(live: Opener) -> None:
    """QEMU has no receive checksums; whatever a card says, it never calls bad what is good, nor the reverse."""
    card = live()
    good, bad = udp4(b"checked by somebody"), bytearray(udp4(b"checked by somebody"))
    bad[45] ^= 1
    card.arrive_later(good)
    card.arrive_later(bytes(bad))
    card.until(lambda: len(card.frames) == 2)
    first, second = card.take()
    assert first.verdict in (Verdict.NONE, Verdict.L3_GOOD | Verdict.L4_GOOD)
    assert second.verdict in (Verdict.NONE, Verdict.L3_GOOD | Verdict.L4_BAD)
    assert (first.verdict == Verdict.NONE) == (second.verdict == Verdict.NONE) == (card.engine == "qemu")


# ---- trouble ----


def test_the_watchdog_leaves_a_healthy_card_alone(live: Opener) -> None:
    card = live()
    for _ in range(4):
        card.send_all([frame(100)])
        card.driver.watchdog(card.host.now)
    assert card.counters.get("resets", 0) == 0
    assert card.counters.get("tx_reset", 0) == 0


def test_a_lost_interrupt_is_made_up_for_by_the_watchdog(live: Opener) -> None:
    card = live()
    came = frame(64, 3)
    card.mask()
    card.arrive_later(came)
    card.until(lambda: card.cause("RXT0"))
    card.driver.watchdog(card.host.now)
    card.until(lambda: bool(card.frames))
    assert [each.data for each in card.take()] == [came]


def test_both_directions_at_once(live: Opener) -> None:
    card, rng = live(rx_ring=64, tx_ring=32), random.Random(11)
    out, came, left, seen = [], [], [], []
    for turn in range(30):
        batch = [frame(rng.randrange(60, 1515), 1000 + turn * 16 + n) for n in range(rng.randrange(1, 8))]
        back = [frame(rng.randrange(60, 1515), 5000 + turn * 16 + n) for n in range(rng.randrange(1, 8))]
        for each in back:
            card.arrive_later(each)
        card.send_all(batch)
        out += batch
        came += back
        left += card.sent()
        card.until_received(len(back))
        seen += [each.data for each in card.take()]
    assert left == out
    assert seen == came


# ---- the same traffic on both, compared ----


def traffic(seed: int) -> tuple[list[list[bytes | TxFrame]], list[list[bytes]]]:
    """Batches of frames to send and to receive, of every shape the driver takes; some asking for sums."""
    rng = random.Random(seed)
    down: list[list[bytes | TxFrame]] = []
    up: list[list[bytes]] = []
    for _ in range(12):
        batch: list[bytes | TxFrame] = []
        for _ in range(rng.randrange(1, 20)):
            data = rng.randbytes(rng.choice((0, 1, 18, 19, rng.randrange(1400))))
            kind = rng.randrange(4)
            if kind == 0:
                batch.append(TxFrame([unsummed(udp4(data), 34, 40)], TxSum.UDP | TxSum.IPV4, 14, 34))
            elif kind == 1:
                whole, cut = unsummed(tcp6(data), 54, 70), rng.randrange(1, 70)
                batch.append(TxFrame([whole[:cut], whole[cut:]], TxSum.TCP, 14, 54))
            else:
                batch.append(frame(rng.randrange(14, 1515), rng.randrange(1 << 30)))
        down.append(batch)
        to = (MAC, MAC, MAC, BROADCAST)
        up.append(
            [frame(rng.randrange(60, 1515), rng.randrange(1 << 30), rng.choice(to)) for _ in range(rng.randrange(16))]
        )
    return down, up


def outcome(engine: str, seed: int) -> tuple[list[bytes], list[bytes], dict[str, int]]:
    """What left, what was handed on, and the driver's own account of frames and bytes."""
    down, up = traffic(seed)
    rng = random.Random(seed)
    card = Live(engine, rx_ring=rng.choice((16, 32, 256)), tx_ring=rng.choice((8, 32, 256)),
                buffer_size=rng.choice((256, 512, 2048)))  # fmt: skip
    left, seen = list[bytes](), list[bytes]()
    for batch, back in zip(down, up, strict=True):
        for each in back[:2]:  # some meet frames on their way out
            card.arrive_later(each)
        card.send_all(batch)
        card.until_received(len(back[:2]))
        seen += [each.data for each in card.take()]
        seen += card.arrive(back[2:], batch=2)
        left += card.sent()
    names = ("tx_frames", "tx_bytes", "rx_frames", "rx_bytes", "tx_joined", "resets")
    counters = {name: card.driver.counters()[name] for name in names}
    card.close()
    return left, seen, counters


@pytest.mark.qemu
@pytest.mark.parametrize("seed", range(8))
def test_the_same_traffic_comes_out_the_same(seed: int) -> None:
    assert outcome("native", seed) == outcome("qemu", seed)


@pytest.mark.full
@pytest.mark.qemu
@pytest.mark.parametrize("seed", range(8, 100))
def test_much_more_traffic_comes_out_the_same(seed: int) -> None:
    assert outcome("native", seed) == outcome("qemu", seed)
