"""The chance of a fault: a hash of seed, rule, place and ordinal, so that no draw depends on the one before it.

Every fault is drawn here, and by the same arithmetic in `harness/bus_faults.hpp`: whether number `ordinal` of something
is hit is the same on every engine, whatever else was hit before. The mixer is splitmix64's (Steele, Lea, Flood: Fast
splittable pseudorandom number generators, 2014).
"""

from __future__ import annotations

import zlib

__all__ = ["MASK", "chance", "draw", "key_of", "mix"]

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """64 bits in, 64 bits out, each depending on all."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def key_of(seed: int, rule: int, place: str) -> int:
    """What the draws of rule number `rule` at `place` (such as `em0 rx`) have in common."""
    return mix(mix(seed & MASK) + (rule + 1) * GOLDEN + zlib.crc32(place.encode()) & MASK)


def draw(key: int, number: int) -> int:
    """64 bits for `number` (0, 1, ...) of whatever `key` counts."""
    return mix(key + (number + 1) * GOLDEN & MASK)


def chance(rate: float) -> int:
    """`rate` as a threshold for the upper 32 bits of a draw: it is a hit below."""
    return round(rate * (1 << 32))
