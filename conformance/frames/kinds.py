"""Frames by kind: what goes wrong in checksum, hash and parse units, each kind a list made from a seed.

What `made.py` and the hosts' capture have is there as two of the kinds; the others are edges: every length of every
header stack, pad that is not zero, sums of 0, carries, offsets at the limits of narrow fields, ports of tunnels, frames
that are to be left alone, damage of both sums at once, headers that lie (lies.py), tags and tunnels (carried.py), the
two zeros of a sum (zeros.py), fragments, jumbo frames. Frames have no FCS; those of `made` are padded, the others are
as long as a host has them, 14 bytes and up.
Payloads have distinct words where nothing else is said, so that no exchange or loss of words goes unseen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from ringbed.conformance.frames import again, carried, folds, lies, zeros
from ringbed.conformance.frames.damage import damaged_copies
from ringbed.conformance.frames.made import FRAGMENT_OFFSETS, IPV4, IPV6, Build, captured, ip_options, made
from ringbed.conformance.frames.stacks import LONGEST_HEADERS, link, stacks
from ringbed.conformance.references.anatomy import TCP, UDP, Anatomy, dissect
from ringbed.conformance.references.checksum import inserted, pseudo_sum, sum_place, with_seed
from ringbed.sim.wire.payload import payload

__all__ = ["KINDS", "LANES", "LONGEST_HEADERS", "frames_of"]

LANES = 8  # bytes of a beat, where nobody says
TUNNEL_PORTS = (4789, 4790, 6081, 8472, 500, 4500, 2152)  # VXLAN, VXLAN-GPE, GENEVE, the old VXLAN, ESP, ESP, GTP-U
PADDED_AROUND = (6, 8, 17, 18, 32, 45, 46, 60, 61, 64, 65)
LIMITS = (128, 256, 512, 1024)
JUMBO = (2047, 2048, 2049, 4095, 4096, 4097, 9000, 9014, 9018, 16384)  # bytes of frames; 9014 and 9018 hold 9,000


def frames_of(kind: str, seed: int, lanes: int = LANES) -> list[bytes]:
    """The frames of a kind; the same seed gives the same. `lanes`: bytes of a beat, for edges that lie between beats.

    Raises KeyError for a kind that there is not.
    """
    return list(_by_beats(kind, seed, lanes) if kind in _BY_BEATS else _made(kind, seed))


@lru_cache(maxsize=32)
def _made(kind: str, seed: int) -> tuple[bytes, ...]:
    return tuple(KINDS[kind](random.Random(f"{kind} {seed}"), seed))


@lru_cache(maxsize=8)
def _by_beats(kind: str, seed: int, lanes: int) -> tuple[bytes, ...]:
    return tuple(_BY_BEATS[kind](random.Random(f"{kind} {seed}"), seed, lanes))


def _lengths(rng: random.Random, seed: int) -> Iterator[bytes]:
    for frame, headers in stacks(rng):
        for length in range(headers, 129):
            yield frame(payload(seed, length - headers))


def _tiny(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Payloads of 0..4 bytes: the checksum field among a frame's last bytes."""
    for frame, _ in stacks(rng):
        for size in range(5):
            yield frame(payload(seed, size))


def _pads(rng: random.Random, seed: int) -> Iterator[bytes]:
    for frame, headers in stacks(rng):
        for length in PADDED_AROUND:
            packet = frame(payload(seed, max(0, length - headers)))
            for pad in (max(60 - len(packet), 1), max(61 - len(packet), 2)):
                yield packet + bytes(rng.randrange(1, 256) for _ in range(pad))


def _zero_sums(rng: random.Random, seed: int) -> Iterator[bytes]:
    build = Build(rng)
    for protocol in (UDP, TCP):
        for tag in (None, rng.randrange(1 << 16)):
            yield link(IPV4, build.zero_sum(build.ip4(), protocol), tag)
            yield link(IPV6, build.zero_sum(build.ip6(), protocol), tag)
            yield link(IPV4, build.zero_sum(build.ip4(options=ip_options(build, 3)), protocol), tag)


def _carries(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Sums whose low half is 0xFFFF or just below before the first fold, so that the fold itself carries."""
    for frame, _ in stacks(rng):
        for size, below in ((64, 0), (64, 1), (600, 0), (600, 3), (1400, 0)):
            data = payload(seed, size - 2)
            whole = frame(b"\0\0" + data)
            yield _with_low_half(whole, size, 14, below)
            parts = dissect(whole, LONGEST_HEADERS)
            if place := sum_place(whole, parts):
                seeded = with_seed(whole, place, pseudo_sum(whole, parts))
                yield from inserted(_with_low_half(seeded, size, place.start, below), place)


def _with_low_half(frame: bytes, size: int, start: int, below: int) -> bytes:
    """`frame` with such a first word of its payload, which is 0, that the plain sum from `start` on, not folded, has
    0xFFFF - `below` in its low 16 bits."""
    data = frame[start:] + bytes(len(frame[start:]) % 2)
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    word, at = (0xFFFF - below - total) % 65536, len(frame) - size
    return frame[:at] + word.to_bytes(2, "big") + frame[at + 2 :]


def _runs(rng: random.Random, seed: int) -> Iterator[bytes]:
    for frame, _ in stacks(rng):
        for size in (2, 7, 64, 255, 1400):
            yield frame(b"\xff" * size)
            yield frame(bytes(size))
            yield frame(b"\x00\xff" * (size // 2))
            yield frame(b"\xff\x00" * (size // 2))


def _untouched(rng: random.Random, seed: int) -> Iterator[bytes]:
    """What no offload has any business with, and frames with sums that are wrong on purpose."""
    build = Build(rng)
    for protocol in (1, 2, 47, 50, 51, 88, 89, 103, 112, 132):
        for size in (1, 3, 20, 44, 64):
            yield link(IPV4, bytes(build.ip4(proto=protocol) / build.raw(payload(seed, size))))
            yield link(IPV6, bytes(build.ip6(nh=protocol) / build.raw(payload(seed, size))))
    for ether in (0x0806, 0x88CC, 0x0026, 0x0600, 0x8847, 0x88A8):
        yield link(ether, payload(seed, 46))
    for length in range(14, 40):
        yield link(IPV4 if length % 2 else 0x88B5, rng.randbytes(length - 14))
    for frame, _ in stacks(rng):
        data = bytearray(frame(payload(seed, 31)))
        place = sum_place(bytes(data), dissect(bytes(data), LONGEST_HEADERS))
        if place is not None:
            data[place.offset] ^= rng.randrange(1, 256)
        yield bytes(data)


def _tunnels(rng: random.Random, seed: int) -> Iterator[bytes]:
    """UDP to the ports of tunnels that is none, tunnels on these and other ports, an outer sum of 0, trailers."""
    build = Build(rng)
    inner = link(IPV4, bytes(build.ip4() / build.l4(TCP, 33)))
    for ip, ether in ((build.ip4(), IPV4), (build.ip6(), IPV6)):
        for port in (*TUNNEL_PORTS, 40000):
            for data in (payload(seed, 57), bytes(range(8)), bytes.fromhex("0800000000002a00") + inner,
                         bytes.fromhex("0800000000002a00") + inner + rng.randbytes(7)):  # fmt: skip
                yield link(ether, bytes(ip / build.inet.UDP(sport=7, dport=port) / build.raw(data)))
                yield link(ether, bytes(ip / build.inet.UDP(sport=7, dport=port, chksum=0) / build.raw(data)))


def _limits(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Offsets of the TCP or UDP header and of its sum just below, at and above the limits of narrow fields."""
    build = Build(rng)
    for limit in LIMITS:
        for around in (-24, -16, -8, 0, 8):
            size = (limit - 54 + around) // 8 * 8
            chain = build.inet6.IPv6ExtHdrDestOpt(options=build.options6(size - 2))
            for protocol in (TCP, UDP):
                for tag in (None, 0x2005):
                    packet = bytes(build.ip6() / chain / build.l4(protocol, 21))
                    yield link(IPV6, packet, tag)


def _both_sums(rng: random.Random, seed: int) -> Iterator[bytes]:
    """The IPv4 header's sum and that of TCP or UDP wrong in one frame, short enough for pad and longer."""
    for good, parts in _around_pad(rng, seed):
        if parts.version == 4:
            yield _spoilt(rng, good, parts.ip[0] + 11, len(good) - 1)


def _one_sum(rng: random.Random, seed: int) -> Iterator[bytes]:
    """One of them wrong, and the other right or, of IPv6, not there."""
    for good, parts in _around_pad(rng, seed):
        for at in (parts.ip[0] + 11, len(good) - 1) if parts.version == 4 else (len(good) - 1,):
            yield _spoilt(rng, good, at)


def _around_pad(rng: random.Random, seed: int) -> Iterator[tuple[bytes, Anatomy]]:
    for frame, _ in stacks(rng):
        for size in (1, 2, 3, 90):
            good = frame(payload(seed, size))
            yield good, dissect(good, LONGEST_HEADERS)


def _spoilt(rng: random.Random, frame: bytes, *places: int) -> bytes:
    """`frame` padded, and another byte at each place. One byte never makes 0xFFFF of 0x0000, the same to a sum."""
    data = bytearray(frame)
    for at in places:
        data[at] ^= rng.randrange(1, 256)
    return bytes(data) + rng.randbytes(max(0, 60 - len(data)))


def _inverted_sums(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Sums that are wrong in a way of their own: 0x0000 for 0xFFFF and back, complement, bytes swapped, sum + 1."""
    for frame, _ in stacks(rng):
        data = frame(payload(seed, 40))
        place = sum_place(data, dissect(data, LONGEST_HEADERS))
        if place is None:
            continue
        good = int.from_bytes(data[place.offset : place.offset + 2], "big")
        swapped = int.from_bytes(good.to_bytes(2, "little"), "big")
        for value in (0, 0xFFFF, good ^ 0xFFFF, swapped, (good + 1) % 65536):
            yield data[: place.offset] + value.to_bytes(2, "big") + data[place.offset + 2 :]


def _damaged(rng: random.Random, seed: int) -> Iterator[bytes]:
    return (each.frame for each in damaged_copies([*made(seed), *captured()], seed))


def _fragments(rng: random.Random, seed: int) -> Iterator[bytes]:
    """First ones and later ones, each bit of the offset alone; what stands where TCP or UDP would is a whole one."""
    build = Build(rng)
    for protocol in (TCP, UDP):
        for more, offset in (("MF", 0), *((0, offset) for offset in FRAGMENT_OFFSETS)):
            yield link(IPV4, bytes(build.ip4(flags=more, frag=offset) / build.l4(protocol, 80)))
    for number, (more, offset) in enumerate(((0, 0), (1, 0), (0, 1), (0, 16), (0, 32), (0, 185), (0, 4096), (1, 185))):
        header = build.inet6.IPv6ExtHdrFragment(offset=offset, m=more, id=rng.randrange(1 << 32))
        yield link(IPV6, bytes(build.ip6() / header / build.l4((TCP, UDP)[number % 2], 80)))


def _jumbo(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Beyond what 8 and 9 bits count in words of 8 bytes, and what 26 bits hold of words of ff."""
    every, turn = list(stacks(rng)), 0
    for length in JUMBO:
        for ones in (False, True):
            for frame, headers in (every[turn % 8], every[8 + (turn + 4) % 8]):  # IPv4 and IPv6
                yield frame(b"\xff" * (length - headers) if ones else payload(seed, length - headers))
            turn += 1


def _noise(rng: random.Random, seed: int) -> Iterator[bytes]:
    """Bytes that are no protocol at all, of every length around beats and bursts."""
    for length in (*range(14, 81), *range(250, 262), *range(510, 516), *range(1020, 1028), 1500, 1513, 1514):
        yield rng.randbytes(length)


def _of_usual_beats(
    make: Callable[[random.Random, int, int], Iterator[bytes]],
) -> Callable[[random.Random, int], Iterator[bytes]]:
    return lambda rng, seed: make(rng, seed, LANES)


_BY_BEATS = {**again.BY_BEATS, **folds.BY_BEATS}
KINDS: dict[str, Callable[[random.Random, int], Iterable[bytes]]] = {
    "two hosts": lambda rng, seed: captured(),
    "every protocol": lambda rng, seed: made(seed),
    "lengths": _lengths,
    "tiny payloads": _tiny,
    "pad": _pads,
    "sums of 0": _zero_sums,
    "carries": _carries,
    "runs of ff and 00": _runs,
    "not to be touched": _untouched,
    "tunnels": _tunnels,
    "offset limits": _limits,
    "both sums wrong": _both_sums,
    "one sum wrong": _one_sum,
    "sums wrong their own way": _inverted_sums,
    "fragments": _fragments,
    "jumbo": _jumbo,
    **carried.KINDS,
    **lies.KINDS,
    **zeros.KINDS,
    **again.KINDS,
    **{kind: _of_usual_beats(make) for kind, make in _BY_BEATS.items()},
    "damage": _damaged,
    "noise": _noise,
}
