"""Suite `segmentation`: what a long message becomes on the wire, frame by frame, to the byte.

Messages are those of the ready tests of blocks (`conformance/blocks/messages.py`), and others; two opinions on the
frames agree: `references/segmentation.py`, whose sums are scapy's, makes them, and `references/rfc_segments.py` reads
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from ringbed.conformance.blocks.messages import Headers
from ringbed.conformance.nic.case import BrokenSuite, Case, Plan
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.stack import PLAIN, Stack
from ringbed.conformance.nic.target import Cut, Offer, Setup
from ringbed.conformance.references.rfc import read
from ringbed.conformance.references.rfc_segments import wrong_with
from ringbed.conformance.references.segmentation import CWR, Message, segments
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "cases", "cut"]

RULES = rules(
    ("seg.tcp4", "Each segment of TCP over IPv4 has its header, its data and both sums", "RFC 9293 3.1"),
    ("seg.tcp6", "Each segment of TCP over IPv6 has its header, its data and its sum", "RFC 8200 8.1"),
    ("seg.udp4", "Each datagram of a cut message of UDP over IPv4 has its length and its sum", "RFC 768"),
    ("seg.udp6", "Each datagram of a cut message of UDP over IPv6 has its length and its sum", "RFC 8200 8.1"),
    ("seg.mss", "No segment has more than MSS bytes of data, and each but the last has as many", "RFC 9293 3.7.1"),
    ("seg.mss-small", "An MSS of 1 to 64 is kept to", "erratum tso-mss-too-small"),
    ("seg.single", "A message of one segment leaves as one", "erratum tso-single-segment-request"),
    ("seg.rest", "A last segment of one byte, or of all but one, is right",
     "erratum tso-ip-or-tcp-options-rtl8168evl"),
    ("seg.id", "The IPv4 identification counts up by one in each segment", "RFC 6864 4.3"),
    ("seg.id-wrap", "The identification wraps from 0xFFFF to 0, and nowhere else", "RFC 791 3.1"),
    ("seg.seq-wrap", "The sequence number wraps at 2^32, with its carries", "RFC 9293 3.4"),
    ("seg.fin-psh", "FIN and PSH are set in the last segment alone", "RFC 9293 3.8.2"),
    ("seg.cwr", "CWR is set in the first segment alone", "RFC 3168 6.1.2"),
    ("seg.accecn", "CWR is set in every segment, as AccECN wants it", "RFC 9768 3.2"),
    ("seg.flags-kept", "The other flags are set in every segment", "RFC 9293 3.1"),
    ("seg.fixed-id", "The identification is that of the message in every segment", "RFC 6864 4.1"),
    ("seg.ip-options", "IPv4 options are in every segment, and in the header's sum",
     "erratum tso-header-size-ipv4-options"),
    ("seg.tcp-options", "TCP options are in every segment, and in its sum", "erratum tso-header-over-80-bytes"),
    ("seg.chain", "Extension headers are in every segment", "erratum tso6-extension-headers"),
    ("seg.vlan", "A tag in the message is in every segment", "erratum tso-inband-vlan-unsupported"),
    ("seg.long", "A message as long as IP allows is cut to its end", "erratum tso-length-limit-false-amba-error"),
    ("seg.jumbo", "Segments beyond 1,500 bytes are right", "erratum tx-csum-limited-by-fifo-mvneta"),
    ("seg.header-split", "A header that is split over buffers, at any byte, is put together",
     "erratum tso-first-descriptor-must-be-headers"),
    ("seg.header-alone", "A header in a buffer of its own is no frame of its own",
     "erratum tso-header-only-first-buffer"),
    ("seg.scatter", "Data in many buffers are put together over the borders of segments",
     "erratum tso-max-8-buffers-per-segment"),
    ("seg.buffer", "A buffer of many segments' data is cut", "erratum tso-buffer-larger-than-4-mss"),
    ("seg.plain-behind", "A plain frame right behind a cut message leaves as it was given",
     "erratum tso-premature-writeback-sentinel"),
    ("seg.summed-behind", "A frame that asks for sums, behind a cut message, gets its own",
     "erratum tso-stale-offsets-mdd"),
    ("seg.message-behind", "A message behind another is cut by its own header", "erratum tso-stale-offsets-mdd"),
    ("seg.lengths", "What the length fields of the message hold does not matter",
     "erratum tso-inner-length-affects-csum-ef10"),
    ("seg.zero-sum", "A segment whose sum comes out as 0 has UDP's 0xFFFF and TCP's 0x0000", "RFC 768"),
)  # fmt: skip
WITHOUT_CWR = ("A", "PA", "AU", "AE", "FPA")
REAL = (88, 216, 255, 256, 257, 511, 512, 513, 536, 1200, 1220, 1440, 1448, 1459, 1460)
JUMBO = Setup(mtu=9000)


@dataclass(frozen=True, slots=True)
class Wish:
    """A message as `Headers.message` makes it."""

    size: int
    mss: int
    ipv6: bool = False
    udp: bool = False
    tags: int = 0
    flags: str = ""
    ident: int | None = None
    seq: int | None = None
    options: int = 0
    tcp_options: int = 0

    @property
    def base(self) -> str:
        return ("udp" if self.udp else "tcp") + ("6" if self.ipv6 else "4")

    def made(self, rng: Random) -> Message:
        """Without `flags` they are any but CWR, of which cards have two opinions: a rule of its own."""
        flags = self.flags or rng.choice(WITHOUT_CWR)
        return Headers(rng).message(
            self.size, self.mss, self.ipv6, self.udp, self.tags, flags, self.ident, self.seq, self.options,
            self.tcp_options,
        )  # fmt: skip


def cases() -> Iterator[Case]:
    for of in (_mss, _rests, _counts, _flags, _headers, _long, _buffers, _behind):
        yield from of()


def _case(
    rule: str, name: str, wish: Wish, setup: Setup | None = None, cuts: str = "", needs: tuple[str, ...] = ()
) -> Case:  # fmt: skip
    """`cuts` says how the message is split over buffers."""
    return Case(f"seg.{wish.base}.{name}", RULES[rule], partial(_plan, wish, cuts), setup or Setup(),
                (f"tso.{wish.base}", *needs))  # fmt: skip


def cut(message: Message, pieces: Sequence[int] = ()) -> tuple[Offer, list[tuple[bytes, ...]]]:
    """The offer, in pieces that end at these bytes, and the frames that must leave. Raises BrokenSuite."""
    frames = segments(message, "full")
    wrong = wrong_with(message.header, message.payload, message.mss, message.l3, message.l4, frames,
                       ipv6=message.ipv6, udp=message.udp)  # fmt: skip
    if wrong:
        raise BrokenSuite(f"segments of {len(message.payload)} bytes by {message.mss}: the RFCs' reader says {wrong}")
    edges = [0, *pieces, len(message.data)]
    parts = tuple(message.data[a:b] for a, b in zip(edges, edges[1:], strict=False) if a < b)
    offer = Offer(parts, message.l3, message.l4, not message.ipv6, "udp" if message.udp else "tcp", message.ipv6,
                  cut=Cut(message.mss, len(message.header)))  # fmt: skip
    return offer, [(frame,) for frame in frames]


def _plan(wish: Wish, cuts: str, rng: Random) -> Plan:
    message = wish.made(rng)
    offer, rights = cut(message, _edges(cuts, message, rng))
    return Plan((offer,), rights)


def _edges(cuts: str, message: Message, rng: Random) -> list[int]:
    """Where buffers end: `at-N` bytes in, at the header's end and `at` beyond, or in `N` pieces anywhere."""
    word, _, number = cuts.partition("-")
    head, whole = len(message.header), len(message.data)
    if word == "at":
        return [int(number)]
    if word == "header":
        return [head, *([head + int(number)] if number else [])]
    if word == "pieces":
        return sorted(rng.sample(range(1, whole), int(number) - 1))
    return []


def _mss() -> Iterator[Case]:
    for mss in range(1, 65):
        for stack in range(4):
            wish = Wish(mss * (2 + mss % 3) + (mss * 7) % mss + mss // 2, mss, stack % 2 == 1, stack >= 2)
            yield _case("seg.mss-small", f"mss-{mss}", wish)
    for mss in REAL:
        for ipv6 in (False, True):
            for udp in (False, True):
                if 54 + 20 * ipv6 - 12 * udp + mss <= 1514:
                    base = Wish(mss * 3 + mss // 3, mss, ipv6, udp)
                    yield _case("seg.mss", f"mss-{mss}", base)
    for ipv6 in (False, True):
        for udp in (False, True):
            for number in range(12):
                wish = Wish(700 + 131 * number, 100 + 97 * number, ipv6, udp)
                yield _case(f"seg.{wish.base}", f"any-{number}", wish)


def _rests() -> Iterator[Case]:
    for mss in (2, 7, 8, 9, 100, 536, 1440):
        for ipv6 in (False, True):
            for udp in (False, True):
                for size, name in ((mss + 1, "one"), (2 * mss + 1, "one-of-three"), (2 * mss - 1, "all-but-one"),
                                   (2 * mss, "whole")):  # fmt: skip
                    yield _case("seg.rest", f"rest-{name}.mss-{mss}", Wish(size, mss, ipv6, udp))
                for size, name in ((1, "1-byte"), (mss - 1, "below-mss"), (mss, "mss")):
                    if name != "below-mss" or mss > 2:
                        yield _case("seg.single", f"single-{name}.mss-{mss}", Wish(size, mss, ipv6, udp))


def _counts() -> Iterator[Case]:
    for first in (0, 1, 0x00FE, 0x00FF, 0x0FFE, 0x1234, 0x7FFD, 0x7FFE, 0x7FFF, 0x8000, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF):
        rule = "seg.id-wrap" if first >= 0x7FFD else "seg.id"
        for udp in (False, True):
            yield _case(rule, f"id-{first:04x}", Wish(350, 100, udp=udp, ident=first))
    for first in (0, 0xFFFF, 0xFF9C, 0x0000_FFC0, 0x00FF_FFC0, 0x7FFF_FFC0, 0xFFFF_FF00, 0xFFFF_FF9C, 0xFFFF_FFFF):
        for ipv6 in (False, True):
            yield _case("seg.seq-wrap", f"seq-{first:08x}", Wish(350, 100, ipv6, seq=first))


def _flags() -> Iterator[Case]:
    words = {"seg.fin-psh": ("PA", "FA", "FPA", "FPAU"), "seg.cwr": ("AC", "PAC", "FPAC", "FPAEC"),
             "seg.flags-kept": ("A", "AE", "AU", "RA", "SA", "SRPAUE")}  # fmt: skip
    for rule, every in words.items():
        for flags in every:
            for ipv6 in (False, True):
                for size in (60, 100, 101, 350):
                    yield _case(rule, f"flags-{flags.lower()}.data-{size}", Wish(size, 100, ipv6, flags=flags),
                                needs=("tso.cwr",) if "C" in flags else ())  # fmt: skip
    for flags in ("AC", "PAC", "FPAC", "ACE"):
        for ipv6 in (False, True):
            for size in (100, 101, 350):
                wish = Wish(size, 100, ipv6, flags=flags)
                yield Case(f"seg.{wish.base}.accecn-{flags.lower()}.data-{size}", RULES["seg.accecn"],
                           partial(_accecn, wish), needs=(f"tso.{wish.base}", "tso.accecn"))  # fmt: skip
    for first in (1, 0xFFFF):
        wish = Wish(350, 100, ident=first)
        yield Case(f"seg.tcp4.fixed-id-{first:04x}", RULES["seg.fixed-id"], partial(_fixed, wish),
                   needs=("tso.tcp4", "tso.fixed-id"))  # fmt: skip


def _accecn(wish: Wish, rng: Random) -> Plan:
    return _kept(wish.made(rng), 4 + 9, CWR)


def _fixed(wish: Wish, rng: Random) -> Plan:
    return _kept(replace(wish.made(rng)), -1, 0)


def _kept(message: Message, flags_at: int, bits: int) -> Plan:
    """With these flags in every segment, or, at -1, the identification; the sums follow by RFC 1624."""
    offer, rights = cut(message)
    found = []
    for (frame,) in rights:
        made = bytearray(frame)
        at, sum_at = (message.l4 + 12, message.l4 + 16) if flags_at >= 0 else (message.l3 + 4, message.l3 + 10)
        before = int.from_bytes(made[at : at + 2], "big")
        after = before | bits if flags_at >= 0 else int.from_bytes(message.header[at : at + 2], "big")
        total = int.from_bytes(made[sum_at : sum_at + 2], "big") + before - after
        made[at : at + 2] = after.to_bytes(2, "big")
        made[sum_at : sum_at + 2] = (total % 65535).to_bytes(2, "big")
        reading = read(bytes(made))
        if not reading.l4 or reading.l3 is False:
            raise BrokenSuite("a segment with its flags or identification kept does not add up")
        found.append((bytes(made),))
    return Plan((offer,), found)


def _headers() -> Iterator[Case]:
    for words in range(1, 11):
        for udp in (False, True):
            yield _case("seg.ip-options", f"options-{words}", Wish(333, 100, udp=udp, options=words))
        for ipv6 in (False, True):
            yield _case("seg.tcp-options", f"tcp-options-{words}", Wish(333, 100, ipv6, tcp_options=words))
        yield _case("seg.ip-options", f"options-{words}.tcp-options-{words}",
                    Wish(333, 100, options=words, tcp_options=words))  # fmt: skip
    for units in (1, 2, 3, 5, 7, 8, 12, 16, 20):
        yield _case("seg.chain", f"chain-{units}", Wish(333, 100, True, options=units))
    for tags in (1, 2, 3):
        for ipv6 in (False, True):
            for udp in (False, True):
                yield _case("seg.vlan", f"tags-{tags}", Wish(333, 100, ipv6, udp, tags))
    for stack in range(8):
        wish = Wish(333, 100, bool(stack % 2), stack in (2, 6))
        yield _case("seg.lengths", f"lengths-{stack}", replace(wish, size=333 + stack))


def _long() -> Iterator[Case]:
    for size in (9000, 16384, 32767, 32768, 60000, 65000):
        for ipv6 in (False, True):
            yield _case("seg.long", f"data-{size}", Wish(size, 1440, ipv6))
        yield _case("seg.long", f"data-{size}", Wish(size, 1472, udp=True))
    for mss in (1990, 2047, 2048, 2049, 4096, 8940):
        for ipv6 in (False, True):
            yield _case("seg.jumbo", f"mss-{mss}", Wish(2 * mss + mss // 2, mss, ipv6), JUMBO)
        yield _case("seg.jumbo", f"mss-{mss}", Wish(2 * mss + mss // 3, mss, udp=True), JUMBO)


def _buffers() -> Iterator[Case]:
    for at in range(1, 54):
        yield _case("seg.header-split", f"split-{at}", Wish(350, 100), cuts=f"at-{at}")
    for at in range(1, 74, 3):
        yield _case("seg.header-split", f"split-{at}", Wish(350, 100, True), cuts=f"at-{at}")
    for wish in (Wish(350, 100), Wish(350, 100, True), Wish(350, 100, udp=True)):
        for more in ("", "-1", "-2", "-7", "-99", "-100", "-101", "-349"):
            yield _case("seg.header-alone", f"header{more}", wish, cuts=f"header{more}")
        for pieces in (2, 3, 5, 8, 9, 12, 13):
            for mss in (40, 100, 300):
                yield _case("seg.scatter", f"pieces-{pieces}.mss-{mss}", replace(wish, size=700, mss=mss),
                            cuts=f"pieces-{pieces}")  # fmt: skip
        for times in (4, 5, 9, 20, 50):
            yield _case("seg.buffer", f"buffer-{times}", replace(wish, size=64 * times + 3, mss=64), cuts="header")


def _behind() -> Iterator[Case]:
    wishes = (Wish(350, 100), Wish(350, 100, True), Wish(350, 100, udp=True), Wish(350, 100, options=3))
    for one in wishes:
        name = f"{one.base}.options-{one.options}"
        for length in (14, 42, 60, 61, 64, 100, 1514):
            yield Case(f"seg.{name}.then-plain-{length}", RULES["seg.plain-behind"], partial(_then_plain, one, length),
                       needs=(f"tso.{one.base}",))  # fmt: skip
        for stack in (*PLAIN, Stack(options=2), Stack(True, tagged=True)):
            yield Case(f"seg.{name}.then-{stack.name}", RULES["seg.summed-behind"], partial(_then_summed, one, stack),
                       needs=(f"tso.{one.base}", *stack.needs))  # fmt: skip
        for other in wishes:
            yield Case(f"seg.{name}.then-cut-{other.base}-{other.options}", RULES["seg.message-behind"],
                       partial(_then_cut, one, other), needs=(f"tso.{one.base}", f"tso.{other.base}"))  # fmt: skip
    for wish in (Wish(300, 100), Wish(300, 100, True), Wish(300, 100, udp=True)):
        for number in range(4):
            yield Case(f"seg.{wish.base}.zero-sum.{number}", RULES["seg.zero-sum"], partial(_zero, wish),
                       needs=(f"tso.{wish.base}",))  # fmt: skip


def _and(first: Plan, offer: Offer, right: Any) -> Plan:
    return Plan((*first.offers, offer), [*first.leaves, *right])


def _then_plain(one: Wish, length: int, rng: Random) -> Plan:
    frame = rng.randbytes(length)
    return _and(_plan(one, "", rng), Offer((frame,)), [(frame,)])


def _then_summed(one: Wish, stack: Stack, rng: Random) -> Plan:
    built = stack.build(rng, payload(0, 51))
    return _and(_plan(one, "", rng), built.offered(), [(built.must_leave(stack.name),)])


def _then_cut(one: Wish, other: Wish, rng: Random) -> Plan:
    return _and(_plan(one, "", rng), *cut(other.made(rng)))


def _zero(wish: Wish, rng: Random) -> Plan:
    """The first word of each segment's data is what makes its sum come out as 0."""
    message = wish.made(rng)
    data = bytearray(message.payload)
    for at in range(0, len(data), message.mss):
        data[at : at + 2] = b"\0\0"
    frames = segments(replace(message, payload=bytes(data)), "full")
    sum_at = message.l4 + (6 if message.udp else 16)
    for at, frame in zip(range(0, len(data), message.mss), frames, strict=True):
        data[at : at + 2] = frame[sum_at : sum_at + 2]
    offer, rights = cut(replace(message, payload=bytes(data)))
    zero = {b"\xff\xff"} if message.udp else {b"\0\0"}
    if {frame[sum_at : sum_at + 2] for (frame,) in rights} != zero:
        raise BrokenSuite("the sum of a segment does not come out as 0")
    return Plan((offer,), rights)
