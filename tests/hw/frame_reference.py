"""Frames of every kind the parser knows, and the naive reading of them the RTL is compared with.

Written from RFC 791, 768, 9293, 8200, 1042 and 1071, byte by byte, sharing nothing with the card.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

MACS = bytes.fromhex("020000000001 02000000 00fe")


def ones_sum(data: bytes) -> int:
    """RFC 1071: the one's complement sum of big-endian words, an odd last byte being a high half."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] * 256 + (data[at + 1] if at + 1 < len(data) else 0)
        if total > 0xFFFF:
            total -= 0xFFFF
    return total


def with_fcs(frame: bytes) -> bytes:
    """The frame as the wire carries it."""
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def patched(data: bytes, at: int, value: int) -> bytes:
    """`data` with a big-endian 16-bit number at `at`."""
    return data[:at] + value.to_bytes(2, "big") + data[at + 2 :]


# ---- building ----------------------------------------------------------------------------------------------------


@dataclass
class Recipe:
    """One packet: addresses by the seed, L4 by `protocol`, `extra` IPv4 options or IPv6 extension headers."""

    rng: random.Random
    version: int = 4
    protocol: int = 17
    size: int = 20  # bytes of payload behind the L4 header
    options: int = 0  # IPv4: words of options
    chain: list[tuple[int, bytes]] = field(default_factory=list)  # IPv6: next header number, its bytes from byte 1 on
    fragment: int = 0  # IPv4: the flags and offset word
    no_udp_sum: bool = False

    def l4(self, source: bytes, destination: bytes) -> bytes:
        """The L4 header and payload with a right sum."""
        payload = self.rng.randbytes(self.size)
        ports = self.rng.randbytes(4)
        if self.protocol == 17:
            data, at = ports + (8 + self.size).to_bytes(2, "big") + bytes(2) + payload, 6
        elif self.protocol == 6:
            data, at = ports + self.rng.randbytes(8) + b"\x50\x10\x20\x00" + bytes(4) + payload, 16
        else:
            return ports + payload
        pseudo = source + destination + len(data).to_bytes(4, "big") + self.protocol.to_bytes(4, "big")
        value = 0xFFFF - ones_sum(pseudo + data)
        if self.protocol == 17:
            value = 0 if self.no_udp_sum else value or 0xFFFF
        return patched(data, at, value)

    def ipv4(self) -> bytes:
        source, destination, options = (self.rng.randbytes(size) for size in (4, 4, 4 * self.options))
        body = self.l4(source, destination)
        header = (
            bytes([0x45 + self.options, self.rng.randrange(256)])
            + (20 + len(options) + len(body)).to_bytes(2, "big")
            + self.rng.randbytes(2)
            + self.fragment.to_bytes(2, "big")
            + bytes([64, self.protocol, 0, 0])
            + source
            + destination
            + options
        )
        return patched(header, 10, 0xFFFF - ones_sum(header)) + body

    def ipv6(self) -> bytes:
        source, destination = self.rng.randbytes(16), self.rng.randbytes(16)
        numbers = [number for number, _ in self.chain] + [self.protocol]
        body = b"".join(bytes([after]) + rest for after, (_, rest) in zip(numbers[1:], self.chain, strict=True))
        body += self.l4(source, destination)
        start = bytes([0x60]) + self.rng.randbytes(3) + len(body).to_bytes(2, "big") + bytes([numbers[0], 64])
        return start + source + destination + body

    def packet(self) -> bytes:
        return self.ipv4() if self.version == 4 else self.ipv6()


def extension(rng: random.Random, number: int, units: int, segments: int = 0) -> tuple[int, bytes]:
    """A hop-by-hop, destination, routing or fragment header of 8 * (units + 1) bytes, without its next header."""
    filling = rng.randbytes(8 * units + 6)
    return number, bytes([units]) + (filling[:1] + bytes([segments]) + filling[2:] if number == 43 else filling)


def ether(kind: int, packet: bytes, tag: bool, snap: bool, pad: bytes = b"") -> bytes:
    """A link header of one of the four shapes before the packet; `pad` behind it."""
    number = kind.to_bytes(2, "big")
    head = b"\x81\x00\x20\x07" if tag else b""
    if snap:
        head += min(1500, 8 + len(packet)).to_bytes(2, "big") + bytes.fromhex("aaaa03000000")
    return MACS + head + number + packet + pad


# ---- reading -----------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What a frame is, naively; `l4` is its L4 protocol when the sum may be checked."""

    ipv4: bool = False
    ipv6: bool = False
    vlan: bool = False
    snap: bool = False
    l3: int = 0
    protocol: int = 0
    fragment: bool = False
    l4: int | None = None
    l4_at: int = 0
    l4_length: int = 0
    udp_sum: bool = False
    l3_good: bool = False
    l4_good: bool = False


def link(body: bytes) -> tuple[int, int, bool, bool] | None:
    """EtherType, offset of L3, tag, SNAP; None when the frame ends before it says."""
    at, vlan, snap = 12, False, False
    if body[at : at + 2] == b"\x81\x00":
        at, vlan = at + 4, True
    if len(body) < at + 2:
        return None
    kind = int.from_bytes(body[at : at + 2], "big")
    if kind <= 1500 and body[at + 2 : at + 8] == bytes.fromhex("aaaa03000000"):
        at, snap = at + 8, True
        if len(body) < at + 2:
            return None
        kind = int.from_bytes(body[at : at + 2], "big")
    return kind, at + 2, vlan, snap


def read_l4(found: Found, protocol: int, pseudo: bytes, data: bytes, at: int) -> None:
    """TCP or UDP of sane lengths."""
    found.l4_at, found.l4_length = at, len(data)
    if protocol == 6 and len(data) < 20:
        return
    if protocol == 17:
        if len(data) < 8 or int.from_bytes(data[4:6], "big") != len(data):
            return
        found.udp_sum = data[6:8] != b"\0\0"
    found.l4 = protocol
    ending = len(data).to_bytes(4, "big") + protocol.to_bytes(4, "big")
    found.l4_good = ones_sum(pseudo + ending + data) == 0xFFFF


def read_ipv4(found: Found, packet: bytes) -> None:
    """An IPv4 packet, whatever follows it in the frame."""
    if not packet or packet[0] >> 4 != 4 or packet[0] & 15 < 5 or len(packet) < 4 * (packet[0] & 15):
        return
    size, total = 4 * (packet[0] & 15), int.from_bytes(packet[2:4], "big")
    found.ipv4, found.l3_good, found.protocol = True, ones_sum(packet[:size]) == 0xFFFF, packet[9]
    found.fragment = int.from_bytes(packet[6:8], "big") & 0x3FFF != 0
    if size <= total <= len(packet) and not found.fragment and packet[9] in (6, 17):
        read_l4(found, packet[9], packet[12:20], packet[size:total], found.l3 + size)


def read_ipv6(found: Found, packet: bytes) -> None:
    """An IPv6 packet; the walk stops at what the card does not skip."""
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return
    found.ipv6 = True
    length, number, at = int.from_bytes(packet[4:6], "big"), packet[6], 40
    end = 40 + length
    if length and end <= len(packet):
        while number in (0, 43, 60) and at + 8 <= end:
            size = 8 * (packet[at + 1] + 1)
            if size > 64 or (number == 43 and packet[at + 3] != 0):
                break
            number, at = packet[at], at + size
        if number in (6, 17) and at <= end:
            read_l4(found, number, packet[8:40], packet[at:end], found.l3 + at)
    found.protocol, found.fragment = number, number == 44


def read(wire: bytes) -> Found:
    """A frame with its FCS."""
    body, found = wire[:-4], Found()
    kind_and_more = link(body)
    if kind_and_more is not None:
        kind, found.l3, found.vlan, found.snap = kind_and_more
        if kind == 0x0800:
            read_ipv4(found, body[found.l3 :])
        elif kind == 0x86DD:
            read_ipv6(found, body[found.l3 :])
    return found


# ---- a stock of frames -------------------------------------------------------------------------------------------


def chains(rng: random.Random) -> list[list[tuple[int, bytes]]]:
    """Extension headers in all the ways RX_TABLE tells apart."""
    one = [[extension(rng, number, units)] for number in (0, 43, 60) for units in (0, 1, 6, 7, 8, 255 if number else 9)]
    many = [
        [extension(rng, 0, 0), extension(rng, 60, 2), extension(rng, 43, 1), extension(rng, 60, 0)],
        [extension(rng, 43, 2, segments=1)],
        [extension(rng, 0, 1), extension(rng, 43, 0, segments=200)],
        [extension(rng, 44, 0)],
        [extension(rng, 0, 0), extension(rng, 44, 0)],
        [extension(rng, 60, 3), extension(rng, 60, 8)],
    ]
    return one + many


def packets(rng: random.Random) -> list[tuple[int, bytes]]:
    """EtherType and packet, one or more of every row of RX_TABLE, all sums right."""
    made: list[tuple[int, Recipe]] = []
    for size in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 18, 19, 64, 65):
        made += [(0x0800, Recipe(rng, 4, protocol, size)) for protocol in (6, 17)]
        made += [(0x86DD, Recipe(rng, 6, protocol, size)) for protocol in (6, 17)]
    for options in range(1, 11):
        made += [(0x0800, Recipe(rng, 4, rng.choice((6, 17)), rng.randrange(40), options)) for _ in range(2)]
    for protocol in (1, 4, 41, 50, 89, 132):
        made += [(0x0800, Recipe(rng, 4, protocol, 40)), (0x86DD, Recipe(rng, 6, protocol, 40))]
    for word in (0x2000, 0x0001, 0x1FFF, 0x3ABC, 0x4000, 0x8000, 0xC000):
        made += [(0x0800, Recipe(rng, 4, protocol, 33, fragment=word)) for protocol in (6, 17)]
    made += [(0x86DD, Recipe(rng, 6, rng.choice((6, 17)), rng.randrange(50), chain=chain)) for chain in chains(rng)]
    made += [(kind, Recipe(rng, version, 17, 21, no_udp_sum=True)) for kind, version in ((0x0800, 4), (0x86DD, 6))]
    packed = [(kind, recipe.packet()) for kind, recipe in made]
    inner = [Recipe(rng, 4, 17, 30).packet(), Recipe(rng, 6, 6, 30).packet()]
    packed += [
        (0x0806, rng.randbytes(28)),
        (0x88CC, inner[0]),
        (0x8100, inner[0]),
        (0x86DD, inner[0]),
        (0x0800, inner[1]),
    ]
    packed += [(kind, rng.randbytes(30)) for kind in (0, 46, 1500, 1501, 1536)]
    return packed


def damage_lengths(rng: random.Random, kind: int, packet: bytes) -> bytes:
    """A packet whose lengths, version or header length lie."""
    spot: list[Callable[[], bytes]] = [
        lambda: packet[: rng.randrange(len(packet))],
        lambda: bytes([rng.randrange(256)]) + packet[1:],
        lambda: patched(packet, 2 if kind == 0x0800 else 4, rng.choice((0, 7, 8, 19, 20, 27, len(packet) + 1, 0xFFFF))),
        lambda: patched(packet, 24 if kind == 0x0800 else 44, rng.randrange(0x10000)),
        lambda: patched(packet, 4, len(packet) - 40 + rng.choice((-1, 1)) & 0xFFFF),
    ]
    return rng.choice(spot)()


def cut_short(recipe: Recipe, size: int) -> bytes:
    """The packet with its L4 part cut to `size` bytes and every length field saying so."""
    whole, start = recipe.packet(), 20 if recipe.version == 4 else 40
    packet = whole[: start + size]
    packet = patched(packet, 2, start + size) if recipe.version == 4 else patched(packet, 4, size)
    return patched(packet, start + 4, size) if recipe.protocol == 17 and size >= 6 else packet


def near_misses(rng: random.Random) -> list[bytes]:
    """Frames one step on either side of each rule; without FCS."""
    frames = []
    for version, kind in ((4, 0x0800), (6, 0x86DD)):
        for protocol in (6, 17):
            recipe = Recipe(rng, version, protocol, 30)
            frames += [
                ether(kind, cut_short(recipe, size), False, False, bytes(8)) for size in (0, 6, 7, 8, 19, 20, 21)
            ]
            frames += [ether(kind, recipe.packet()[:-missing], bool(missing % 2), False) for missing in range(1, 7)]
            frames += [
                ether(kind, recipe.packet(), True, snap).replace(b"\x81\x00", b"\x88\xa8", 1) for snap in (False, True)
            ]
            for spot, tag in ((14, False), (18, True)):  # LLC/SNAP with one byte wrong, and the length's limits
                good = ether(kind, recipe.packet(), tag, True)
                for at in range(spot, spot + 6):
                    frames.append(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
                frames += [patched(good, spot - 2, length) for length in (0, 1500, 1501, 1535, 1536)]
    ipv4 = Recipe(rng, 4, 6, 60).packet()
    for first in (0x40, 0x44, 0x46, 0x4F, 0x35, 0x55, 0x65):
        frames.append(ether(0x0800, bytes([first]) + ipv4[1:], False, False))
    # what would be a tag's LLC/SNAP, were there a tag, and an IPv4 packet where none can begin
    frames.append(MACS + bytes.fromhex("88b500000008aaaa03000000000000000800") + ipv4)
    for size in range(18, 30):  # headers cut short by the frame's end
        frames.append(ether(0x0800, Recipe(rng, 4, 1, 9, options=1).packet()[:size], False, size % 2 == 0))
    return frames


def stock(seed: int) -> list[bytes]:
    """Wire frames: every packet behind every link header, some with pad bytes that are not zero; damaged ones too."""
    rng, frames = random.Random(seed), []
    for kind, packet in packets(rng):
        for tag, snap in ((False, False), (True, False), (False, True), (True, True)):
            pad = rng.choice((b"", rng.randbytes(rng.randrange(1, 20))))
            frames.append(with_fcs(ether(kind, packet, tag, snap, pad)))
        spot = rng.randrange(8 * len(packet))
        flipped = (int.from_bytes(packet, "little") ^ 1 << spot).to_bytes(len(packet), "little")
        shape = (rng.random() < 0.5, rng.random() < 0.5)
        frames.append(with_fcs(ether(kind, flipped, *shape)))
        frames.append(with_fcs(ether(kind, damage_lengths(rng, kind, packet), *shape, rng.randbytes(rng.randrange(9)))))
    frames += [with_fcs(frame) for frame in near_misses(rng)]
    rng.shuffle(frames)
    return frames
