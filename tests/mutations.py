"""Files that nobody would write, made of files that somebody did: bytes and words changed, cut, moved, doubled."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

INTERESTING = (0, 1, 2, 3, 4, 15, 16, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORD = re.compile(rb"[A-Za-z0-9_.+-]+|\"[^\"\n]*\"|\S")
VALUES = (
    *rb"""0 -1 1.5 inf -inf nan true false "" "x" 'a' [] {} [[]] [1,"a"] {a=1} {port="clk"} [0] 0x10 1e999 1e308 -0.0
    99999999999999999999 1979-05-27 1979-05-27T07:32:00Z 25:61:61 1979-13-45 "\u0000" "\uD800" "in" "out" "high"
    4294967296 18446744073709551616 null NaN Infinity "\n" """.split(),
    b"9" * 5000, b"0x" + b"f" * 5000, b'"1e999999999"',
    b"[" * 3000, b'{"a":' * 3000, b"a." * 2000 + b"b = 1", b'"' + b"x" * 70_000 + b'"',
    b"\xff", b"\xef\xbb\xbf", b"\0",
)  # fmt: skip


def flip(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _each in range(rng.randrange(1, 4) if data else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def number(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """One, two or four bytes become a number at an edge, in either byte order."""
    size = rng.choice((1, 2, 4))
    at = rng.randrange(0, max(1, len(data) - size), size)
    value = rng.choice(INTERESTING) & ((1 << 8 * size) - 1)
    return data[:at] + value.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def cut(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.randrange(1, 40) :]


def end(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def insert(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((rng.randbytes(rng.randrange(1, 9)), rng.choice(VALUES), b"\n")) + data[at:]


def double(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[: at + rng.randrange(60)] + data[at:]


def splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def word(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A word, a text or a sign becomes another, of this file, of another or of those that no file should have."""
    words = list(WORD.finditer(data))
    if not words:
        return rng.choice(VALUES)
    place = rng.choice(words)
    there = [each[0] for each in WORD.finditer(rng.choice(others))] or [b""]
    return data[: place.start()] + rng.choice((rng.choice(there), rng.choice(VALUES))) + data[place.end() :]


HOW = (flip, number, cut, end, insert, double, splice, word, word, word)


def spoilt(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One of `samples` after one to four changes."""
    data = rng.choice(samples)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(HOW)(rng, data, samples)
    return data
