"""Where the headers of a frame are, for contexts to be compared with: Ethernet, tags, SNAP, IPv4, IPv6, TCP, UDP.

What is not understood without doubt is none: a checker that guesses has false findings.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LONGEST", "TCP", "UDP", "Headers", "parse"]

LONGEST = 256  # bytes that `parse` looks at: contexts have offsets of 8 bits
TCP, UDP = 6, 17
TAGS = (0x8100, 0x88A8)  # IEEE 802.1Q
IPV4, IPV6 = 0x0800, 0x86DD
SNAP = b"\xaa\xaa\x03\0\0\0"
EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options: RFC 8200


class Headers(NamedTuple):
    """Offsets from the frame's first byte. `l4` is None where the payload is no whole TCP or UDP."""

    ip: int
    version: int
    l4: int | None = None
    protocol: int = 0
    payload: int = 0  # where the TCP or UDP header ends

    @property
    def l4_sum(self) -> int:
        """Where the TCP or UDP sum is."""
        assert self.l4 is not None
        return self.l4 + (16 if self.protocol == TCP else 6)


def parse(frame: bytes) -> Headers | None:
    """Of a frame's first bytes; None when it is not IP."""
    at = 12
    kind = int.from_bytes(frame[at : at + 2], "big")
    while kind in TAGS:
        at += 4
        kind = int.from_bytes(frame[at : at + 2], "big")
    at += 2
    if kind <= 1500 and frame[at : at + 6] == SNAP:
        kind = int.from_bytes(frame[at + 6 : at + 8], "big")
        at += 8
    if kind == IPV4:
        return _ipv4(frame, at)
    return _ipv6(frame, at) if kind == IPV6 else None


def _ipv4(frame: bytes, at: int) -> Headers | None:
    if len(frame) < at + 20 or frame[at] >> 4 != 4 or frame[at] & 15 < 5:
        return None
    fragment = int.from_bytes(frame[at + 6 : at + 8], "big") & 0x3FFF
    if fragment:
        return Headers(at, 4)
    return _l4(frame, Headers(at, 4, at + 4 * (frame[at] & 15), frame[at + 9]))


def _ipv6(frame: bytes, at: int) -> Headers | None:
    if len(frame) < at + 40 or frame[at] >> 4 != 6:
        return None
    kind, l4 = frame[at + 6], at + 40
    while kind in EXTENSIONS and len(frame) >= l4 + 2:
        kind, l4 = frame[l4], l4 + 8 * (frame[l4 + 1] + 1)
    return _l4(frame, Headers(at, 6, l4, kind))


def _l4(frame: bytes, found: Headers) -> Headers:
    assert found.l4 is not None
    if found.protocol == UDP and len(frame) >= found.l4 + 8:
        return found._replace(payload=found.l4 + 8)
    if found.protocol == TCP and len(frame) >= found.l4 + 20 and frame[found.l4 + 12] >> 4 >= 5:
        return found._replace(payload=found.l4 + 4 * (frame[found.l4 + 12] >> 4))
    return Headers(found.ip, found.version)
