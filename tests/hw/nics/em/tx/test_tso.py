"""TCP segmentation by registers and rings: any header, any split, any length, against the naive segmenter (M 3.5)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R, fcs, on_wire, raw_sum
from tests.hw.nics.em.packets import tcp4, tcp6, udp4
from tests.hw.nics.em.tx.test_data import DD, body, sent_after
from tests.hw.nics.em.tx.test_sums import context as plain_context
from tests.hw.segment_reference import Message, segments
from tests.hw.tx.test_segment import finish


def message(kind: str, payload: bytes, mss: int, **fields: Any) -> Message:
    """What a stack hands over (M 3.5): lengths and IP sum 0, the pseudo-header's sum with length 0 in the field."""
    kinds: dict[str, tuple[Callable[..., bytes], str, int, int]] = {
        "tcp4": (tcp4, "ipv4", 34, 50),
        "tcp4 options": (lambda d, **f: tcp4(d, options=b"\x94\x04\0\0", **f), "ipv4", 38, 54),
        "tcp6": (lambda d, **_: tcp6(d), "ipv6", 54, 70), "tcp6 dest": (lambda d, **_: tcp6(d, True), "ipv6", 62, 78),
        "udp4": (udp4, "ipv4", 34, 40),
    }  # fmt: skip
    build, l3, l4, at = kinds[kind]
    frame = bytearray(build(b"", **fields))
    tcp = not kind.startswith("udp")
    addresses = frame[26:34] if l3 == "ipv4" else frame[22:54]
    frame[at : at + 2] = raw_sum(bytes(addresses) + bytes([0, 6 if tcp else 17])).to_bytes(2, "big")
    cleared = (16, 24) if l3 == "ipv4" else (18,)
    for place in (*cleared, *(() if tcp else (38,))):
        frame[place : place + 2] = bytes(2)
    return Message(bytes(frame), payload, mss, l3, 14, "tcp" if tcp else "udp", l4, at)


def context(m: Message, **fields: int) -> bytes:
    assert m.sum_at is not None
    values = {
        "IPCSS": m.l3_start, "IPCSO": m.l3_start + 10, "IPCSE": m.l4_start - 1, "TUCSS": m.l4_start, "TUCSO": m.sum_at,
        "PAYLEN": m.length, "HDRLEN": len(m.header), "MSS": m.mss,
        "TCP": int(m.l4 == "tcp"), "IP": int(m.l3 == "ipv4"), "TSE": 1, "DEXT": 1,
    }  # fmt: skip
    return em.TX_CONTEXT.encode(**(values | fields))


def pieces(card: Card, m: Message, cuts: Any = (), **fields: int) -> list[bytes]:
    bits: Any = {"TSE": 1, "TXSM": 1, "IXSM": int(m.l3 == "ipv4")} | fields
    return card.pieces(m.data, cuts, extended=True, **bits)


def wanted(m: Message) -> list[bytes]:
    """The frames on the wire, sums, padding and FCS included."""
    assert m.sum_at is not None
    return [on_wire(finish(f, m.l3_start, m.l4_start, m.sum_at, m.l3 == "ipv4")) for f in segments(m)]


KINDS = ("tcp4", "tcp4 options", "tcp6", "tcp6 dest", "udp4")


@pytest.mark.parametrize("kind", ["tcp4", "tcp6"])
def test_a_message_on_both_engines(card: Opener, kind: str) -> None:
    c = card()
    m = message(kind, body(250), 100)
    assert sent_after(c, [context(m), *pieces(c, m, [20, 60])], c.pieces(body(70))) == [*wanted(m), on_wire(body(70))]
    assert c.counts() == {"RB_TXFRAME": 2, "RB_TXTSO": 1, "RB_TXSEG": 3, "RB_TXWIRE": 4}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_at_every_length_and_split(native: Opener, kind: str) -> None:
    """Cuts anywhere, in the header too; lengths around a whole number of segments; plain frames between."""
    card, rng = native(tx=256), random.Random(kind)
    made, want = list[list[bytes]](), list[bytes]()
    for count in (1, 2, 3, 7):
        for off in (-1, 0, 1, 50):
            mss = rng.choice((100, 536, 1440, 1460))
            m = message(kind, rng.randbytes(count * mss + off), mss)
            cuts = sorted(rng.choices(range(1, len(m.header) + 20), k=rng.randrange(3)))
            cuts += sorted(rng.choices(range(len(m.header) + 20, len(m.data)), k=rng.randrange(4)))
            made.append([context(m), *pieces(card, m, cuts)])
            want += wanted(m)
            if rng.random() < 0.5:
                made.append(card.pieces(body(rng.randrange(60, 300))))
                want.append(on_wire(body(len(made[-1]) and em.TX_LEGACY.decode(made[-1][0])["length"])))
    assert sent_after(card, *made) == want


@pytest.mark.parametrize("size", [262_144 + 17, 0xFFFFF])
def test_the_longest_messages(native: Opener, size: int) -> None:
    """PAYLEN has 20 bits; descriptors of 64 KB and more. The payload is never stored: the buffer is 16 KB."""
    card = native(tx=64)
    m = message("tcp4", random.Random(size).randbytes(size), 1460)
    card.push([context(m), *pieces(card, m, range(65_000, len(m.data), 150_000))])
    card.settle(4_000_000)
    frames = card.sent()
    assert frames == wanted(m)
    assert b"".join(bytes(IP(frame[14:-4])[TCP].payload) for frame in frames) == m.payload
    assert card.counts() == {"RB_TXFRAME": 1, "RB_TXTSO": 1, "RB_TXSEG": len(frames), "RB_TXWIRE": len(frames)}


def test_scapy_finds_nothing_wrong(native: Opener) -> None:
    """Sums and lengths as scapy computes them, ID and sequence wrapping, FIN and PSH in the last segment alone."""
    card, rng = native(), random.Random(1)
    m = message("tcp4", rng.randbytes(333), 100, flags="FPAUE", seq=2**32 - 150)
    header = bytearray(m.header)
    header[18:20] = b"\xff\xfe"
    m = replace(m, header=bytes(header))
    frames = sent_after(card, [context(m), *pieces(card, m)])
    for number, frame in enumerate(frames):
        ip = IP(frame[14:-4])
        rebuilt = IP(bytes(ip))
        del rebuilt.len, rebuilt.chksum, rebuilt[TCP].chksum
        assert bytes(rebuilt) == bytes(ip)
        assert (ip.id, ip[TCP].seq) == ((0xFFFE + number) % 65536, (2**32 - 150 + 100 * number) % 2**32)
        assert str(ip[TCP].flags) == ("FPAUE" if number == 3 else "AUE")
    six = message("tcp6", rng.randbytes(333), 100)
    for frame in sent_after(card, [context(six), *pieces(card, six)]):
        ip6 = IPv6(frame[14:-4])
        assert ip6.plen == len(frame) - 4 - 54, "RFC 8200: without the IPv6 header itself"
        rebuilt6 = IPv6(bytes(ip6))
        del rebuilt6.plen, rebuilt6[TCP].chksum
        assert bytes(rebuilt6) == bytes(ip6)


def test_the_two_contexts_stay_apart(native: Opener) -> None:
    """Each stays until it is loaded again, whatever is sent in between."""
    card = native()
    m, later = message("tcp4", body(250), 100), message("tcp4", body(250, 5), 100)
    plain = udp4(b"a datagram")
    given = bytearray(plain)
    given[40:42] = raw_sum(plain[26:34] + bytes([0, 17]) + plain[38:40]).to_bytes(2, "big")
    udp = card.pieces(bytes(given), extended=True, TXSM=1)
    again = card.pieces(bytes(given), extended=True, TXSM=1)
    made = [[plain_context(34, 40, False)], [context(m), *pieces(card, m)], udp, pieces(card, later), again]
    assert sent_after(card, *made) == [*wanted(m), on_wire(plain), *wanted(later), on_wire(plain)]


@pytest.mark.parametrize(("ixsm", "txsm"), [(0, 0), (1, 0), (0, 1)])
def test_headers_are_edited_with_sums_or_without(native: Opener, ixsm: int, txsm: int) -> None:
    """Without TXSM the checksum field is none of the card's business."""
    card = native()
    m = message("tcp4", body(250), 100)
    frames = segments(m if txsm else replace(m, sum_at=None))
    want = []
    for frame in frames:
        done = finish(frame, 14, 34, 50, True)
        want.append(on_wire(frame[:24] + (done[24:26] if ixsm else frame[24:26]) + frame[26:50]
                            + (done_l4(frame) if txsm else frame[50:52]) + frame[52:]))  # fmt: skip
    assert sent_after(card, [context(m), *pieces(card, m, IXSM=ixsm, TXSM=txsm)]) == want


def done_l4(frame: bytes) -> bytes:
    return finish(frame, 14, 34, 50, False)[50:52]


def test_a_block_of_anything(native: Opener) -> None:
    """TCP and IP both 0: the header goes before every part as it is (M 3.5)."""
    card = native()
    m = Message(body(37), body(333, 3), 100, sum_at=9)
    want = [on_wire(part) for part in segments(replace(m, sum_at=None))]
    assert sent_after(card, [context(m, IPCSS=14, TUCSS=20), *pieces(card, m, TXSM=0, IXSM=0)]) == want


@pytest.mark.parametrize("wrong", [-1000, -101, -100, -1, 1, 100, 1000])
def test_a_length_that_is_not_the_truth(native: Opener, wrong: int) -> None:
    """Whole segments go, what is left over does not; TSCTFC counts, and the queue goes on (M 3.5, 13.7)."""
    card = native()
    m = message("tcp4", body(1250), 100)
    false = replace(m, payload_length=1250 + wrong)
    frames = sent_after(card, [context(false), *pieces(card, false, [400, 700])], [context(m), *pieces(card, m)])
    assert frames == wanted(false) + wanted(m)
    assert [card.get(name) for name in ("TSCTC", "TSCTFC")] == [1, 1]
    assert card.counts()["RB_TXTSO"] == 2


@pytest.mark.parametrize(("mss", "goes"), [(16304 - 54, True), (16305 - 54, False)])
def test_the_largest_segment(native: Opener, mss: int, goes: bool) -> None:
    """Header and MSS leave 80 bytes of the 16 KB (M 3.5)."""
    card = native()
    m = message("tcp4", random.Random(9).randbytes(3 * mss), mss)
    frames = sent_after(card, [context(m), *pieces(card, m)], card.pieces(body(60)))
    assert frames == [*(wanted(m) if goes else []), on_wire(body(60))]
    assert card.counts().get("RB_TXTSE", 0) == (not goes)


def test_header_of_240_bytes_and_of_one(native: Opener) -> None:
    card = native()
    for size in (1, 239, 240):
        m = Message(body(size), body(500, 2), 90, sum_at=0)
        want = [on_wire(part) for part in segments(replace(m, sum_at=None))]
        assert sent_after(card, [context(m), *pieces(card, m, [1], TXSM=0, IXSM=0)]) == want


def test_shorter_than_its_header(native: Opener) -> None:
    card = native()
    m = message("tcp4", b"x", 100)
    for size in (1, 53, 54):
        made = card.pieces(m.data[:size], extended=True, TSE=1, TXSM=1)
        assert sent_after(card, [context(m), *made], card.pieces(body(60))) == [on_wire(body(60))]
    assert card.counts()["RB_TXTSE"] == 3


def test_every_segment_has_the_tag_of_the_first_descriptor(native: Opener) -> None:
    """M 3.3.7.1; the tag is not in the way of the sums, and IFCS 0 counts for nothing."""
    card = native()
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    m = message("tcp4", body(250), 100)
    made = pieces(card, m, [70], IFCS=0)
    made[0] = em.TX_DATA.encode(**(em.TX_DATA.decode(made[0]) | {"VLE": 1, "special": 0x6123}))
    made[1] = em.TX_DATA.encode(**(em.TX_DATA.decode(made[1]) | {"special": 0x7777}))
    untagged = [frame[:-4] for frame in wanted(m)]
    want = [fcs(frame[:12] + b"\x81\x00\x61\x23" + frame[12:]) for frame in untagged]
    assert sent_after(card, [context(m), *made]) == want


def test_descriptors_with_rs_are_written_and_told(native: Opener) -> None:
    """The context too (M 3.3.6.1); TXDW comes with the last."""
    card = native(tx=16)
    m = message("tcp4", body(2500), 1000)
    made = [context(m, RS=1), *pieces(card, m, [54, 1000, 1001], RS=1)]
    card.get("ICR")
    assert sent_after(card, made) == wanted(m)
    assert [card.tx.at(index)[12] & DD for index in range(len(made))] == [DD] * len(made)
    assert card.get("ICR") & CAUSE["TXDW"]


@pytest.mark.parametrize("clocks", range(100, 1500, 90))
def test_reset_in_the_middle(native: Opener, clocks: int) -> None:
    """Frames on the wire are whole and right; the account is even; the next message is none the worse."""
    card = native(tx=64)
    card.provoked = True  # what was in flight is unmapped under the card
    m = message("tcp4", body(9000), 1000)
    card.push([context(m), *pieces(card, m, [54, 3000])])
    card.run(clocks)
    card.reset()
    frames = card.sent()
    assert frames == wanted(m)[: len(frames)]
    assert card.inside() == (0, 0)
    card.up()
    assert sent_after(card, [context(m), *pieces(card, m)]) == wanted(m)


def test_pace(native: Opener) -> None:
    """From segment to segment the wire never waits: as many clocks as beats, once the first frame is out."""
    card = native(tx=64)
    m = message("tcp4", random.Random(4).randbytes(40 * 1460), 1460)
    card.push([context(m), *pieces(card, m)])
    card.settle()
    frames = card.engine.wire_out()
    assert [frame for _, frame in frames] == wanted(m)
    clocks = frames[-1][0] - frames[0][0]
    beats = sum(-(-len(frame) // 8) for _, frame in frames[1:])
    assert clocks <= 1.03 * beats, (clocks, beats)
