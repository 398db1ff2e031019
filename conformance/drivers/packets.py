"""Frames for the cases: plain ones with a number in them, and IP packets whose sums are computed here, naively.

A `Packet` is right in every byte; `as_given` is what a stack hands to a card that makes the sums itself. No scapy: a
driver is checked on machines without it, and what a card must answer is known from how the frame was made.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

__all__ = ["GROUP", "OTHER", "PEER", "STATION", "Packet", "cut", "numbered", "packet", "padded", "spoilt", "tagged"]

STATION, PEER = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
OTHER = bytes.fromhex("020000000077")  # a station that is neither
GROUP = bytes.fromhex("01005e000042")
KIND = b"\x88\xb5"  # an experimental type: no offload knows it
HEADER, SHORTEST = 14, 60
TCP, UDP = 6, 17
SUM_AT = {TCP: 16, UDP: 6}
FIN, PSH = 0x01, 0x08
PSEUDO = "pseudo-header"  # of ChecksumOffload (drivers/world.py)


def padded(frame: bytes) -> bytes:
    """As it is on the wire, without FCS."""
    return frame.ljust(SHORTEST, b"\0")


def numbered(number: int, length: int, *, inward: bool, to: bytes | None = None) -> bytes:
    """A frame of `length` bytes from 14 on, with `number` in it where there is room, and bytes that follow from it."""
    ends = (to or STATION, PEER) if inward else (to or PEER, STATION)
    body = struct.pack("!I", number & 0xFFFF_FFFF) + bytes(
        (7 * number + at) & 0xFF for at in range(max(0, length - 18))
    )
    return (b"".join(ends) + KIND + body)[:length].ljust(length, b"\0")


def tagged(frame: bytes, tag: int) -> bytes:
    return frame[:12] + b"\x81\0" + tag.to_bytes(2, "big") + frame[12:]


def ones(data: bytes) -> int:
    """One's complement sum of 16-bit words (RFC 1071)."""
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total)


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame with IP and TCP or UDP at `l3` and `l4`; all sums are right."""

    data: bytes
    l3: int
    l4: int
    ipv6: bool
    tcp: bool

    @property
    def sum_at(self) -> int:
        return self.l4 + SUM_AT[TCP if self.tcp else UDP]

    @property
    def payload_at(self) -> int:
        return self.l4 + (20 if self.tcp else 8)

    def as_given(self, *, ipv4: bool, l4: str) -> bytes:
        """As a stack leaves it for a card: the header's sum 0 where the card makes it; in the field of TCP or UDP the
        pseudo-header's sum, 0, or, for `none`, the right one.
        """
        made = bytearray(self.data)
        if ipv4 and not self.ipv6:
            made[self.l3 + 10 : self.l3 + 12] = b"\0\0"
        if l4 != "none":
            made[self.sum_at : self.sum_at + 2] = struct.pack("!H", ones(_pseudo(made, self)) if l4 == PSEUDO else 0)
        return bytes(made)

    def sealed(self) -> Packet:
        """The same with lengths and sums made right."""
        made = bytearray(self.data)
        length = len(made) - self.l3
        if self.ipv6:
            struct.pack_into("!H", made, self.l3 + 4, length - 40)
        else:
            struct.pack_into("!H", made, self.l3 + 2, length)
            made[self.l3 + 10 : self.l3 + 12] = b"\0\0"
            struct.pack_into("!H", made, self.l3 + 10, 0xFFFF ^ ones(bytes(made[self.l3 : self.l4])))
        if not self.tcp:
            struct.pack_into("!H", made, self.l4 + 4, len(made) - self.l4)
        made[self.sum_at : self.sum_at + 2] = b"\0\0"
        total = 0xFFFF ^ ones(_pseudo(made, self) + bytes(made[self.l4 :]))
        struct.pack_into("!H", made, self.sum_at, total or (0 if self.tcp else 0xFFFF))
        return Packet(bytes(made), self.l3, self.l4, self.ipv6, self.tcp)


def _pseudo(data: bytearray, packet: Packet) -> bytes:
    """RFC 9293 3.1, RFC 8200 8.1."""
    size, protocol = len(data) - packet.l4, TCP if packet.tcp else UDP
    if packet.ipv6:
        return bytes(data[packet.l3 + 8 : packet.l3 + 40]) + struct.pack("!II", size, protocol)
    return bytes(data[packet.l3 + 12 : packet.l3 + 20]) + struct.pack("!BBH", 0, protocol, size)


def packet(
    rng: Random, length: int, *, inward: bool, tcp: bool = False, ipv6: bool = False, options: int = 0,
    tag: int | None = None,
) -> Packet:  # fmt: skip
    """A payload of `length` random bytes; `options` words behind an IPv4 header; `tag` in the frame itself."""
    ends = (STATION, PEER) if inward else (PEER, STATION)
    start = b"".join(ends) + (b"" if tag is None else b"\x81\0" + struct.pack("!H", tag))
    protocol = TCP if tcp else UDP
    if ipv6:
        addresses = b"".join(bytes.fromhex("fd00") + bytes(13) + bytes([rng.randrange(1, 250)]) for _ in range(2))
        ip = b"\x86\xdd" + struct.pack("!IHBB", 6 << 28 | rng.getrandbits(20), 0, protocol, 64) + addresses
    else:
        addresses = b"".join(bytes([10, 0, 0, rng.randrange(1, 250)]) for _ in range(2))
        number = rng.getrandbits(16)
        ip = b"\x08\0" + struct.pack("!BBHHHBBH", 0x45 + options, 0, 0, number, 0, 64, protocol, 0) + addresses
        ip += b"\1" * (4 * options)  # no operation
    l4 = struct.pack("!HHIIBBHHH", rng.randrange(1024, 65536), 80, rng.getrandbits(31), rng.getrandbits(31), 0x50, 16,
                     1000, 0, 0) if tcp else struct.pack("!HHHH", rng.randrange(1024, 65536), 53, 0, 0)  # fmt: skip
    front = len(start) + 2
    whole = start + ip + l4 + rng.randbytes(length)
    return Packet(whole, front, len(start) + len(ip), ipv6, tcp).sealed()


def spoilt(packet: Packet, *, l3: bool = False, l4: bool = False) -> bytes:
    """With a bit of a sum turned."""
    made = bytearray(packet.data)
    if l3:
        made[packet.l3 + 10] ^= 0x10
    if l4:
        made[packet.sum_at] ^= 0x10
    return bytes(made)


def cut(packet: Packet, mss: int) -> list[bytes]:
    """The segments of a TCP packet (RFC 9293; IPv4's identification counts up, RFC 6864; PSH and FIN in the last)."""
    payload, header = packet.data[packet.payload_at :], packet.data[: packet.payload_at]
    sequence, flags = struct.unpack_from("!I", header, packet.l4 + 4)[0], header[packet.l4 + 13]
    found = []
    for number, at in enumerate(range(0, len(payload), mss)):
        made = bytearray(header)
        if not packet.ipv6:
            first = struct.unpack_from("!H", header, packet.l3 + 4)[0]
            struct.pack_into("!H", made, packet.l3 + 4, first + number & 0xFFFF)
        struct.pack_into("!I", made, packet.l4 + 4, sequence + at & 0xFFFF_FFFF)
        made[packet.l4 + 13] = flags if at + mss >= len(payload) else flags & ~(FIN | PSH)
        piece = Packet(bytes(made) + payload[at : at + mss], packet.l3, packet.l4, packet.ipv6, True)
        found.append(piece.sealed().data)
    return found
