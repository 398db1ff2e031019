from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from ringbed.stack.wire.icmpv6 import Icmpv6
from tests.stack.naive import ones_complement_sum, pseudo_header6

U8 = st.integers(0, 255)
ADDRESS = st.integers(0, 2**128 - 1)


@given(U8, U8, st.integers(0, 2**32 - 1), st.binary(max_size=40), ADDRESS, ADDRESS)
def test_what_is_emitted_is_parsed_and_sums_up_with_its_addresses(
    kind: int, code: int, rest: int, payload: bytes, src: int, dst: int
) -> None:
    value = Icmpv6(kind, code, rest, payload)
    data = value.emit(src, dst)
    assert Icmpv6.parse(b"x" + data, 1) == value
    assert ones_complement_sum(pseudo_header6(src, dst, 58, len(data)) + data) == 0xFFFF


@given(st.binary(max_size=40), ADDRESS, ADDRESS)
def test_an_echo_request_is_what_scapy_writes(payload: bytes, src: int, dst: int) -> None:
    src_text, dst_text = (str(ipaddress.IPv6Address(each)) for each in (src, dst))
    theirs = IPv6(src=src_text, dst=dst_text) / ICMPv6EchoRequest(id=7, seq=9, data=payload)
    assert bytes(theirs)[40:] == Icmpv6(128, 0, 7 << 16 | 9, payload).emit(src, dst)
