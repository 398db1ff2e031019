"""Router discovery's messages against scapy, both ways, and everything that does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import (
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptMTU,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)

from ringbed.stack.wire.address import ipv6
from ringbed.stack.wire.ra import Prefix, RouterAdvertisement, check_solicitation, solicitation
from ringbed.stack.wire.view import Truncated

SRC, DST, MAC = "fe80::1", "ff02::1", b"\x02\0\0\0\0\x01"
NUMBERS = ipv6(SRC), ipv6(DST)
TIMES = st.integers(0, 0xFFFFFFFF)
PREFIXES = st.builds(
    Prefix, st.integers(0, 2**128 - 1), st.integers(0, 128), TIMES, TIMES, st.booleans(), st.booleans()
)


def as_scapy(advert: RouterAdvertisement, extra: bool) -> bytes:
    from ipaddress import IPv6Address

    packet = IPv6(src=SRC, dst=DST) / ICMPv6ND_RA(chlim=advert.hop_limit, routerlifetime=advert.lifetime, prf=0)
    if advert.lladdr is not None:
        packet /= ICMPv6NDOptSrcLLAddr(lladdr=advert.lladdr.hex(":"))
    if extra:
        packet /= ICMPv6NDOptMTU(mtu=1400)
    for each in advert.prefixes:
        packet /= ICMPv6NDOptPrefixInfo(
            prefix=str(IPv6Address(each.prefix)), prefixlen=each.bits, validlifetime=each.valid,
            preferredlifetime=each.preferred, L=int(each.on_link), A=int(each.autonomous), R=0,
        )  # fmt: skip
    return bytes(packet)[40:]


@given(
    lifetime=st.integers(0, 0xFFFF), prefixes=st.lists(PREFIXES, max_size=4), lladdr=st.sampled_from([None, MAC]),
    hops=st.integers(0, 255),
)  # fmt: skip
def test_what_scapy_writes_is_what_we_write(
    lifetime: int, prefixes: list[Prefix], lladdr: bytes | None, hops: int
) -> None:
    advert = RouterAdvertisement(lifetime, tuple(prefixes), lladdr, hops)
    assert advert.emit(*NUMBERS) == as_scapy(advert, extra=False)
    assert RouterAdvertisement.parse(as_scapy(advert, extra=True)) == advert


def test_a_question_is_what_scapy_asks() -> None:
    asked = bytes(IPv6(src=SRC, dst="ff02::2") / ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=MAC.hex(":")))[40:]
    assert solicitation(MAC, ipv6(SRC), ipv6("ff02::2")) == asked
    check_solicitation(asked, from_somebody=True)
    with pytest.raises(ValueError, match="nobody has no link address"):
        check_solicitation(asked, from_somebody=False)
    check_solicitation(asked[:8], from_somebody=False)
    for wrong in (asked[:7], b"\x86" + asked[1:], asked[:1] + b"\1" + asked[2:]):
        with pytest.raises(ValueError, match="no router solicitation"):
            check_solicitation(wrong, from_somebody=True)


GOOD = RouterAdvertisement(1800, (Prefix(ipv6("2001:db8::"), 64, 7200, 3600),), MAC).emit(*NUMBERS)


@pytest.mark.parametrize("length", [*range(16), 17, 18, 23, *range(25, 56)])
def test_cut_anywhere_it_is_refused(length: int) -> None:
    with pytest.raises(Truncated if length < 16 else ValueError):
        RouterAdvertisement.parse(GOOD[:length])


def test_an_option_of_no_length_and_another_message_are_refused() -> None:
    for wrong in (GOOD[:17] + b"\0" + GOOD[18:], b"\x85" + GOOD[1:], GOOD[:1] + b"\1" + GOOD[2:]):
        with pytest.raises(ValueError, match="does not fit|no router advertisement"):
            RouterAdvertisement.parse(wrong)


def test_a_prefix_of_another_length_is_none() -> None:
    longer = GOOD[:24] + b"\x03\x05" + GOOD[26:56] + bytes(8)
    assert RouterAdvertisement.parse(longer).prefixes == ()
