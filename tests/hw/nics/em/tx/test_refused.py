"""Frames the card does not send: each counted under one cause, used up whole, and the queue goes on."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ringbed.hw.formats import em
from ringbed.hw.formats.page import docs_folder
from tests.hw.nics.em.bench import CAUSE, Card, Opener, on_wire
from tests.hw.nics.em.tx.test_data import DD, body, sent_after
from tests.hw.nics.em.tx.test_sums import context

# a segmentation that cannot be: no payload, no header, one too long for its store, a segment too long for the card
IMPOSSIBLE = ({"MSS": 0}, {"PAYLEN": 0}, {"HDRLEN": 0}, {"HDRLEN": 241}, {"MSS": 16251}, {"MSS": 65535})


def refused(card: Card, kind: str, rng: random.Random) -> list[bytes]:
    """Descriptors of one frame that ends in the counter RB_TX`kind`."""
    data = body(rng.randrange(100, 600), rng.randrange(99))
    cut = rng.randrange(1, len(data))
    extended = rng.random() < 0.5
    match kind:
        case "NULL":
            empty = em.TX_DATA.encode(DTYP=1, DEXT=1, IFCS=1) if extended else em.TX_LEGACY.encode(IFCS=1)
            return [empty] * rng.randrange(3) + card.pieces(b"", extended=extended)
        case "LONG":
            size, piece = rng.choice((16289, 16300, 20_000)), card.memory.coherent(16384)
            made = [em.TX_LEGACY.encode(address=piece.iova, length=9000, IFCS=1)]
            return [*made, em.TX_LEGACY.encode(address=piece.iova, length=size - 9000, EOP=1, RS=1, IFCS=1)]
        case "TSE":
            pieces = card.pieces(data, [cut], extended=True, TSE=1)
            fields = {"MSS": 100, "PAYLEN": 500, "HDRLEN": 54} | rng.choice(IMPOSSIBLE)
            return [context(34, 50, tcp=True, ipv4=True, TSE=1, **fields), *pieces]
        case "MIX":
            first, second = card.pieces(data, [cut], extended=extended)
            between = (
                context(34, 50, True) if rng.random() < 0.5 else card.pieces(b"mixed", extended=not extended, EOP=0)[0]
            )
            return [first, between, second]
    raise ValueError(kind)


@pytest.mark.parametrize("kind", ["NULL", "LONG", "TSE", "MIX"])
def test_refused_and_counted(card: Opener, kind: str) -> None:
    c = card(tx=16)
    data = body(80)
    made = refused(c, kind, random.Random(3))
    c.get("ICR")
    assert sent_after(c, c.pieces(data), made, c.pieces(data)) == [on_wire(data)] * 2
    assert c.counts() == {"RB_TXFRAME": 3, "RB_TXWIRE": 2, "RB_TX" + kind: 1}
    assert c.get("TDH") == 2 + len(made)
    assert c.tx.at(len(made))[12] == DD, "its last descriptor has RS"
    assert c.get("ICR") & CAUSE["TXDW"]


@pytest.mark.parametrize("seed", range(10))
def test_good_ones_between_refused_ones(native: Opener, seed: int) -> None:
    rng, card = random.Random(seed), native(tx=64)
    want, ends, made = [], Counter[str](), list[list[bytes]]()
    for _ in range(80):
        kind = rng.choice(("", "", "NULL", "LONG", "TSE", "MIX"))
        if kind:
            made.append(refused(card, kind, rng))
            ends["RB_TX" + kind] += 1
        else:
            data = body(rng.randrange(1, 1515), rng.randrange(99))
            cuts = sorted(rng.choices(range(1, len(data) + 1), k=rng.randrange(3)))
            made.append(card.pieces(data, cuts, extended=rng.random() < 0.5))
            want.append(on_wire(data))
    assert sent_after(card, *made, step=rng.randrange(1, 20)) == want
    assert card.counts() == {"RB_TXFRAME": 80, "RB_TXWIRE": len(want)} | ends


def test_every_descriptor_type_is_as_the_page_says(card: Opener) -> None:
    """DTYP 0 is a context, 1 is data, and of the other fourteen the page of `em` says that they are refused."""
    c, data = card(tx=64), body(100)
    for dtyp in range(2, 16):
        assert sent_after(c, c.pieces(data, extended=True, DTYP=dtyp), c.pieces(data)) == [on_wire(data)]
    assert c.counts() == {"RB_TXFRAME": 28, "RB_TXWIRE": 14, "RB_TXMIX": 14}
    notes = (docs_folder() / "em.notes.md").read_text(encoding="utf-8")
    assert (
        "`DTYP` of 2 to 15, which the manual reserves | its frame is refused whole and counted in `RB_TXMIX`" in notes
    )


@pytest.mark.parametrize("lengths", [[16289], [16288, 1], [1, 16288], [8144, 8145], [65535], [16000] * 5])
def test_too_long(native: Opener, lengths: list[int]) -> None:
    card = native()
    slab = card.memory.coherent(65536)
    made = [em.TX_LEGACY.encode(address=slab.iova, length=n, IFCS=1, RS=1) for n in lengths]
    made[-1] = em.TX_LEGACY.encode(address=slab.iova, length=lengths[-1], IFCS=1, RS=1, EOP=1)
    assert sent_after(card, made, card.pieces(body(60))) == [on_wire(body(60))]
    assert card.counts() == {"RB_TXFRAME": 2, "RB_TXWIRE": 1, "RB_TXLONG": 1}


@pytest.mark.parametrize("length", [16289, 0x10000, 0xFFFFF])
def test_too_long_in_one_data_descriptor(native: Opener, length: int) -> None:
    """DTALEN has 20 bits: none of them is overlooked."""
    card = native()
    slab = card.memory.coherent(65536)
    made = [em.TX_DATA.encode(address=slab.iova, DTALEN=length, DTYP=1, DEXT=1, EOP=1, RS=1, IFCS=1)]
    assert sent_after(card, made, card.pieces(body(60))) == [on_wire(body(60))]
    assert card.counts()["RB_TXLONG"] == 1


@pytest.mark.parametrize(("kilobytes", "limit"), [(56, 8192 - 80), (48, 16288), (40, 16288), (8, 16288)])
def test_the_longest_frame_fits_the_transmit_share(native: Opener, kilobytes: int, limit: int) -> None:
    """Several in a row, in fragments at bad alignments: a store too small for them would stop the queue for ever."""
    card = native(up=False)
    card.set("PBA", kilobytes)
    card.reset()
    card.up()
    rng = random.Random(kilobytes)
    for cuts in ([], sorted(rng.choices(range(1, limit), k=30)), range(1, 50)):
        for length in (limit - 1, limit):
            data = body(length)
            offsets = [rng.randrange(4096) | 1 for _ in range(99)]
            made = [card.pieces(data, cuts, offsets=offsets), card.pieces(data), card.pieces(data[:70])]
            assert sent_after(card, *made) == [on_wire(data), on_wire(data), on_wire(data[:70])]
    over = em.TX_LEGACY.encode(address=card.memory.coherent(65536).iova, length=limit + 1, EOP=1, IFCS=1, RS=1)
    assert sent_after(card, [over], card.pieces(body(60))) == [on_wire(body(60))]
    assert card.counts()["RB_TXLONG"] == 1


def test_a_frame_wrong_in_two_ways_is_counted_once(native: Opener) -> None:
    card = native()
    made = card.pieces(body(100), extended=True, TSE=1, EOP=0) + card.pieces(body(100))
    assert sent_after(card, made, card.pieces(body(61))) == [on_wire(body(61))]
    assert card.counts() == {"RB_TXFRAME": 2, "RB_TXWIRE": 1, "RB_TXTSE": 1}


def test_a_refused_frame_of_more_descriptors_than_the_ring(native: Opener) -> None:
    card = native(tx=8)
    made = card.pieces(body(300), range(10, 300, 10), extended=True, TSE=1)
    assert sent_after(card, made, card.pieces(body(61))) == [on_wire(body(61))]
    assert card.counts()["RB_TXTSE"] == 1
