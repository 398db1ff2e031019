"""Messages to be cut: every MSS, identification, flag, option and rest that goes wrong, each kind from a seed.

What does not fit a block's ports, or is longer than it takes, is left out by who asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ringbed.conformance.frames.made import IPV4, IPV6, Build, ip_options
from ringbed.conformance.references.anatomy import TCP, UDP
from ringbed.conformance.references.checksum import SUM_AT, Place, pseudo_sum, with_seed
from ringbed.conformance.references.segmentation import Message
from ringbed.sim.wire.payload import LONGEST, payload

__all__ = ["MAKERS", "Headers"]

LONGEST_MSS, MTU_MSS = 9000, 1460
LIMITS = (128, 256, 512, 1024, 2048)  # of ports of 7 to 11 bits


@dataclass
class Headers:
    """Makes messages: headers by scapy, every field that stays as it is with a value of its own.

    The lengths in them are right, zero or anything, the sum of TCP or UDP the seed without a length, that of the IPv4
    header zero or, with `ip_sum`, anything: a block that leaves it alone leaves that.
    """

    rng: random.Random
    ip_sum: bool = False

    def __post_init__(self) -> None:
        self.build = Build(self.rng)

    def message(
        self, size: int, mss: int, ipv6: bool = False, udp: bool = False, tags: int = 0, flags: str = "",
        ident: int | None = None, seq: int | None = None, options: int = 0, tcp_options: int = 0,
    ) -> Message:  # fmt: skip
        """`tags` in front; `options` are words of IPv4 options, or 8-byte units of an extension header; `tcp_options`
        words.

        Without `flags` they are any that a long message has.
        """
        below = self._ipv6(options) if ipv6 else self._ipv4(options, ident)
        l4 = self._udp() if udp else self._tcp(flags, seq, tcp_options)
        link = self._link(IPV6 if ipv6 else IPV4, tags)
        header = bytearray(link + bytes(below / l4))
        l3, l4_at = len(link), len(link) + (40 + 8 * options if ipv6 else 20 + 4 * options)
        length = len(header) + size - l3 - (40 if ipv6 else 0)
        at = l3 + (4 if ipv6 else 2)
        header[at : at + 2] = self._length(length)
        if udp:
            header[l4_at + 4 : l4_at + 6] = self._length(size + 8)
        if not ipv6:
            header[l3 + 10 : l3 + 12] = self.rng.randbytes(2) if self.ip_sum else b"\0\0"
        return self._seeded(Message(bytes(header), _payload(self.rng.randrange(4), size), mss, l3, l4_at, ipv6, udp))

    def _link(self, ether: int, tags: int) -> bytes:
        """Any addresses but those of groups, and any tags."""
        addresses = (bytes([self.rng.randrange(0, 256, 2)]) + self.rng.randbytes(5) for _ in range(2))
        between = (b"\x81\x00" + self.rng.randbytes(2) for _ in range(tags))
        return b"".join((*addresses, *between, ether.to_bytes(2, "big")))

    def _length(self, right: int) -> bytes:
        """Of the message, as software has it: right where that fits, 0, or left over from before."""
        return self.rng.choice((right if right < 1 << 16 else 0, 0, self.rng.randrange(1 << 16))).to_bytes(2, "big")

    @staticmethod
    def _seeded(message: Message) -> Message:
        place = Place(message.l4, message.l4 + SUM_AT[message.protocol], message.udp)
        seed = pseudo_sum(message.header, message.parts(0), length=0)
        header = with_seed(message.header, place, seed)
        return Message(header, message.payload, message.mss, message.l3, message.l4, message.ipv6, message.udp)

    def _ipv4(self, words: int, ident: int | None) -> Any:
        header = self.build.ip4(options=ip_options(self.build, words))
        if ident is not None:
            header.id = ident
        return header

    def _ipv6(self, units: int) -> Any:
        if not units:
            return self.build.ip6()
        return self.build.ip6() / self.build.inet6.IPv6ExtHdrDestOpt(options=self.build.options6(8 * units - 2))

    def _tcp(self, flags: str, seq: int | None, words: int) -> Any:
        header = self.build.l4(TCP, 0)
        any_ = self.rng.choice(("A", "PA", "AU", "AE", "FPA", "FPAUC"))
        header.flags = (flags or any_) + self.rng.choice(("", "N"))  # AE, once NS: the one beside the reserved bits
        header.options = self.build.tcp_options(words)
        if seq is not None:
            header.seq = seq
        return header

    def _udp(self) -> Any:
        return self.build.l4(UDP, 0)


def _payload(seed: int, size: int) -> bytes:
    """`payload`, and where there is more than that has, others of it one behind the other."""
    pieces = (payload(seed + number, min(LONGEST, size - at)) for number, at in enumerate(range(0, size, LONGEST)))
    return b"".join(pieces)


def _every_mss(make: Headers) -> Iterator[Message]:
    for mss in (*range(1, 65), 88, 255, 256, 257, 511, 512, 536, 1220, 1440, 1448, MTU_MSS, LONGEST_MSS):
        size = mss * make.rng.randrange(2, 5) + make.rng.randrange(mss)
        yield make.message(size, mss, ipv6=bool(mss % 2), udp=mss % 3 == 0)


def _rests(make: Headers) -> Iterator[Message]:
    """The last segment of 1 byte, of all but one, whole; one segment alone, and less than one."""
    for mss in (1, 2, 7, 8, 9, 100, 536, MTU_MSS):
        for size in (1, mss - 1, mss, mss + 1, 2 * mss - 1, 2 * mss, 2 * mss + 1, 3 * mss + 6):
            if size > 0:
                yield make.message(size, mss, ipv6=bool(size % 2), udp=bool(make.rng.randrange(2)))


def _identifications(make: Headers) -> Iterator[Message]:
    """Also over 0x7FFF and 0xFFFF, where 15-bit and 16-bit counters differ."""
    for first in (0, 1, 0x00FE, 0x7FFD, 0x7FFE, 0x7FFF, 0x8000, 0xFFFD, 0xFFFE, 0xFFFF):
        yield make.message(350, 100, ident=first)
        yield make.message(350, 100, ident=first, udp=True)


def _sequence_numbers(make: Headers) -> Iterator[Message]:
    for first in (0, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FF00, 0x7FFF_FFC0, 0x0000_FFC0, 0x00FF_FFC0):
        for ipv6 in (False, True):
            yield make.message(350, 100, ipv6=ipv6, seq=first)


def _flags(make: Headers) -> Iterator[Message]:
    for flags in ("A", "PA", "FA", "FPA", "AC", "PAC", "FPAEC", "AE", "AU", "PAU", "RA", "SA", "FSRPAUEC"):
        for ipv6 in (False, True):
            yield make.message(350, 100, ipv6=ipv6, flags=flags)
            yield make.message(60, 100, ipv6=ipv6, flags=flags)


def _options(make: Headers) -> Iterator[Message]:
    """IPv4 options, TCP options, both, extension headers, tags: headers up to their longest."""
    for words in range(11):
        for tcp_words in (0, 3, 10):
            yield make.message(333, 100, options=words, tcp_options=tcp_words, tags=words % 2)
        yield make.message(333, 100, options=words, udp=True)
    for units in (1, 2, 7, 8, 16):
        yield make.message(333, 100, ipv6=True, options=units, tcp_options=3, tags=units % 2)
        yield make.message(333, 100, ipv6=True, options=units, udp=True)


def _offset_limits(make: Headers) -> Iterator[Message]:
    """Headers that begin behind two tags and more, and that end on both sides of the limits of narrow ports.

    So few that the quick amount has all.
    """
    for number, tags in enumerate((2, 3, 5, 13, 29, 61, 125)):
        six = bool(number % 2)
        yield make.message(333, 100, ipv6=six, udp=six, tags=tags)
    for limit in LIMITS:
        below = (limit - 54) // 8  # units with which TCP or UDP begins at most there
        for udp, around in ((False, -3), (True, -2), (True, 0), (False, 1)):
            yield make.message(333, 100, ipv6=True, options=below + around, udp=udp)


def _mss_limits(make: Headers) -> Iterator[Message]:
    """MSS beyond what narrow ports hold, of messages that are shorter and of such that are cut, up to IP's limit."""
    for bits in range(7, 16):
        yield make.message(300, (1 << bits) + make.rng.randrange(5, 20), ipv6=bool(bits % 2), udp=bits % 3 == 0)
    yield make.message(400, 0xFFFF)
    yield make.message(40_000, 0xFFFF, ipv6=True)
    for mss in (16_383, 16_384, 20_000, 32_767, 32_768, 40_000, 64_000):
        for size in (mss, mss + 1 + make.rng.randrange(1000)):
            yield make.message(size, mss, ipv6=bool(make.rng.randrange(2)), udp=bool(size % 2))


def _long(make: Headers) -> Iterator[Message]:
    """Of 65,000 bytes, and beyond 16, 17 and 18 bits for a block that takes as long ones."""
    for size in (9000, 16384, 30000, 65000):
        for ipv6 in (False, True):
            yield make.message(size, MTU_MSS, ipv6=ipv6, flags=make.rng.choice(("FPAC", "FPAE", "PAC")))
            yield make.message(size, 1472, ipv6=ipv6, udp=True)
    for size in (66_000, 140_000, 270_000):
        yield make.message(size, LONGEST_MSS, ipv6=size % 4 == 0, flags="FPAC")


def _jumbo(make: Headers) -> Iterator[Message]:
    """Segments beyond 2 KiB, 4 KiB, 9,000 bytes and 16 KiB."""
    for mss in (1990, 2047, 2048, 2049, 4096, 8960, 9000, 16300):
        for size in (mss, mss + 1, 2 * mss + make.rng.randrange(mss)):
            yield make.message(size, mss, ipv6=bool(make.rng.randrange(2)), udp=bool(size % 2))


def _mixed(make: Headers) -> Iterator[Message]:
    """No two messages alike: what one leaves behind shows in the next."""
    for _ in range(60):
        six, udp = bool(make.rng.randrange(2)), bool(make.rng.randrange(2))
        options = make.rng.randrange(4) if six else make.rng.randrange(11)
        yield make.message(make.rng.randrange(1, 3000), make.rng.randrange(20, 1500), six, udp,
                           make.rng.randrange(3), make.rng.choice(("A", "FPAC", "PA")), options=options,
                           tcp_options=make.rng.randrange(11))  # fmt: skip


def _plain(make: Headers) -> Iterator[bytes]:
    """Frames that are not to be cut, from the shortest on: ARP has 42 bytes before somebody pads it."""
    for length in (*range(14, 50), 54, 55, 56, 60):
        yield make.rng.randbytes(length)


MAKERS: dict[str, Callable[[Headers], Iterator[Message | bytes]]] = {
    "every MSS": _every_mss,
    "rests": _rests,
    "identifications": _identifications,
    "sequence numbers": _sequence_numbers,
    "flags": _flags,
    "options": _options,
    "offset limits": _offset_limits,
    "MSS limits": _mss_limits,
    "long messages": _long,
    "jumbo": _jumbo,
    "plain frames": _plain,
    "mixed messages": _mixed,
}
