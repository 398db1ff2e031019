"""Tags put in on transmit: VME and VLE, from which descriptor, before padding and FCS, beside the sums (M 9, 3.3.3)."""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import Card, Opener, R, on_wire
from tests.hw.nics.em.packets import tcp6, udp4
from tests.hw.nics.em.tx.test_data import body, sent_after
from tests.hw.nics.em.tx.test_sums import offloaded


def tagged(frame: bytes, tci: int, vet: int = 0x8100) -> bytes:
    return frame[:12] + vet.to_bytes(2, "big") + tci.to_bytes(2, "big") + frame[12:]


def vlan_on(card: Card) -> None:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))


@pytest.mark.parametrize("extended", [False, True])
def test_one_frame(card: Opener, extended: bool) -> None:
    c = card()
    vlan_on(c)
    data = body(101)
    made = c.pieces(data, extended=extended, VLE=1, special=0x3FED), c.pieces(data, extended=extended, special=0x3FED)
    assert sent_after(c, *made) == [on_wire(tagged(data, 0x3FED)), on_wire(data)]


@pytest.mark.parametrize("pad", [True, False])
def test_every_short_size(native: Opener, pad: bool) -> None:
    """Padding counts the tag; a frame with no room for two addresses gets none."""
    card = native(tctl=("EN", "PSP") if pad else ("EN",), tx=128)
    vlan_on(card)
    frames = [body(size) for size in range(1, 120)]
    made = [card.pieces(data, VLE=1, special=number) for number, data in enumerate(frames)]
    want = [tagged(data, number) if len(data) >= 12 else data for number, data in enumerate(frames)]
    assert sent_after(card, *made) == [on_wire(data, pad) for data in want]


def test_without_vme_vle_is_nothing(native: Opener) -> None:
    card = native()
    assert sent_after(card, card.pieces(body(80), VLE=1, special=7)) == [on_wire(body(80))]
    assert sent_after(card, card.pieces(body(80), VLE=1, special=7, IFCS=0)) == [on_wire(body(80), crc=False)]


def test_the_fcs_is_the_cards_whatever_ifcs_says(native: Opener) -> None:
    """Software's could not count the tag."""
    card = native()
    vlan_on(card)
    assert sent_after(card, card.pieces(body(80), VLE=1, special=7, IFCS=0)) == [on_wire(tagged(body(80), 7))]


@pytest.mark.parametrize("extended", [False, True])
def test_the_last_descriptor_says(native: Opener, extended: bool) -> None:
    card = native()
    vlan_on(card)
    layout = em.TX_DATA if extended else em.TX_LEGACY
    data, made = body(300), card.pieces(body(300), [50, 51], extended=extended)
    made[0] = layout.encode(**(layout.decode(made[0]) | {"VLE": 1, "special": 0x111}))
    made[2] = layout.encode(**(layout.decode(made[2]) | {"VLE": 1, "special": 0x222}))
    assert sent_after(card, made) == [on_wire(tagged(data, 0x222))]
    made = card.pieces(data, [50], extended=extended)
    made[0] = layout.encode(**(layout.decode(made[0]) | {"VLE": 1, "special": 0x111}))
    assert sent_after(card, made) == [on_wire(data)]


def test_vet_is_the_type(native: Opener) -> None:
    card = native()
    vlan_on(card)
    card.set("VET", 0x88A8)
    assert sent_after(card, card.pieces(body(80), VLE=1, special=7)) == [on_wire(tagged(body(80), 7, 0x88A8))]


def test_sums_refer_to_the_frame_as_software_gave_it(native: Opener) -> None:
    card, rng = native(tx=128), random.Random(3)
    vlan_on(card)
    made, want = list[list[bytes]](), list[bytes]()
    for size in (0, 1, 3, 30, 500, 1400):
        for frame, l4, tcp in ((udp4(rng.randbytes(size)), 34, False), (tcp6(rng.randbytes(size)), 54, True)):
            descriptors = offloaded(card, frame, l4, tcp)
            last = em.TX_DATA.decode(descriptors[-1]) | {"VLE": 1, "special": size}
            made.append([*descriptors[:-1], em.TX_DATA.encode(**last)])
            want.append(on_wire(tagged(frame, size)))
    assert sent_after(card, *made) == want


def test_the_longest_frame_is_four_bytes_longer(native: Opener) -> None:
    card = native()
    vlan_on(card)
    data = body(16288)
    assert sent_after(card, card.pieces(data, VLE=1, special=5)) == [on_wire(tagged(data, 5))]


def test_statistics_count_the_tag(native: Opener) -> None:
    """Octets as on the wire, FCS included (M 13.7)."""
    card = native()
    vlan_on(card)
    sent_after(card, card.pieces(body(100), VLE=1, special=5), card.pieces(body(100)))
    assert [card.get(name) for name in ("GPTC", "GOTCL", "TPT", "PTC127")] == [2, 108 + 104, 2, 2]
