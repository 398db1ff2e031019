"""Payloads that a checksum cannot be fooled by.

A one's complement sum does not see swapped words, a word of 0x0000 for one of 0xFFFF, or one word lost and another
doubled. So every 16-bit word of a payload differs from all others of it, and none is 0x0000 or 0xFFFF.
"""

from __future__ import annotations

import random
from functools import lru_cache

__all__ = ["LONGEST", "payload"]

LONGEST = 0xFFFE  # bytes; longer than any UDP or ICMP payload over IPv4


@lru_cache(maxsize=8)
def _words(seed: int) -> bytes:
    """All 65,534 usable words in a seeded order, big-endian."""
    words = list(range(1, 0xFFFF))
    random.Random(seed).shuffle(words)
    return b"".join(word.to_bytes(2, "big") for word in words)


def payload(seed: int, size: int) -> bytes:
    """`size` bytes, another stretch of the seed's words for every size; raises ValueError beyond `LONGEST`."""
    if not 0 <= size <= LONGEST:
        raise ValueError(f"a payload has 0..{LONGEST} bytes, not {size}")
    words = _words(seed)
    start = 2 * (size * 2654435761 % ((len(words) - size) // 2 + 1))
    return words[start : start + size]
