"""The receive ring: every size, several descriptors a frame, wraps, verdicts, a card that writes nonsense."""

from __future__ import annotations

import pytest

from ringbed.drivers.world import Verdict
from ringbed.hw.formats import em
from tests.drivers.bench import Bench, frame
from tests.drivers.fake_card import MAC, ones_sum

NAIVE_VERDICTS = {False: Verdict.L3_GOOD | Verdict.L4_GOOD, True: Verdict.L3_GOOD | Verdict.L4_BAD}


def udp(payload: bytes, damage: int = 0) -> bytes:
    """Ethernet, IPv4, UDP to the card with good sums, then one payload byte changed."""
    length = 8 + len(payload)
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    ip = bytearray(b"\x45\0" + (20 + length).to_bytes(2, "big") + b"\0\0\0\0\x40\x11\0\0" + addresses)
    ip[10:12] = (0xFFFF & ~ones_sum(bytes(ip))).to_bytes(2, "big")
    header = b"\x10\x00\x20\x00" + length.to_bytes(2, "big")
    pseudo = addresses + b"\0\x11" + length.to_bytes(2, "big")
    total = 0xFFFF & ~ones_sum(pseudo + header + b"\0\0" + payload)
    whole = bytearray(MAC + b"\x02\0\0\0\0\x77\x08\x00" + ip + header + total.to_bytes(2, "big") + payload)
    whole[-1] ^= damage
    return bytes(whole)


def feed(bench: Bench, frames: list[bytes], batch: int = 5) -> None:
    for at in range(0, len(frames), batch):
        for item in frames[at : at + batch]:
            bench.card.receive(item)
        bench.run()


def test_every_size_in_small_buffers_at_odd_addresses() -> None:
    bench = Bench(buffer_size=256, rx_ring=32, mtu=2000, skew=1)
    frames = [frame(length, length) for length in range(60, 2001)]
    feed(bench, frames)
    assert bench.received == frames
    bench.check_account()
    assert bench.dma.faults == []


@pytest.mark.parametrize("buffer_size", sorted(set(em.BUFFER_SIZES.values())))
def test_the_card_is_told_the_buffer_size(buffer_size: int) -> None:
    bench = Bench(buffer_size=buffer_size, mtu=16000, rx_ring=8)
    frames = [
        frame(length, length) for length in (buffer_size - 1, buffer_size, buffer_size + 1, 16000) if length < 16281
    ]
    feed(bench, frames, batch=1)
    assert bench.received == frames


def test_a_frame_longer_than_the_whole_ring_arrives() -> None:
    """16,000 bytes through 8 descriptors of 256 bytes: the driver takes parts while the card waits for room."""
    bench = Bench(buffer_size=256, rx_ring=8, mtu=16000)
    feed(bench, [frame(16000, 1), frame(16000, 2)], batch=2)
    assert bench.received == [frame(16000, 1), frame(16000, 2)]
    bench.check_account()


def test_rings_wrap_over_thousands_of_frames() -> None:
    bench = Bench(rx_ring=8)
    frames = [frame(60 + seed % 40, seed) for seed in range(3000)]
    feed(bench, frames, batch=11)
    assert bench.received == frames
    bench.check_account()


def test_jumbo_only_when_the_mtu_asks() -> None:
    for mtu, giants in ((1500, 1), (1501, 0)):
        bench = Bench(mtu=mtu)
        feed(bench, [frame(1518), frame(1519)])
        assert bench.card.rb["RB_RXGIANT"] == giants
        assert len(bench.received) == 2 - giants


def test_verdicts_and_packet_checksum_reach_the_sink() -> None:
    bench = Bench(buffer_size=256)
    frames = [udp(b"x" * size, damage) for size in (18, 700) for damage in (0, 1)] + [frame(60)]
    feed(bench, frames)
    assert [item.verdict for item in bench.sink.frames] == [*(NAIVE_VERDICTS[bad] for bad in (False, True) * 2), 0]
    assert [item.checksum for item in bench.sink.frames] == [ones_sum(item[14:]) for item in frames]


def test_card_without_engines_gives_no_verdict() -> None:
    bench = Bench(offloads=())
    feed(bench, [udp(b"abc" * 9, 1)])
    assert bench.sink.frames[0].verdict is Verdict.NONE


# ---- a card that writes what it should not ----


def write_back(bench: Bench, index: int, **fields: int) -> None:
    """Forge the card's write-back of one descriptor."""
    at = (bench.card["RDBAH"] << 32 | bench.card["RDBAL"]) + 16 * index
    bench.dma.store(at + 8, (em.RX_LEGACY.pack(DD=1, **fields) >> 64).to_bytes(8, "little"))
    bench.card["RDH"] = index + 1
    bench.card.cause("RXT0")


@pytest.mark.parametrize("flag", ["CE", "SE", "SEQ", "CXE", "RXE"])
def test_frames_flagged_damaged_are_dropped_and_counted(flag: str) -> None:
    bench = Bench()
    write_back(bench, 0, EOP=1, length=60, **{flag: 1})
    write_back(bench, 1, length=2048)
    write_back(bench, 2, EOP=1, length=60, **{flag: 1})
    bench.interrupts()
    assert bench.driver.counters()["rx_errors"] == 2
    assert bench.received == []


def test_a_length_beyond_the_buffer_is_dropped_and_counted() -> None:
    bench = Bench()
    write_back(bench, 0, EOP=1, length=2049)
    write_back(bench, 1, length=2049)
    write_back(bench, 2, EOP=1, length=4)
    write_back(bench, 3, EOP=1, length=64)
    bench.interrupts()
    assert bench.driver.counters()["rx_bad_length"] == 2
    assert len(bench.received) == 1


def test_descriptors_without_an_end_do_not_fill_memory() -> None:
    bench = Bench()
    for index in range(9):
        write_back(bench, index, length=2048)
    write_back(bench, 9, EOP=1, length=64)
    write_back(bench, 10, EOP=1, length=64)
    bench.interrupts()
    assert bench.driver.counters()["rx_overlong"] == 1
    assert len(bench.received) == 1


def test_a_reset_in_mid_frame_starts_anew() -> None:
    bench = Bench(buffer_size=256, rx_ring=8, mtu=4000)
    bench.card.receive(frame(4000))
    bench.card.step()
    bench.driver.interrupt(0)  # seven parts taken
    bench.card["RB_RXSTOP"] = em.StopCause.DATA
    bench.driver.watchdog(0)
    feed(bench, [frame(3000, 7)])
    assert bench.received == [frame(3000, 7)]
    assert bench.card.rb["RB_RXFLUSH"] == 1
    bench.check_account()


def test_ring_state_is_visible() -> None:
    bench = Bench(rx_ring=8)
    for seed in range(3):
        bench.card.receive(frame(64, seed))
    bench.card.step()
    rxq = bench.driver.queues()[0]
    assert (rxq.name, rxq.size, rxq.used) == ("rxq", 8, 3)
    bench.run()
    assert bench.driver.queues()[0].used == 0


def test_a_ring_that_was_given_back_is_not_written_any_more() -> None:
    bench = Bench()
    words = bench.driver.rings.rx._words
    bench.driver.down()
    with pytest.raises(ValueError, match="released memoryview"):
        words[0] = 1
