"""Payload that looks like headers where a parser's pointer may have wrapped: EtherType, IHL and protocol once more.

A parser counts beats until it has seen the headers. If its counter is short, or does not stay at its end, it comes to
its places again: 12 + 2^n beats and any 12 + k beats into the frame. What it finds there in these frames is a whole
header of another kind than the frame's own, behind which the frame soon ends. Since a beat has 2^m bytes, 2^n beats are
2^(n + m) bytes: those frames are the same for every width.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ringbed.conformance.frames.lies import summed, with_ip_sum
from ringbed.conformance.frames.made import IPV4, IPV6, Build, ip_options
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.references.anatomy import TCP, UDP
from ringbed.sim.wire.payload import payload

__all__ = ["BY_BEATS", "KINDS"]

BEATS = 20  # of which each begins a frame's headers once more, in one frame
POWERS = tuple(1 << bits for bits in range(6, 14))  # bytes; the headers in front have at most 62 + 12
ETHER_AT, LINK_HEADER, BEHIND = 12, 14, 9  # BEHIND: bytes that follow the headers of the payload
OTHER = 0x88B5  # an EtherType for experiments (IEEE 802)
OTHER_PROTOCOL = 253  # RFC 3692

Pair = Callable[[Build], tuple[bytes, bytes]]  # a frame's own headers, and those that stand in its payload


def _tcp4(build: Build) -> bytes:
    return link(IPV4, bytes(build.ip4(flags=0) / build.l4(TCP, 0)))


def _udp6(build: Build) -> bytes:
    return link(IPV6, bytes(build.ip6() / build.l4(UDP, 0)))


def _none(build: Build) -> bytes:
    return link(OTHER, b"")


def _other4(build: Build) -> bytes:
    return link(IPV4, bytes(build.ip4(flags=0, proto=OTHER_PROTOCOL)))


def _other6(build: Build) -> bytes:
    return link(IPV6, bytes(build.ip6(nh=OTHER_PROTOCOL)))


def _options4(build: Build) -> bytes:
    return link(IPV4, bytes(build.ip4(flags=0, options=ip_options(build, 1)) / build.l4(UDP, 0)))


# What a parser that keeps a match, and one that takes the last, would both take for something else.
PAIRS: tuple[Pair, ...] = (
    lambda build: (_none(build), _tcp4(build)),
    lambda build: (_none(build), _udp6(build)),
    lambda build: (_other4(build), _tcp4(build)),
    lambda build: (_other6(build), _udp6(build)),
    lambda build: (_tcp4(build), _options4(build)),
    lambda build: (_udp6(build), _other4(build)),
)


def _at_powers(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Headers 64 bytes into a frame without any, 128, and so on to 8,192: 2^n beats of every width."""
    build = Build(rng)
    for at in POWERS:
        for pair in PAIRS[:2]:
            yield _frame(*pair(build), at, seed)


def _others_at_powers(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Headers as far into a frame that has others."""
    build = Build(rng)
    for at in POWERS:
        for pair in PAIRS[2:]:
            yield _frame(*pair(build), at, seed)


def _at_beats(rng: random.Random, seed: int, lanes: int) -> Iterator[bytes]:
    """Headers again in each of the first beats of `lanes` bytes whose EtherType would be behind the frame's own."""
    build, first = Build(rng), -(-(LINK_HEADER - ETHER_AT) // lanes)
    for number, beat in enumerate(range(first, first + BEATS)):
        yield _frame(*PAIRS[0](build), beat * lanes, seed)
        turn = (PAIRS[1:] * 2)[number % len(PAIRS[1:]) :]
        yield next(frame for pair in (*turn, PAIRS[1]) if (frame := _frame(*pair(build), beat * lanes, seed)))


def _frame(own: bytes, again: bytes, at: int, seed: int) -> bytes:
    """A frame with `own` headers and, `at` bytes into it, those of `again` from the EtherType on; its lengths and sums
    are right. Empty where there is no room behind its own headers."""
    if at + ETHER_AT < len(own):
        return b""
    between = payload(seed, at + ETHER_AT - len(own))
    return _made_right(own + between + again[ETHER_AT:] + payload(seed + 1, BEHIND))


def _made_right(frame: bytes) -> bytes:
    """The IP and UDP lengths are of this frame, and the sums."""
    data, ether = bytearray(frame), frame[ETHER_AT:LINK_HEADER]
    if ether == IPV4.to_bytes(2, "big"):
        data[16:18] = (len(frame) - LINK_HEADER).to_bytes(2, "big")
    elif ether == IPV6.to_bytes(2, "big"):
        data[18:20] = (len(frame) - LINK_HEADER - 40).to_bytes(2, "big")
        data[58:60] = data[18:20] if data[20] == UDP else data[58:60]
    else:
        return frame
    return summed(with_ip_sum(bytes(data), LINK_HEADER, 20) if ether == IPV4.to_bytes(2, "big") else bytes(data))


KINDS: dict[str, Callable[[random.Random, int], Iterator[bytes]]] = {
    "headers after 2^n beats": _at_powers,
    "other headers after 2^n beats": _others_at_powers,
}
BY_BEATS: dict[str, Callable[[random.Random, int, int], Iterator[bytes]]] = {"headers after k beats": _at_beats}
