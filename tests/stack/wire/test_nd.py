from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptMTU,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)

from ringbed.stack.wire.icmpv6 import NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION
from ringbed.stack.wire.nd import OVERRIDE, ROUTER, SOLICITED, Neighbour
from ringbed.stack.wire.view import Truncated

ADDRESS = st.integers(0, 2**128 - 1)
MAC = st.binary(min_size=6, max_size=6)
FLAGS = st.lists(st.sampled_from([ROUTER, SOLICITED, OVERRIDE]), unique=True).map(sum)
SRC, DST = "2001:db8::1", "2001:db8::2"
NUMBERS = (0x20010DB8 << 96 | 1, 0x20010DB8 << 96 | 2)


@given(ADDRESS, st.none() | MAC, FLAGS)
def test_what_is_emitted_is_parsed(target: int, lladdr: bytes | None, flags: int) -> None:
    for value in (
        Neighbour(NEIGHBOUR_SOLICITATION, target, lladdr),
        Neighbour(NEIGHBOUR_ADVERTISEMENT, target, lladdr, flags),
    ):
        assert Neighbour.parse(value.emit(*NUMBERS)) == value


@given(MAC, FLAGS)
def test_it_is_what_scapy_writes(lladdr: bytes, flags: int) -> None:
    ip, text = IPv6(src=SRC, dst=DST), lladdr.hex(":")
    ask = ip / ICMPv6ND_NS(tgt=DST) / ICMPv6NDOptSrcLLAddr(lladdr=text)
    assert bytes(ask)[40:] == Neighbour(NEIGHBOUR_SOLICITATION, NUMBERS[1], lladdr).emit(*NUMBERS)
    router, solicited, override = (bool(flags & each) for each in (ROUTER, SOLICITED, OVERRIDE))
    answer = ip / ICMPv6ND_NA(tgt=DST, R=router, S=solicited, O=override) / ICMPv6NDOptDstLLAddr(lladdr=text)
    assert bytes(answer)[40:] == Neighbour(NEIGHBOUR_ADVERTISEMENT, NUMBERS[1], lladdr, flags).emit(*NUMBERS)


def test_other_options_are_stepped_over_and_the_first_of_two_counts() -> None:
    ask = IPv6(src=SRC, dst=DST) / ICMPv6ND_NS(tgt=DST) / ICMPv6NDOptMTU()
    ask = ask / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:07")
    for mac in ("02:00:00:00:00:08", "02:00:00:00:00:09"):
        ask = ask / ICMPv6NDOptSrcLLAddr(lladdr=mac)
    assert Neighbour.parse(bytes(ask)[40:]).lladdr == bytes.fromhex("020000000008")


GOOD = Neighbour(NEIGHBOUR_SOLICITATION, 1, bytes(6)).emit(*NUMBERS)


@pytest.mark.parametrize(
    "data",
    [
        b"\x85" + GOOD[1:],  # another message
        GOOD[:1] + b"\x01" + GOOD[2:],  # another code
        GOOD[:25] + b"\0" + GOOD[26:],  # an option of no length
        GOOD[:25] + b"\x02" + GOOD[26:],  # one that is longer than the message
        GOOD[:25],  # one without a length
        GOOD + b"\x0e",
    ],
)
def test_what_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="neither solicitation nor advertisement|does not fit its message"):
        Neighbour.parse(data)


def test_short() -> None:
    for size in range(24):
        with pytest.raises(Truncated):
            Neighbour.parse(GOOD[:size])


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail_otherwise(tail: bytes) -> None:
    for kind in (135, 136):
        try:
            Neighbour.parse(bytes([kind, 0]) + tail)
        except ValueError:
            pass
