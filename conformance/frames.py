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
from pathlib import Path
from typing import Any

from ringbed.sim.payload import payload
from ringbed.sim.replay import read_capture

__all__ = ["CAPTURE", "IPV4", "IPV6", "STATION", "Build", "captured", "ip_options", "made"]

CAPTURE = Path(__file__).parent / "data" / "linux-host.pcap"
STATION, PEER = bytes.fromhex("02000000000b"), bytes.fromhex("02000000000a")
IPV4, IPV6, OTHER = 0x0800, 0x86DD, 0x88B5  # the last one is for experiments (IEEE 802)
TCP, UDP = 6, 17
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
    """scapy as a few functions. `size` is of the payload; addresses and ports are seeded."""

    inet: Any
    inet6: Any
    raw: Any

    def __init__(self, rng: random.Random) -> None:
        from scapy.layers import inet, inet6
        from scapy.packet import Raw

        self.rng, self.inet, self.inet6, self.raw = rng, inet, inet6, Raw

    def ip4(self, **fields: Any) -> Any:
        """An IPv4 header."""
        source, destination = self.rng.randbytes(2), self.rng.randbytes(2)
        where = {"src": f"10.1.{source[0]}.{source[1]}", "dst": f"10.2.{destination[0]}.{destination[1]}"}
        return self.inet.IP(id=self.rng.randrange(1 << 16), ttl=64, **where, **fields)

    def ip6(self, **fields: Any) -> Any:
        """An IPv6 header."""
        source, destination = self.rng.randbytes(2).hex(), self.rng.randbytes(2).hex()
        return self.inet6.IPv6(src=f"2001:db8::{source}", dst=f"2001:db8:1::{destination}", **fields)

    def l4(self, protocol: int, size: int, data: bytes | None = None) -> Any:
        """TCP or UDP with its payload."""
        ports = {"sport": self.rng.randrange(1024, 65536), "dport": self.rng.randrange(1024, 65536)}
        header = self.inet.UDP(**ports) if protocol == UDP else self.inet.TCP(seq=self.rng.randrange(1 << 32), **ports)
        return header / self.raw(payload(0, size) if data is None else data)

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
            yield IPV4, bytes(build.ip4(options=ip_options(build.inet, words)) / build.l4(protocol, rng.randrange(60)))
        yield IPV4, build.zero_sum(build.ip4(), protocol)
        yield IPV4, bytes(build.ip4() / build.l4(protocol, 0, b"\xff" * 64))
        for flags, offset in (("MF", 0), ("MF", 185), (0, 370), (0, 8191), ("MF+DF", 1)):
            yield IPV4, bytes(build.ip4(flags=flags, frag=offset) / build.l4(protocol, 80))
        yield IPV4, bytes(build.ip4(proto=4) / build.ip4() / build.l4(protocol, 30))
        yield IPV4, bytes(build.ip4(proto=41) / build.ip6() / build.l4(protocol, 30))
    yield IPV4, bytes(build.ip4() / build.inet.UDP(sport=9, dport=9, chksum=0) / build.raw(payload(0, 33)))
    for other in (1, 2, 47, 50, 51, 89, 132, 136, 255):
        yield IPV4, bytes(build.ip4(proto=other) / build.raw(payload(0, 48)))


def ip_options(inet: Any, words: int) -> list[Any]:
    """`words` 32-bit words of IPv4 options: record route, filled up with no-operations."""
    if words < 3:
        return [inet.IPOption_NOP()] * (4 * words)
    return [inet.IPOption_RR(routers=["0.0.0.0"] * (words - 1)), inet.IPOption_NOP()]


def _ipv6(rng: random.Random) -> Iterator[Packet]:
    build = Build(rng)
    for protocol in (TCP, UDP):
        for size in (0, 1, 2, 3, 5, 6, 7, 17, 18, 19, 45, 64, 65):
            yield IPV6, bytes(build.ip6() / build.l4(protocol, size))
        for chain in _chains(build.inet6):
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


def _chains(inet6: Any) -> Iterator[Any]:
    """Extension headers: each kind at and beyond 64 bytes, in twos and threes, with segments left, fragments."""
    hop, destination, routing = inet6.IPv6ExtHdrHopByHop, inet6.IPv6ExtHdrDestOpt, inet6.IPv6ExtHdrRouting
    for kind in (hop, destination):
        for size in (8, 16, 56, 64, 72, 128):
            yield kind(options=[inet6.PadN(optdata=bytes(size - 4))])
    for addresses, left in ((0, 0), (1, 0), (3, 0), (4, 0), (1, 1), (3, 2)):
        yield routing(addresses=["2001:db8::1"] * addresses, segleft=left)
    pad = [inet6.PadN(optdata=bytes(4))]
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
