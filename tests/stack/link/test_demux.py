from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.link.demux import L2Demux, L2Entry, ether_key
from tests.stack import naive

MACS = bytes(range(12))
SOURCE = "060708090a0b"


def hexkey(frame: bytes) -> tuple[str, int]:
    key, bits, header = ether_key(frame)
    return f"{key:0{bits // 4}x}", header


KEYS = [
    ("0800", "0800", 14),
    ("0806", "0806", 14),
    ("8100 6042 0800", "81000042 0800", 18),
    ("8100 e000 0800", "0800", 18),  # priority, and no VLAN
    ("8100 e000 8100 0042 0806", "81000042 0806", 22),
    ("88a8 0007 8100 f042 86dd", "88a80007 81000042 86dd", 22),
    ("9100 0001 88a8 0002 8100 0003 0800", "91000001 88a80002 81000003 0800", 26),
    ("8864 1100 1234 0010 0021", f"8864 1100 1234 {SOURCE} 0021", 22),
    ("8100 0042 8864 1100 1234 0010 c021", f"81000042 8864 1100 1234 {SOURCE} c021", 26),
    ("0026 4242 03", "0000 424203", 17),
    ("0026 aaaa 03 000000 0800", "0000 aaaa03 000000 0800", 22),
    ("8100 0042 0026 fefe 03", "81000042 0000 fefe03", 21),
]


@pytest.mark.parametrize(("rest", "key", "header"), KEYS)
def test_the_key_of_each_encapsulation(rest: str, key: str, header: int) -> None:
    frame = MACS + bytes.fromhex(rest)
    assert hexkey(frame + bytes(8)) == (key.replace(" ", ""), header)
    if header > 14:
        for cut in range(14, len(frame)):
            assert ether_key(frame[:cut]) == (0, 0, cut), "a cut header has no key"


TAGGED = [rest for rest, _, header in KEYS if rest[:4] in ("8100", "88a8", "9100")]


@pytest.mark.parametrize("rest", TAGGED)
def test_a_tag_that_the_card_took_out_counts_as_if_it_were_there(rest: str) -> None:
    whole = MACS + bytes.fromhex(rest) + bytes(8)
    key, bits, header = ether_key(whole)
    stripped = whole[:12] + whole[16:]
    assert ether_key(stripped, int.from_bytes(whole[12:16], "big")) == (key, bits, header - 4)


PREFIX = st.text("01", max_size=7)


def entry(text: str) -> L2Entry:
    return L2Entry(int(text or "0", 2), len(text), 1, lambda packet, argument: None, text)


@given(st.sets(PREFIX), st.sets(PREFIX), st.lists(PREFIX, min_size=1))
def test_lookup_is_the_longest_prefix(added: set[str], removed: set[str], keys: list[str]) -> None:
    demux = L2Demux()
    for text in added:
        demux.add(entry(text))
    for text in added & removed:
        demux.remove(int(text or "0", 2), len(text))
    entries = [(text, text) for text in added - removed]
    for key in keys:
        found = demux.lookup(int(key or "0", 2), len(key))
        assert (found and found.argument) == naive.longest_prefix(key, entries)


def test_it_starts_empty() -> None:
    assert L2Demux().lookup(0x0800, 16) is None


def test_one_bit_of_ppp_catches_all_control_protocols() -> None:
    demux = L2Demux()
    session = pack("!HHH", 0x8864, 0x1100, 7) + MACS[6:12]
    demux.add(L2Entry(int.from_bytes(session, "big") << 1 | 1, 97, 5, lambda p, a: None, "control"))
    for protocol, found in ((0xC021, True), (0x8021, True), (0x0021, False)):
        key, bits, _ = ether_key(MACS + pack("!HHHHH", 0x8864, 0x1100, 7, 2, protocol))
        assert (demux.lookup(key, bits) is not None) is found


def test_refusals() -> None:
    demux = L2Demux()
    demux.add(entry("0101"))
    with pytest.raises(ValueError, match="L2 prefix 0x5/4 is taken"):
        demux.add(entry("0101"))
    with pytest.raises(ValueError, match="does not fit 3 bits"):
        demux.add(L2Entry(8, 3, 1, lambda p, a: None, None))
    with pytest.raises(ValueError, match="L2 prefix 0x1/4 is not in the table"):
        demux.remove(1, 4)
