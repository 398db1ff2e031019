"""EEPROM both ways, PHY, reset, receive address."""

from __future__ import annotations

import pytest

from ringbed.drivers.em.hardware import EmHardware, Mii
from ringbed.drivers.world import AttachError
from tests.drivers.bench import Bench
from tests.drivers.fake_card import MAC, FakeCard
from tests.drivers.fake_dma import FakeDma
from tests.drivers.fake_pins import FakeEeprom, eeprom_words


def hardware(eeprom: FakeEeprom, way: str = "auto") -> EmHardware:
    return EmHardware(FakeCard(FakeDma(), eeprom), "em0", way)


def test_a_large_eeprom_is_read_with_longer_addresses() -> None:
    chip = FakeEeprom(eeprom_words(MAC), large=True)
    assert Bench(chip=chip, eeprom="microwire", up=False).driver.lladdr == MAC
    assert chip.eecd_words == 64


@pytest.mark.parametrize("way", ["auto", "eerd", "microwire"])
def test_both_ways_read_the_same_words(way: str) -> None:
    eeprom = FakeEeprom(eeprom_words(MAC))
    assert hardware(eeprom, way).read_eeprom() == tuple(eeprom.words)
    assert (eeprom.eerd_reads, eeprom.eecd_words) == ((0, 64) if way == "microwire" else (64, 0))


def test_a_part_without_eerd_is_read_by_hand_after_one_try() -> None:
    eeprom = FakeEeprom(eeprom_words(MAC), eerd=False)
    assert hardware(eeprom).read_eeprom() == tuple(eeprom.words)
    assert (eeprom.eerd_reads, eeprom.eecd_words) == (1, 64)


@pytest.mark.parametrize(
    ("eeprom", "way", "sentence"),
    [
        (FakeEeprom(eeprom_words(MAC), eerd=False), "eerd", "em0: EEPROM word 0: EERD.DONE never came"),
        (FakeEeprom(eeprom_words(MAC), grants=False), "microwire", "em0: EEPROM word 0: EECD.GNT never came"),
    ],
)
def test_an_eeprom_that_does_not_answer(eeprom: FakeEeprom, way: str, sentence: str) -> None:
    with pytest.raises(AttachError, match=f"^{sentence}$"):
        hardware(eeprom, way).read_eeprom()


def test_phy_is_checked_and_negotiates_anew_at_up() -> None:
    bench = Bench()
    assert bench.card.phy.restarts == 1
    assert bench.card.phy.registers[Mii.CONTROL] & Mii.CONTROL_AN_ENABLE


def test_wrong_missing_and_silent_phy() -> None:
    card = FakeCard(FakeDma())
    card.phy.registers[Mii.ID1] = 0x0022
    with pytest.raises(AttachError, match=r"PHY id 0x00220c24 is not the 88E1011's"):
        EmHardware(card, "em0").check_phy()
    del card.phy.registers[Mii.ID1]
    with pytest.raises(AttachError, match=r"PHY register 2: no answer \(MDIC.E\)"):
        EmHardware(card, "em0").check_phy()
    card.phy.dead = True
    with pytest.raises(AttachError, match=r"PHY register 0: MDIC.R never came"):
        EmHardware(card, "em0").restart_autonegotiation()


def test_reset_masks_waits_and_leaves_no_cause() -> None:
    bench = Bench()
    bench.card.cause("RXT0", "MDAC")
    bench.card.reset_looks = 50
    EmHardware(bench.card, "em0").reset()
    assert (bench.card["ICR"], bench.card["IMS"], bench.card["RCTL"]) == (0, 0, 0)
