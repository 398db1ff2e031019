"""Ready test of `segment` blocks: messages with every MSS, identification, flag, option and rest that goes wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ringbed.conformance.anatomy import TCP, UDP
from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.checksum import SUM_AT, Place, pseudo_sum, with_seed
from ringbed.conformance.frames import IPV4, IPV6, Build, ip_options
from ringbed.conformance.kinds import frames_of
from ringbed.conformance.segmentation import Message, segments
from ringbed.hw.formats.block_setup import Setup
from ringbed.sim.payload import payload

__all__ = ["KINDS", "cases"]

LONGEST_MSS, MTU_MSS = 9000, 1460


def cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """The cases of one of KINDS, every fourth followed by a plain frame; commands that do not fit are left out."""
    rng = random.Random(f"segment {kind} {seed}")
    plain = [frame for frame in frames_of("jumbo" if kind == "jumbo" else "every protocol", seed) if len(frame) > 60]
    for message in _MAKERS[kind](_Headers(rng, ip_sum=setup.option("sums") != "full")):
        if (case := _cut(message, setup)) is not None:
            yield case
            if rng.randrange(4) == 0:
                yield _left_alone(rng, rng.choice(plain), setup)


def _cut(message: Message, setup: Setup) -> Case | None:
    command = {"mss": message.mss, "header_length": len(message.header), "l3_offset": message.l3, "enable": 1,
               "l4_offset": message.l4, "is_ipv6": int(message.ipv6), "is_udp": int(message.udp),
               "payload_length": len(message.payload)}  # fmt: skip
    if not setup.fits(command) or (message.udp and "is_udp" not in setup.ports):
        return None
    right = segments(message, str(setup.option("sums")))
    about = f"{'udp' if message.udp else 'tcp'} over ipv{6 if message.ipv6 else 4}, MSS {message.mss}"
    return Case(about, Ask(message.data, command), tuple((each,) for each in right), places=_places(message))


def _places(message: Message) -> dict[str, tuple[int, int]]:
    l3, l4, sum_at = message.l3, message.l4, message.l4 + SUM_AT[message.protocol]
    six = {"the IPv6 payload length": (l3 + 4, l3 + 6)}
    four = {"the IPv4 total length": (l3 + 2, l3 + 4), "the identification": (l3 + 4, l3 + 6),
            "the IPv4 header's sum": (l3 + 10, l3 + 12)}  # fmt: skip
    udp = {"the UDP length": (l4 + 4, l4 + 6)}
    tcp = {"the sequence number": (l4 + 4, l4 + 8), "the byte of TCP flags": (l4 + 13, l4 + 14)}
    return {**(six if message.ipv6 else four), **(udp if message.udp else tcp),
            f"the {'UDP' if message.udp else 'TCP'} sum": (sum_at, sum_at + 2)}  # fmt: skip


def _left_alone(rng: random.Random, frame: bytes, setup: Setup) -> Case:
    limits = {"mss": 2000, "header_length": 200, "l3_offset": 60, "l4_offset": 100, "is_ipv6": 2, "is_udp": 2,
              "payload_length": 2000}  # fmt: skip
    command = {name: rng.randrange(min(limit, 1 << setup.ports.get(name, 16))) for name, limit in limits.items()}
    return Case("not to be cut", Ask(frame, {**command, "enable": 0}), ((frame,),))


@dataclass
class _Headers:
    """Makes messages: headers by scapy, every field that stays as it is with a value of its own.

    The lengths in them are right, zero or anything, the sum of TCP or UDP the seed without a length, that of the IPv4
    header zero or, with `ip_sum`, anything: a block that leaves it alone leaves that.
    """

    rng: random.Random
    ip_sum: bool = False

    def __post_init__(self) -> None:
        self.build = Build(self.rng)

    def message(
        self, size: int, mss: int, ipv6: bool = False, udp: bool = False, tag: bool = False, flags: str = "",
        ident: int | None = None, seq: int | None = None, options: int = 0, tcp_options: int = 0,
    ) -> Message:  # fmt: skip
        """`options` are words of IPv4 options, or 8-byte units of an extension header; `tcp_options` words.

        Without `flags` they are any that a long message has.
        """
        below = self._ipv6(options) if ipv6 else self._ipv4(options, ident)
        l4 = self._udp() if udp else self._tcp(flags, seq, tcp_options)
        link = self._link(IPV6 if ipv6 else IPV4, tag)
        header = bytearray(link + bytes(below / l4))
        l3, l4_at = len(link), len(link) + (40 + 8 * options if ipv6 else 20 + 4 * options)
        length = len(header) + size - l3 - (40 if ipv6 else 0)
        at = l3 + (4 if ipv6 else 2)
        header[at : at + 2] = self._length(length)
        if udp:
            header[l4_at + 4 : l4_at + 6] = self._length(size + 8)
        if not ipv6:
            header[l3 + 10 : l3 + 12] = self.rng.randbytes(2) if self.ip_sum else b"\0\0"
        return self._seeded(Message(bytes(header), payload(self.rng.randrange(4), size), mss, l3, l4_at, ipv6, udp))

    def _link(self, ether: int, tag: bool) -> bytes:
        """Any addresses but those of groups, and any tag."""
        addresses = (bytes([self.rng.randrange(0, 256, 2)]) + self.rng.randbytes(5) for _ in range(2))
        vlan = b"\x81\x00" + self.rng.randbytes(2) if tag else b""
        return b"".join(addresses) + vlan + ether.to_bytes(2, "big")

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


def _every_mss(make: _Headers) -> Iterator[Message]:
    for mss in (*range(1, 65), 88, 255, 256, 257, 511, 512, 536, 1220, 1440, 1448, MTU_MSS, LONGEST_MSS):
        size = mss * make.rng.randrange(2, 5) + make.rng.randrange(mss)
        yield make.message(size, mss, ipv6=bool(mss % 2), udp=mss % 3 == 0)


def _rests(make: _Headers) -> Iterator[Message]:
    """The last segment of 1 byte, of all but one, whole; one segment alone, and less than one."""
    for mss in (1, 2, 7, 8, 9, 100, 536, MTU_MSS):
        for size in (1, mss - 1, mss, mss + 1, 2 * mss - 1, 2 * mss, 2 * mss + 1, 3 * mss + 6):
            if size > 0:
                yield make.message(size, mss, ipv6=bool(size % 2), udp=bool(make.rng.randrange(2)))


def _identifications(make: _Headers) -> Iterator[Message]:
    """Also over 0x7FFF and 0xFFFF, where 15-bit and 16-bit counters differ."""
    for first in (0, 1, 0x00FE, 0x7FFD, 0x7FFE, 0x7FFF, 0x8000, 0xFFFD, 0xFFFE, 0xFFFF):
        yield make.message(350, 100, ident=first)
        yield make.message(350, 100, ident=first, udp=True)


def _sequence_numbers(make: _Headers) -> Iterator[Message]:
    for first in (0, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FF00, 0x7FFF_FFC0, 0x0000_FFC0, 0x00FF_FFC0):
        for ipv6 in (False, True):
            yield make.message(350, 100, ipv6=ipv6, seq=first)


def _flags(make: _Headers) -> Iterator[Message]:
    for flags in ("A", "PA", "FA", "FPA", "AC", "PAC", "FPAEC", "AE", "AU", "PAU", "RA", "SA", "FSRPAUEC"):
        for ipv6 in (False, True):
            yield make.message(350, 100, ipv6=ipv6, flags=flags)
            yield make.message(60, 100, ipv6=ipv6, flags=flags)


def _options(make: _Headers) -> Iterator[Message]:
    """IPv4 options, TCP options, both, extension headers, tags: headers up to their longest."""
    for words in range(11):
        for tcp_words in (0, 3, 10):
            yield make.message(333, 100, options=words, tcp_options=tcp_words, tag=bool(words % 2))
        yield make.message(333, 100, options=words, udp=True)
    for units in (1, 2, 7, 8, 16):
        yield make.message(333, 100, ipv6=True, options=units, tcp_options=3, tag=bool(units % 2))
        yield make.message(333, 100, ipv6=True, options=units, udp=True)


def _long(make: _Headers) -> Iterator[Message]:
    for size in (9000, 16384, 30000, 65000):
        for ipv6 in (False, True):
            yield make.message(size, MTU_MSS, ipv6=ipv6, flags=make.rng.choice(("FPAC", "FPAE", "PAC")))
            yield make.message(size, 1472, ipv6=ipv6, udp=True)


def _jumbo(make: _Headers) -> Iterator[Message]:
    """Segments beyond 2 KiB, 4 KiB, 9,000 bytes and 16 KiB."""
    for mss in (1990, 2047, 2048, 2049, 4096, 8960, 9000, 16300):
        for size in (mss, mss + 1, 2 * mss + make.rng.randrange(mss)):
            yield make.message(size, mss, ipv6=bool(make.rng.randrange(2)), udp=bool(size % 2))


def _mixed(make: _Headers) -> Iterator[Message]:
    """No two messages alike: what one leaves behind shows in the next."""
    for _ in range(60):
        six, udp = bool(make.rng.randrange(2)), bool(make.rng.randrange(2))
        options = make.rng.randrange(4) if six else make.rng.randrange(11)
        yield make.message(make.rng.randrange(1, 3000), make.rng.randrange(20, 1500), six, udp,
                           bool(make.rng.randrange(2)), make.rng.choice(("A", "FPAC", "PA")), options=options,
                           tcp_options=make.rng.randrange(11))  # fmt: skip


_MAKERS = {
    "every MSS": _every_mss,
    "rests": _rests,
    "identifications": _identifications,
    "sequence numbers": _sequence_numbers,
    "flags": _flags,
    "options": _options,
    "long messages": _long,
    "jumbo": _jumbo,
    "mixed messages": _mixed,
}
KINDS = tuple(_MAKERS)
