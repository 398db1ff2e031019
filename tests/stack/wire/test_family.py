from __future__ import annotations

import ipaddress

import pytest

from ringbed.stack.wire.family import FAMILIES, INET, INET6, Family, family_of

BOTH = pytest.mark.parametrize("family", FAMILIES.values(), ids=str)


@BOTH
def test_masks_are_those_of_ipaddress(family: Family) -> None:
    zero = family.text(0)
    for length in range(family.bits + 1):
        assert family.mask(length) == int(ipaddress.ip_network(f"{zero}/{length}").netmask)
    assert family.ones == family.mask(family.bits)


@BOTH
def test_prefixes(family: Family) -> None:
    address = {INET: "10.1.0.0", INET6: "2001:db8::"}[family]
    number = family.parse(address)
    assert family.prefix(f"{address}/16") == (number, 16)
    assert family.prefix(address) == (number, family.bits)
    assert family.octets(number) == ipaddress.ip_address(address).packed
    for bad in (f"{address}/{family.bits + 1}", f"{address}/", f"{address}/x", f"{address}/\u0663"):
        with pytest.raises(ValueError, match=f"prefix length of 0 to {family.bits}"):
            family.prefix(bad)


def test_the_family_of_a_text() -> None:
    assert [family_of(text) for text in ("10.0.0.0/8", "::/0", "fe80::1", "1.2.3.4")] == [INET, INET6, INET6, INET]
    assert [str(family) for family in (INET, INET6)] == ["inet", "inet6"]
