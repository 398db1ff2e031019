"""Addresses as people write them, and as the stack carries them: IPv4 as a 32-bit number, link addresses as 6 bytes."""

from __future__ import annotations

from functools import lru_cache

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


def ipv4_prefix(text: str) -> tuple[int, int]:
    """`10.0.0.0/8` as address and length; a bare address has 32. Raises ValueError for anything else."""
    head, slash, tail = text.partition("/")
    if slash and not (tail.isascii() and tail.isdigit() and int(tail) <= 32):
        raise ValueError(f"{text!r} does not end in a prefix length of 0 to 32")
    return ipv4(head), int(tail) if slash else 32


def netmask(length: int) -> int:
    """The mask of a prefix of `length` bits, as a 32-bit number."""
    return 0xFFFFFFFF << (32 - length) & 0xFFFFFFFF


def lladdr_text(lladdr: bytes) -> str:
    """Six bytes as `0c:c4:7a:78:f3:55`."""
    return lladdr.hex(":")
