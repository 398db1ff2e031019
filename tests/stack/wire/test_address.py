import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.address import ipv4, ipv4_prefix, ipv4_text, lladdr_text, netmask


@given(st.integers(0, 2**32 - 1))
def test_text_and_number_agree_with_ipaddress(number: int) -> None:
    text = str(ipaddress.IPv4Address(number))
    assert ipv4(text) == number
    assert ipv4_text(number) == text


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.x", "a.b.c.d", "1.2.3.٤"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IPv4 address"):
        ipv4(text)


def test_prefixes() -> None:
    assert ipv4_prefix("10.1.0.0/16") == (0x0A010000, 16)
    assert ipv4_prefix("10.1.0.1") == (0x0A010001, 32)
    for bad in ("10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x"):
        with pytest.raises(ValueError, match="prefix length of 0 to 32"):
            ipv4_prefix(bad)


@pytest.mark.parametrize("length", range(33))
def test_netmask(length: int) -> None:
    assert netmask(length) == int(ipaddress.IPv4Network(f"0.0.0.0/{length}").netmask)


def test_link_address() -> None:
    assert lladdr_text(bytes.fromhex("0cc47a78f355")) == "0c:c4:7a:78:f3:55"
