"""Addresses as people write them and as the stack has them: numbers of 32 or 128 bits; link addresses as 6 bytes."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

REMEMBERED = 4096  # texts and numbers: a socket speaks with the same few again and again


@lru_cache(REMEMBERED)
def ipv4(text: str) -> int:
    """`10.0.0.1` as a number. Raises ValueError unless it is four decimal bytes."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError(f"{text!r} is not an IPv4 address")
    a, b, c, d = parts
    return int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)


@lru_cache(REMEMBERED)
def ipv4_text(address: int) -> str:
    """The number as `10.0.0.1`."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


@lru_cache(REMEMBERED)
def ipv6(text: str) -> int:
    """`fe80::1` as a number (RFC 4291, 2.2). Raises ValueError for anything else, a scope too."""
    try:
        if "%" not in text:
            return int(IPv6Address(text))
    except AddressValueError:
        pass
    raise ValueError(f"{text!r} is not an IPv6 address")


@lru_cache(REMEMBERED)
def ipv6_text(address: int) -> str:
    """The number as RFC 5952 writes it; one of IPv4's with dots (5), which Python does only from 3.13 on."""
    return f"::ffff:{ipv4_text(address & 0xFFFF_FFFF)}" if address >> 32 == 0xFFFF else str(IPv6Address(address))


def lladdr_text(lladdr: bytes) -> str:
    """Six bytes as `0c:c4:7a:78:f3:55`."""
    return lladdr.hex(":")
