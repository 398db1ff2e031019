import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.address import ipv4, ipv4_text, ipv6, ipv6_text, lladdr_text


@given(st.integers(0, 2**32 - 1))
def test_text_and_number_agree_with_ipaddress(number: int) -> None:
    text = str(ipaddress.IPv4Address(number))
    assert ipv4(text) == number
    assert ipv4_text(number) == text


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.x", "a.b.c.d", "1.2.3.٤"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IPv4 address"):
        ipv4(text)


@given(st.integers(0, 2**128 - 1))
def test_text_of_ipv6_agrees_with_the_c_library(number: int) -> None:
    octets = number.to_bytes(16, "big")
    assert ipv6(socket.inet_ntop(socket.AF_INET6, octets)) == number
    assert socket.inet_pton(socket.AF_INET6, ipv6_text(number)) == octets


@pytest.mark.parametrize(  # RFC 5952, 4 and 5: no leading zeroes, the longest run of them, lower case; IPv4's with dots
    ("text", "shown"),
    [("2001:0DB8::0001", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("0:0:0:0:0:0:0:0", "::"),
     ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::ffff:0a00:0001", "::ffff:10.0.0.1"),
     ("::0a00:0001", "::a00:1"), ("::1:ffff:0a00:1", "::1:ffff:a00:1")],
)  # fmt: skip
def test_ipv6_is_written_as_rfc_5952_has_it(text: str, shown: str) -> None:
    assert ipv6_text(ipv6(text)) == shown


@pytest.mark.parametrize("text", ["", ":", "1::2::3", "1:2:3:4:5:6:7", "12345::", "g::", "fe80::1%em0", "10.0.0.1"])
def test_anything_else_is_no_ipv6_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IPv6 address"):
        ipv6(text)


def test_link_address() -> None:
    assert lladdr_text(bytes.fromhex("0cc47a78f355")) == "0c:c4:7a:78:f3:55"
