"""The Internet checksum (RFC 1071) as arithmetic modulo 65535.

2**16 == 1 (mod 65535), so a string of bytes read as one big number is congruent to the sum of its 16-bit words, and
Python does that in two calls at C speed. Everything here passes such numbers ('sums') about and reduces them last:

* sums add; an address of 32 or 128 bits or a length is a sum as it is; a piece that starts at an odd byte counts 256
  times.
* the one corner: a sum of 0 (nothing but zero bytes) and a multiple of 65535 are both 0 modulo 65535 but mean 0x0000
  and 0xFFFF. Only the number 0 itself is the former, so no function here may reduce before the last step.
"""

from __future__ import annotations

from collections.abc import Iterable

from ringbed.stack.wire.view import Buffer


def octets_sum(data: Buffer) -> int:
    """The sum of one piece that starts at an even byte; an odd length counts as padded with a zero byte."""
    value = int.from_bytes(data, "big")
    return value << 8 if len(data) & 1 else value


def segments_sum(segments: Iterable[Buffer]) -> int:
    """The sum of pieces laid end to end, whatever their lengths."""
    total = 0
    odd = False
    for segment in segments:
        value = octets_sum(segment)
        total += value << 8 if odd else value
        odd ^= bool(len(segment) & 1)
    return total


def pseudo_sum(src: int, dst: int, proto: int, length: int) -> int:
    """The sum of the pseudo-header of UDP (RFC 768) and TCP (RFC 9293, 3.1), over IPv6 of ICMP too (RFC 8200, 8.1).

    `length` is that of L4. Where the words stand in it makes no difference to their sum, so both headers have the same.
    """
    return src + dst + proto + length


def checksum(value: int) -> int:
    """What goes into the field: the complement of the folded sum. A UDP sender turns 0 into 0xFFFF itself."""
    return -value % 65535 if value else 0xFFFF


def fold(value: int) -> int:
    """The folded sum itself, not complemented: what a pseudo-header card wants to find in the field."""
    return (value % 65535 or 0xFFFF) if value else 0


def intact(value: int) -> bool:
    """Whether a sum over data and its checksum field is right: all ones, and not nothing at all."""
    return value % 65535 == 0 and value != 0
