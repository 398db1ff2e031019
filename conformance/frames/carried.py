"""Frames that carry more than one header of a kind: stacked tags, tunnels with a packet inside, and SCTP and UDP-Lite.

IEEE 802.1ad (88A8 outside, 8100 inside; many have 8100 twice), RFC 2784 and 2890 (GRE), 7637 (NVGRE), 7348 (VXLAN),
8926 (Geneve); RFC 9260 (SCTP, whose sum is a CRC32c), 3828 (UDP-Lite, whose sum covers as much as it says).
Every sum is right but for SCTP's wrong ones, so that who takes an inner header for the outer one, or SCTP for TCP, has
an answer of his own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from ringbed.conformance.frames.made import IPV4, IPV6, PEER, STATION, Build
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.references.anatomy import TCP, UDP
from ringbed.conformance.references.checksum import raw_sum
from ringbed.sim.wire.payload import payload

__all__ = ["KINDS", "without_tags"]

TAG, SERVICE_TAG = 0x8100, 0x88A8
GRE, SCTP, UDP_LITE = 47, 132, 136
VXLAN_PORT, GENEVE_PORT = 4789, 6081


def without_tags(frame: bytes) -> bytes:
    """`frame` without any tags in front, of whichever EtherType, however many."""
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return frame[:12] + frame[at:]


def _stacked_tags(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Two tags, three, and one that is a provider's, each before IPv4 and IPv6 of TCP and UDP."""
    build = Build(rng)
    for tags in ((SERVICE_TAG, TAG), (TAG, TAG), (SERVICE_TAG,), (SERVICE_TAG, SERVICE_TAG), (SERVICE_TAG, TAG, TAG)):
        between = b"".join(tag.to_bytes(2, "big") + rng.randbytes(2) for tag in tags)
        for ether, ip in ((IPV4, build.ip4()), (IPV6, build.ip6())):
            for protocol in (TCP, UDP):
                packet = bytes(ip / build.l4(protocol, rng.randrange(20, 60)))
                yield STATION + PEER + between + ether.to_bytes(2, "big") + packet


def _inside(rng: random.Random, seed: int) -> Iterator[bytes]:
    """A packet, or a frame, in GRE, NVGRE, VXLAN and Geneve with options over both versions; inner tags; UDP sum 0."""
    build = Build(rng)
    for outer, ether in ((build.ip4, IPV4), (build.ip6, IPV6)):
        name = "proto" if ether == IPV4 else "nh"
        for header, inner in _in_gre(rng, build):
            yield link(ether, bytes(outer(**{name: GRE}) / build.raw(header + inner)))
        for port, data in _in_udp(rng, build):
            yield link(ether, bytes(outer() / build.inet.UDP(sport=rng.randrange(49152, 65536), dport=port) / data))
            zero = build.inet.UDP(sport=rng.randrange(49152, 65536), dport=port, chksum=0)
            yield link(ether, bytes(outer() / zero / data))


def _frames_inside(rng: random.Random, build: Build) -> tuple[bytes, bytes]:
    """TCP over IPv4, and TCP over IPv6 behind a tag."""
    return (link(IPV4, bytes(build.ip4() / build.l4(TCP, 33))),
            link(IPV6, bytes(build.ip6() / build.l4(TCP, 34)), rng.randrange(1 << 16)))  # fmt: skip


def _in_gre(rng: random.Random, build: Build) -> Iterator[tuple[bytes, bytes]]:
    for ether, ip in ((IPV4, build.ip4()), (IPV6, build.ip6())):
        yield b"\0\0" + ether.to_bytes(2, "big"), bytes(ip / build.l4(TCP, 33))
    yield b"\x20\0\x08\0" + rng.randbytes(4), bytes(build.ip4() / build.l4(UDP, 21))  # with a key
    for frame in _frames_inside(rng, build):
        yield b"\x20\0\x65\x58" + rng.randbytes(4), frame  # NVGRE


def _in_udp(rng: random.Random, build: Build) -> Iterator[tuple[int, bytes]]:
    for frame in _frames_inside(rng, build):
        yield VXLAN_PORT, b"\x08\0\0\0" + rng.randbytes(3) + b"\0" + frame
    for words in (0, 1, 8):
        option = b"" if not words else rng.randbytes(3) + bytes([words - 1]) + rng.randbytes(4 * words - 4)
        for frame in _frames_inside(rng, build):
            yield GENEVE_PORT, bytes([words]) + b"\0\x65\x58" + rng.randbytes(3) + b"\0" + option + frame


def _other_sums(rng: random.Random, seed: int) -> Iterator[bytes]:
    """SCTP with its CRC32c right, wrong and 0; UDP-Lite whose right sum covers all, the header, or part of the data."""
    build = Build(rng)
    for ether, ip in ((IPV4, build.ip4(proto=SCTP)), (IPV6, build.ip6(nh=SCTP))):
        for size in (1, 2, 3, 40, 64):
            good = _sctp(build, payload(seed, size))
            for data in (good, good[:8] + rng.randbytes(4) + good[12:], good[:8] + bytes(4) + good[12:]):
                yield link(ether, bytes(ip / build.raw(data)))
    for ether, ip in ((IPV4, build.ip4(proto=UDP_LITE)), (IPV6, build.ip6(nh=UDP_LITE))):
        for covered in (0, 8, 9, 20, 48):
            yield _udp_lite(rng, ether, bytes(ip / build.raw(bytes(8) + payload(seed, 40))), covered)


def _sctp(build: Build, data: bytes) -> bytes:
    """A DATA chunk behind a common header."""
    from scapy.layers import sctp

    layers: Any = sctp
    rng = build.rng
    ports = {"sport": rng.randrange(1, 1 << 16), "dport": rng.randrange(1, 1 << 16), "tag": rng.randrange(1 << 32)}
    return bytes(layers.SCTP(**ports) / layers.SCTPChunkData(tsn=rng.randrange(1 << 32), data=data))


def _udp_lite(rng: random.Random, ether: int, packet: bytes, covered: int) -> bytes:
    """`packet` with a header of UDP-Lite whose sum covers that many bytes, 0 meaning all (RFC 3828 3.1)."""
    begin, at = (20, 12) if ether == IPV4 else (40, 8)
    head = rng.randbytes(4) + covered.to_bytes(2, "big") + b"\0\0"
    body = head + packet[begin + 8 :]
    pseudo = packet[at:begin] + len(body).to_bytes(4, "big") + UDP_LITE.to_bytes(4, "big")
    value = 0xFFFF ^ raw_sum(pseudo + body[: covered or len(body)] + bytes(covered % 2), 0)
    return link(ether, packet[:begin] + head[:6] + (value or 0xFFFF).to_bytes(2, "big") + body[8:])


KINDS: dict[str, Callable[[random.Random, int], Iterator[bytes]]] = {
    "stacked tags": _stacked_tags,
    "packets in tunnels": _inside,
    "sctp and udp-lite": _other_sums,
}
