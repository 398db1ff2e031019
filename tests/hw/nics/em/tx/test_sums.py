"""Checksums put in on transmit: legacy IC and the context's two ranges, against scapy (M 3.3.3, 3.5.8, 3.6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import Card, Opener, on_wire, raw_sum
from tests.hw.nics.em.packets import tcp4, tcp6, udp4, udp6, unsummed
from tests.hw.nics.em.tx.test_data import body, sent_after

SIZES = (*range(0, 40), 63, 64, 65, 511, 1000, 1400, 1459, 1460)


def context(l4: int, at: int, tcp: bool, ipv4: bool = True, **fields: int) -> bytes:
    values: dict[str, int] = {"IPCSS": 14, "IPCSO": 24, "IPCSE": l4 - 1, "TUCSS": l4, "TUCSO": at}
    return em.TX_CONTEXT.encode(**(values | {"TCP": int(tcp), "IP": int(ipv4), "DEXT": 1} | fields))


def offloaded(card: Card, frame: bytes, l4: int, tcp: bool, cuts: Any = ()) -> list[bytes]:
    """Descriptors that let the card finish scapy's frame, from a copy without its sums."""
    at, ipv4 = l4 + (16 if tcp else 6), frame[14] >> 4 == 4
    made = [context(l4, at, tcp, ipv4)]
    return made + card.pieces(unsummed(frame, l4, at), cuts, extended=True, TXSM=1, IXSM=int(ipv4))


KINDS: dict[str, tuple[Callable[[bytes], bytes], int, bool]] = {
    "udp4": (udp4, 34, False), "tcp4": (tcp4, 34, True), "udp6": (udp6, 54, False), "tcp6": (tcp6, 54, True),
    "udp6 dest": (lambda data: udp6(data, extension=True), 62, False),
    "tcp6 dest": (lambda data: tcp6(data, extension=True), 62, True),
    "udp4 options": (lambda data: udp4(data, options=b"\x94\x04\x00\x00" * 3), 46, False),
    "tcp4 options": (lambda data: tcp4(data, options=b"\x94\x04\x00\x00"), 38, True),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_scapy_agrees(native: Opener, kind: str) -> None:
    build, l4, tcp = KINDS[kind]
    card, rng = native(tx=256), random.Random(kind)
    frames = [build(rng.randbytes(size)) for size in SIZES]
    made = [offloaded(card, frame, l4, tcp, sorted(rng.choices(range(1, 50), k=rng.randrange(4)))) for frame in frames]
    assert sent_after(card, *made) == [on_wire(frame) for frame in frames]


@pytest.mark.parametrize("kind", ["udp4", "tcp6"])
def test_scapy_agrees_on_both_engines(card: Opener, kind: str) -> None:
    build, l4, tcp = KINDS[kind]
    c = card()
    frames = [build(b"one"), build(b"a longer one, of an odd length.")]
    assert sent_after(c, *(offloaded(c, frame, l4, tcp) for frame in frames)) == [on_wire(frame) for frame in frames]


def zeroed(build: Any, l4: int, at: int) -> bytes:
    """A frame whose sum, computed, is 0: its last word makes up for all the rest."""
    frame = bytearray(build(bytes(30)))
    given = bytearray(unsummed(bytes(frame), l4, at))
    rest = 0xFFFF - raw_sum(bytes(given[l4:]))
    given[-2:] = rest.to_bytes(2, "big")
    assert raw_sum(bytes(given[l4:])) == 0xFFFF
    return bytes(given)


@pytest.mark.parametrize(("tcp", "on_the_wire"), [(False, b"\xff\xff"), (True, b"\0\0")])
def test_a_computed_zero(native: Opener, tcp: bool, on_the_wire: bytes) -> None:
    """For UDP 0 would say 'no sum', so it is FFFF (RFC 768); for TCP it is what the arithmetic gives."""
    card = native()
    at = 34 + (16 if tcp else 6)
    given = zeroed(tcp4 if tcp else udp4, 34, at)
    (sent,) = sent_after(card, [context(34, at, tcp), *card.pieces(given, extended=True, TXSM=1)])
    assert sent[at : at + 2] == on_the_wire
    (sent,) = sent_after(card, card.pieces(given, IC=1, CSS=34, CSO=at))
    assert sent[at : at + 2] == b"\0\0", "a legacy descriptor does not know what it sums"


def test_a_computed_zero_in_the_ip_header_is_zero(native: Opener) -> None:
    card = native()
    given = bytearray(unsummed(udp4(b"x"), 34, 40))
    given[18:20] = bytes(2)  # the identification makes up for the rest
    given[18:20] = (0xFFFF - raw_sum(bytes(given[14:34]))).to_bytes(2, "big")
    (sent,) = sent_after(card, [context(34, 40, False), *card.pieces(bytes(given), extended=True, IXSM=1)])
    assert sent[24:26] == bytes(2)


def summed(data: bytes, start: int, end: int, at: int) -> bytes:
    """The naive reference: bytes `start` to `end` (included; 0: the last) summed, complemented, put at `at`."""
    if start >= len(data) or at + 1 >= len(data):
        return data
    piece = data[start : end + 1 if end else len(data)]
    return data[:at] + (0xFFFF - raw_sum(piece)).to_bytes(2, "big") + data[at + 2 :]


@pytest.mark.parametrize("seed", range(10))
def test_legacy_ic_anywhere(native: Opener, seed: int) -> None:
    """Any start, any place, odd or even, inside or not; from the frame given, before padding."""
    rng, card = random.Random(seed), native(tx=64)
    given, made, want = [], [], []
    for _ in range(60):
        data = body(rng.choice((rng.randrange(2, 70), rng.randrange(60, 600))), rng.randrange(1000))
        css, cso = rng.randrange(256), rng.randrange(256)
        if rng.random() < 0.5:
            css, cso = rng.randrange(len(data)) & 0xFF, rng.randrange(len(data)) & 0xFF
        given.append((len(data), css, cso))
        cuts = sorted(rng.choices(range(1, len(data)), k=rng.randrange(4)))
        made.append(card.pieces(data, cuts, IC=1, CSS=css, CSO=cso))
        want.append(on_wire(summed(data, css, 0, cso)))
    sent = sent_after(card, *made)
    for shape, got, expected in zip(given, sent, want, strict=True):
        assert got == expected, shape


@pytest.mark.parametrize(
    ("css", "cso"), [(100, 20), (99, 20), (20, 99), (20, 98), (20, 100), (255, 255), (0, 0), (20, 97)]
)
def test_legacy_ic_at_the_edges_of_what_is_ignored(native: Opener, css: int, cso: int) -> None:
    """Ignored if CSS >= length or CSO >= length - 1 (M 3.3.3)."""
    card = native()
    data = body(100)
    ignored = css >= 100 or cso >= 99
    (sent,) = sent_after(card, card.pieces(data, IC=1, CSS=css, CSO=cso))
    assert sent == on_wire(data if ignored else summed(data, css, 0, cso))
    assert (sent == on_wire(data)) == ignored


def test_css_from_the_first_descriptor_ic_and_cso_from_the_last(native: Opener) -> None:
    card = native()
    data = body(120)
    first, *rest = card.pieces(data, [50, 70], CSS=30, CSO=8, IC=0)
    last = em.TX_LEGACY.encode(**(em.TX_LEGACY.decode(rest[-1]) | {"CSS": 60, "CSO": 40, "IC": 1}))
    assert sent_after(card, [first, rest[0], last]) == [on_wire(summed(data, 30, 0, 40))]


@pytest.mark.parametrize("seed", range(8))
def test_context_ranges_anywhere(native: Opener, seed: int) -> None:
    """Both sums of one frame, over ranges of any start and end; they do not see each other, the second wins."""
    rng, card = random.Random(seed), native(tx=64)
    shapes, made, want = [], [], []
    for _ in range(50):
        data = body(rng.randrange(2, 400), rng.randrange(1000))

        def span(length: int = len(data)) -> tuple[int, int, int]:
            start = rng.randrange(min(256, length + 20))
            end = rng.choice((0, rng.randrange(start, start + 300), rng.randrange(length + 1)))
            return start, end if end >= start else 0, rng.randrange(min(256, length + 4))

        (a, b, c), (d, e, f) = span(), span()
        ixsm, txsm = rng.randrange(2), rng.randrange(2)
        made.append([
            em.TX_CONTEXT.encode(IPCSS=a, IPCSE=b, IPCSO=c, TUCSS=d, TUCSE=e, TUCSO=f, TCP=1, DEXT=1, RS=ixsm),
            *card.pieces(data, sorted(rng.choices(range(1, len(data)), k=rng.randrange(3))), extended=True,
                         IXSM=ixsm, TXSM=txsm),
        ])  # fmt: skip
        done = _both(data, (a, b, c) if ixsm else None, (d, e, f) if txsm else None)
        shapes.append((len(data), a, b, c, d, e, f, ixsm, txsm))
        want.append(on_wire(done))
    for shape, got, expected in zip(shapes, sent_after(card, *made), want, strict=True):
        assert got == expected, shape


def _both(data: bytes, first: tuple[int, int, int] | None, second: tuple[int, int, int] | None) -> bytes:
    out = bytearray(data)
    for span in (first, second):
        if span is not None:
            alone, at = summed(data, *span[:2], span[2]), span[2]
            if at + 1 < len(data) and span[0] < len(data):
                out[at : at + 2] = alone[at : at + 2]
    return bytes(out)


def test_options_come_from_the_first_data_descriptor_alone(native: Opener) -> None:
    card = native()
    frame = udp4(b"abcdefgh" * 9)
    given = unsummed(frame, 34, 40)
    want = card.pieces(given, [20, 60], extended=True, TXSM=1, IXSM=1)
    only_first = [want[0], *(_without_options(each) for each in want[1:])]
    only_others = [_without_options(want[0]), *want[1:]]
    assert sent_after(card, [context(34, 40, False), *only_first]) == [on_wire(frame)]
    again = card.pieces(given, [20, 60], extended=True, TXSM=1, IXSM=1)
    assert sent_after(card, [_without_options(again[0]), *again[1:]]) == [on_wire(given)]
    assert len(only_others) == 3


def _without_options(descriptor: bytes) -> bytes:
    return em.TX_DATA.encode(**(em.TX_DATA.decode(descriptor) | {"TXSM": 0, "IXSM": 0}))


def test_frames_that_ask_for_nothing_leave_as_they_are(native: Opener) -> None:
    """Data and legacy frames between offloaded ones, one context for all of them."""
    card = native(tx=128)
    frame = tcp4(b"z" * 77)
    given, plain = unsummed(frame, 34, 50), body(200)
    made = [[context(34, 50, True)]]
    want = []
    for k in range(20):
        made += [card.pieces(given, extended=True, TXSM=1, IXSM=1), card.pieces(plain, extended=bool(k % 2))]
        made += [card.pieces(given, extended=True, IXSM=1), card.pieces(given), card.pieces(given, extended=True)]
        half = given[:24] + frame[24:26] + given[26:]
        want += [on_wire(each) for each in (frame, plain, half, given, given)]
    assert sent_after(card, *made) == want


def test_a_context_holds_until_the_next(native: Opener) -> None:
    """Also over frames of the other kinds, and one with TSE does not replace it (docs/nics/em.notes.md)."""
    card = native()
    udp, tcp = udp4(b"hello"), tcp4(b"hello")
    tse = context(99, 98, True, TSE=1, MSS=100, PAYLEN=5)
    made = [
        [context(34, 40, False)], card.pieces(unsummed(udp, 34, 40), extended=True, TXSM=1, IXSM=1), [tse],
        card.pieces(body(90), IC=1, CSS=2, CSO=5), card.pieces(unsummed(udp, 34, 40), extended=True, TXSM=1, IXSM=1),
        [context(34, 50, True)], card.pieces(unsummed(tcp, 34, 50), extended=True, TXSM=1, IXSM=1),
    ]  # fmt: skip
    want = [udp, summed(body(90), 2, 0, 5), udp, tcp]
    assert sent_after(card, *made) == [on_wire(frame) for frame in want]
    assert card.counts() == {"RB_TXFRAME": 4, "RB_TXWIRE": 4}


def test_context_with_rs_is_done_too(card: Opener) -> None:
    c = card()
    made = [context(34, 40, False, RS=1), context(34, 40, False), *c.pieces(body(70), extended=True, RS=0)]
    assert len(sent_after(c, made)) == 1
    assert [c.tx.at(index)[12] & 1 for index in range(3)] == [1, 0, 0]
    assert c.tx.at(0)[:12] == made[0][:12]
    assert c.get("TDH") == 3
