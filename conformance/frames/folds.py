"""Carries at each fold of a sum that adds a whole beat at once, or that folds with every beat.

A wide bus is summed by a tree: two words, four, and so on up to a beat's, and somewhere in it, or behind it, what is
above 16 bits is added to what is below, which may carry once more. By chance it does so for one group of four words in
some 40,000; here it does for every group of a size, in every beat. The other frames do it to the running sum.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Literal

from ringbed.conformance.frames.lies import summed, with_ip_sum
from ringbed.conformance.frames.made import IPV4, IPV6, Build
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.references.anatomy import TCP, UDP, dissect
from ringbed.conformance.references.checksum import pseudo_sum, sum_place, with_seed

__all__ = ["BY_BEATS"]

Order = Literal["big", "little"]
ORDERS: tuple[Order, ...] = ("big", "little")
FULL, LINK_HEADER, OTHER = 0xFFFF, 14, b"\x88\xb5"  # an EtherType for experiments (IEEE 802)
PAIR = 4  # bytes: a beat of one word alone has nothing to choose from
LEAST = 8  # bytes: a group of four words, below which no sum of words has two bits beyond its 16
BEATS, ODD = 5, 3  # whole beats behind the headers, and the bytes of one more


def _carries_in_a_beat(rng: random.Random, seed: int, lanes: int) -> Iterator[bytes]:
    """Of every size of a group of words, of both byte orders; then of sums that run from the frame's headers on."""
    sizes = [size for size in (8, 16, 32, 64) if size <= max(lanes, LEAST)]
    for headers in _headers(rng):
        for size in sizes:
            for order in ORDERS:
                yield _summed(_grouped(rng, headers, max(lanes, size), size, order))
        for below in (0, 1):
            yield _summed(_running(rng, headers, max(lanes, PAIR), below))


def _headers(rng: random.Random) -> Iterator[bytes]:
    build = Build(rng)
    yield rng.randbytes(12) + OTHER
    for ether, ip, protocol in ((IPV4, build.ip4(flags=0), TCP), (IPV6, build.ip6(), UDP)):
        yield link(ether, bytes(ip / build.l4(protocol, 0)))


def _body(rng: random.Random, headers: bytes, lanes: int) -> tuple[bytearray, int]:
    """The headers with lengths and a seed, bytes behind them, and where their first whole beat begins."""
    begin = -(-len(headers) // lanes) * lanes
    data = bytearray(headers + rng.randbytes(begin + BEATS * lanes + ODD - len(headers)))
    ether, rest = headers[12:14], len(data) - LINK_HEADER
    if ether == IPV4.to_bytes(2, "big"):
        data[16:18] = rest.to_bytes(2, "big")
    if ether == IPV6.to_bytes(2, "big"):
        data[18:20] = data[58:60] = (rest - 40).to_bytes(2, "big")
    return data, begin


def _grouped(rng: random.Random, headers: bytes, lanes: int, size: int, order: Order) -> bytes:
    """In every beat the words of every group of `size` bytes have FULL in the low half of their sum, and more above."""
    data, begin = _body(rng, headers, lanes)
    for at in range(begin, begin + BEATS * lanes, size):
        for high in (at, at + 2):  # two words that are half of 16 bits each
            data[high + (order == "little")] |= 0x80
        _complete(data, at, at + size, 0, order)
    return bytes(data)


def _running(rng: random.Random, headers: bytes, lanes: int, below: int) -> bytes:
    """With every beat the sum from the TCP or UDP header on, or from the link header's end, has FULL - `below` in its
    low half."""
    data, begin = _body(rng, headers, lanes)
    parts = dissect(bytes(data))
    start = LINK_HEADER if not parts.version else parts.l4[0]
    if place := sum_place(bytes(data), parts):
        data = bytearray(with_seed(bytes(data), place, pseudo_sum(bytes(data), parts)))
    for end in range(begin + lanes, begin + (BEATS + 1) * lanes, lanes):
        _complete(data, start, end, below, "big")
    return bytes(data)


def _complete(data: bytearray, begin: int, end: int, below: int, order: Order) -> None:
    """Sets the last of the words from `begin` to `end`, so that the low half of their sum is FULL - `below`."""
    words = (data[at : at + 2] for at in range(begin, end - 2, 2))
    total = sum(int.from_bytes(word, order) for word in words)
    last = (FULL - below - total) % 65536
    data[end - 2 : end] = last.to_bytes(2, order)


def _summed(frame: bytes) -> bytes:
    """With its right sums, where it has any; the payload stays."""
    return summed(with_ip_sum(frame, LINK_HEADER, 20) if frame[12:14] == IPV4.to_bytes(2, "big") else frame)


BY_BEATS: dict[str, Callable[[random.Random, int, int], Iterator[bytes]]] = {"carries in a beat": _carries_in_a_beat}
