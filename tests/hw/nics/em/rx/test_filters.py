"""The receive filters by registers: receive addresses, multicast hash, VLAN and CFI (M 3.2.1, 9.3, 13.5)."""

from __future__ import annotations

import random

import pytest

from tests.hw.nics.em.bench import DROPS, PEER, STATION, Card, Opener, R, fcs, frame

PLAIN = ("EN", "SECRC")
OTHER, GROUP, EVERYONE = bytes.fromhex("02000000aaaa"), bytes.fromhex("01005e12a5c3"), b"\xff" * 6


def set_address(card: Card, index: int, address: bytes, *, source: bool = False, valid: bool = True) -> None:
    card.engine.write(R["RAL"].at(index), int.from_bytes(address[:4], "little"))
    high = int.from_bytes(address[4:], "little") | source << R["RAH"]["AS"].lsb | valid << R["RAH"]["AV"].lsb
    card.engine.write(R["RAH"].at(index), high)
    card.get("STATUS")


def set_bit(card: Card, table: str, index: int, value: bool = True) -> None:
    """A bit of MTA or VFTA: word by bits 11:5, bit by 4:0."""
    at = R[table].at(index >> 5)
    word = card.engine.read(at)
    bit = 1 << (index & 31)
    card.engine.write(at, word | bit if value else word & ~bit)
    card.get("STATUS")


def hash_of(to: bytes, mo: int) -> int:
    """M 13.5.1."""
    return (to[5] << 8 | to[4]) >> (4, 3, 2, 0)[mo] & 0xFFF


def control(card: Card, *bits: str, mo: int = 0) -> None:
    card.receive_on(*PLAIN, *bits)
    card.set("RCTL", card.peek("RCTL") | mo << R["RCTL"]["MO"].lsb)
    card.get("STATUS")


def fate(card: Card, wire: bytes) -> str | None:
    """None when it is delivered, else the cause it was dropped for."""
    before = {name: card.peek(name) for name in DROPS}
    card.arrive(wire)
    card.settle()
    ends = [name[5:] for name in DROPS if card.peek(name) != before[name]]
    got = card.harvest()
    card.post()
    assert len(got) + len(ends) == 1
    return ends[0] if ends else None


def pif(card: Card, wire: bytes) -> int:
    card.arrive(wire)
    card.settle()
    (got,) = card.harvest()
    card.post()
    return got.last["PIF"]


def tagged(tci: int, wire: int = 80, kind: int = 0x8100, to: bytes = STATION) -> bytes:
    head = to + PEER + kind.to_bytes(2, "big") + tci.to_bytes(2, "big") + b"\x88\xb5"
    return fcs(head + random.Random(tci).randbytes(wire - 22))


def test_sixteen_addresses(native: Opener) -> None:
    """Each by destination, valid or not; one whose AS says source lets in what comes from there."""
    card = native(rctl=PLAIN)
    card.post()
    addresses = [bytes([2, 0, 0, 0, 7, index]) for index in range(16)]
    for index in range(1, 16):
        assert fate(card, frame(64, to=addresses[index])) == "FILTER"
        set_address(card, index, addresses[index])
        assert fate(card, frame(64, to=addresses[index])) is None
        set_address(card, index, addresses[index], valid=False)
        assert fate(card, frame(64, to=addresses[index])) == "FILTER"
    assert fate(card, frame(64, to=OTHER)) == "FILTER"
    set_address(card, 9, PEER, source=True)
    assert fate(card, frame(64, to=OTHER)) is None
    assert fate(card, fcs(PEER + OTHER + bytes(48))) == "FILTER"
    set_address(card, 9, GROUP)
    assert fate(card, frame(64, to=GROUP)) is None


def test_a_reset_clears_all_but_the_first(native: Opener) -> None:
    card = native(rctl=PLAIN)
    set_address(card, 5, OTHER)
    card.reset()
    card.up()
    card.post()
    assert fate(card, frame(64, to=OTHER)) == "FILTER"
    assert fate(card, frame(64)) is None


@pytest.mark.parametrize("mo", range(4))
def test_multicast_hash(native: Opener, mo: int) -> None:
    """The window RCTL.MO names, and no other; a frame let in by it alone says PIF."""
    card = native(rctl=PLAIN)
    card.post()
    control(card, mo=mo)
    for other in range(4):
        if hash_of(GROUP, other) != hash_of(GROUP, mo):
            set_bit(card, "MTA", hash_of(GROUP, other))
            assert fate(card, frame(64, to=GROUP)) == "FILTER"
            set_bit(card, "MTA", hash_of(GROUP, other), False)
    set_bit(card, "MTA", hash_of(GROUP, mo))
    assert fate(card, frame(64, to=GROUP)) is None
    assert pif(card, frame(64, to=GROUP)) == 1
    assert fate(card, frame(64, to=bytes([GROUP[0] & 0xFE]) + GROUP[1:])) == "FILTER"  # no group address, same bits
    control(card, "MPE", mo=mo)
    assert pif(card, frame(64, to=GROUP)) == 0
    control(card, mo=mo)
    set_address(card, 3, GROUP)
    assert pif(card, frame(64, to=GROUP)) == 0


def test_hash_keeps_its_table_over_reset_and_takes_broadcast(card: Opener) -> None:
    c = card(rctl=PLAIN)
    set_bit(c, "MTA", 0xFFF)
    c.reset()
    c.up()
    c.post()
    assert pif(c, frame(64, to=EVERYONE)) == 1
    control(c, "BAM")
    assert pif(c, frame(64, to=EVERYONE)) == 0


def test_vlan_filter(native: Opener) -> None:
    card = native(rctl=PLAIN)
    card.post()
    control(card, "VFE")
    rng = random.Random(3)
    for vid in (0, 1, 31, 32, 4095, *(rng.randrange(4096) for _ in range(6))):
        assert fate(card, tagged(vid)) == "VLAN"
        set_bit(card, "VFTA", vid)
        assert fate(card, tagged(vid | rng.randrange(16) << 12)) is None
        assert fate(card, tagged(vid ^ 0x40)) == "VLAN"
        set_bit(card, "VFTA", vid, False)
    assert fate(card, frame(64)) is None, "an untagged frame ignores VFTA"
    assert fate(card, tagged(5, to=OTHER)) == "FILTER", "the address comes first"
    card.set("VET", 0x88A8)
    card.get("STATUS")
    assert fate(card, tagged(5)) is None, "no tag by that type"
    assert fate(card, tagged(5, kind=0x88A8)) == "VLAN"
    control(card)
    assert fate(card, tagged(5, kind=0x88A8)) is None


@pytest.mark.parametrize("wanted", [0, 1])
def test_cfi(card: Opener, wanted: int) -> None:
    c = card(rctl=PLAIN)
    c.post()
    control(c, "CFIEN", *(["CFI"] if wanted else []))
    assert fate(c, tagged(wanted << 12 | 7)) is None
    assert fate(c, tagged((1 - wanted) << 12 | 7)) == "VLAN"
    assert fate(c, frame(64)) is None
    control(c, *(["CFI"] if wanted else []))
    assert fate(c, tagged((1 - wanted) << 12 | 7)) is None
