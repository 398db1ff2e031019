"""References written to be obviously right: slow loops, no arithmetic tricks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071, word by word with end-around carry; an odd length is padded with a zero byte."""
    total = 0
    for at in range(0, len(data), 2):
        word = data[at] << 8 | (data[at + 1] if at + 1 < len(data) else 0)
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(data: bytes) -> int:
    return ~ones_complement_sum(data) & 0xFFFF


def pseudo_header(src: int, dst: int, proto: int, length: int) -> bytes:
    return src.to_bytes(4, "big") + dst.to_bytes(4, "big") + bytes([0, proto]) + length.to_bytes(2, "big")


def pseudo_header6(src: int, dst: int, proto: int, length: int) -> bytes:
    """RFC 8200, 8.1."""
    return src.to_bytes(16, "big") + dst.to_bytes(16, "big") + length.to_bytes(4, "big") + bytes([0, 0, 0, proto])


def longest_prefix(key: str, entries: Iterable[tuple[str, T]]) -> T | None:
    """`key` and prefixes as strings of '0' and '1': the longest one that the key begins with."""
    fitting = [(len(prefix), value) for prefix, value in entries if key.startswith(prefix)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def bits(value: int, width: int) -> str:
    return f"{value:0{width}b}" if width else ""


def best_match(key: Sequence[int], entries: Iterable[tuple[Sequence[tuple[int, int]], T]]) -> T | None:
    """`key` is (dst, src, word); an entry has (value, mask) for each. The rule of ip/demux.py, by comparing tuples."""
    fitting = []
    for pattern, value in entries:
        if all(k & mask == want for k, (want, mask) in zip(key, pattern, strict=True)):
            given = [mask.bit_count() for _, mask in pattern]
            fitting.append(((sum(given), given[0], given[1], pattern[2][1]), value))
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
