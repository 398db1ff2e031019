"""Segmentation: what the card is told, that its pieces are those of a naive cutter, and what is refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.em.ring.tx import WORKAROUNDS, split
from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import Segmentation, TxFrame, TxSum
from tests.drivers.bench import Bench
from tests.drivers.em.ring.test_rx import udp
from tests.drivers.em.ring.test_tx import pieces, unsummed
from tests.drivers.fake_card import MAC, ones_sum

OFFSETS = {(True, False): (34, 20), (True, True): (54, 20), (False, False): (34, 8)}


def message(payload: bytes, tcp: bool = True, ipv6: bool = False, options: int = 0) -> tuple[bytes, Segmentation, int]:
    """Ethernet, IP and TCP or UDP headers with lengths and sums that mean nothing, and `payload`; its l4 offset."""
    l4, header = OFFSETS[tcp, ipv6]
    if ipv6:
        ip = b"\x60\0\0\0\xde\xad\x06\x40" + bytes(range(1, 33))
    else:
        ip = b"\x45\0\xde\xad\xff\xfe\x40\0\x40" + (b"\x06" if tcp else b"\x11") + b"\xbe\xef" + bytes(range(1, 9))
    flags = b"\x19"  # ACK, PSH, FIN
    if tcp:
        words = (0x10002000).to_bytes(4, "big") + (0xFFFF_FF00).to_bytes(4, "big") + b"\0\0\0\x07"
        l4_header = words + bytes([(20 + options) << 2]) + flags + b"\x20\0\x12\x34\0\0" + b"\x01" * options
    else:
        l4_header = b"\x10\0\x20\0\xaa\xaa\xbb\xbb"
    head = MAC + b"\x02\0\0\0\0\x77" + (b"\x86\xdd" if ipv6 else b"\x08\0") + ip + l4_header
    assert len(head) == l4 + header + options
    return head + payload, Segmentation(1, len(head), tcp, ipv6), l4


def naive(whole: bytes, how: Segmentation, l4: int) -> list[bytes]:
    """The frames a stack would have sent itself, sums and all (RFC 791, 8200, 9293, 768)."""
    head, payload = whole[: how.header], whole[how.header :]
    made = []
    for number, at in enumerate(range(0, len(payload), how.mss)):
        part = payload[at : at + how.mss]
        ip, top = bytearray(head[14:l4]), bytearray(head[l4:])
        size = len(top) + len(part)
        if how.ipv6:
            ip[4:6] = size.to_bytes(2, "big")
            addresses = ip[8:40]
        else:
            ip[2:4] = (len(ip) + size).to_bytes(2, "big")
            ip[4:6] = (int.from_bytes(ip[4:6], "big") + number & 0xFFFF).to_bytes(2, "big")
            ip[10:12] = b"\0\0"
            ip[10:12] = (0xFFFF & ~ones_sum(bytes(ip))).to_bytes(2, "big")
            addresses = ip[12:20]
        if how.tcp:
            top[4:8] = (int.from_bytes(top[4:8], "big") + at & 0xFFFF_FFFF).to_bytes(4, "big")
            if at + how.mss < len(payload):
                top[13] &= 0xF6
        else:
            top[4:6] = size.to_bytes(2, "big")
        place = 16 if how.tcp else 6
        top[place : place + 2] = b"\0\0"
        pseudo = bytes(addresses) + size.to_bytes(4, "big") + bytes([0, 0, 0, 6 if how.tcp else 17])
        total = 0xFFFF & ~ones_sum(pseudo + bytes(top) + part)
        top[place : place + 2] = (total if how.tcp else total or 0xFFFF).to_bytes(2, "big")
        made.append((head[:14] + bytes(ip) + bytes(top) + part).ljust(60, b"\0"))
    return made


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 20_000), st.integers(40, 1440), st.sampled_from(list(OFFSETS)),
    st.sets(st.integers(1, 3000), max_size=30), st.sets(st.sampled_from(WORKAROUNDS)), st.integers(0, 5),
)  # fmt: skip
def test_pieces_are_those_the_stack_would_have_sent(
    size: int, mss: int, kind: tuple[bool, bool], cuts: set[int], workarounds: set[str], options: int
) -> None:
    bench = Bench(workarounds=workarounds)
    whole, how, l4 = message(random.Random(size).randbytes(size), *kind, options=4 * options if kind[0] else 0)
    how = replace(how, mss=mss)
    segments = pieces(whole, *sorted(cut for cut in cuts if cut < len(whole)))
    assert bench.send(TxFrame(segments, l4_offset=l4, segmentation=how)) == 1
    bench.run()
    assert bench.card.wire == naive(whole, how, l4)
    assert (bench.driver.counters()["tx_tso"], bench.driver.counters()["tx_frames"]) == (1, 1)
    bench.check_account()
    bench.driver.down()
    assert bench.dma.live == 0


def test_a_message_a_frame_and_a_message_keep_their_contexts() -> None:
    bench = Bench()
    whole, how, l4 = message(bytes(3000))
    cut = TxFrame([whole], l4_offset=l4, segmentation=replace(how, mss=1000))
    plain = udp(b"x" * 40)
    single = TxFrame([unsummed(plain)], TxSum.IPV4 | TxSum.UDP)
    for _ in range(3):
        assert bench.send(cut, single) == 2
        bench.run()
    assert bench.card.contexts == 2
    assert bench.card.wire == [*naive(whole, replace(how, mss=1000), l4), plain] * 3


def test_the_longest_message_and_one_byte_more() -> None:
    bench = Bench()
    whole, how, l4 = message(bytes(65536 - 54))
    assert len(whole) == bench.driver.capabilities.tso == 65536
    for item in (whole, whole + b"\0"):
        bench.send(TxFrame([item], l4_offset=l4, segmentation=replace(how, mss=1460)))
        bench.run()
    assert (bench.driver.counters()["tx_tso"], bench.driver.counters()["tx_bad_tso"]) == (1, 1)
    bench.check_account()


@pytest.mark.parametrize(
    "change",
    [{"mss": 0}, {"mss": 1465}, {"header": 53}, {"header": 241, "mss": 100}, {"header": 3054}, {"ipv6": True},
     {"ipv6": True, "tcp": False}],
)  # fmt: skip
def test_what_the_card_cannot_cut_is_refused(change: dict[str, int]) -> None:
    """No payload a piece; a piece over the MTU; headers cut off, too long, or all there is; not IPv6; UDP over IPv6."""
    bench = Bench()
    whole, how, l4 = message(bytes(3000))
    how = replace(replace(how, mss=1000), **change)  # type: ignore[arg-type]
    assert bench.send(TxFrame([whole], l4_offset=l4, segmentation=how)) == 1
    assert bench.driver.counters()["tx_bad_tso"] == 1
    assert bench.driver.queues()[1].used == 0


def test_a_piece_of_exactly_the_mtu_goes_and_a_tag_takes_four_bytes_of_it() -> None:
    bench = Bench(features=Features(tx_checksum=True, tso=True, vlan_insert=True, vlan_strip=True))
    whole, how, l4 = message(bytes(3000))
    for mss in (1464, 1460, 1461):
        tag = None if mss == 1464 else 0x123
        bench.send(TxFrame([whole], l4_offset=l4, vlan=tag, segmentation=replace(how, mss=mss)))
    bench.run()
    assert bench.driver.counters()["tx_bad_tso"] == 1
    assert [len(item) for item in bench.card.wire] == [1518, 1518, 126, 1518, 1518, 138]
    assert [item[12:16] for item in bench.card.wire[3:]] == [b"\x81\0\x01\x23"] * 3


def test_a_card_without_engines_cuts_nothing() -> None:
    bench = Bench(offloads=())
    whole, how, l4 = message(bytes(3000))
    bench.send(TxFrame([whole], l4_offset=l4, segmentation=replace(how, mss=1000)))
    assert bench.driver.counters()["tx_bad_tso"] == 1
    assert bench.driver.capabilities.tso == 0


@pytest.mark.parametrize("ring", [8, 16])
def test_small_rings_take_messages_one_by_one_and_never_hang(ring: int) -> None:
    bench = Bench(tx_ring=ring)
    whole, how, l4 = message(bytes(60_000))
    item = TxFrame(pieces(whole, *range(100, 2000, 100)), l4_offset=l4, segmentation=replace(how, mss=1400))
    waiting = [item] * 5
    for _ in range(20):
        waiting = waiting[bench.send(*waiting) :] if not bench.driver.oactive else waiting
        bench.run()
    assert not waiting
    assert bench.driver.counters()["tx_tso"] == 5
    assert bench.driver.counters()["tx_joined"] == 5


def test_workarounds_are_seen_in_the_descriptors() -> None:
    whole, how, l4 = message(bytes(9000))
    lengths = {}
    for workarounds in ((), ("tso_tail",), ("descriptor_4k",)):
        bench = Bench(workarounds=workarounds)
        bench.send(TxFrame([whole], l4_offset=l4, segmentation=replace(how, mss=500)))
        bench.run()
        lengths[workarounds] = [part["DTALEN"] for part in bench.card.descriptors]
    assert lengths == {
        (): [54, 9000], ("tso_tail",): [54, 8996, 4], ("descriptor_4k",): [54, 2000, 2000, 2000, 2000, 1000],
    }  # fmt: skip


def test_split_keeps_every_byte() -> None:
    data = bytes(range(200))
    for at in (0, 1, 50, 51, 199, 200):
        header, rest = split(pieces(data, 50, 50, 120), at)
        assert (header, b"".join(rest)) == (data[:at], data[at:])
