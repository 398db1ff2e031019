"""Frames out of host memory: descriptors of every kind and split, padding, FCS, write-back (M 3.3, 3.4)."""

from __future__ import annotations

import random

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, on_wire

DD = em.TX_LEGACY["DD"].mask >> 96


def body(length: int, seed: int = 0) -> bytes:
    """Bytes that are never 0 and never the poison behind a buffer, so that padding and leaks are seen."""
    rng = random.Random(seed << 20 | length)
    return bytes(rng.choice(range(1, 0xDB)) for _ in range(length))


def sent_after(card: Card, *descriptors: list[bytes], step: int = 0) -> list[bytes]:
    card.push([each for frame in descriptors for each in frame], step)
    card.settle()
    card.reclaim()
    assert card.inside() == (0, 0)
    return card.sent()


@pytest.mark.parametrize("extended", [False, True])
def test_one_frame(card: Opener, extended: bool) -> None:
    c = card()
    data = body(101)
    assert sent_after(c, c.pieces(data, extended=extended)) == [on_wire(data)]
    assert c.counts() == {"RB_TXFRAME": 1, "RB_TXWIRE": 1}
    assert c.get("TDH") == 1


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize("crc", [1, 0])
def test_every_short_size(native: Opener, extended: bool, pad: bool, crc: int) -> None:
    """1 to 130 bytes, each at its own alignment; poison lies before and behind every one of them in memory."""
    card = native(tctl=("EN", "PSP") if pad else ("EN",), tx=128)
    frames = [body(size, seed=7) for size in range(1, 131)]
    made = [card.pieces(data, extended=extended, offsets=[13 * k % 4096], IFCS=crc) for k, data in enumerate(frames)]
    assert sent_after(card, *made) == [on_wire(data, pad, bool(crc)) for data in frames]


def test_padding_is_zeros_whatever_lies_behind_the_buffer(native: Opener) -> None:
    """The slab around the frame is readable and full of a pattern; a frame of all FF came just before."""
    card = native()
    slab = card.memory.coherent(4096)
    for length in range(1, 60):
        for align in range(8):
            slab.view[:] = b"\xee" * 4096
            data = body(length, seed=align)
            slab.view[256 + align : 256 + align + length] = data
            shape = {"address": slab.iova + 256 + align, "length": length, "EOP": 1, "IFCS": 1}
            full = em.TX_LEGACY.encode(address=slab.iova + 512, length=200, EOP=1, IFCS=1)
            assert sent_after(card, [full, em.TX_LEGACY.encode(**shape)]) == [on_wire(b"\xee" * 200), on_wire(data)]


@pytest.mark.parametrize("extended", [False, True])
def test_every_size(native: Opener, extended: bool) -> None:
    card = native(tx=64)
    data = body(1600)
    for begin in range(60, 1519, 120):
        sizes = range(begin, min(begin + 120, 1519))
        made = [card.pieces(data[:size], extended=extended) for size in sizes]
        assert sent_after(card, *made) == [on_wire(data[:size]) for size in sizes]


def test_every_alignment(native: Opener) -> None:
    card = native()
    for length in (60, 61, 67, 700):
        data = body(length)
        made = [card.pieces(data, offsets=[k]) for k in (*range(64), *range(4096 - 70, 4096))]
        assert sent_after(card, *made) == [on_wire(data)] * len(made)


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("size", range(1, 10))
def test_fragments_of_a_few_bytes(native: Opener, extended: bool, size: int) -> None:
    """More descriptors in a frame than the ring of write-backs holds (1514 of them) are no trouble either."""
    card = native(tx=256)
    rng = random.Random(size)
    frames = [body(length, seed=size) for length in (60, 61, 64, 127, 301, 1514)]
    made = [
        card.pieces(data, range(size, len(data), size), extended=extended,
                    offsets=[rng.randrange(4096) for _ in range(2000)])
        for data in frames[:-1]
    ]  # fmt: skip
    assert sent_after(card, *made) == [on_wire(data) for data in frames[:-1]]
    card.push(card.pieces(frames[-1], range(size, 1514, size), extended=extended))
    card.settle()
    assert card.sent() == [on_wire(frames[-1])]


@pytest.mark.parametrize("seed", range(8))
def test_random_splits_at_random_alignments(native: Opener, seed: int) -> None:
    rng = random.Random(seed)
    card = native(tx=128)
    frames, made = [], []
    for _ in range(60):
        data = body(rng.choice((rng.randrange(1, 70), rng.randrange(1, 1515), rng.randrange(1, 5000))), seed)
        cuts = sorted(rng.choices(range(len(data) + 1), k=rng.randrange(8)))  # pieces of 0 bytes among them
        frames.append(data)
        made.append(
            card.pieces(data, cuts, extended=rng.random() < 0.5, offsets=[rng.randrange(4096) for _ in range(9)])
        )
    assert sent_after(card, *made, step=rng.randrange(1, 9)) == [on_wire(data) for data in frames]


@pytest.mark.parametrize("extended", [False, True])
def test_descriptors_without_bytes_anywhere(native: Opener, extended: bool) -> None:
    """A null address or a length of 0: first, last, between, several at once; each has its DD where RS asks."""
    encode = em.TX_DATA.encode if extended else em.TX_LEGACY.encode
    kind = {"DTYP": 1, "DEXT": 1} if extended else {}
    size = "DTALEN" if extended else "length"
    for length in (1, 8, 16, 61, 128, 600):
        for before, after in ((1, 0), (0, 1), (2, 1), (1, 3), (3, 3)):
            card = native(tx=32)
            data = body(length)
            somewhere = card.buffer(b"never sent", 77)

            def empty(number: int, eop: int = 0, somewhere: int = somewhere) -> bytes:
                shape = {"address": somewhere, size: 0} if number % 2 else {"address": 0, size: 33}
                return encode(**shape, **kind, RS=1, IFCS=1, EOP=eop)

            pieces = card.pieces(data, [length // 2] if length > 1 else [], extended=extended, EOP=0, RS=1)
            made = [empty(k) for k in range(before)] + pieces[:1] + [empty(k) for k in range(after)] + pieces[1:]
            made += [empty(k + 1, k == after) for k in range(after + 1)]
            card.push(made)
            card.settle()
            assert card.sent() == [on_wire(data)]
            done = card.reclaim()
            assert len(done) == len(made)
            assert all(each[12] == DD for each in done)


def test_several_frames_between_one_doorbell(card: Opener) -> None:
    c = card()
    frames = [body(size, seed=size) for size in (1, 60, 64, 200, 59)]
    made = [c.pieces(data, [len(data) // 2], extended=bool(k % 2)) for k, data in enumerate(frames)]
    assert sent_after(c, *made) == [on_wire(data) for data in frames]


def test_long_frames(native: Opener) -> None:
    card = native()
    for length in (1519, 4096, 9000, 16000, 16287, 16288):
        data = body(length)
        rng = random.Random(length)
        cuts = sorted(rng.choices(range(length), k=5))
        assert sent_after(card, card.pieces(data, cuts), card.pieces(data, extended=True)) == [on_wire(data)] * 2


@pytest.mark.parametrize("extended", [False, True])
def test_done_is_one_byte_by_strobe_and_only_with_rs(card: Opener, extended: bool) -> None:
    """All bytes of a descriptor but the twelfth are as software left them; without RS that one too (M 3.3.3.1)."""
    c = card(tx=16)
    c.get("ICR")
    made = [c.pieces(body(70, k), extended=extended, RS=k % 2, special=0x5AA5)[0] for k in range(6)]
    assert len(sent_after(c, made)) == 6
    for index, before in enumerate(made):
        want = bytearray(before)
        want[12] |= DD if index % 2 else 0
        assert c.tx.at(index) == bytes(want)
    assert c.get("ICR") & (CAUSE["TXDW"] | CAUSE["TXQE"]) == CAUSE["TXDW"] | CAUSE["TXQE"]


def test_no_rs_raises_no_txdw(native: Opener) -> None:
    card = native()
    card.get("ICR")
    assert len(sent_after(card, card.pieces(body(80), RS=0))) == 1
    assert card.get("ICR") & ~CAUSE["LSC"] == CAUSE["TXQE"]
    assert card.get("TDH") == 1


@pytest.mark.parametrize("threshold", [0, 1, 5, 8, 31])
@pytest.mark.parametrize("rs_every", [1, 3, 7])
def test_write_back_threshold(native: Opener, threshold: int, rs_every: int) -> None:
    """WTHRESH gathers, and the last partial batch goes out by itself."""
    card = native(tx=32)
    card.set("TXDCTL", threshold << em.REGISTERS["TXDCTL"]["WTHRESH"].lsb)
    frames = [body(90, k) for k in range(100)]
    made = [card.pieces(data, RS=int(k % rs_every == 0)) for k, data in enumerate(frames)]
    assert sent_after(card, *made) == [on_wire(data) for data in frames]
    assert card.get("TDH") == 100 % 32
    for k in range(100 - 31, 100):  # the last time around, whether a batch held others with RS or not
        assert card.tx.at(k % 32)[12] == (DD if k % rs_every == 0 else 0), k


def test_ide_is_done_at_once(native: Opener) -> None:
    card = native()
    made = card.pieces(body(99), IDE=1)
    sent_after(card, made)
    assert card.tx.at(0)[12] == DD


def test_vle_and_special_change_nothing(native: Opener) -> None:
    card = native()
    data = body(200)
    assert sent_after(card, card.pieces(data, VLE=1, special=0x1234)) == [on_wire(data)]


def test_transmit_off_and_link_down_wait(card: Opener) -> None:
    c = card(tctl=("PSP",))
    data = body(77)
    c.push(c.pieces(data))
    c.settle()
    assert (c.sent(), c.counts()) == ([], {})
    c.set("TCTL", em.REGISTERS["TCTL"].mask("EN", "PSP"))
    c.settle()
    assert c.sent() == [on_wire(data)]
    c.engine.set_pin("link_up", 0)
    c.run(5)
    c.push(c.pieces(data))
    c.settle()
    assert c.sent() == []
    assert c.inside() == (0, 1)
    c.engine.set_pin("link_up", 1)
    c.settle()
    assert c.sent() == [on_wire(data)]
    assert c.inside() == (0, 0)


@pytest.mark.parametrize("size", [60, 1500, 16_000])
def test_a_full_store_and_no_link_is_idle(native: Opener, size: int) -> None:
    """Nothing can happen until the link comes: the card says so, and owes no status for what it has read."""
    card = native(tx=256)
    card.set("TXDCTL", 8 << R["TXDCTL"]["WTHRESH"].lsb)
    card.engine.set_pin("link_up", 0)
    count = 200 if size < 100 else 100
    data = [body(size, k) for k in range(count)]
    card.push(each for one in data for each in card.pieces(one))
    card.settle(100_000)
    assert card.sent() == []
    done = card.get("TDH")
    assert 0 < done < count
    assert [em.TX_LEGACY.decode(card.tx.at(k))["DD"] for k in range(count)] == [1] * done + [0] * (count - done)
    card.engine.set_pin("link_up", 1)
    card.settle()
    assert card.sent() == [on_wire(one) for one in data]
