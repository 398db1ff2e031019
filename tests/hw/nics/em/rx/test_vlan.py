"""Tags on receive: stripped with CTRL.VME, and what counts afterwards (M 9.1, Table 9-3, 3.2.3)."""

from __future__ import annotations

import random

import pytest

from tests.hw.nics.em.bench import PEER, RCTL, STATION, Card, Opener, R, fcs, raw_sum
from tests.hw.nics.em.packets import udp4
from tests.hw.nics.em.rx.test_filters import set_bit

NO_STRIP = tuple(bit for bit in RCTL if bit != "SECRC")


def with_tag(data: bytes, tci: int, kind: int = 0x8100) -> bytes:
    return data[:12] + kind.to_bytes(2, "big") + tci.to_bytes(2, "big") + data[12:]


def vme(card: Card, on: bool = True) -> None:
    card.set("CTRL", R["CTRL"].mask("SLU", *(["VME"] if on else [])))
    card.get("STATUS")


def payload(size: int, seed: int = 0) -> bytes:
    """A frame without tag and FCS of `size` bytes, of a type no offload knows."""
    return STATION + PEER + b"\x88\xb5" + random.Random(seed << 16 | size).randbytes(size - 14)


def check(card: Card, data: list[bytes], tcis: list[int | None], pcss: int = 0) -> None:
    """Each of `data` arrives with its tag, or without one where the TCI is None, and is delivered without."""
    crc = "SECRC" not in card.rctl
    card.set("RXCSUM", pcss)
    for at in range(0, len(data), 50):
        card.post()
        batch = list(zip(data, tcis, strict=True))[at : at + 50]
        wires = [fcs(one if tci is None else with_tag(one, tci)) for one, tci in batch]
        card.arrive(*wires)
        card.settle()
        for got, wire, (one, tci) in zip(card.harvest(), wires, batch, strict=True):
            wanted = one + (wire[-4:] if crc else b"")
            assert got.data == wanted
            assert got.parts[0]["checksum"] == raw_sum(wanted[pcss:])
            assert (got.last["VP"], got.last["special"]) == ((0, 0) if tci is None else (1, tci))
            assert [(p["VP"], p["special"]) for p in got.parts[:-1]] == [(0, 0)] * (len(got.parts) - 1)


@pytest.mark.parametrize("crc", [False, True])
def test_every_size_tagged_and_not(native: Opener, crc: bool) -> None:
    card = native(rx=128, rctl=NO_STRIP if crc else RCTL)
    vme(card)
    rng = random.Random(1)
    sizes = [*range(60, 160), *range(1480, 1515)]
    check(card, [payload(size) for size in sizes], [rng.choice((None, rng.getrandbits(16))) for _ in sizes], pcss=14)


def test_on_both_engines(card: Opener) -> None:
    c = card(size=256)
    vme(c)
    check(c, [payload(60), payload(300), payload(64), payload(517)], [0x2005, 0xFFFF, None, 7])


@pytest.mark.parametrize("pcss", [0, 1, 11, 12, 13, 14, 16, 60, 255])
def test_packet_checksum_counts_after_the_strip(native: Opener, pcss: int) -> None:
    card = native()
    vme(card)
    check(card, [payload(size) for size in (60, 61, 255, 256, 259, 300)], [5] * 6, pcss)


def test_without_vme_the_tag_stays(native: Opener) -> None:
    card = native()
    card.set("RCTL", card.peek("RCTL") | R["RCTL"].mask("VFE"))
    set_bit(card, "VFTA", 5)
    card.post()
    wire = fcs(with_tag(payload(80), 0x6005))
    card.arrive(wire)
    card.settle()
    (got,) = card.harvest()
    assert (got.data, got.last["VP"], got.last["special"]) == (wire[:-4], 0, 0)
    vme(card)  # and with VFE and VME both filter and strip
    card.arrive(wire, fcs(with_tag(payload(80), 0x6006)))
    card.settle()
    (got,) = card.harvest()
    assert (got.data, got.last["VP"], got.last["special"]) == (payload(80), 1, 0x6005)
    assert card.counts()["RB_RXVLAN"] == 1


@pytest.mark.parametrize("on", [False, True])
def test_sums_of_tagged_packets(native: Opener, on: bool) -> None:
    """Checked with the tag in place and without it; VET says what a tag is."""
    card = native()
    vme(card, on)
    card.post()
    data = udp4(b"x" * 300)
    card.arrive(fcs(with_tag(data, 9)), fcs(with_tag(data, 9, 0x88A8)))
    card.settle()
    assert [got.last["TCPCS"] for got in card.harvest()] == [1, 0]
    card.set("VET", 0x88A8)
    card.arrive(fcs(with_tag(data, 9)), fcs(with_tag(data, 9, 0x88A8)))
    card.settle()
    got = card.harvest()
    assert [one.last["TCPCS"] for one in got] == [0, 1]
    assert [one.last["VP"] for one in got] == [0, int(on)]


def test_length_limits_are_of_the_wire(native: Opener) -> None:
    """1522 bytes with the tag pass and 1523 do not; 64 on the wire leave 56 bytes in memory."""
    card = native()
    vme(card)
    check(card, [payload(1514), payload(56)], [3, 3])
    card.arrive(fcs(with_tag(payload(1515), 3)), fcs(with_tag(payload(55), 3)))
    card.settle()
    counts = card.counts()
    assert (counts["RB_RXGIANT"], counts["RB_RXRUNT"]) == (1, 1)


def test_switched_while_frames_pass(native: Opener) -> None:
    """VME counts as a frame begins: no frame comes out half stripped."""
    card = native(rx=128)
    card.post()
    data = [payload(200, seed) for seed in range(80)]
    card.arrive(*(fcs(with_tag(one, 77)) for one in data))
    for flip in range(40):
        vme(card, flip % 2 == 0)
        card.run(3 + flip % 11)
    card.settle()
    got = card.harvest()
    assert len(got) == 80
    for one, sent in zip(got, data, strict=True):
        assert one.data == (sent if one.last["VP"] else with_tag(sent, 77))
    assert {one.last["VP"] for one in got} == {0, 1}
