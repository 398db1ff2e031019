"""The driver's life: attach, up, down, interrupts, link, watchdog, resets; and that no frame and no memory is lost."""

from __future__ import annotations

import pytest

from ringbed.drivers.em.driver import MAX_MTU, Em
from ringbed.drivers.em.setup import LONGEST_RX, mtu_for
from ringbed.drivers.world import AttachError, ChecksumOffload, PciIdentity, TxFrame, TxSum
from ringbed.hw.formats import em
from tests.drivers.bench import Bench, frame
from tests.drivers.fake_card import MAC, FakeCard
from tests.drivers.fake_dma import FakeDma
from tests.drivers.fake_pins import FakeEeprom, eeprom_words

RCTL = em.REGISTERS["RCTL"]


def test_attach_takes_address_and_capabilities_from_the_card() -> None:
    driver = Bench(up=False).driver
    assert driver.lladdr == MAC
    assert driver.capabilities.tx_ipv4
    assert driver.capabilities.tx_l4 is ChecksumOffload.PSEUDO
    assert driver.capabilities.rx_checksum
    assert driver.capabilities.mtu == MAX_MTU


def test_up_programs_what_the_manual_recommends() -> None:
    """In numbers, as the manual prints them: Tables 13-76, 13-77; RXCSUM: every check, the packet sum from byte 14."""
    card = Bench().card
    assert card["TIPG"] == 0x0060_200A
    assert card["TCTL"] == 0x0004_00FA
    assert card["RXCSUM"] == 0x70E


def test_card_without_engines_offers_nothing_and_checks_nothing() -> None:
    bench = Bench(offloads=())
    assert bench.driver.capabilities.tx_l4 is ChecksumOffload.NONE
    assert not bench.driver.capabilities.tx_ipv4
    assert not bench.driver.capabilities.rx_checksum
    assert bench.card["RXCSUM"] == 0
    assert bench.send(TxFrame([frame(60)], TxSum.UDP)) == 1
    assert bench.driver.counters()["tx_bad_sums"] == 1


@pytest.mark.parametrize(
    ("pci", "sentence"),
    [
        (PciIdentity(0x8086, 0x10FB, 1, 0x20000, (1 << 17,), "msix"), "the card is 8086:10fb, this driver attaches to"),
        (PciIdentity(0x8086, 0x100E, 1, 0x20000, (1 << 16,), "intx"), "BAR 0 of the card is smaller than 131072 bytes"),
    ],
)
def test_another_card_is_refused_in_one_sentence(pci: PciIdentity, sentence: str) -> None:
    with pytest.raises(AttachError, match="^em0: " + sentence):
        Bench(pci=pci)


def test_bad_eeprom_sum_is_one_clear_error_and_leaves_nothing_behind() -> None:
    dma = FakeDma()
    card = FakeCard(dma, FakeEeprom(eeprom_words(MAC, wrong_by=1)))
    with pytest.raises(AttachError, match=r"^em7: the EEPROM's words add up to 0xbabb, not 0xbaba$"):
        Em(card, dma, Bench().sink, name="em7")
    assert dma.live == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rx_ring": 12}, "a ring has 8 to 65528 descriptors, a multiple of 8; 12 is not"),
        ({"tx_ring": 0}, "a ring has 8 to 65528 descriptors, a multiple of 8; 0 is not"),
        ({"buffer_size": 1500}, r"RX buffers have one of \[256, 512, 1024, 2048, 4096, 8192, 16384\] bytes, not 1500"),
        ({"mtu": 20000}, f"the MTU is 68 to {MAX_MTU}, not 20000"),
        ({"offloads": ("tso",)}, r"offloads are named rx_checksum, tx_checksum; \('tso',\) has others"),
        ({"eeprom": "spi"}, "eeprom access is 'auto', 'eerd' or 'microwire', not 'spi'"),
    ],
)
def test_wrong_options_are_refused_with_the_value(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Bench(**options)  # type: ignore[arg-type]


def test_there_is_one_queue_and_one_interrupt() -> None:
    driver = Bench().driver
    with pytest.raises(ValueError, match="there is no 1"):
        driver.transmit(1, [])
    with pytest.raises(ValueError, match="there is no 2"):
        driver.interrupt(2)


def test_down_gives_all_memory_back_and_up_works_again() -> None:
    bench = Bench()
    bench.card.loopback = True
    for round_ in range(3):
        bench.driver.up()  # a second up changes nothing
        bench.send(frame(100, round_))
        bench.run()
        bench.driver.down()
        bench.driver.down()
        assert bench.dma.live == 0
        assert bench.sink.links == [True, False] * (round_ + 1)
        bench.driver.up()
    assert len(bench.received) == 3
    assert bench.dma.faults == []
    bench.check_account()


def test_down_hands_on_what_had_arrived_and_counts_what_was_not_sent() -> None:
    bench = Bench()
    bench.card.receive(frame(60))
    bench.card.step()
    bench.send(frame(60), frame(60))
    bench.driver.down()
    assert bench.received == [frame(60)]
    assert bench.driver.counters()["tx_reset"] == 2
    bench.check_account()


def test_frames_sent_are_told_from_lost_ones_when_the_cards_counter_wraps() -> None:
    bench = Bench(up=False)
    bench.card.rb["RB_TXFRAME"] = bench.card.rb["RB_TXWIRE"] = 0xFFFF_FFFF
    bench.driver.up()
    bench.send(frame(60), frame(61), frame(62))
    bench.card.step(2)
    bench.driver.down()
    assert bench.card.rb["RB_TXFRAME"] > 0xFFFF_FFFF
    assert bench.driver.counters()["tx_reset"] == 3 - (bench.card.rb["RB_TXFRAME"] - 0xFFFF_FFFF)


def test_without_the_window_what_was_not_seen_done_is_lost() -> None:
    bench = Bench(tx_ring=8)
    bench.card.window = False
    for _ in range(2):
        bench.send(frame(60))  # a write-back each
    bench.card.step(1)
    bench.driver.down()
    assert bench.driver.counters()["tx_reset"] == 1


def test_failing_up_leaves_no_memory_behind() -> None:
    bench = Bench(up=False)
    bench.card.deaf = True
    with pytest.raises(AttachError, match=r"does not leave reset"):
        bench.driver.up()
    assert bench.dma.live == 0
    bench.card.deaf = False
    bench.driver.up()
    assert bench.driver.link


def test_down_of_a_dead_card_still_gives_the_memory_back() -> None:
    bench = Bench()
    bench.send(frame(60))
    bench.card.deaf = True
    with pytest.raises(AttachError):
        bench.driver.down()
    assert bench.dma.live == 0


# ---- interrupts ----


def test_one_register_read_an_interrupt_and_one_tail_write_a_batch() -> None:
    bench = Bench()
    bench.card.loopback = True
    bench.interrupts()  # of the link
    bench.card.accesses.clear()
    assert bench.send(*(frame(64, seed) for seed in range(20))) == 20
    bench.card.drain()
    bench.driver.interrupt(0)
    assert bench.card.accesses == {"TDT": 1, "ICR": 1, "RDT": 1}
    assert bench.sink.batches == [20]


def test_spurious_interrupts_are_counted_and_harmless() -> None:
    bench = Bench()
    bench.interrupts()
    spurious = bench.driver.counters()["interrupts_spurious"]
    bench.driver.interrupt(0)
    bench.driver.down()
    bench.driver.interrupt(0)
    assert bench.driver.counters()["interrupts_spurious"] == spurious + 2


def test_a_late_interrupt_finds_everything() -> None:
    bench = Bench()
    bench.card.loopback = True
    for seed in range(30):
        bench.send(frame(80, seed))
        bench.card.drain()
    bench.driver.interrupt(0)
    assert len(bench.received) == 30
    assert bench.driver.queues()[1].used == 0


def test_lost_interrupts_are_made_up_for_by_the_watchdog() -> None:
    bench = Bench(tx_ring=8)
    bench.card.loopback = True
    assert bench.send(*[frame(64)] * 9) < 9
    bench.card.drain()
    bench.card.read(0, em.REGISTERS["ICR"].offset)  # somebody else took the causes
    assert not bench.card.irq
    bench.driver.watchdog(0)
    assert len(bench.received) == 7
    assert bench.sink.restarts == 1
    assert bench.driver.counters()["resets"] == 0


def test_overrun_is_noted_and_reception_goes_on() -> None:
    bench = Bench(rx_ring=8)
    for seed in range(60):
        bench.card.receive(frame(1514, seed))
    bench.run()
    assert bench.driver.counters()["rx_overruns"] == 1
    assert bench.card.rb["RB_RXMISS"] > 0
    assert bench.received == bench.card.delivered
    bench.check_account()


# ---- link ----


def test_link_down_takes_nothing_and_link_up_asks_again() -> None:
    bench = Bench()
    bench.card.set_carrier(False)
    bench.interrupts()
    assert bench.send(frame(60)) == 0
    assert bench.driver.queues()[1].oactive
    assert bench.driver.counters()["tx_waits"] == 1
    bench.card.set_carrier(True)
    bench.interrupts()
    assert bench.sink.links == [True, False, True]
    assert bench.sink.restarts == 1
    assert not bench.driver.oactive
    assert bench.send(frame(60)) == 1
    bench.run()
    bench.check_account()


def test_link_flap_with_frames_on_the_ring_loses_none() -> None:
    bench = Bench()
    frames = [frame(60 + seed, seed) for seed in range(10)]
    for index, item in enumerate(frames):
        bench.card.set_carrier(index % 3 != 1)
        bench.send(item)
        bench.interrupts()
    bench.card.set_carrier(True)
    bench.run()
    assert len(bench.card.wire) == bench.taken
    assert bench.driver.counters()["watchdog_tx"] == 0


def test_flap_between_two_looks_is_no_change() -> None:
    bench = Bench()
    bench.interrupts()
    bench.card.set_carrier(False)
    bench.card.set_carrier(True)
    bench.interrupts()
    assert bench.sink.links == [True]


def test_a_lost_link_interrupt_is_seen_by_the_watchdog() -> None:
    bench = Bench()
    bench.card.set_carrier(False)
    bench.card.read(0, em.REGISTERS["ICR"].offset)
    bench.driver.watchdog(0)
    assert bench.sink.links == [True, False]


def test_transmit_before_up_waits_and_up_asks_for_the_frames() -> None:
    bench = Bench(up=False)
    assert bench.send(frame(60)) == 0
    bench.driver.up()
    assert bench.sink.restarts == 1


# ---- receive filter ----


def test_station_address_broadcast_and_promiscuous() -> None:
    bench = Bench()
    other, mine = bytes.fromhex("020000000099"), bytes.fromhex("0200000000aa")
    bench.card.receive(frame(60, 1, other))
    bench.card.receive(frame(60, 2, b"\xff" * 6))
    bench.driver.set_lladdr(mine)
    bench.card.receive(frame(60, 3, mine))
    bench.card.receive(frame(60, 4, MAC))
    bench.driver.set_promiscuous(True)
    bench.card.receive(frame(60, 5, other))
    bench.card.receive(frame(60, 6, bytes.fromhex("0100_5e00_0001".replace("_", ""))))
    bench.driver.set_promiscuous(False)
    bench.card.receive(frame(60, 7, other))
    bench.run()
    assert bench.received == [frame(60, 2, b"\xff" * 6), frame(60, 3, mine), frame(60, 5, other), bench.received[3]]
    assert bench.card.rb["RB_RXFILTER"] == 3


def test_address_and_promiscuous_survive_resets() -> None:
    bench = Bench()
    mine = bytes.fromhex("0200000000aa")
    bench.driver.set_lladdr(mine)
    bench.driver.down()
    bench.driver.set_promiscuous(True)
    bench.driver.up()
    assert bench.driver.lladdr == mine
    assert (bench.card.reg["RAL", 0], bench.card.reg["RAH", 0]) == (0x0000_0002, 0x8000_AA00)
    assert bench.card["RCTL"] & RCTL.mask("UPE", "MPE") == RCTL.mask("UPE", "MPE")


def test_an_address_of_zeros_is_refused() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="em0: an address of zeros is no station's"):
        bench.driver.set_lladdr(bytes(6))
    assert bench.driver.lladdr == MAC


@pytest.mark.parametrize("address", ["01005e000001", "0200000000", "ffffffffffff"])
def test_group_and_short_addresses_are_refused(address: str) -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="a station's address is six bytes"):
        bench.driver.set_lladdr(bytes.fromhex(address))
    assert bench.driver.lladdr == MAC


# ---- watchdog ----


def test_watchdog_resets_a_ring_that_stands_still_and_counts_what_was_on_it() -> None:
    bench = Bench()
    bench.send(*(frame(64, seed) for seed in range(5)))
    bench.card.hangs = True
    bench.driver.watchdog(0)
    bench.driver.watchdog(1)
    counters = bench.driver.counters()
    assert (counters["watchdog_tx"], counters["tx_reset"], counters["resets"]) == (1, 5, 1)
    bench.card.hangs = False
    bench.send(frame(64))
    bench.run()
    assert len(bench.card.wire) == 1
    bench.check_account()


def test_a_partners_pause_is_no_hang() -> None:
    """However long, and whenever it ends: the time without a pause counts."""
    bench = Bench()
    bench.send(*(frame(64, seed) for seed in range(5)))
    bench.card.hangs, txoff = True, em.REGISTERS["STATUS"].mask("TXOFF")
    for held in (0, txoff, txoff, txoff, 0):
        bench.card.held = held
        bench.driver.watchdog(0)
    assert bench.driver.counters()["resets"] == 0
    bench.driver.watchdog(1)
    assert bench.driver.counters()["watchdog_tx"] == 1


def test_a_slow_wire_is_no_hang() -> None:
    """The head goes on, though the write-back that was asked for is far away."""
    bench = Bench(tx_ring=256)
    bench.send(*(frame(64, seed) for seed in range(30)))  # one write-back, behind the last
    for now in range(6):
        bench.driver.watchdog(now)
        bench.card.reg["TDH", 0] += 1
    assert bench.driver.counters()["resets"] == 0
    for now in range(2):
        bench.driver.watchdog(now)
    assert bench.driver.counters()["watchdog_tx"] == 1


def test_watchdog_sets_up_a_card_that_was_reset_behind_its_back() -> None:
    bench = Bench()
    bench.card.loopback = True
    bench.send(*(frame(64, seed) for seed in range(5)))
    bench.card.step(2)
    bench.card.write(0, em.REGISTERS["CTRL"].offset, em.REGISTERS["CTRL"].mask("RST"))
    bench.driver.watchdog(0)
    counters = bench.driver.counters()
    assert (counters["watchdog_card"], counters["resets"]) == (1, 1)
    assert counters["tx_reset"] > 0
    assert bench.driver.link
    before = len(bench.received)
    bench.send(frame(64, 9))
    bench.run()
    assert bench.received[before:] == [frame(64, 9)]
    bench.check_account()
    bench.driver.watchdog(1)
    assert bench.driver.counters()["resets"] == 1


def test_watchdog_leaves_alone_what_moves_or_waits_for_the_link() -> None:
    bench = Bench(tx_ring=64)
    for now in range(5):
        bench.send(*[frame(64)] * 8)
        bench.driver.watchdog(now)
        bench.card.step(8)
    bench.card.set_carrier(False)
    bench.send(frame(64))
    for now in range(5):
        bench.driver.watchdog(now)
    assert bench.driver.counters()["resets"] == 0


def test_a_link_just_up_gives_the_ring_time() -> None:
    bench = Bench()
    bench.send(frame(64))
    bench.card.set_carrier(False)
    bench.interrupts()
    bench.driver.watchdog(0)
    bench.card.set_carrier(True)
    bench.card["ICR"] = 0  # nobody was told
    bench.driver.watchdog(1)
    assert bench.driver.counters()["resets"] == 0
    assert bench.driver.link


def test_a_link_that_flapped_gives_the_ring_time() -> None:
    bench = Bench()
    bench.send(frame(64))
    bench.driver.watchdog(0)
    for on in (False, True):
        bench.card.set_carrier(on)
        bench.interrupts()
    bench.driver.watchdog(1)
    assert bench.driver.counters()["resets"] == 0


@pytest.mark.parametrize("stage", ["fetch", "data", "writeback"])
def test_stopped_queues_recover_and_name_the_cause(stage: str) -> None:
    bench = Bench()
    bench.card.loopback = True
    for ring in ("tx", "rx"):
        bench.card.fail(ring, stage, after=1)
        bench.send(*(frame(64, seed) for seed in range(40)))
        bench.run()
        bench.driver.watchdog(0)
        assert bench.driver.counters()[f"{ring}_stop_{stage}"] == 1
    bench.send(*(frame(64, seed) for seed in range(40)))
    bench.run()
    assert len(bench.received) >= 40
    assert bench.received[-40:] == [frame(64, seed) for seed in range(40)]
    bench.check_account()
    bench.driver.down()
    assert bench.dma.live == 0
    assert bench.dma.faults == []


def test_reset_under_traffic_loses_no_frame_uncounted_and_no_memory() -> None:
    bench = Bench(rx_ring=16, tx_ring=16)
    bench.card.loopback = True
    live = bench.dma.live
    for round_ in range(60):
        bench.send(*(frame(64 + 37 * seed, seed) for seed in range(round_ % 11)))
        bench.card.step(round_ % 5)
        bench.card["RB_TXSTOP"] = em.StopCause.RING
        bench.driver.watchdog(round_)
        assert bench.dma.live == live
    bench.run()
    bench.check_account()
    assert bench.driver.counters()["tx_reset"] > 0
    assert bench.card.rb["RB_TXFLUSH"] > 0
    assert bench.dma.faults == []


def test_card_that_does_not_come_back_is_tried_again() -> None:
    bench = Bench()
    bench.card["RB_RXSTOP"] = em.StopCause.FETCH
    bench.card.deaf = True
    bench.driver.watchdog(0)
    bench.driver.watchdog(1)
    assert bench.driver.counters()["reset_failures"] == 2
    assert bench.send(frame(60)) == 0
    assert bench.sink.links == [True, False]
    bench.card.deaf = False
    bench.driver.watchdog(2)
    assert bench.sink.links == [True, False, True]
    assert bench.sink.restarts == 1
    assert bench.send(frame(60)) == 1
    bench.run()
    bench.check_account()


def test_watchdog_of_a_card_that_is_down_touches_nothing() -> None:
    bench = Bench(up=False)
    bench.card.accesses.clear()
    bench.driver.watchdog(0)
    assert not bench.card.accesses


@pytest.mark.parametrize(
    ("longest", "mtu"),
    [(0, 1500), (1518, 1500), (1519, 1501), (16288, MAX_MTU), (16289, MAX_MTU), (LONGEST_RX, MAX_MTU)],
)
def test_an_mtu_for_any_frame_that_the_card_receives_is_one_that_the_driver_takes(longest: int, mtu: int) -> None:
    assert mtu_for(longest) == mtu
    assert mtu_for(longest) <= MAX_MTU


def test_there_is_no_mtu_for_what_the_card_does_not_receive() -> None:
    with pytest.raises(ValueError, match="up to 16380 bytes, not 16381"):
        mtu_for(LONGEST_RX + 1)
