"""The register window: what does not exist reads 0 and takes nothing; what exists keeps its writable bits alone."""

from __future__ import annotations

import random

from ringbed.hw.formats import em
from ringbed.hw.formats.field import Access
from ringbed.hw.nics.em.card import EEPROM_CLOCKS
from tests.hw.nics.em.bench import Card, Opener, R
from tests.hw.nics.em.test_rings import works

KNOWN = {register.at(index) for register in R for index in range(register.count)}
WINDOW = em.BAR_SIZE


def picture(card: Card) -> dict[str, int]:
    return {register.name: card.peek(register.name) for register in R}


def test_no_register_elsewhere(native: Opener) -> None:
    """Every other word of the 128 KiB, written and read: 0, and not one register has moved."""
    card = native()
    before = picture(card)
    for offset in range(0, WINDOW, 4):
        if offset not in KNOWN:
            card.engine.write(offset, 0xFFFF_FFFF)
            assert card.engine.read(offset) == 0, hex(offset)
            assert card.engine.peek(offset) == 0, hex(offset)
    assert picture(card) == before
    works(card)


def test_some_on_both_engines(card: Opener) -> None:
    c = card()
    before = picture(c)
    for offset in (0x04, 0x18, 0xE00, 0x3830, 0x4024, 0x5800, 0xF07C, 0x1FFFC):
        c.engine.write(offset, 0xFFFF_FFFF)
        assert c.engine.read(offset) == 0, hex(offset)
    assert picture(c) == before


def test_only_writable_bits_are_written(native: Opener) -> None:
    """All ones, then all zeros, then noise, into each plain register: reserved and read-only bits stay as they were."""
    card, rng = native(up=False), random.Random(1)
    special = {"ICR", "ICS", "IMS", "IMC", "MDIC", "EERD", "CTRL", "RDH", "TDH", "RDT", "TDT", "RCTL", "TCTL"}
    for register in R:
        if register.name in special:
            continue
        mask = sum(field.mask for field in register.fields if field.access is Access.RW)
        fixed = card.get(register.name) & ~mask
        for value in (0xFFFF_FFFF, 0, rng.getrandbits(32)):
            card.set(register.name, value)
            got = card.get(register.name)
            assert got & mask == value & mask, register.name
            if register.name not in ("PBA", "EECD"):  # TXA and GNT follow what is written
                assert got & ~mask == fixed, register.name


def test_reserved_bits_of_control_registers(native: Opener) -> None:
    card = native(up=False)
    for name in ("CTRL", "RCTL", "TCTL"):
        mask = sum(field.mask for field in R[name].fields if field.access is Access.RW)
        card.set(name, 0xFFFF_FFFF & ~R["CTRL"].mask("RST") if name == "CTRL" else 0xFFFF_FFFF)
        assert card.get(name) == mask, name
        card.set(name, 0)
        assert card.get(name) == 0, name


def test_counters_take_no_writes(native: Opener) -> None:
    card = native()
    works(card)
    before = card.counts()
    for register in R:
        if register.name.startswith("RB_"):
            card.set(register.name, 0xDEAD_BEEF)
    assert card.get("STATUS") >> 1 & 1
    assert card.counts() == before != {}


def test_a_read_of_a_counter_does_not_clear_it(card: Opener) -> None:
    c = card()
    works(c)
    assert [c.get("RB_RXDONE"), c.get("RB_RXDONE"), c.get("RB_TXWIRE"), c.get("RB_TXWIRE")] == [3, 3, 3, 3]


def test_eerd_waits_while_software_has_the_pins(card: Opener) -> None:
    """EECD.REQ: no word of another address; DONE with the right one once the pins are given back."""
    c = card()
    eerd, eecd = R["EERD"], R["EECD"]
    start = eerd.mask("START") | 0x3F << eerd["ADDR"].lsb
    c.set("EERD", start)
    c.settle()
    want = c.get("EERD")
    assert want & eerd.mask("DONE")
    c.set("EECD", eecd.mask("REQ"))
    c.set("EERD", start)
    c.run(2 * EEPROM_CLOCKS)
    c.settle()
    assert c.get("EERD") & eerd.mask("DONE") == 0
    c.set("EECD", 0)
    c.settle()
    assert c.get("EERD") == want
