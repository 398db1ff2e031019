"""Chains of headers: made at random by scapy, and walked as RFC 8200 says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import (
    HBHOptUnknown,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    Pad1,
    PadN,
    RouterAlert,
)
from scapy.packet import Packet, Raw

from ringbed.stack.wire.ipv6_headers import EXTENSIONS, BadHeader, Tell, Upper, upper

OPTION = st.one_of(
    st.just(Pad1()), st.integers(0, 9).map(lambda n: PadN(optdata=bytes(n))), st.just(RouterAlert()),
    st.tuples(st.integers(6, 0x3F), st.binary(max_size=9)).map(
        lambda pair: HBHOptUnknown(otype=pair[0], optdata=pair[1])
    ),
)  # fmt: skip
OPTIONS = st.lists(OPTION, max_size=4)
LATER = st.one_of(
    OPTIONS.map(lambda options: IPv6ExtHdrDestOpt(options=options)),
    st.integers(0, 3).map(lambda stops: IPv6ExtHdrRouting(addresses=["2001:db8::1"] * stops, segleft=0)),
    st.just(IPv6ExtHdrFragment(offset=0, m=0)),  # of a packet that is whole (RFC 6946)
)
PROTO = st.integers(0, 255).filter(lambda n: n not in EXTENSIONS)


def joined(layers: Sequence[Packet], proto: int, payload: bytes = b"abcdefgh") -> bytes:
    """The bytes of an IPv6 packet with these headers, and `proto` named last."""
    packet = IPv6(src="2001:db8::1", dst="2001:db8::2")
    for layer in layers:
        packet = packet / layer.copy()
    last = packet.lastlayer()
    last.nh = proto
    return bytes(packet / Raw(payload))


@given(st.none() | OPTIONS, st.lists(LATER, max_size=4), PROTO)
def test_what_is_above_is_found_behind_any_headers(first: list[Packet] | None, later: list[Packet], proto: int) -> None:
    layers = ([] if first is None else [IPv6ExtHdrHopByHop(options=first)]) + later
    packet = joined(layers, proto)
    sizes = [40, *(len(bytes(layer)) for layer in layers)]
    at = sum(sizes)
    named = 6 if not layers else at - sizes[-1]
    assert upper(packet) == Upper(proto, at, named)
    assert packet[at:] == b"abcdefgh"


def walked(packet: bytes, believe: bool = False) -> Upper | BadHeader:
    try:
        return upper(packet, believe=believe)
    except BadHeader as bad:
        return bad


@given(st.lists(LATER, max_size=3), PROTO, st.integers(0, 200))
def test_a_chain_that_is_cut_is_bad_or_has_nothing_missing(later: list[Packet], proto: int, cut: int) -> None:
    """Never an exception of another kind, and never a place behind the end."""
    packet = joined(later, proto, b"")
    found = walked(packet[: max(40, cut)])
    if isinstance(found, BadHeader):
        assert 0 <= found.at < len(packet)
        assert cut < len(packet)
    else:
        assert found.at <= max(40, cut)
        assert found == upper(packet)


@given(st.binary(min_size=40, max_size=200))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    for believe in (False, True):
        found = walked(data, believe)
        assert found.at <= len(data) - isinstance(found, BadHeader)


@pytest.mark.parametrize(
    ("kind", "tell"), [(0x46, Tell.NOBODY), (0x7E, Tell.NOBODY), (0x80, Tell.ANY), (0xBE, Tell.ANY), (0xC2, Tell.ONE)]
)
def test_an_option_that_is_not_known_says_what_becomes_of_the_packet(kind: int, tell: Tell) -> None:
    """RFC 8200, 4.2; 0xC2 is a jumbo payload, which nobody here takes."""
    for header in (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt):
        packet = joined([header(options=[PadN(optdata=b""), HBHOptUnknown(otype=kind, optdata=bytes(4))])], 17)
        with pytest.raises(BadHeader) as bad:
            upper(packet)
        assert (bad.value.at, bad.value.code, bad.value.tell) == (44, 2, tell)


def test_hop_by_hop_options_stand_first_or_not_at_all() -> None:
    packet = joined([IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop()], 17)
    with pytest.raises(BadHeader) as bad:
        upper(packet)
    assert (bad.value.at, bad.value.code) == (40, 1), "at what names it"


@pytest.mark.parametrize("kind", [0, 2, 3, 4, 200])
def test_a_route_with_stops_left_is_for_somebody_else(kind: int) -> None:
    packet = joined([IPv6ExtHdrRouting(type=kind, addresses=["2001:db8::1"], segleft=1)], 17)
    with pytest.raises(BadHeader) as bad:
        upper(packet)
    assert (bad.value.at, bad.value.code) == (42, 0), "RFC 8200, 4.4: at the type"


@pytest.mark.parametrize(("offset", "more"), [(1, 0), (0, 1), (8191, 1)])
def test_a_part_of_a_packet_is_told_and_not_looked_into(offset: int, more: int) -> None:
    packet = joined([IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment(offset=offset, m=more)], 60)
    assert upper(packet) == Upper(60, 56, 48, fragment=True)


def test_whoever_only_wants_to_know_what_is_above_is_not_kept_by_what_the_headers_ask() -> None:
    layers = [
        IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0xC2, optdata=bytes(4))]), IPv6ExtHdrHopByHop(),
        IPv6ExtHdrRouting(addresses=["2001:db8::1"], segleft=1),
    ]  # fmt: skip
    packet = joined(layers, 58)
    assert upper(packet, believe=True) == Upper(58, len(packet) - 8, len(packet) - 8 - 24)
    with pytest.raises(BadHeader):
        upper(packet[:70], believe=True)


def test_only_what_every_node_looks_at() -> None:
    packet = joined([IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0xC2)])], 17)
    assert upper(packet, only_first=True) == Upper(60, 48, 40)
