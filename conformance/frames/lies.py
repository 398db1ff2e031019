"""Frames whose headers lie about lengths, each kind of lie by itself: all else in them is right, and the sums are.

Each kind has at most 40 frames, so that the quick amount asks every lie. The IPv4 header's sum is put right after the
lie, so a unit has no other reason to distrust the header.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ringbed.conformance.frames.made import IPV4, IPV6, Build, ip_options
from ringbed.conformance.frames.stacks import LONGEST_HEADERS, link, stacks
from ringbed.conformance.references.anatomy import TCP, UDP, Anatomy, dissect
from ringbed.conformance.references.checksum import Place, inserted, pseudo_sum, raw_sum, sum_place, with_seed
from ringbed.sim.wire.payload import payload

__all__ = ["KINDS", "summed", "with_ip_sum"]

Stack = tuple[bytes, Anatomy]


def _untagged(rng: random.Random, seed: int, protocol: int = -1) -> Iterator[Stack]:
    """A frame of 50 bytes of payload of every stack without a tag, or of those of one protocol."""
    for frame, _ in stacks(rng):
        good = frame(payload(seed, 50))
        parts = dissect(good, LONGEST_HEADERS)
        if not parts.tagged and protocol in (-1, parts.protocol):
            yield good, parts


def _ip_lengths(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Total and payload lengths beyond the frame, or too short for TCP or UDP."""
    for good, parts in _untagged(rng, seed):
        begin, end = parts.l4
        whole = end - _counted_from(parts)
        for length in (whole + 1, whole + 2, whole + 40, whole - (end - begin) + 7, 0xFFFF):
            yield _with_ip_length(good, parts, length)


def _ip_headers(rng: random.Random, seed: int) -> Iterator[bytes]:
    """IHL below 5, headers longer than the total length, other versions."""
    build = Build(rng)
    for protocol in (TCP, UDP):
        four, six = (bytes(ip / build.l4(protocol, 50)) for ip in (build.ip4(), build.ip6()))
        for first in (0x40, 0x41, 0x42, 0x43, 0x44, 0x05, 0x55, 0x65):
            good = link(IPV4, bytes([first]) + four[1:])
            yield with_ip_sum(good, 14, max(20, 4 * (first & 0xF)))
        for words, total in ((1, 20), (1, 23), (5, 20), (5, 39), (10, 20), (10, 59)):
            packet = bytes(build.ip4(options=ip_options(build, words)) / build.l4(protocol, 50))
            good = link(IPV4, packet)
            yield _with_ip_length(good, dissect(good), total)
        for first in (0x00, 0x40, 0x50, 0x70, 0xE0):
            yield link(IPV6, bytes([first]) + six[1:])


def _tcp_headers(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Data offsets below 5 and beyond the segment, with the right sum; segments too short for any header."""
    for good, parts in _untagged(rng, seed, TCP):
        begin, end = parts.l4
        for words in (0, 1, 4, 15):
            short = good if words < 15 else _with_ip_length(good[:-12], parts, end - 12 - _counted_from(parts))
            data = bytearray(short)
            data[begin + 12] = words << 4 | data[begin + 12] & 0xF
            yield summed(bytes(data))
        for size in (0, 1, 8, 12, 18, 19):
            yield _with_ip_length(good, parts, begin + size - _counted_from(parts))


def _udp_lengths(rng: random.Random, seed: int) -> Iterator[bytes]:
    """UDP lengths other than IP's, and both together below 8."""
    for good, parts in _untagged(rng, seed, UDP):
        begin, end = parts.l4
        for length in (0, 7, 8, end - begin - 1, end - begin + 1, 0xFFFF):
            yield _with_udp_length(good, parts, length)
        for size in (0, 1, 6, 7):
            yield _with_ip_length(_with_udp_length(good, parts, size), parts, begin + size - _counted_from(parts))


def _short_udp_lengths(rng: random.Random, seed: int) -> Iterator[bytes]:
    """UDP lengths below IP's, with a sum that is right over as much, or one off, or not there."""
    for good, parts in _untagged(rng, seed, UDP):
        begin, end = parts.l4
        for length in (8, 9, 29, end - begin - 1):
            datagram = _with_udp_length(good, parts, length)[: begin + length]
            place = Place(begin, begin + 6, udp=True)
            seeded = with_seed(datagram, place, pseudo_sum(good, parts, length))
            right = next(inserted(seeded, place)) + good[begin + length :]
            yield right
            yield right[: begin + 7] + bytes([right[begin + 7] ^ 1]) + right[begin + 8 :]
        yield right[: begin + 6] + b"\0\0" + right[begin + 8 :]


def _cut_short(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Frames that end in the IP header, or in the ports behind it, whose IP length is the old one or what is left."""
    build = Build(rng)
    for protocol in (TCP, UDP):
        four, six = (bytes(ip / build.l4(protocol, 50)) for ip in (build.ip4(), build.ip6()))
        for length in (15, 24, 29, 31, 33):
            yield link(IPV4, four)[:length]
        for length in (15, 22, 38, 53):
            yield link(IPV6, six)[:length]
        for ether, packet, headers in ((IPV4, four, 34), (IPV6, six, 54)):
            whole = link(ether, packet)
            yield whole[: headers + 2]
            for length in range(headers, headers + 4):
                parts = dissect(whole)
                yield _with_ip_length(whole, parts, length - _counted_from(parts))[:length]


def _counted_from(parts: Anatomy) -> int:
    """The byte from which the IP header's length counts."""
    return parts.ip[0] if parts.version == 4 else parts.ip[0] + 40


def _with_ip_length(frame: bytes, parts: Anatomy, length: int) -> bytes:
    begin, end = parts.ip
    at = begin + (2 if parts.version == 4 else 4)
    changed = frame[:at] + length.to_bytes(2, "big") + frame[at + 2 :]
    return with_ip_sum(changed, begin, end - begin) if parts.version == 4 else changed


def _with_udp_length(frame: bytes, parts: Anatomy, length: int) -> bytes:
    at = parts.l4[0] + 4
    return frame[:at] + length.to_bytes(2, "big") + frame[at + 2 :]


def with_ip_sum(frame: bytes, begin: int, size: int) -> bytes:
    """`frame` with the sum of the IPv4 header of `size` bytes at `begin` put right."""
    header = frame[begin : begin + 10] + b"\0\0" + frame[begin + 12 : begin + size]
    return frame[: begin + 10] + (0xFFFF ^ raw_sum(header, 0)).to_bytes(2, "big") + frame[begin + 12 :]


def summed(frame: bytes) -> bytes:
    """`frame` with the right sum of its TCP or UDP; one without a place for it is left as it is."""
    parts = dissect(frame, LONGEST_HEADERS)
    place = sum_place(frame, parts)
    return frame if place is None else next(inserted(with_seed(frame, place, pseudo_sum(frame, parts)), place))


KINDS: dict[str, Callable[[random.Random, int], Iterator[bytes]]] = {
    "lengths that lie": _ip_lengths,
    "ip headers that lie": _ip_headers,
    "tcp headers that lie": _tcp_headers,
    "udp lengths that lie": _udp_lengths,
    "short udp lengths": _short_udp_lengths,
    "packets cut short": _cut_short,
}
