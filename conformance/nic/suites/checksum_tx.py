"""Suite `checksum`, sending: what a card puts into the sums that it is asked for, and that it leaves all else alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

from ringbed.conformance.frames.made import IPV4, Build
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.nic.agree import agreed
from ringbed.conformance.nic.case import Case, Plan
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.stack import PLAIN, Built, Stack
from ringbed.conformance.nic.target import Offer, Setup
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.checksum import pseudo_sum, raw_sum, with_seed
from ringbed.conformance.references.rfc import crc32c, filled
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "cases"]

RULES = rules(
    ("csum.tx.tcp4", "The sum of TCP over IPv4 covers the pseudo-header, the header and all data", "RFC 9293 3.1"),
    ("csum.tx.tcp6", "The sum of TCP over IPv6 covers IPv6's pseudo-header", "RFC 8200 8.1"),
    ("csum.tx.udp4", "The sum of UDP over IPv4 covers the pseudo-header, the header and all data", "RFC 768"),
    ("csum.tx.udp6", "The sum of UDP over IPv6 covers IPv6's pseudo-header", "RFC 8200 8.1"),
    ("csum.tx.ip4", "The IPv4 header's sum covers the header alone", "RFC 791 3.1"),
    ("csum.tx.ip4-options", "The IPv4 header's sum covers its options", "erratum tx-ipcsum-wrong-with-ip-options"),
    ("csum.tx.ip4-only", "With the header's sum asked for alone, TCP's or UDP's stays as it is", "M 3.3.5"),
    ("csum.tx.l4-only", "With TCP's or UDP's sum asked for alone, the header's stays as it is", "M 3.3.5"),
    ("csum.tx.ip4-fragment", "The header's sum of a fragment of a few bytes is right, its data unchanged",
     "erratum tx-ipcsum-botched-tiny-fragment"),
    ("csum.tx.ip4-other", "With the header's sum asked for, data that are neither TCP nor UDP stay as they are",
     "erratum tx-ospf-corrupted-by-csum-engine"),
    ("csum.tx.ip4-zero", "A header's sum that comes out as 0 is 0x0000", "RFC 1071 1"),
    ("csum.tx.udp4-zero", "UDP's sum that comes out as 0 leaves as 0xFFFF", "RFC 768"),
    ("csum.tx.udp6-zero", "UDP's sum over IPv6 that comes out as 0 leaves as 0xFFFF", "RFC 8200 8.1"),
    ("csum.tx.tcp4-zero", "TCP's sum that comes out as 0 stays 0x0000", "erratum tx-tcp-zero-replaced-by-ffff"),
    ("csum.tx.tcp6-zero", "TCP's sum over IPv6 that comes out as 0 stays 0x0000",
     "erratum tx-tcp-zero-replaced-by-ffff"),
    ("csum.tx.carry", "A carry that the fold of a carry makes is added too", "RFC 1071 2"),
    ("csum.tx.ones", "Data of nothing but 0xFF adds to the sum what 0x00 does", "RFC 1071 1"),
    ("csum.tx.zeros", "Data of nothing but 0x00 adds nothing to the sum", "RFC 1071 1"),
    ("csum.tx.odd", "The last byte of an odd number of bytes is the high half of a word", "RFC 1071 4.1"),
    ("csum.tx.seed-0", "A field that held 0x0000 adds nothing", "M 3.5"),
    ("csum.tx.seed-ffff", "A field that held 0xFFFF adds nothing", "RFC 1071 1"),
    ("csum.tx.seed", "Whatever the field held is part of the sum", "M 3.5"),
    ("csum.tx.short", "The sum of a frame below 60 bytes does not depend on the pad that the card adds",
     "erratum tx-hw-padding-included-in-csum"),
    ("csum.tx.tiny-udp", "Datagrams of 0 to 4 bytes get the same sum as others",
     "erratum tx-seed-not-ignored-tiny-udp"),
    ("csum.tx.last-bytes", "A sum whose field is among the frame's last bytes is right",
     "erratum tx-csum-field-in-last-4-bytes"),
    ("csum.tx.tcp-options", "TCP's sum covers its options", "erratum tx-tcp-l4len-must-cover-options"),
    ("csum.tx.chain", "Behind extension headers the sum has the pseudo-header of the last next header",
     "RFC 8200 8.1"),
    ("csum.tx.offset", "A sum deep in the frame is right, up to the last byte that its offset can name",
     "erratum tx-transport-offset-field-too-small"),
    ("csum.tx.offset-beyond", "A sum beyond byte 255 is right", "erratum tx-transport-offset-field-too-small"),
    ("csum.tx.vlan", "A tag in the frame changes no sum", "erratum tx-csum-vlan-in-payload"),
    ("csum.tx.port", "UDP to the port of a tunnel is summed as any other",
     "erratum tx-special-udp-port-treated-as-tunnel"),
    ("csum.tx.long", "The sums of a frame as long as the card sends are right", "erratum tx-csum-large-frame-delay"),
    ("csum.tx.behind", "Sums are made by this frame's offsets, not by those of the frame before",
     "erratum tso-stale-offsets-mdd"),
    ("csum.tx.sctp", "SCTP's sum is a CRC32c", "RFC 9260 6.8"),
    ("csum.tx.inner", "The sums of a packet in a tunnel are made where its offsets say, and nothing outside is touched",
     "erratum tx-tunnel-offsets-ignore-outer-headers"),
)  # fmt: skip
PORTS = (53, 319, 320, 500, 2152, 4500, 4754, 4789, 4790, 6081, 8472)
PROTOCOLS = (1, 2, 47, 50, 88, 89, 103, 112, 132, 136)
LIMIT = 128
OPTIONED = (Stack(options=4), Stack(tcp=True, options=4), Stack(True, options=3), Stack(True, True, options=3))
TAGGED = tuple(Stack(each.ipv6, each.tcp, tagged=True) for each in PLAIN)


def cases() -> Iterator[Case]:
    """In the order of the rules."""
    yield from _lengths()
    yield from _headers()
    yield from _zeros()
    yield from _values()
    yield from _seeds()
    yield from _short()
    yield from _deep()
    yield from _others()


def _case(
    rule: str, stack: Stack, name: str, size: int, *, setup: Setup | None = None, needs: tuple[str, ...] = (),
    sweep: str = "",
) -> Case:  # fmt: skip
    """A frame of `stack` with `size` bytes of data."""
    make = partial(_summed, stack, size)
    return Case(f"csum.tx.{stack.name}.{name}", RULES[rule], make, setup or Setup(), (*stack.needs, *needs), sweep)


def _summed(stack: Stack, size: int, rng: Random) -> Plan:
    return whole(stack.build(rng, payload(rng.randrange(3), size)))


def whole(built: Built, seed: int | None = None) -> Plan:
    """Asks for all sums of one frame."""
    return Plan((built.offered(seed),), ((built.must_leave(built.stack.name, seed),),))


def _lengths() -> Iterator[Case]:
    """Every length from the headers on, for the four plain stacks; around the borders for tagged ones and options."""
    for stack in PLAIN:
        for length in range(stack.headers, LIMIT + 1):
            yield _case(f"csum.tx.{stack.base}", stack, f"len-{length}", length - stack.headers, sweep="tx lengths")
        for length in (255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1513, 1514):
            yield _case(f"csum.tx.{stack.base}", stack, f"len-{length}", length - stack.headers)
    for stack in TAGGED:
        for size in (0, 1, 2, 3, 5, 6, 7, 8, 9, 17, 18, 31, 32, 33, 45, 46):
            yield _case("csum.tx.vlan", stack, f"data-{size}", size)
    for stack in PLAIN:
        for size in (1, 3, 5, 7, 9, 63, 65, 127, 129, 1001):
            yield _case("csum.tx.odd", stack, f"odd-{size}", size)


def _headers() -> Iterator[Case]:
    for words in range(1, 11):
        for tcp in (False, True):
            stack = Stack(tcp=tcp, options=words)
            yield _case("csum.tx.ip4-options", stack, "whole", 21 + words)
            yield Case(f"csum.tx.{stack.name}.ip-only", RULES["csum.tx.ip4"],
                       partial(_ip_only, stack, 30 + words), needs=("tx.ipv4",))  # fmt: skip
    for words in range(1, 11):
        for ipv6 in (False, True):
            yield _case("csum.tx.tcp-options", Stack(ipv6, True, tcp_options=words), "whole", 10 + words)
    for tcp in (False, True):
        stack = Stack(tcp=tcp)
        for size in (0, 1, 2, 3, 20, 21, 100):
            name = f"csum.tx.{stack.name}"
            yield Case(f"{name}.ip-only-{size}", RULES["csum.tx.ip4-only"], partial(_ip_only, stack, size),
                       needs=("tx.ipv4",))  # fmt: skip
            yield Case(f"{name}.l4-only-{size}", RULES["csum.tx.l4-only"], partial(_l4_only, stack, size),
                       needs=("tx.l4.ipv4",))  # fmt: skip
    for size in range(1, 13):
        for offset in (0, 185):
            yield Case(f"csum.tx.fragment.offset-{offset}.data-{size}", RULES["csum.tx.ip4-fragment"],
                       partial(_fragment, size, offset), needs=("tx.ipv4",))  # fmt: skip


def _ip_only(stack: Stack, size: int, rng: Random) -> Plan:
    built = stack.build(rng, payload(0, size))
    return Plan((built.offered(l4=False),), ((_ip_filled(built.frame, built.l3, built.l4),),))


def _l4_only(stack: Stack, size: int, rng: Random) -> Plan:
    built = stack.build(rng, payload(0, size))
    return Plan((built.offered(ipv4=False),), ((built.must_leave(stack.name),),))


def _fragment(size: int, offset: int, rng: Random) -> Plan:
    """No TCP or UDP is in it: protocol and data are anything."""
    build = Build(rng)
    fields = {"flags": "MF" if not offset else rng.choice((0, "MF")), "frag": offset, "proto": 17}
    frame = link(IPV4, bytes(build.ip4(**fields) / build.raw(payload(1, size))))
    asked = frame[:24] + b"\0\0" + frame[26:]
    return Plan((Offer((asked,), 14, 34, ipv4=True),), ((_ip_filled(frame, 14, 34),),))


def _ip_filled(frame: bytes, l3: int, l4: int) -> bytes:
    """scapy's `frame`, whose header's sum the RFCs say too."""
    bare = frame[: l3 + 10] + b"\0\0" + frame[l3 + 12 :]
    return agreed("the header's sum", frame, filled(bare, l3, l3 + 10, udp=False, end=l4))


def _zeros() -> Iterator[Case]:
    for stack in (*PLAIN, *TAGGED, *OPTIONED):
        for number in range(4):
            yield Case(f"csum.tx.{stack.name}.zero-sum.{number}", RULES[f"csum.tx.{stack.base}-zero"],
                       partial(_zero, stack), needs=stack.needs)  # fmt: skip
    for words in range(8):
        stack = Stack(options=words)
        yield Case(f"csum.tx.{stack.name}.ip-zero-sum", RULES["csum.tx.ip4-zero"], partial(_ip_zero, stack),
                   needs=stack.needs)  # fmt: skip


def _zero(stack: Stack, rng: Random) -> Plan:
    return whole(stack.zero(rng))


def _ip_zero(stack: Stack, rng: Random) -> Plan:
    """The identification is what makes the header's sum come out as 0."""
    state = rng.getstate()
    first = stack.build(rng, payload(2, 40), id=0)
    header = first.frame[first.l3 : first.l4]
    ident = 0xFFFF - raw_sum(header[:10] + b"\0\0" + header[12:], 0)
    rng.setstate(state)
    return whole(stack.build(rng, payload(2, 40), id=ident))


def _values() -> Iterator[Case]:
    for stack in (*PLAIN, *OPTIONED):
        for size, below in ((64, 0), (64, 1), (64, 2), (65, 0), (600, 0), (600, 3), (1400, 0), (1400, 1)):
            yield Case(f"csum.tx.{stack.name}.carry.data-{size}.below-{below}", RULES["csum.tx.carry"],
                       partial(_carry, stack, size, below), needs=stack.needs)  # fmt: skip
        for byte, rule in ((0xFF, "csum.tx.ones"), (0, "csum.tx.zeros")):
            for size in (1, 2, 7, 64, 255, 1400):
                yield Case(f"csum.tx.{stack.name}.nothing-but-{byte:02x}.data-{size}", RULES[rule],
                           partial(_same, stack, bytes([byte]) * size), needs=stack.needs)  # fmt: skip


def _same(stack: Stack, data: bytes, rng: Random) -> Plan:
    return whole(stack.build(rng, data))


def _carry(stack: Stack, size: int, below: int, rng: Random) -> Plan:
    """The plain sum, not folded, has 0xFFFF - `below` in its low half, so that adding its carries carries again."""
    state = rng.getstate()
    given = stack.build(rng, bytes(2) + payload(0, size - 2))
    data = given.given()[given.l4 :] + bytes(size % 2)
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    rng.setstate(state)
    word = (0xFFFF - below - total) % 65536
    return whole(stack.build(rng, word.to_bytes(2, "big") + payload(0, size - 2)))


def _seeds() -> Iterator[Case]:
    values = (("0000", 0, "csum.tx.seed-0"), ("ffff", 0xFFFF, "csum.tx.seed-ffff"), ("any", None, "csum.tx.seed"))
    for stack in (*PLAIN, *TAGGED):
        for name, value, rule in values:
            for size in (0, 1, 33, 200):
                yield Case(f"csum.tx.{stack.name}.seed-{name}.data-{size}", RULES[rule],
                           partial(_seeded, stack, size, value), needs=stack.needs)  # fmt: skip


def _seeded(stack: Stack, size: int, seed: int | None, rng: Random) -> Plan:
    value = rng.randrange(1, 0xFFFF) if seed is None else seed
    return whole(stack.build(rng, payload(1, size)), value)


def _short() -> Iterator[Case]:
    for stack in (Stack(), Stack(tcp=True)):
        for length in range(stack.headers, 61):
            yield _case("csum.tx.short", stack, f"short-{length}", length - stack.headers)
    for stack in (Stack(), Stack(True), *OPTIONED[::2], *TAGGED[:2]):
        for size in range(5):
            yield _case("csum.tx.tiny-udp", stack, f"tiny-{size}", size)
    for stack in (*PLAIN, *OPTIONED):
        for size in range(3):
            yield _case("csum.tx.last-bytes", stack, f"last-{size}", size)


def _deep() -> Iterator[Case]:
    """The field of the sum as far in as its offset goes, and on both sides of powers of two."""
    for letters in ("h", "d", "r", "hd", "hr", "rd", "hrd", "hdrd"):
        for tcp in (False, True):
            yield _case("csum.tx.chain", Stack(True, tcp, chain=letters), "whole", 20 + len(letters))
            yield _case("csum.tx.chain", Stack(True, tcp, chain=letters, tagged=True), "whole", 21 + len(letters))
    for tcp in (False, True):
        for units in range(4, 29):
            stack = Stack(True, tcp, units)
            at = stack.headers - stack.l4_size + (16 if tcp else 6)
            beyond = at > 255
            yield _case("csum.tx.offset-beyond" if beyond else "csum.tx.offset", stack, f"at-{at}", 40,
                        needs=("tx.offset.any" if beyond else "tx.offset.255",))  # fmt: skip


def _others() -> Iterator[Case]:
    for port in PORTS:
        for ipv6 in (False, True):
            for size in (0, 8, 57):
                stack = Stack(ipv6)
                yield Case(f"csum.tx.{stack.name}.port-{port}.data-{size}", RULES["csum.tx.port"],
                           partial(_to_port, stack, port, size), needs=stack.needs)  # fmt: skip
    for stack in PLAIN:
        for length in (2500, 2501, 4096, 8170, 8171, 9014):
            yield _case("csum.tx.long", stack, f"long-{length}", length - stack.headers, setup=Setup(mtu=9000))
    for protocol in PROTOCOLS:
        for stack in PLAIN:
            yield Case(f"csum.tx.protocol-{protocol}.behind.{stack.name}", RULES["csum.tx.ip4-other"],
                       partial(_other, protocol, stack), needs=("tx.ipv4", *stack.needs))  # fmt: skip
    stacks = (*PLAIN, TAGGED[0], OPTIONED[1], OPTIONED[2], Stack(True, True, tcp_options=3))
    for one in stacks:
        for other in stacks:
            yield Case(f"csum.tx.{other.name}.behind.{one.name}", RULES["csum.tx.behind"],
                       partial(_behind, one, other), needs=(*one.needs, *other.needs))  # fmt: skip
    for size in (1, 2, 3, 4, 40, 64):
        yield Case(f"csum.tx.sctp.data-{size}", RULES["csum.tx.sctp"], partial(_sctp, size), needs=("tx.sctp",))
    for inner in PLAIN:
        for size in (0, 1, 33, 46):
            yield Case(f"csum.tx.inner.{inner.name}.data-{size}", RULES["csum.tx.inner"], partial(_inner, inner, size),
                       needs=(*inner.needs, "tx.offset.255"))  # fmt: skip


def _other(protocol: int, stack: Stack, rng: Random) -> Plan:
    """Behind a frame with sums of its own, two that ask for their header's alone."""
    before = whole(stack.build(rng, payload(0, 60)))
    frames = [link(IPV4, bytes(Build(rng).ip4(proto=protocol) / Build(rng).raw(payload(1, n)))) for n in (46, 101)]
    offers = [Offer((frame[:24] + b"\0\0" + frame[26:],), ipv4=True) for frame in frames]
    return Plan((*before.offers, *offers), (*before.leaves, *((_ip_filled(frame, 14, 34),) for frame in frames)))


def _to_port(stack: Stack, port: int, size: int, rng: Random) -> Plan:
    built = stack.build(rng, payload(2, size))
    at = built.l4 + 2
    moved = built.frame[:at] + port.to_bytes(2, "big") + built.frame[at + 2 :]
    seeded = with_seed(moved, built.place, pseudo_sum(moved, dissect(moved)))
    value = 0xFFFF ^ raw_sum(seeded[built.l4 :], 0) or 0xFFFF
    return whole(Built(with_seed(moved, built.place, value), built.l3, built.l4, stack))


def _behind(one: Stack, other: Stack, rng: Random) -> Plan:
    plans = [whole(stack.build(rng, payload(0, 40 + n))) for n, stack in enumerate((one, other))]
    return Plan([p.offers[0] for p in plans], [p.leaves[0] for p in plans])


def _sctp(size: int, rng: Random) -> Plan:
    """A DATA chunk whose CRC32c the card shall make; scapy's, and the RFC's bit by bit."""
    from scapy.layers import sctp

    layers: Any = sctp
    build = Build(rng)
    packet = layers.SCTP(sport=7, dport=9, tag=rng.randrange(1 << 32)) / layers.SCTPChunkData(data=payload(1, size))
    frame = link(IPV4, bytes(build.ip4(proto=132) / packet))
    asked = frame[:42] + bytes(4) + frame[46:]
    right = agreed("SCTP's sum", frame, asked[:42] + crc32c(asked[34:]) + asked[46:])
    return Plan((Offer((asked,), l4="sctp"),), ((right,),))


def _inner(stack: Stack, size: int, rng: Random) -> Plan:
    """VXLAN with an outer sum of 0: the card makes the inner sums, and touches nothing outside."""
    built = stack.build(rng, payload(1, size))
    outer = Build(rng).ip4(proto=17)
    udp = Build(rng).inet.UDP(sport=rng.randrange(49152, 65536), dport=4789, chksum=0)
    vxlan = b"\x08\0\0\0" + rng.randbytes(3) + b"\0"
    head = link(IPV4, bytes(outer / udp / (vxlan + built.frame)))[: -len(built.frame)]
    whole_, at = head + built.given(), len(head)
    right = head + built.must_leave("the inner packet")
    offer = Offer((whole_,), at + built.l3, at + built.l4, not stack.ipv6, stack.protocol, stack.ipv6)
    return Plan((offer,), ((right,),))
