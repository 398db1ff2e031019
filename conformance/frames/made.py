"""Frames to ask a card about: the hosts' capture, and seeded kinds that no two hosts send each other.

`captured()` is data/linux-host.pcap: 433 frames between two Linux hosts, every sum right. `made(seed)` adds what is
missing there, so that every row of RX_TABLE has frames: tags, LLC/SNAP, options of 1..10 words, every extension header
the card skips and those it does not, tunnels, fragments, lengths that lie, sums that come out as 0, and pad bytes that
are not zero. scapy builds them and so puts their sums in; lengths are spoilt afterwards. All are frames without FCS,
to the station 02:00:00:00:00:0b like those of the capture.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ringbed.sim.needs import require
from ringbed.sim.wire.payload import payload
from ringbed.sim.wire.replay import read_capture

__all__ = ["CAPTURE", "FRAGMENT_OFFSETS", "IPV4", "IPV6", "PEER", "STATION", "Build", "captured", "ip_options", "made"]

CAPTURE = Path(__file__).parents[1] / "data" / "linux-host.pcap"
STATION, PEER = bytes.fromhex("02000000000b"), bytes.fromhex("02000000000a")
IPV4, IPV6, OTHER = 0x0800, 0x86DD, 0x88B5  # the last one is for experiments (IEEE 802)
TCP, UDP = 6, 17
FRAGMENT_OFFSETS = (185, *(1 << bit for bit in range(13)))  # in units of 8 bytes; each bit of the field alone
Packet = tuple[int, bytes]  # EtherType and what follows it


def captured() -> list[bytes]:
    """The frames of the hosts' capture, as they stand in the file: short ones are not padded."""
    return [frame.frame for frame in read_capture(CAPTURE).frames]


def made(seed: int) -> list[bytes]:
    """Every packet of this file bare and behind one of tag, LLC/SNAP or both; pad bytes are seeded, not zero."""
    rng = random.Random(seed)
    packets = [*_ipv4(rng), *_ipv6(rng), *_spoilt(rng), (OTHER, rng.randbytes(64)), (0x8100, rng.randbytes(64))]
    frames = []
    for kind, packet in packets:
        for tag, snap in ((False, False), rng.choice(((True, False), (False, True), (True, True)))):
            frames.append(_ether(rng, kind, packet, tag, snap))
    return frames


def _ether(rng: random.Random, kind: int, packet: bytes, tag: bool, snap: bool) -> bytes:
    """A link header in front, and pad behind: up to 60 bytes and, one time in three, beyond."""
    head = STATION + PEER
    if tag:
        head += b"\x81\x00" + rng.randbytes(2)
    if snap and len(packet) <= 1492:
        head += (len(packet) + 8).to_bytes(2, "big") + bytes.fromhex("aaaa03000000")
    frame = head + kind.to_bytes(2, "big") + packet
    return frame + rng.randbytes(max(60 - len(frame), rng.choice((0, 0, rng.randrange(1, 20)))))


class Build:
    """scapy as a few functions. `size` is of the payload.

    Whatever a sender is free to choose is seeded, and so hardly ever 0: a unit that clears or keeps a field is seen.
    """

    inet: Any
    inet6: Any
    raw: Any

    def __init__(self, rng: random.Random) -> None:
        require("scapy")
        from scapy.layers import inet, inet6
        from scapy.packet import Raw

        self.rng, self.inet, self.inet6, self.raw = rng, inet, inet6, Raw

    def ip4(self, **fields: Any) -> Any:
        """An IPv4 header; without `flags`, any of DF and the reserved bit."""
        rng = self.rng
        any_ = {"src": self.address4(), "dst": self.address4(), "id": rng.randrange(1 << 16),
                "ttl": rng.randrange(1, 256), "tos": rng.randrange(1, 256),
                "flags": rng.choice((0, "DF", "evil", "DF+evil"))}  # fmt: skip
        return self.inet.IP(**{**any_, **fields})

    def address4(self) -> str:
        """Any address that is not a group's."""
        return ".".join(str(byte) for byte in (self.rng.randrange(1, 224), *self.rng.randbytes(3)))

    def ip6(self, **fields: Any) -> Any:
        """An IPv6 header."""
        rng = self.rng
        any_ = {"src": self.address6(), "dst": self.address6(), "tc": rng.randrange(1, 256),
                "fl": rng.randrange(1, 1 << 20), "hlim": rng.randrange(1, 256)}  # fmt: skip
        return self.inet6.IPv6(**{**any_, **fields})

    def address6(self) -> str:
        """Any address of 2000::/3, the global ones that are not a group's."""
        return str(IPv6Address(bytes([self.rng.randrange(0x20, 0x40)]) + self.rng.randbytes(15)))

    def options6(self, size: int) -> list[Any]:
        """`size` bytes of IPv6 options: PadN of at most 257 bytes each, no rest of 1; what it pads with is not 0."""
        found = []
        while size:
            step = size if size <= 257 else min(255, size - 2)
            found.append(self.inet6.PadN(optdata=self.rng.randbytes(step - 2)) if step > 1 else self.inet6.Pad1())
            size -= step
        return found

    def l4(self, protocol: int, size: int, data: bytes | None = None) -> Any:
        """TCP or UDP with its payload."""
        ports = {"sport": self.rng.randrange(1024, 65536), "dport": self.rng.randrange(1024, 65536)}
        header = self.inet.UDP(**ports) if protocol == UDP else self.inet.TCP(**ports, **self._tcp())
        return header / self.raw(payload(0, size) if data is None else data)

    def _tcp(self) -> dict[str, int]:
        rng = self.rng
        return {"seq": rng.randrange(1 << 32), "ack": rng.randrange(1 << 32), "window": rng.randrange(1 << 16),
                "urgptr": rng.randrange(1 << 16), "reserved": rng.randrange(8)}  # fmt: skip

    def tcp_options(self, words: int) -> list[tuple[str, Any]]:
        """`words` 32-bit words of TCP options as hosts have them, in any order, with any values."""
        rng, found = self.rng, list[tuple[str, Any]]()
        nop: tuple[str, Any] = ("NOP", None)
        while words:
            long_ones = (
                [nop, nop, ("Timestamp", (rng.randrange(1 << 32), rng.randrange(1 << 32)))],
                [nop, nop, ("SAck", (rng.randrange(1 << 32), rng.randrange(1 << 32)))],
            )
            short_ones = (
                [("MSS", rng.randrange(1, 1 << 16))],
                [nop, ("WScale", rng.randrange(1, 15))],
                [("SAckOK", b""), nop, nop],
            )
            found += rng.choice(long_ones if words >= 3 and rng.randrange(2) else short_ones)
            words -= 3 if found[-1][0] in ("Timestamp", "SAck") else 1
        return found

    def zero_sum(self, below: Any, protocol: int) -> bytes:
        """A packet whose computed sum is 0: one word of the payload is what the sum was without it."""
        segment, at = self.l4(protocol, 0, bytes(2) + payload(0, 40)), 20 if protocol == TCP else 8
        packet = bytearray(bytes(below / segment))
        field = len(packet) - 42 - at + (16 if protocol == TCP else 6)
        packet[-42:-40] = packet[field : field + 2]
        packet[field : field + 2] = b"\xff\xff" if protocol == UDP else b"\0\0"
        return bytes(packet)


def _ipv4(rng: random.Random) -> Iterator[Packet]:
    build = Build(rng)
    for protocol in (TCP, UDP):
        for size in (0, 1, 2, 3, 5, 6, 7, 17, 18, 19, 45, 64, 65):
            yield IPV4, bytes(build.ip4() / build.l4(protocol, size))
        for words in range(1, 11):
            yield IPV4, bytes(build.ip4(options=ip_options(build, words)) / build.l4(protocol, rng.randrange(60)))
        yield IPV4, build.zero_sum(build.ip4(), protocol)
        yield IPV4, bytes(build.ip4() / build.l4(protocol, 0, b"\xff" * 64))
        later = [(0, offset) for offset in FRAGMENT_OFFSETS]
        for flags, offset in (("MF", 0), ("MF", 185), (0, 370), (0, 8191), ("MF+DF", 1), *later):
            yield IPV4, bytes(build.ip4(flags=flags, frag=offset) / build.l4(protocol, 80))
        yield IPV4, bytes(build.ip4(proto=4) / build.ip4() / build.l4(protocol, 30))
        yield IPV4, bytes(build.ip4(proto=41) / build.ip6() / build.l4(protocol, 30))
    yield IPV4, bytes(build.ip4() / build.inet.UDP(sport=9, dport=9, chksum=0) / build.raw(payload(0, 33)))
    for other in (1, 2, 47, 50, 51, 89, 132, 136, 255):
        yield IPV4, bytes(build.ip4(proto=other) / build.raw(payload(0, 48)))


def ip_options(build: Build, words: int) -> list[Any]:
    """`words` 32-bit words of IPv4 options, none of them 0: a router alert, or a route recorded and a no-operation."""
    if words < 2:
        return [build.inet.IPOption_Router_Alert(alert=build.rng.randrange(1, 1 << 16))] * words
    return [build.inet.IPOption_RR(routers=[build.address4() for _ in range(words - 1)]), build.inet.IPOption_NOP()]


def _ipv6(rng: random.Random) -> Iterator[Packet]:
    build = Build(rng)
    for protocol in (TCP, UDP):
        for size in (0, 1, 2, 3, 5, 6, 7, 17, 18, 19, 45, 64, 65):
            yield IPV6, bytes(build.ip6() / build.l4(protocol, size))
        for chain in _chains(build):
            yield IPV6, bytes(build.ip6() / chain / build.l4(protocol, rng.randrange(60)))
        yield IPV6, build.zero_sum(build.ip6(), protocol)
        yield IPV6, bytes(build.ip6() / build.l4(protocol, 0, b"\xff" * 64))
        yield IPV6, bytes(build.ip6() / build.ip6() / build.l4(protocol, 30))
        yield IPV6, bytes(build.ip6(nh=4) / build.ip4() / build.l4(protocol, 30))
    yield IPV6, _without_sum(bytes(build.ip6() / build.l4(UDP, 33)))
    for other in (50, 51, 58, 59, 89, 132, 135, 255):
        yield IPV6, bytes(build.ip6(nh=other) / build.raw(payload(0, 48)))


def _without_sum(packet: bytes) -> bytes:
    """An IPv6 UDP packet with 0 for its sum, which scapy does not send: tunnels do (RFC 6935)."""
    return packet[:46] + b"\0\0" + packet[48:]


def _chains(build: Build) -> Iterator[Any]:
    """Extension headers: each kind at and beyond 64 bytes, in twos and threes, with segments left, fragments."""
    inet6 = build.inet6
    hop, destination, routing = inet6.IPv6ExtHdrHopByHop, inet6.IPv6ExtHdrDestOpt, inet6.IPv6ExtHdrRouting
    for kind in (hop, destination):
        for size in (8, 16, 56, 64, 72, 128):
            yield kind(options=build.options6(size - 2))
    for addresses, left in ((0, 0), (1, 0), (3, 0), (4, 0), (1, 1), (3, 2)):
        yield routing(addresses=["2001:db8::1"] * addresses, segleft=left)
    pad = build.options6(6)
    yield hop(options=pad) / destination(options=pad)
    yield hop(options=pad) / routing(addresses=["2001:db8::2"], segleft=0) / destination(options=pad)
    yield inet6.IPv6ExtHdrFragment(offset=0, m=0, id=7)
    yield inet6.IPv6ExtHdrFragment(offset=0, m=1, id=8)
    yield hop(options=pad) / inet6.IPv6ExtHdrFragment(offset=20, m=0, id=9)


def _spoilt(rng: random.Random) -> Iterator[Packet]:
    """Packets whose lengths or versions lie, IPv4 header sums put right again, so that only the lie is wrong."""
    build = Build(rng)
    for protocol in (TCP, UDP):
        four, six = bytes(build.ip4() / build.l4(protocol, 70)), bytes(build.ip6() / build.l4(protocol, 70))
        for total in (0, 19, 20, 20 + 7, 20 + 19, len(four) - 1, len(four) + 40, 0xFFFF):
            yield IPV4, _resummed(four, 2, total.to_bytes(2, "big"))
        for first in (0x44, 0x40, 0x65, 0x05, 0x4F):
            yield IPV4, _resummed(four, 0, bytes([first]))
        yield IPV4, _resummed(four, 0, b"\x4f")[:40]
        for length in (0, 7, 19, len(six) - 41, len(six) + 1, 0xFFFF):
            yield IPV6, six[:4] + length.to_bytes(2, "big") + six[6:]
        for first in (0x40, 0x50, 0x70):
            yield IPV6, bytes([first]) + six[1:]
        yield IPV6, six[:6] + b"\0" + six[7:40] + bytes([protocol, 7]) + bytes(20)  # an extension header cut short
    udp = bytes(build.ip4() / build.l4(UDP, 70))
    for length in (0, 7, 8, 77, 79, 0xFFFF):
        yield IPV4, udp[:24] + length.to_bytes(2, "big") + udp[26:]


def _resummed(packet: bytes, at: int, value: bytes) -> bytes:
    """`packet` with `value` at `at` and the sum of the IPv4 header, as long as it then says, made right again."""
    from scapy.utils import checksum

    changed = packet[:at] + value + packet[at + len(value) :]
    header = changed[:10] + b"\0\0" + changed[12:]
    size = max(20, 4 * (changed[0] & 0xF))
    return changed[:10] + checksum(header[:size]).to_bytes(2, "big") + changed[12:]
