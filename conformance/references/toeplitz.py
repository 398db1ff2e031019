"""Toeplitz hashes (Microsoft, 'RSS hashing functions'): the sum itself, published vectors, what of a frame it covers.

The input is source address, destination address, source port, destination port, all in network byte order. For each of
its bits that is 1, from the first byte's highest on, the 32 bits of the key that begin at the same bit are XORed.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from ringbed.conformance.references.anatomy import TCP, UDP, Anatomy, dissect
from ringbed.hw.formats.blocks import HashKind

__all__ = ["MICROSOFT_KEY", "VECTORS", "Flow", "Vector", "flow_of", "toeplitz"]

MICROSOFT_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")


def toeplitz(key: bytes, data: bytes) -> int:
    """The hash of `data`; raises ValueError when `key` is too short for it."""
    if len(key) < len(data) + 4:
        raise ValueError(f"{len(data)} bytes of input need {len(data) + 4} bytes of key, there are {len(key)}")
    bits, value, result = 8 * len(key), int.from_bytes(key, "big"), 0
    for index in range(8 * len(data)):
        if data[index // 8] & 0x80 >> index % 8:
            result ^= value >> (bits - 32 - index)
    return result & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Flow:
    """What a hash may cover of one packet: `kind` is the most of it."""

    kind: HashKind
    src: bytes
    dst: bytes
    sport: int = 0
    dport: int = 0

    def data(self, kind: HashKind) -> bytes:
        """The input for a hash of `kind`, which must be of the same IP version."""
        ports = self.sport.to_bytes(2, "big") + self.dport.to_bytes(2, "big")
        return self.src + self.dst + (b"" if kind == kind.without_ports else ports)

    def hash(self, key: bytes, kind: HashKind) -> int:
        """The hash of `kind`; 0 for NONE."""
        return toeplitz(key, self.data(kind)) if kind else 0

    def swapped(self) -> Flow:
        """The same with source and destination exchanged: a mistake that is made."""
        return Flow(self.kind, self.dst, self.src, self.dport, self.sport)


def flow_of(frame: bytes, parts: Anatomy | None = None) -> Flow | None:
    """What of `frame` can be hashed; None when it is no IP packet with a whole header. Fragments have no ports."""
    parts = parts or dissect(frame)
    at, (begin, end) = parts.ip[0], parts.l4
    if not parts.version:
        return None
    four = parts.version == 4
    src, dst = (frame[at + 12 : at + 16], frame[at + 16 : at + 20]) if four else (frame[at + 8 : at + 24],
                                                                                frame[at + 24 : at + 40])  # fmt: skip
    plain = HashKind.IPV4 if four else HashKind.IPV6
    if parts.protocol not in (TCP, UDP) or "fragment" in parts.kind or end - begin < 4:
        return Flow(plain, src, dst)
    ports = int.from_bytes(frame[begin : begin + 2], "big"), int.from_bytes(frame[begin + 2 : begin + 4], "big")
    return Flow(HashKind(plain + (1 if parts.protocol == TCP else 2)), src, dst, *ports)


@dataclass(frozen=True, slots=True)
class Vector:
    """One of Microsoft's: the hash of addresses alone, and with ports; `swapped` is ours, of a mistake."""

    flow: Flow
    addresses: int
    ports: int
    swapped: int


def _vector(src: str, sport: int, dst: str, dport: int, addresses: int, ports: int, swapped: int) -> Vector:
    of, to = ip_address(src), ip_address(dst)
    kind = HashKind.IPV4_TCP if of.version == 4 else HashKind.IPV6_TCP
    return Vector(Flow(kind, of.packed, to.packed, sport, dport), addresses, ports, swapped)


VECTORS = (
    _vector("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323E8FC2, 0x51CCC178, 0xFDE799B2),
    _vector("199.92.111.2", 14230, "65.69.140.83", 4739, 0xD718262A, 0xC626B0EA, 0xE53C74E8),
    _vector("24.19.198.95", 12898, "12.22.207.184", 38024, 0xD2D0A5DE, 0x5C2B394A, 0xA802B849),
    _vector("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xAFC7327F, 0xE1DFCDFF),
    _vector("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5D1809C5, 0x10E828A2, 0x15D05E13),
    _vector("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2CC18CD5, 0x40207D3D, 0x1AC0FCCE),
    _vector("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0F0C461C, 0xDDE51BBF, 0xE0F7EDC9),
    _vector("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024,
            0x4B61E985, 0x02D1FEEF, 0xD1BEC7AD),
)  # fmt: skip
