"""Suite `checksum`, receiving: good, bad or not checked, each where it must be, and frames that come as they were.

What is asked of a frame follows from the card's table of verdicts over two readings of the frame (`agree.Judge`); here
is which frames, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from ringbed.conformance.frames.made import FRAGMENT_OFFSETS, IPV4, IPV6, Build
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.nic.agree import Judge
from ringbed.conformance.nic.case import Case, Plan
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.stack import PLAIN, Stack
from ringbed.conformance.nic.target import Arrival
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "arrived", "cases"]

Make = Callable[[Random], bytes]
LIMIT = 128
NEEDS = ("rx.verdicts",)
_BASES = (("tcp4", "TCP over IPv4"), ("tcp6", "TCP over IPv6"), ("udp4", "UDP over IPv4"), ("udp6", "UDP over IPv6"))
RULES = rules(
    *((f"csum.rx.{base}", f"A right sum of {words} is good", "M Table 3-5") for base, words in _BASES),
    *((f"csum.rx.{base}-pad", f"Pad that is not zero is in no sum of {words}",
       "erratum rx-short-frame-csum-invalid-aq") for base, words in _BASES),
    *((f"csum.rx.{base}-bad", f"A wrong sum of {words} is bad, whichever bit is wrong", "M Table 3-5")
      for base, words in _BASES),
    *((f"csum.rx.{base}-data", f"One changed byte of the data makes the sum of {words} bad", "RFC 1071 1")
      for base, words in _BASES),
    ("csum.rx.ip4-bad", "A wrong sum of an IPv4 header is bad, whichever byte is wrong", "RFC 791 3.1"),
    ("csum.rx.pseudo", "A changed address makes the sum of TCP or UDP bad: it is in the pseudo-header", "RFC 9293 3.1"),
    ("csum.rx.both-bad", "Where both sums are wrong both are bad", "erratum rx-l3-error-masks-l4-error"),
    ("csum.rx.options", "TCP and UDP behind IPv4 options are checked: a right sum is good",
     "erratum rx-ip-options-always-good"),
    ("csum.rx.options-bad", "TCP and UDP behind IPv4 options are checked: a wrong sum is bad",
     "erratum rx-ip-options-always-good"),
    ("csum.rx.tcp-options", "TCP options are in TCP's sum", "RFC 9293 3.1"),
    ("csum.rx.chain", "Behind extension headers that the card skips the sums are checked", "M 3.2.9.4"),
    ("csum.rx.chain-bad", "Behind extension headers that the card skips a wrong sum is bad",
     "erratum rx-ipv6-exthdr-l4-unreliable"),
    ("csum.rx.chain-long", "Behind a longer extension header than the card skips nothing is checked", "M 3.2.9.4"),
    ("csum.rx.fragment-first", "Of a first fragment TCP or UDP is not checked",
     "erratum rx-fragment-checksum-treated-as-error"),
    ("csum.rx.fragment-later", "Of a later fragment TCP or UDP is not checked, whatever its data look like",
     "erratum rx-fragment-csum-ar81xx"),
    ("csum.rx.fragment-ip4", "The header's sum of a fragment is checked as any other",
     "erratum rx-ipv4-fragment-ipcsum-flagged-bad"),
    ("csum.rx.fragment6", "Behind a fragment header nothing is checked, of an atomic fragment too", "M Table 3-6"),
    ("csum.rx.udp4-no-sum", "UDP over IPv4 whose field is 0 has no sum: not checked",
     "erratum rx-udp4-zero-flagged-bad"),
    ("csum.rx.udp6-no-sum", "UDP over IPv6 whose field is 0 has no sum: not checked", "RFC 6935 5"),
    ("csum.rx.zero", "A computed sum of 0 is good, sent as 0x0000 by TCP and as 0xFFFF by UDP",
     "erratum rx-software-verify-0-vs-ffff"),
    ("csum.rx.other4", "Over IPv4 what is neither TCP nor UDP is not checked", "erratum rx-l4-error-on-non-tcp-udp"),
    ("csum.rx.other6", "Over IPv6 what is neither TCP nor UDP is not checked", "M Table 3-5"),
    ("csum.rx.not-ip", "In a frame that is not IP nothing is checked", "M 3.2.9.2"),
    ("csum.rx.vlan", "Behind one tag the sums are checked as without it", "M 3.2.9.2"),
    ("csum.rx.vlan-bad", "Behind one tag a wrong sum is bad", "M 3.2.9.2"),
    ("csum.rx.snap", "Behind LLC/SNAP the sums are checked as without it", "M 3.2.9.2"),
    ("csum.rx.inside", "Of a packet in an IP packet nothing is checked but the outer header", "M Table 3-5"),
    ("csum.rx.ones", "Data of nothing but 0xFF or 0x00 is summed as any other", "RFC 1071 1"),
)  # fmt: skip
PROTOCOLS = (1, 2, 47, 50, 51, 88, 89, 103, 112, 132, 136, 255)
PROTOCOLS6 = (50, 58, 59, 88, 89, 103, 112, 132, 135, 136, 255)
ETHERS = (0x0806, 0x0842, 0x8035, 0x88CC, 0x8847, 0x8863, 0x8864, 0x88B5, 0x88E5, 0x88F7, 0x9000, 0x0026, 0x05DC)


def arrived(judge: Judge, name: str, make: Make, rng: Random) -> Plan:
    """One frame on the wire, and what must come of it."""
    frame = make(rng)
    return Plan(arrivals=(Arrival(frame),), comes=(judge.coming(name, frame),))


def cases(judge: Judge) -> Iterator[Case]:
    rows = (_lengths, _bad, _options, _chains, _fragments, _zeros, _others)
    for rule, name, make, sweep in (row for of in rows for row in of()):
        id_ = f"csum.rx.{name}"
        yield Case(id_, RULES[rule], partial(arrived, judge, id_, make), needs=NEEDS, sweep=sweep)


Row = tuple[str, str, Make, str]  # rule, what follows csum.rx. in the id, the frame, the sweep


def _padded(rng: Random, frame: bytes, more: int = 0) -> bytes:
    """With pad that is not zero: up to 60 bytes, and `more` beyond."""
    size = max(60 - len(frame), 0) + more
    return frame + bytes(rng.randrange(1, 256) for _ in range(size))


def _good(stack: Stack, size: int, more: int, rng: Random) -> bytes:
    return _padded(rng, stack.build(rng, payload(rng.randrange(3), size)).frame, more)


def _lengths() -> Iterator[Row]:
    for stack in PLAIN:
        for length in range(stack.headers, LIMIT + 1):
            rule = f"csum.rx.{stack.base}-pad" if length < 60 else f"csum.rx.{stack.base}"
            yield rule, f"{stack.name}.len-{length}", partial(_good, stack, length - stack.headers, 0), "rx lengths"
        for size in (0, 1, 2, 3, 6, 7, 17, 18, 31, 32, 45, 46, 64, 65):
            for more in (1, 2, 7):
                yield f"csum.rx.{stack.base}-pad", f"{stack.name}.data-{size}.pad-{more}", partial(
                    _good, stack, size, more
                ), ""  # fmt: skip
        for length in (255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1513, 1514):
            yield f"csum.rx.{stack.base}", f"{stack.name}.len-{length}", partial(
                _good, stack, length - stack.headers, 0
            ), ""  # fmt: skip
    for stack in PLAIN:
        tagged = Stack(stack.ipv6, stack.tcp, tagged=True)
        for size in (0, 1, 2, 5, 6, 7, 8, 9, 18, 19, 33, 45):
            yield "csum.rx.vlan", f"{tagged.name}.data-{size}", partial(_good, tagged, size, 0), ""
            yield "csum.rx.snap", f"{stack.name}.snap.data-{size}", partial(_snap, stack, size), ""


def _snap(stack: Stack, size: int, rng: Random) -> bytes:
    frame = stack.build(rng, payload(1, size)).frame
    length = (len(frame) - 14 + 8).to_bytes(2, "big")
    return _padded(rng, frame[:12] + length + bytes.fromhex("aaaa03000000") + frame[12:])


def _flipped(stack: Stack, at: Callable[[Any], int], mask: int, size: int, rng: Random) -> bytes:
    """One byte XORed; `at` finds it in what was built."""
    built = stack.build(rng, payload(2, size))
    where = at(built)
    frame = built.frame[:where] + bytes([built.frame[where] ^ mask]) + built.frame[where + 1 :]
    return _padded(rng, frame)


def _bad() -> Iterator[Row]:
    for stack in PLAIN:
        for bit in range(16):
            flip = partial(_flipped, stack, partial(_sum_byte, bit // 8), 1 << bit % 8, 30 + bit)
            yield f"csum.rx.{stack.base}-bad", f"{stack.name}.sum-bit-{bit}", flip, ""
        for back in (1, 2, 3, 8, 9, 20):
            flip = partial(_flipped, stack, partial(_from_end, back), 0x40, 21)
            yield f"csum.rx.{stack.base}-data", f"{stack.name}.byte-{back}-from-end", flip, ""
        tagged = Stack(stack.ipv6, stack.tcp, tagged=True)
        for bit in (0, 7, 8, 15):
            flip = partial(_flipped, tagged, partial(_sum_byte, bit // 8), 1 << bit % 8, 30)
            yield "csum.rx.vlan-bad", f"{tagged.name}.sum-bit-{bit}", flip, ""
        for byte in (8, 15, 23, 24, 31, 39) if stack.ipv6 else (12, 13, 14, 15, 16, 19):
            flip = partial(_flipped, stack, partial(_l3_byte, byte), 0x11, 25)
            yield "csum.rx.pseudo", f"{stack.name}.address-byte-{byte}", flip, ""
    for tcp in (False, True):
        stack = Stack(tcp=tcp)
        for byte in (1, 4, 5, 8, 10, 11):
            for mask in (0x01, 0x80):
                flip = partial(_flipped, stack, partial(_l3_byte, byte), mask, 26)
                yield "csum.rx.ip4-bad", f"{stack.name}.header-byte-{byte}.mask-{mask:02x}", flip, ""
        for number in range(8):
            yield "csum.rx.both-bad", f"{stack.name}.both-bad.{number}", partial(_both, stack), ""


def _sum_byte(which: int, built: Any) -> int:
    return int(built.place.offset) + 1 - which


def _from_end(back: int, built: Any) -> int:
    return len(built.frame) - back


def _l3_byte(byte: int, built: Any) -> int:
    return int(built.l3) + byte


def _both(stack: Stack, rng: Random) -> bytes:
    built = stack.build(rng, payload(0, 33))
    frame = bytearray(built.frame)
    frame[built.l3 + 10] ^= rng.randrange(1, 256)
    frame[built.place.offset] ^= rng.randrange(1, 256)
    return bytes(frame)


def _options() -> Iterator[Row]:
    for words in range(1, 11):
        for tcp in (False, True):
            stack = Stack(tcp=tcp, options=words)
            yield "csum.rx.options", f"{stack.name}.good", partial(_good, stack, 19 + words, 0), ""
            flip = partial(_flipped, stack, partial(_sum_byte, words % 2), 0x20, 19 + words)
            yield "csum.rx.options-bad", f"{stack.name}.bad", flip, ""
            flip = partial(_flipped, stack, partial(_l3_byte, 21), 0x08, 19 + words)
            yield "csum.rx.ip4-bad", f"{stack.name}.option-changed", flip, ""
        for ipv6 in (False, True):
            stack = Stack(ipv6, True, tcp_options=words)
            yield "csum.rx.tcp-options", f"{stack.name}.good", partial(_good, stack, words, 0), ""


def _chains() -> Iterator[Row]:
    for letters in ("h", "d", "r", "hd", "hr", "rd", "hrd", "hdrd"):
        for tcp in (False, True):
            stack = Stack(True, tcp, chain=letters)
            yield "csum.rx.chain", f"{stack.name}.good", partial(_good, stack, 25, 0), ""
            yield "csum.rx.chain-bad", f"{stack.name}.bad", partial(
                _flipped, stack, partial(_sum_byte, 0), 0x02, 25
            ), ""  # fmt: skip
    for units in range(1, 13):
        for tcp in (False, True):
            stack = Stack(True, tcp, units)
            rule = "csum.rx.chain" if units <= 8 else "csum.rx.chain-long"
            yield rule, f"{stack.name}.good", partial(_good, stack, 22, 0), ""
            rule = "csum.rx.chain-bad" if units <= 8 else "csum.rx.chain-long"
            yield rule, f"{stack.name}.bad", partial(_flipped, stack, partial(_sum_byte, 1), 0x04, 22), ""


def _fragments() -> Iterator[Row]:
    for tcp in (False, True):
        protocol = "tcp" if tcp else "udp"
        for number in range(4):
            yield "csum.rx.fragment-first", f"{protocol}4.fragment-first.{number}", partial(_fragment, tcp, "MF", 0), ""
        for offset in FRAGMENT_OFFSETS:
            for flags in ("0", "MF"):
                name = f"{protocol}4.fragment-at-{offset}.{'last' if flags == '0' else 'more'}"
                make = partial(_fragment, tcp, 0 if flags == "0" else flags, offset)
                yield "csum.rx.fragment-later", name, make, ""
            yield "csum.rx.fragment-ip4", f"{protocol}4.fragment-at-{offset}.bad-header", partial(
                _bad_fragment, tcp, offset
            ), ""  # fmt: skip
        for offset, more in ((0, 0), (0, 1), (1, 0), (16, 1), (185, 0), (4096, 0)):
            yield "csum.rx.fragment6", f"{protocol}6.fragment-at-{offset}.more-{more}", partial(
                _fragment6, tcp, offset, more
            ), ""  # fmt: skip


def _fragment(tcp: bool, flags: Any, offset: int, rng: Random) -> bytes:
    """Behind its header stands what looks like TCP or UDP, with a sum that is right or not."""
    build = Build(rng)
    packet = build.ip4(flags=flags, frag=offset) / build.l4(6 if tcp else 17, rng.randrange(20, 60))
    return _padded(rng, link(IPV4, bytes(packet)))


def _bad_fragment(tcp: bool, offset: int, rng: Random) -> bytes:
    frame = bytearray(_fragment(tcp, "MF", offset, rng))
    frame[24 + rng.randrange(2)] ^= 1 << rng.randrange(8)
    return bytes(frame)


def _fragment6(tcp: bool, offset: int, more: int, rng: Random) -> bytes:
    build = Build(rng)
    header = build.inet6.IPv6ExtHdrFragment(offset=offset, m=more, id=rng.randrange(1 << 32))
    return _padded(rng, link(IPV6, bytes(build.ip6() / header / build.l4(6 if tcp else 17, 40))))


def _zeros() -> Iterator[Row]:
    for ipv6 in (False, True):
        for size in (0, 1, 2, 10, 17, 18, 33, 64):
            stack = Stack(ipv6)
            yield f"csum.rx.{stack.base}-no-sum", f"{stack.name}.no-sum.data-{size}", partial(_no_sum, stack, size), ""
    for stack in (*PLAIN, Stack(options=3), Stack(tcp=True, options=3), Stack(True, tagged=True)):
        for number in range(3):
            yield "csum.rx.zero", f"{stack.name}.zero-sum.{number}", partial(_zero, stack), ""
        for byte in (0, 0xFF):
            for size in (1, 2, 63, 64, 1400):
                yield "csum.rx.ones", f"{stack.name}.nothing-but-{byte:02x}.data-{size}", partial(
                    _same, stack, bytes([byte]) * size
                ), ""  # fmt: skip


def _no_sum(stack: Stack, size: int, rng: Random) -> bytes:
    built = stack.build(rng, payload(1, size))
    at = built.place.offset
    return _padded(rng, built.frame[:at] + b"\0\0" + built.frame[at + 2 :])


def _zero(stack: Stack, rng: Random) -> bytes:
    return stack.zero(rng).frame


def _same(stack: Stack, data: bytes, rng: Random) -> bytes:
    return _padded(rng, stack.build(rng, data).frame)


def _others() -> Iterator[Row]:
    for protocol in PROTOCOLS:
        for size in (8, 20, 47):
            yield "csum.rx.other4", f"protocol-{protocol}.data-{size}", partial(_protocol, protocol, size), ""
    for protocol in PROTOCOLS6:
        for size in (8, 20, 47):
            yield "csum.rx.other6", f"next-header-{protocol}.data-{size}", partial(_protocol6, protocol, size), ""
    for ether in ETHERS:
        for size in (28, 46, 90):
            yield "csum.rx.not-ip", f"type-{ether:04x}.data-{size}", partial(_not_ip, ether, size), ""
    for outer in (4, 6):
        for inner in (4, 6):
            for tcp in (False, True):
                name = f"ip{outer}.ip{inner}.{'tcp' if tcp else 'udp'}"
                yield "csum.rx.inside", name, partial(_inside, outer, inner, tcp), ""


def _protocol(protocol: int, size: int, rng: Random) -> bytes:
    """Data that is TCP by its bytes."""
    build = Build(rng)
    return _padded(rng, link(IPV4, bytes(build.ip4(proto=protocol) / build.raw(bytes(build.l4(6, 30))[:size]))))


def _protocol6(protocol: int, size: int, rng: Random) -> bytes:
    build = Build(rng)
    return _padded(rng, link(IPV6, bytes(build.ip6(nh=protocol) / build.raw(bytes(build.l4(6, 30))[:size]))))


def _not_ip(ether: int, size: int, rng: Random) -> bytes:
    """Data that is a whole IPv4 packet by its bytes."""
    build = Build(rng)
    return _padded(rng, link(ether, bytes(build.ip4() / build.l4(6, 60))[:size]))


def _inside(outer: int, inner: int, tcp: bool, rng: Random) -> bytes:
    build = Build(rng)
    packet = (build.ip4() if inner == 4 else build.ip6()) / build.l4(6 if tcp else 17, 33)
    number = 4 if inner == 4 else 41
    head = build.ip4(proto=number) if outer == 4 else build.ip6(nh=number)
    return link(IPV4 if outer == 4 else IPV6, bytes(head / packet))
