from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import IPv6
from scapy.utils6 import in6_getnsma, in6_getnsmac

from ringbed.stack.wire.ipv6 import (
    Ipv6,
    Ipv6View,
    group_lladdr,
    interface_id,
    is_link_local,
    solicited_node,
)
from ringbed.stack.wire.view import Truncated

U8 = st.integers(0, 255)
U16 = st.integers(0, 0xFFFF)
ADDRESS = st.integers(0, 2**128 - 1)


@given(ADDRESS, ADDRESS, U8, U16, U8, U8, st.integers(0, 0xFFFFF), st.integers(0, 3))
def test_what_is_emitted_is_parsed_and_is_what_scapy_writes(
    src: int, dst: int, following: int, length: int, hops: int, traffic_class: int, flow: int, offset: int
) -> None:
    value = Ipv6(src, dst, following, length, hops, traffic_class, flow)
    assert Ipv6.parse(bytes(offset) + value.emit(), offset) == value
    src_text, dst_text = (str(ipaddress.IPv6Address(each)) for each in (src, dst))
    theirs = IPv6(src=src_text, dst=dst_text, nh=following, plen=length, hlim=hops, tc=traffic_class, fl=flow)
    assert bytes(theirs) == value.emit()


@pytest.mark.parametrize("version", [0, 4, 5, 7, 15])
def test_another_version_is_refused(version: int) -> None:
    data = bytearray(Ipv6(1, 2, 17, 0).emit())
    data[0] = version << 4
    with pytest.raises(ValueError, match=f"IPv6 header says version {version}"):
        Ipv6.parse(data)
    with pytest.raises(Truncated):
        Ipv6View(data[:39])


@given(ADDRESS)
def test_groups_of_questions_are_those_of_scapy(address: int) -> None:
    octets = address.to_bytes(16, "big")
    group = solicited_node(address)
    assert group.to_bytes(16, "big") == in6_getnsma(octets)
    assert group_lladdr(group).hex(":") == in6_getnsmac(group.to_bytes(16, "big"))


@given(ADDRESS, st.integers(0, 2**32 - 1))
def test_link_local_is_what_ipaddress_calls_so_and_no_ipv4_address_is(address: int, ipv4: int) -> None:
    for each in (address, 0xFE80 << 112 | address >> 10, 0xFEC0 << 112 | address >> 10):
        assert is_link_local(each) == ipaddress.IPv6Address(each).is_link_local
    assert not is_link_local(ipv4)


def test_the_interface_id_of_rfc_4291_appendix_a() -> None:
    """Its example: 34-56-78-9A-BC-DE gives 36-56-78-FF-FE-9A-BC-DE."""
    assert interface_id(bytes.fromhex("3456789abcde")) == 0x365678FFFE9ABCDE
