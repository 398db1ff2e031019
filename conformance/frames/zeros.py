"""The two zeros that a one's complement sum has: 0x0000 and 0xFFFF in every sum's field, and nothing but 00 and ff.

A receiver adds the field to what it covers, and all ones is right (RFC 1071 1, rule 3). So where the sum comes out as 0
both are right in the header of IPv4 (RFC 791) and in TCP (RFC 9293 3.1), and only UDP has another meaning for 0x0000
(RFC 768). Where it comes out as anything else both are wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ringbed.conformance.frames.made import IPV4, IPV6, Build, ip_options
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.references.anatomy import TCP, UDP
from ringbed.conformance.references.checksum import raw_sum, sum_place, with_seed

__all__ = ["KINDS"]

ZEROS = (0x0000, 0xFFFF)
OTHER = b"\x88\xb5"  # an EtherType for experiments (IEEE 802)


def _both_zeros(rng: random.Random, seed: int) -> Iterator[bytes]:
    """In the header of IPv4 where the sum is 0 and where it is not, in TCP and UDP where it is."""
    build = Build(rng)
    for protocol in (TCP, UDP):
        for words in (0, 3):
            packet = bytes(build.ip4(options=ip_options(build, words)) / build.l4(protocol, 41))
            for right in (True, False):
                yield from (link(IPV4, _with_ip_sum(packet, 20 + 4 * words, value, right)) for value in ZEROS)
        for ether, below in ((IPV4, build.ip4()), (IPV4, build.ip4(options=ip_options(build, 3))), (IPV6, build.ip6())):
            frame = link(ether, build.zero_sum(below, protocol))
            if place := sum_place(frame):
                yield from (with_seed(frame, place, value) for value in ZEROS)


def _with_ip_sum(packet: bytes, size: int, value: int, right: bool) -> bytes:
    """`packet` with `value`, a zero, in the sum of its header of `size` bytes, and an identification for which that is
    right, or one beside."""
    rest = raw_sum(packet[:4] + b"\0\0" + packet[6:10] + b"\0\0" + packet[12:size], 0)
    ident = 0xFFFF - rest if right else (0xFFFF - rest) ^ 1
    return packet[:4] + ident.to_bytes(2, "big") + packet[6:10] + value.to_bytes(2, "big") + packet[12:]


def _nothing_but(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Frames of zeros, for only these have the sum 0x0000; zeros, or ff, behind a link header, or nothing."""
    for length in (14, 15, 16, 17, 18, 22, 59, 60, 61, 64, 65, 1514):
        yield bytes(length)
        for byte in (b"\x00", b"\xff"):
            yield rng.randbytes(12) + OTHER + byte * (length - 14)


KINDS: dict[str, Callable[[random.Random, int], Iterator[bytes]]] = {
    "0x0000 and 0xffff": _both_zeros,
    "nothing but 00 and ff": _nothing_but,
}
