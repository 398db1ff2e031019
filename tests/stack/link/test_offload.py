"""What goes down for each kind of card: by flags, and by the bytes in the checksum fields."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.packet import (
    HEADROOM,
    ICMP_CSUM_OUT,
    IPV4_CSUM_IN_OK,
    IPV4_CSUM_OUT,
    L4_CSUM_IN_OK,
    OUT_MASK,
    TCP_CSUM_OUT,
    UDP_CSUM_OUT,
    Packet,
)  # fmt: skip
from ringbed.stack.kern.stats import Stats
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.link.offload import ChecksumOutput, to_this_host
from tests.stack.checker import icmp_of, udp_of
from tests.stack.host import PEER, Host, icmp_frame
from tests.stack.naive import checksum, ones_complement_sum, pseudo_header

SRC, DST = 0x0A000002, 0x0A000001
L4 = {TCP_CSUM_OUT: (6, 20, 16), UDP_CSUM_OUT: (17, 8, 6), ICMP_CSUM_OUT: (1, 8, 2)}  # proto, header, field


def packet(flag: int, payload: list[bytes], options: bytes = b"") -> tuple[Packet, bytes]:
    """As ip_output leaves it, and its L4 bytes with a zero checksum."""
    proto, size, at = L4[flag]
    l4 = bytearray(b"\x5a" * size)
    l4[at : at + 2] = b"\0\0"
    addresses = SRC.to_bytes(4, "big") + DST.to_bytes(4, "big")
    header = bytearray([0x45 + len(options) // 4, *bytes(8), proto, *bytes(2), *addresses, *options])
    p = Packet([bytearray(HEADROOM) + header + l4, *payload], flag | IPV4_CSUM_OUT, start=HEADROOM)
    p.src, p.dst, p.proto = SRC, DST, proto
    p.l4 = HEADROOM + len(header)
    return p, bytes(l4) + b"".join(payload)


def headers(p: Packet) -> bytes:
    """What is in the first segment, from IP's header on."""
    return bytes(p.segments[0][HEADROOM:])


def pseudo(flag: int, l4: bytes) -> bytes:
    return b"" if flag == ICMP_CSUM_OUT else pseudo_header(SRC, DST, L4[flag][0], len(l4))


@pytest.mark.parametrize("flag", L4)
@given(payload=st.lists(st.binary(min_size=1, max_size=9), max_size=4), options=st.sampled_from([b"", b"\x01" * 40]))
def test_software_sums_are_right_for_any_segments(flag: int, payload: list[bytes], options: bytes) -> None:
    p, l4 = packet(flag, payload, options)
    ChecksumOutput(Capabilities(), Stats()).in_proto_cksum_out(p)
    at = L4[flag][2]
    sent = p.bytes()[20 + len(options) :]
    want = checksum(pseudo(flag, l4) + l4)
    if flag == UDP_CSUM_OUT:
        want = want or 0xFFFF
    assert int.from_bytes(sent[at : at + 2], "big") == want
    assert sent[:at] + b"\0\0" + sent[at + 2 :] == l4, "nothing else was touched"
    assert ones_complement_sum(headers(p)[: 20 + len(options)]) == 0xFFFF
    assert not p.flags & OUT_MASK


@pytest.mark.parametrize("flag", L4)
@given(
    payload=st.binary(max_size=40), cuts=st.lists(st.integers(1, 90), max_size=4), old=st.binary(min_size=4, max_size=4)
)
def test_what_was_received_is_summed_wherever_it_is_cut(flag: int, payload: bytes, cuts: list[int], old: bytes) -> None:
    """Segments end anywhere, in the headers too, and the fields hold what they held before."""
    made, l4 = packet(flag, [payload] if payload else [])
    at = HEADROOM + 20 + L4[flag][2]
    whole = bytearray(b"".join(made.segments))
    whole[HEADROOM + 10 : HEADROOM + 12], whole[at : at + 2] = old[:2], old[2:]
    ends = sorted({min(cut, len(whole)) for cut in cuts} | {len(whole)})
    pieces = [bytes(whole[a:b]) for a, b in itertools.pairwise([0, *ends])]
    p = Packet([*pieces], flag | IPV4_CSUM_OUT)
    p.src, p.dst, p.proto, p.ifl_index = SRC, DST, made.proto, 3
    p.l3, p.l4, p.end = HEADROOM, HEADROOM + 20, len(whole)
    ChecksumOutput(Capabilities(), Stats()).in_proto_cksum_out(p)
    sent = p.bytes()[HEADROOM:]
    want = checksum(pseudo(flag, l4) + l4) or (0xFFFF if flag == UDP_CSUM_OUT else 0)
    assert int.from_bytes(sent[at - HEADROOM : at - HEADROOM + 2], "big") == want
    assert ones_complement_sum(sent[:20]) == 0xFFFF
    assert b"".join(pieces) == whole, "what others may read is as it was"


@pytest.mark.parametrize("flag", L4)
def test_headers_that_do_not_lie_in_the_first_segment_are_found(flag: int) -> None:
    """As when something was pushed that did not fit into the headroom, and more goes in front later."""
    p, l4 = packet(flag, [b"payload"])
    p.push(b"V" * 18)
    assert len(p.segments[0]) == 18
    ChecksumOutput(Capabilities(), Stats()).in_proto_cksum_out(p)
    sent = p.bytes()
    assert sent[:18] == b"V" * 18
    assert ones_complement_sum(sent[18:38]) == 0xFFFF
    assert ones_complement_sum(pseudo(flag, l4) + sent[38:]) == 0xFFFF


@pytest.mark.parametrize(("flag", "field"), [(UDP_CSUM_OUT, b"\xff\xff"), (TCP_CSUM_OUT, b"\0\0")])
def test_a_computed_zero(flag: int, field: bytes) -> None:
    p, l4 = packet(flag, [b"\0\0"])
    rest = checksum(pseudo(flag, l4) + l4)
    p.segments[1] = rest.to_bytes(2, "big")
    ChecksumOutput(Capabilities(), Stats()).in_proto_cksum_out(p)
    at = 20 + L4[flag][2]
    assert headers(p)[at : at + 2] == field


@pytest.mark.parametrize("flag", [TCP_CSUM_OUT, UDP_CSUM_OUT])
def test_a_pseudo_header_card_finds_the_folded_sum_in_the_field(flag: int) -> None:
    p, l4 = packet(flag, [b"payload"])
    stats = Stats()
    ChecksumOutput(Capabilities(tx_ipv4=True, tx_l4=Offload.PSEUDO), stats).in_proto_cksum_out(p)
    at = 20 + L4[flag][2]
    assert int.from_bytes(headers(p)[at : at + 2], "big") == ones_complement_sum(pseudo(flag, l4))
    assert p.flags & OUT_MASK == flag | IPV4_CSUM_OUT
    assert headers(p)[10:12] == b"\0\0"
    assert stats.ip.ips_outhwcsum.value == 1
    assert stats.tcp.tcps_outhwcsum.value + stats.udp.udps_outhwcsum.value == 1


@pytest.mark.parametrize("flag", [TCP_CSUM_OUT, UDP_CSUM_OUT])
def test_a_full_card_finds_zero_in_the_field(flag: int) -> None:
    p, l4 = packet(flag, [b"payload"])
    ChecksumOutput(Capabilities(tx_ipv4=True, tx_l4=Offload.FULL), Stats()).in_proto_cksum_out(p)
    assert p.bytes()[20:] == l4
    assert p.flags & OUT_MASK == flag | IPV4_CSUM_OUT


@pytest.mark.parametrize("l4", Offload)
@pytest.mark.parametrize("ipv4", [False, True])
def test_a_host_asks_its_card_for_what_it_offers_and_sums_the_rest(l4: Offload, ipv4: bool) -> None:
    host = Host(Capabilities(tx_ipv4=ipv4, tx_l4=l4))
    host.stack.udp_socket().sendto(b"hello", (PEER, 9))
    host.give(icmp_frame())
    udp_wanted, icmp_wanted = host.below.wanted
    assert udp_wanted == ipv4 * IPV4_CSUM_OUT | (l4 is not Offload.NONE) * UDP_CSUM_OUT
    assert icmp_wanted == ipv4 * IPV4_CSUM_OUT, "no card sums ICMP"
    if l4 is Offload.NONE and not ipv4:
        udp_of(host.below.sent[0])
        icmp_of(host.below.sent[1])
    ip, udp, icmp = host.stats.ip, host.stats.udp, host.stats.icmp
    assert (ip.ips_outhwcsum.value, ip.ips_outswcsum.value) == ((2, 0) if ipv4 else (0, 2))
    assert (udp.udps_outhwcsum.value, udp.udps_outswcsum.value) == ((0, 1) if l4 is Offload.NONE else (1, 0))
    assert icmp.icps_outswcsum.value == 1


def test_no_udp_checksum_means_none_on_every_card() -> None:
    for l4 in Offload:
        host = Host(Capabilities(tx_l4=l4))
        sock = host.stack.udp_socket()
        sock.set_checksum(False)
        sock.sendto(b"hello", (PEER, 9))
        host.stack.run()
        (frame,) = host.below.sent
        assert frame[40:42] == b"\0\0"
        assert host.below.wanted == [0]


def test_to_this_host_nothing_is_summed() -> None:
    assert to_this_host(IPV4_CSUM_OUT | UDP_CSUM_OUT) == IPV4_CSUM_IN_OK | L4_CSUM_IN_OK
    assert to_this_host(IPV4_CSUM_OUT) == IPV4_CSUM_IN_OK
